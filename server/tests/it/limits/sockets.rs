//! What one socket may send, and how many there may be.

use std::process::Command;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{assert_undisturbed, binary, start};
use crate::support::entrance::Entrance;
use crate::support::raw::exchange;
use crate::support::table::Table;

#[tokio::test]
async fn frames_that_are_too_large_or_no_text_end_their_socket_alone() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let cases = [
        (Message::binary(vec![1, 2, 3]), 1003),
        (Message::text("x".repeat(4097)), 1009),
    ];
    for (ply, ((message, code), uci)) in cases.into_iter().zip(["e2e4", "e7e5"]).enumerate() {
        let mut client = entrance.connect(Some(&table.guests[0])).await;
        client.watch(table.game).await;
        client.send_raw(message).await;
        assert_eq!(client.closed().await, code);
        assert_undisturbed(&mut table, ply, uci).await;
    }
}

#[tokio::test]
async fn too_many_messages_are_refused_and_then_the_socket_is_closed() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let mut hasty = entrance.connect(Some(&table.guests[1])).await;
    let flag = json!({"t": "flag", "game": table.game});
    let mut refused = 0;
    for _ in 0..119 {
        let answer = hasty.ask(flag.clone()).await;
        if answer["t"] == "error" {
            assert_eq!(answer["code"], "rate_limited");
            assert!(answer["retry_after_ms"].as_u64().unwrap() <= 20_000);
            refused += 1;
        }
    }
    assert_eq!(refused, 19);
    assert_eq!(
        hasty.ask(json!({"t": "ping"})).await["t"],
        "pong",
        "a ping is free"
    );
    hasty.send_raw(Message::text(flag.to_string())).await;
    assert_eq!(hasty.closed().await, 1008);
    assert_undisturbed(&mut table, 0, "e2e4").await;
}

#[tokio::test]
async fn too_much_talk_is_refused() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let say = |text: &str| json!({"t": "say", "game": table.game, "room": "players", "text": text});
    let (five, long, key) = (say("hello"), say(&"x".repeat(141)), {
        let mut msg = say("hello");
        msg["key"] = json!("x".repeat(17));
        msg
    });
    assert_eq!(table.seats[0].ask(long).await["code"], "bad_request");
    assert_eq!(table.seats[0].ask(key).await["code"], "bad_request");
    for _ in 0..3 {
        assert_eq!(table.seats[0].ask(five.clone()).await["t"], "ok");
    }
    assert_eq!(table.seats[0].ask(five).await["code"], "rate_limited");
    assert_undisturbed(&mut table, 0, "e2e4").await;
}

#[tokio::test]
async fn a_socket_watches_so_many_games_and_no_more() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut watcher = entrance.connect(None).await;
    let mut games = Vec::new();
    for _ in 0..65 {
        games.push(entrance.begin_game().await);
    }
    for &game in &games[..64] {
        watcher.watch(game).await;
    }
    let watch = |game| json!({"t": "watch", "game": game});
    assert_eq!(watcher.ask(watch(games[64])).await["code"], "not_allowed");
    assert_eq!(
        watcher.ask(watch(games[0])).await["t"],
        "game",
        "one of them again"
    );
    assert_eq!(
        watcher.ask(json!({"t": "unwatch", "game": games[0]})).await["t"],
        "ok"
    );
    assert_eq!(watcher.ask(watch(games[64])).await["t"], "game");
}

#[tokio::test]
async fn a_full_node_turns_sockets_away() {
    let deployment = start(&["--max-sockets", "2"]);
    let entrance = Entrance::of(deployment.node(0));
    let first = entrance.connect(None).await;
    let mut second = entrance.connect(None).await;
    assert_eq!(
        entrance.refusal(None).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(second.ask(json!({"t": "ping"})).await["t"], "pong");
    drop(first);
    // As soon as the node has noticed, there is room again.
    while entrance.try_connect(None).await.is_err() {}
}

#[tokio::test]
async fn a_client_that_gives_no_sign_of_life_is_left() {
    let deployment = start(&[]);
    let upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // It reads all, the pings too, and answers nothing.
    let read = exchange(deployment.node(0).address(), upgrade).await;
    assert!(read.starts_with("HTTP/1.1 101 "), "{read}");
    assert!(read.contains(r#""t":"hello""#), "{read}");
    // The code 4408 stands before the reason.
    assert!(read.ends_with("\u{11}8no sign of life"), "{read}");
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(binary());
        let output = command.args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let path = dir.path().join("keys.json");
    std::fs::write(&path, run(&["keys", "new"])).unwrap();
    let deployment = start(&["--jwt-keys", path.to_str().unwrap()]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;

    let token = [
        "--jwt-keys",
        "keys.json",
        "token",
        "--user",
        "anna",
        "--ttl",
        "2s",
    ];
    let token = run(&token);
    let expiring = entrance.try_connect(Some(token.trim())).await.unwrap();
    assert_eq!(expiring.closed().await, 4401);

    let guest = entrance.guest("Eve").await;
    let mut revoked = entrance.connect(Some(&guest)).await;
    let body = (&json!({}), Some(&*guest.token));
    let (status, _) = entrance
        .request(Method::POST, "/api/auth/logout", body)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let ping = json!({"t": "ping"}).to_string();
    revoked.send_raw(Message::text(ping)).await;
    assert_eq!(revoked.closed().await, 4401);
    assert_undisturbed(&mut table, 0, "e2e4").await;
}

#[tokio::test]
async fn too_many_looks_at_the_lobby_are_refused() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let mut curious = entrance.connect(Some(&table.guests[0])).await;
    for _ in 0..30 {
        assert_eq!(curious.ask(json!({"t": "lobby"})).await["t"], "seeks");
    }
    let refused = curious.ask(json!({"t": "unlobby"})).await;
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    assert_undisturbed(&mut table, 0, "e2e4").await;
}
