//! A node that stands still and wakes up: what it was about to do, and what it believes, is from another time.

use serde_json::{Value, json};
use zeitnot_game::id::GameId;

use super::{begin, nodes};
use crate::support::client::Client;
use crate::support::entrance::{Entrance, Guest};
use crate::support::log;

/// A socket of who watches the game there.
async fn watch(entrance: &Entrance, game: GameId, guest: Option<&Guest>) -> Client {
    let mut client = entrance.connect(guest).await;
    client.watch(game).await;
    client
}

/// Moves, again where the store did not answer in time; the version that it got.
async fn play(client: &mut Client, game: GameId, (uci, ply): (&str, usize)) -> Value {
    loop {
        let answer = client.play(game, uci, ply).await;
        if answer["code"] != "unavailable" {
            assert_eq!(answer["t"], "ok", "{answer}");
            return answer["v"].clone();
        }
    }
}

/// Everything about the game that a socket is told up to a version, or until it is closed; the answer to what it had asked.
async fn hear(
    client: &mut Client,
    (asked, last): (Option<i64>, u64),
) -> (Vec<Value>, Option<Value>) {
    let (mut moves, mut answer) = (Vec::new(), None);
    let mut version = 0;
    while version < last || (asked.is_some() && answer.is_none()) {
        let Ok(frame) = client.try_receive().await else {
            break;
        };
        if asked.is_some_and(|asked| frame["re"] == asked) {
            answer = Some(frame);
        } else if let Some(v) = frame["v"].as_u64() {
            assert!(v > version, "{v} behind {version}: {frame}");
            version = v;
            if frame["t"] == "move" {
                moves.push(frame["uci"].clone());
            }
        }
    }
    (moves, answer)
}

#[tokio::test]
async fn a_node_that_wakes_up_writes_and_tells_nothing_of_another_time() {
    let deployment = nodes(2).start().unwrap();
    let doors = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let (game, guests) = begin(&doors[1], (600, 0)).await;
    let mut black = watch(&doors[1], game, Some(&guests[1])).await;
    let mut sleeper = watch(&doors[0], game, Some(&guests[0])).await;
    let mut spectator = watch(&doors[0], game, None).await;
    while black.next_of("presence").await["white"] != true {}

    deployment.node(0).pause().unwrap();
    // It waits in the sleeping node's hands, which has not read it.
    let sent = sleeper
        .send(json!({"t": "move", "game": game, "uci": "e2e4", "ply": 0}))
        .await;
    // The other nodes have given it up.
    while black.next_of("presence").await["white"] != false {}
    let mut white = watch(&doors[1], game, Some(&guests[0])).await;
    assert_eq!(play(&mut white, game, ("d2d4", 0)).await, 2);
    assert_eq!(play(&mut black, game, ("d7d5", 1)).await, 3);
    assert_eq!(play(&mut white, game, ("c2c4", 2)).await, 4);
    deployment.node(0).resume().unwrap();

    let (moves, answer) = hear(&mut sleeper, (Some(sent), 4)).await;
    println!("who had sent a move to it was told {moves:?} and {answer:?}");
    let played = [json!("d2d4"), json!("d7d5"), json!("c2c4")];
    assert!(played.starts_with(&moves), "{moves:?}");
    if let Some(answer) = answer {
        assert!(
            ["stale", "unavailable"].contains(&answer["code"].as_str().unwrap()),
            "{answer}"
        );
    }
    let (moves, _) = hear(&mut spectator, (None, 4)).await;
    assert!(played.starts_with(&moves), "{moves:?}");
    // It knows the game as it is, and takes the next move.
    let mut black = watch(&doors[0], game, Some(&guests[1])).await;
    assert_eq!(play(&mut black, game, ("e7e6", 3)).await, 5);
    let lines = log::lines(&deployment, game);
    let words: Vec<&str> = lines[1..].iter().map(|line| &line[..4]).collect();
    assert_eq!(words, ["d2d4", "d7d5", "c2c4", "e7e6"]);
}
