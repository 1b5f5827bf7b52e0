//! What may wait for one game, and for one socket, while the store does not answer.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zeitnot::limits::{CHAT_LINES, CHAT_RATE, COMMAND_QUEUE, MAX_ASIDE, MAX_PENDING, ROOM_MAILBOX};
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::Deployment;

use super::binary;
use crate::support::client::Client;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

fn over_redis(nodes: usize) -> Deployment {
    Deployment::over_redis(binary(), nodes).unwrap()
}

fn play(game: GameId, uci: &str, ply: usize) -> Value {
    json!({"t": "move", "game": game, "uci": uci, "ply": ply})
}

/// The next so many refusals, all for the same reason; to which messages they answer.
async fn refused(client: &mut Client, count: usize) -> BTreeSet<i64> {
    let mut refused = BTreeSet::new();
    while refused.len() < count {
        let error = client.next_of("error").await;
        assert_eq!(error["code"], "rate_limited", "{error}");
        assert_eq!(error["retry_after_ms"], 500, "{error}");
        assert!(refused.insert(error["re"].as_i64().unwrap()), "{error}");
    }
    refused
}

#[tokio::test]
async fn commands_that_do_not_fit_are_refused_and_the_others_are_written_once() {
    const TOO_MANY: usize = 3;
    let deployment = over_redis(1);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down(
        [&entrance; 3],
        &json!({"clock.limit": 180, "clock.increment": 0}),
    )
    .await;
    let game = table.game;
    // Once both have moved nobody looks at the game but its players.
    for (ply, uci) in ["e2e4", "e7e5"].into_iter().enumerate() {
        assert_eq!(table.seats[ply].play(game, uci, ply).await["t"], "ok");
    }
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    let [white, black] = &mut table.seats;
    let mut sent = BTreeSet::from([white.send(play(game, "g1f3", 2)).await]);
    for _ in 0..COMMAND_QUEUE + TOO_MANY {
        sent.insert(white.send(json!({"t": "give_time", "game": game})).await);
    }
    let refused = refused(white, TOO_MANY).await;
    let resigned = black.ask(json!({"t": "resign", "game": game})).await;
    assert_eq!(resigned["code"], "rate_limited");
    redis.resume().unwrap();

    let mut written = Vec::new();
    for &id in sent.difference(&refused) {
        let answer = white.answer_to(id).await;
        assert_eq!(answer["t"], "ok", "{answer}");
        written.push(answer["v"].as_u64().unwrap());
    }
    written.sort_unstable();
    assert_eq!(written, Vec::from_iter(4..=12));
    white.assert_answered_once().await;
    assert_eq!(black.play(game, "b8c6", 3).await["v"], 13);
    for version in 2..=13 {
        let frame = table.spectator.next().await;
        let frame = match frame["t"].as_str() {
            Some("status") => table.spectator.next_of("move").await,
            _ => frame,
        };
        assert_eq!(frame["v"], version, "{frame}");
    }
}

#[tokio::test]
async fn a_socket_with_many_open_questions_is_not_read_until_one_is_answered() {
    const GAMES: usize = 4;
    let deployment = over_redis(1);
    let entrance = Entrance::of(deployment.node(0));
    let guests = [entrance.guest("Anna").await, entrance.guest("Bo").await];
    let mut white = entrance.connect(Some(&guests[0])).await;
    let mut games = Vec::new();
    for _ in 0..GAMES {
        let game = entrance.begin_game_of(&guests).await;
        white.watch(game).await;
        games.push(game);
    }
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    // As many as a room takes, in as many rooms as that takes; each is the same move again.
    let mut sent = BTreeSet::new();
    for game in &games {
        for _ in 0..MAX_PENDING / GAMES {
            sent.insert(white.send(play(*game, "e2e4", 0)).await);
        }
    }
    assert_eq!(sent.len(), MAX_PENDING);
    let ping = white.send(json!({"t": "ping"})).await;
    redis.resume().unwrap();

    let mut is_first = true;
    sent.insert(ping);
    while !sent.is_empty() {
        let frame = white.next().await;
        let Some(re) = frame["re"].as_i64() else {
            continue;
        };
        assert!(sent.remove(&re), "answered once: {frame}");
        if re == ping {
            assert!(!is_first, "a ping behind the others was read");
        } else {
            assert_eq!((&frame["t"], &frame["v"]), (&json!("ok"), &json!(2)));
        }
        is_first = false;
    }
    white.assert_answered_once().await;
    let mut black = entrance.connect(Some(&guests[1])).await;
    for game in games {
        assert_eq!(black.play(game, "e7e5", 1).await["v"], 3);
    }
}

