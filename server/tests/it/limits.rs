//! Every bound that a client can exceed: it gets an error, and neither the game nor other sockets notice.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use zeitnot_loadtest::deployment::Deployment;

use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

fn start(args: &[&str]) -> Deployment {
    let binary = Path::new(env!("CARGO_BIN_EXE_zeitnot"));
    Deployment::embedded_with(binary, (args, &[])).unwrap()
}

/// The game goes on for everybody else.
async fn assert_undisturbed(table: &mut Table, ply: usize, uci: &str) {
    let answer = table.seats[ply % 2].play(table.game, uci, ply).await;
    assert_eq!(
        (&answer["t"], &answer["v"]),
        (&json!("ok"), &json!(ply + 2)),
        "{answer}"
    );
    let seen = table.spectator.next_of("move").await;
    assert_eq!(seen["ply"], ply + 1);
}

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
async fn bodies_that_are_too_large_are_refused() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let body = json!({ "name": "x".repeat(20_000) });
    let (status, answer) = entrance
        .request(Method::POST, "/api/auth/guest", (&body, None))
        .await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large"))
    );
}

#[tokio::test]
async fn a_watcher_that_does_not_read_for_a_while_disturbs_nobody() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    // Answers that nobody reads for now.
    let mut lazy = entrance.connect(None).await;
    let watch = json!({"t": "watch", "game": table.game}).to_string();
    for _ in 0..90 {
        lazy.send_raw(Message::text(watch.clone())).await;
    }
    for (ply, uci) in ["e2e4", "e7e5", "g1f3", "b8c6"].into_iter().enumerate() {
        assert_undisturbed(&mut table, ply, uci).await;
    }
    let mut moves = Value::Null;
    while moves != "e2e4 e7e5 g1f3 b8c6" {
        let frame = lazy.next().await;
        match frame["t"].as_str() {
            Some("game") => moves = frame["moves"].clone(),
            Some("move") if frame["ply"] == 4 => moves = json!("e2e4 e7e5 g1f3 b8c6"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_node_that_has_no_file_descriptors_left_goes_on_when_it_has() {
    let deployment = start(&[]);
    let node = deployment.node(0);
    let entrance = Entrance::of(node);
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let fds = format!("/proc/{}/fd", node.pid());
    let open = || std::fs::read_dir(&fds).unwrap().count();
    let limit = open() + 4;
    let lowered = Command::new("prlimit")
        .args(["--pid", &node.pid().to_string()])
        .arg(format!("--nofile={limit}:{limit}"))
        .status()
        .unwrap();
    assert!(lowered.success());
    let address = node.address().to_owned();
    let hoard: Vec<TcpStream> = (0..30)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    let began = Instant::now();
    while open() < limit {
        assert!(began.elapsed() < PATIENCE, "{} of {limit} are open", open());
        tokio::task::yield_now().await;
    }
    assert_undisturbed(&mut table, 0, "e2e4").await;
    drop(hoard);
    let mut late = entrance.connect(None).await;
    assert_eq!(late.watch(table.game).await["moves"], "e2e4");
}
