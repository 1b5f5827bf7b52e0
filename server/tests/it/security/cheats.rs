//! Players who cheat by the protocol: frames of others said again, and lies about time.

use serde_json::{Value, json};
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Settings};

use super::binary;
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::socket::{Heard, RawClient, as_bearer};
use crate::support::table::Table;

/// Says a frame word for word, and returns its answer.
async fn replay(socket: &mut RawClient, text: &str) -> Value {
    socket.send_text(text).await.unwrap();
    let id = serde_json::from_str::<Value>(text).unwrap()["id"].clone();
    loop {
        match socket.next().await {
            Heard::Frame(frame) if frame["re"] == id => return frame,
            Heard::Frame(_) | Heard::Ping => {}
            ended => panic!("{ended:?}"),
        }
    }
}

#[tokio::test]
async fn a_frame_that_was_overheard_is_of_no_use_on_another_socket() {
    let settings = Settings::new(binary()).nodes(2).over(RedisKind::Single);
    let deployment = settings.start().unwrap();
    let [here, there] = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let mut table = Table::sit_down([&here, &there, &here], &json!({})).await;
    let game = table.game;
    let address = deployment.node(1).address();
    let first = json!({"t": "move", "id": 90, "game": game, "uci": "e2e4", "ply": 0}).to_string();
    let resign = json!({"t": "resign", "id": 91, "game": game, "v": 2}).to_string();
    let stranger = here.guest("Eve").await.token;
    let mut sockets = Vec::new();
    for headers in [
        String::new(),
        as_bearer(&stranger),
        as_bearer(&table.guests[1].token),
    ] {
        let (socket, _) = RawClient::open(address, &headers).await.unwrap();
        sockets.push(socket);
    }
    let codes = ["unauthorized", "forbidden", "not_your_turn"];
    let unplayed = log::lines(&deployment, game);
    for (socket, code) in sockets.iter_mut().zip(codes) {
        let answer = replay(socket, &first).await;
        assert_eq!(answer["code"], code, "before it was played: {answer}");
    }
    assert_eq!(log::lines(&deployment, game), unplayed);
    assert_eq!(table.seats[0].play(game, "e2e4", 0).await["v"], 2);
    let before = log::lines(&deployment, game);
    // Black may resign, but not by White's frame for White: so only the two who have no seat try that.
    for (socket, code) in sockets.iter_mut().take(2).zip(codes) {
        assert_eq!(replay(socket, &resign).await["code"], code);
    }
    for socket in &mut sockets {
        let answer = replay(socket, &first).await;
        assert_eq!(answer["t"], "error", "{answer}");
    }
    // On White's own other socket it is the same move again, however often.
    let mine = as_bearer(&table.guests[0].token);
    let (mut own, _) = RawClient::open(address, &mine).await.unwrap();
    for _ in 0..3 {
        let answer = replay(&mut own, &first).await;
        assert_eq!((&answer["t"], &answer["v"]), (&json!("ok"), &json!(2)));
    }
    assert_eq!(log::lines(&deployment, game), before);
    // Once the position is there again the ply is another one.
    for (ply, uci) in ["g8f6", "g1f3", "f6g8", "f3g1"].iter().enumerate() {
        let ply = ply + 1;
        assert_eq!(table.seats[ply % 2].play(game, uci, ply).await["t"], "ok");
    }
    let late = json!({"t": "move", "id": 92, "game": game, "uci": "e7e5", "ply": 1}).to_string();
    let black = as_bearer(&table.guests[1].token);
    let (mut black, _) = RawClient::open(address, &black).await.unwrap();
    assert_eq!(replay(&mut black, &late).await["code"], "stale");
    assert_eq!(log::lines(&deployment, game).len(), 6);
}

#[tokio::test]
async fn a_client_that_lies_about_its_clock_gains_its_quota_and_no_more() {
    /// Of 60 + 0: `max_gain` = 4 × 60 + 150, three times that at first, and `max_gain` more at most with each move.
    const MAX_GAIN: i64 = 390;
    let deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let terms = json!({"clock.limit": 60, "clock.increment": 0});
    let mut table = Table::sit_down([&entrance; 3], &terms).await;
    let game = table.game;
    let moves = [
        "e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6", "b5a4", "g8f6",
    ];
    let (mut gained, mut whites) = (0, Vec::new());
    for (ply, uci) in moves.iter().enumerate() {
        if ply >= 2 && ply % 2 == 0 {
            spend(&mut table, 1_000).await;
        }
        // White says that every wait was the line's; Black that it thought longer than it had.
        let think = if ply % 2 == 0 {
            json!(0)
        } else {
            json!(u64::MAX >> 11)
        };
        let msg = json!({"t": "move", "game": game, "uci": uci, "ply": ply, "think": think});
        let answer = table.seats[ply % 2].ask(msg).await;
        assert_eq!(answer["t"], "ok", "{answer}");
        let frame = table.spectator.next_of("move").await;
        let lag = &frame["lag"];
        let compensated = lag["compensated"].as_i64().unwrap_or_default();
        let elapsed = lag["elapsed"].as_i64().unwrap_or_default();
        assert!(compensated <= elapsed, "{frame}");
        if ply % 2 == 0 {
            gained += compensated;
            whites.push(compensated);
            let moves = i64::try_from(whites.len()).unwrap();
            assert!(gained <= (3 + moves) * MAX_GAIN, "{whites:?}");
        } else {
            assert_eq!(compensated, 0, "{frame}");
            assert!(
                frame["clock"]["black"].as_i64().unwrap() <= 60_000,
                "{frame}"
            );
        }
    }
    println!("White claimed all of its time back, and got {whites:?} ms");
    assert!(whites.last() < Some(&1_000), "it is used up: {whites:?}");
    let mut other = table;
    for think in [json!(-1), json!(1.5), json!("0"), json!(1e300), json!([0])] {
        let msg = json!({"t": "move", "game": game, "uci": "e1g1", "ply": 8, "think": think});
        assert_eq!(other.seats[0].ask(msg).await["code"], "bad_request");
    }
    for (seat, field) in [(1, "white"), (0, "black")] {
        let msg = json!({"t": "move", "game": game, "uci": "e1g1", "ply": 8, "seat": field, "color": field});
        let answer = other.seats[seat].ask(msg).await;
        let expected = if seat == 1 { "error" } else { "ok" };
        assert_eq!(answer["t"], expected, "a seat is a token's: {answer}");
    }
}

/// Waits until so much more of White's time has passed.
async fn spend(table: &mut Table, ms: i64) {
    let game = table.game;
    let left = |frame: &Value| frame["clock"]["white"].as_i64().unwrap();
    let first = left(&table.spectator.watch(game).await);
    while first - left(&table.spectator.watch(game).await) < ms {
        // Looks are counted, too.
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
}