#[tokio::test]
async fn looks_and_talk_that_do_not_fit_are_refused_and_commands_are_not() {
    let a_socket = usize::from(CHAT_RATE.messages);
    let deployment = over_redis(1);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let game = table.game;
    let fan = entrance.guest("Fan").await;
    let mut fans = Vec::new();
    for _ in 0..MAX_ASIDE.div_ceil(a_socket) {
        fans.push(entrance.connect(Some(&fan)).await);
    }
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    let say = json!({"t": "say", "game": game, "room": "spectators", "text": "a line"});
    let mut sent = Vec::new();
    for line in 0..MAX_ASIDE {
        let fan = line / a_socket;
        sent.push((fan, fans[fan].send(say.clone()).await));
    }
    // From here on each socket's questions come after those that it asked before.
    for fan in &mut fans {
        fan.ask(json!({"t": "ping"})).await;
    }
    let path = format!("/api/games/{game}");
    let nothing = (&Value::Null, None);
    let mut last = fans.pop().unwrap();
    let one_more = last.send(say).await;
    assert_eq!(refused(&mut last, 1).await, BTreeSet::from([one_more]));
    fans.push(last);
    let (status, looked) = entrance.request(Method::GET, &path, nothing).await;
    assert_eq!(
        (status, &looked["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited"))
    );
    // Who has seen more than the node does has it look.
    let ahead = json!({"t": "watch", "game": game, "v": 2});
    assert_eq!(table.spectator.ask(ahead).await["code"], "rate_limited");
    let moved = table.seats[0].send(play(game, "e2e4", 0)).await;
    redis.resume().unwrap();

    assert_eq!(table.seats[0].answer_to(moved).await["v"], 2);
    for (fan, id) in sent {
        assert_eq!(fans[fan].answer_to(id).await["t"], "ok");
    }
    for fan in &mut fans {
        fan.assert_answered_once().await;
    }
    assert_eq!(table.spectator.watch(game).await["moves"], "e2e4");
    // A line is heard by way of the store, when it has been acknowledged already.
    let lines = async || {
        let snapshot = entrance.connect(None).await.watch(game).await;
        snapshot["chat"].as_array().unwrap().len()
    };
    while lines().await < CHAT_LINES {}
    let (status, _) = entrance.request(Method::GET, &path, nothing).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_room_that_opens_keeps_no_more_than_its_mailbox_and_answers_all() {
    let a_socket = MAX_PENDING - 1;
    let deployment = over_redis(2);
    let [here, there] = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let table = Table::sit_down([&here; 3], &json!({})).await;
    let game = table.game;
    let mut crowd = Vec::new();
    for _ in 0..=ROOM_MAILBOX / a_socket {
        crowd.push(there.connect(None).await);
    }
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    let mut sent = Vec::new();
    for (place, client) in crowd.iter_mut().enumerate() {
        for _ in 0..a_socket {
            let watch = json!({"t": "watch", "game": game});
            sent.push((place, client.send(watch).await));
        }
        client.ask(json!({"t": "ping"})).await;
    }
    assert!(sent.len() > ROOM_MAILBOX);
    redis.resume().unwrap();
    for (place, id) in sent {
        let answer = crowd[place].answer_to(id).await;
        let is_good = answer["t"] == "game" || answer["code"] == "unavailable";
        assert!(is_good, "{answer}");
    }
    let [mut white, _] = table.seats;
    assert_eq!(white.play(game, "e2e4", 0).await["v"], 2);
    for client in &mut crowd {
        client.assert_answered_once().await;
        assert_eq!(client.watch(game).await["moves"], "e2e4");
    }
}

#[tokio::test]
async fn a_store_that_stays_silent_is_told_of_and_the_same_again_is_done_once() {
    let deployment = over_redis(1);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    let [white, black] = &mut table.seats;
    let moved = white.send(play(table.game, "e2e4", 0)).await;
    let terms = json!({});
    let (status, refused) = entrance
        .request(Method::POST, "/api/challenge/open", (&terms, None))
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    let given_up = white.answer_to(moved).await;
    assert_eq!(given_up["code"], "unavailable", "{given_up}");
    redis.resume().unwrap();
    // Some time into the silence players are sent to look for another node.
    *white = entrance.connect(Some(&table.guests[0])).await;
    *black = entrance.connect(Some(&table.guests[1])).await;
    loop {
        let again = white.play(table.game, "e2e4", 0).await;
        if again["t"] == "ok" {
            assert_eq!(again["v"], 2);
            break;
        }
        assert_eq!(again["code"], "unavailable", "{again}");
    }
    assert_eq!(black.play(table.game, "e7e5", 1).await["v"], 3);
}
