//! Clients that do not read what they are sent.

use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::{assert_undisturbed, start};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::records::long_game;
use crate::support::table::Table;

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
async fn a_player_that_does_not_read_is_closed_and_comes_back_to_the_game() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    // A second window of White.
    let mut lazy = entrance.connect_narrow(Some(&table.guests[0])).await;
    for _ in 0..90 {
        lazy.send(json!({"t": "watch", "game": table.game})).await;
    }
    lazy.clog(&mut table.spectator).await;
    let moves = long_game();
    for (ply, uci) in moves.iter().enumerate() {
        assert_undisturbed(&mut table, ply, uci).await;
    }
    assert_eq!(lazy.closed().await, 1013);
    let mut back = entrance.connect(Some(&table.guests[0])).await;
    let snapshot = back.watch(table.game).await;
    assert_eq!(snapshot["moves"], moves.join(" "));
    assert_eq!(snapshot["seat"], "white");
}

#[tokio::test]
async fn a_client_that_floods_and_never_reads_costs_little_and_is_left() {
    let deployment = start(&[]);
    let node = deployment.node(0);
    let entrance = Entrance::of(node);
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let mut lazy = entrance.connect_narrow(None).await;
    let before = node.memory().unwrap().resident;
    let payload = vec![b'x'; 125];
    // Each of them wants an answer as long as itself. Several may get one, so no number of them fills the line for sure.
    let flood = tokio::spawn(async move {
        let ping = Message::Ping(payload.into());
        while lazy.try_send_raw(ping.clone()).await.is_ok() {}
    });
    assert_undisturbed(&mut table, 0, "e2e4").await;
    let watcher = Entrance::at(node.internal_address());
    let left = "zeitnot_sockets_closed_total{reason=\"too_slow\"} 1";
    let until_left = async {
        while !watcher.text("/metrics").await.1.contains(left) {
            let held = node.memory().unwrap().resident.saturating_sub(before);
            assert!(held < 20_000_000, "{held} bytes are held for one socket");
            for client in table.everyone() {
                assert_eq!(client.ask(json!({"t": "ping"})).await["t"], "pong");
            }
        }
    };
    // A busy machine takes long for as many pings as fill the line.
    if timeout(PATIENCE * 3, until_left).await.is_err() {
        let metrics = watcher.text("/metrics").await.1;
        let sockets = metrics.lines().filter(|line| line.contains("socket"));
        let sockets: Vec<_> = sockets.collect();
        panic!("the node did not leave who reads nothing: {sockets:#?}");
    }
    let cut_off = timeout(PATIENCE, flood).await;
    cut_off.expect("the line is cut").unwrap();
    assert_undisturbed(&mut table, 1, "e7e5").await;
}

#[tokio::test]
async fn a_spectator_that_does_not_read_skips_to_the_newest_snapshot_and_stays() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let mut lazy = entrance.connect_narrow(None).await;
    lazy.watch(table.game).await;
    lazy.clog(&mut table.spectator).await;
    let moves = long_game();
    let (last, rest) = moves.split_last().unwrap();
    for (ply, uci) in rest.iter().enumerate() {
        assert_undisturbed(&mut table, ply, uci).await;
    }
    let (mut seen, mut skipped) = (1, 0);
    while seen <= rest.len() {
        let frame = lazy.next().await;
        let version = usize::try_from(frame["v"].as_u64().unwrap_or_default()).unwrap();
        match frame["t"].as_str() {
            Some("game") => skipped += version - seen,
            Some("move") => assert_eq!(version, seen + 1, "no gap without a snapshot"),
            _ => continue,
        }
        seen = version;
    }
    assert!(skipped > 0);
    assert_undisturbed(&mut table, rest.len(), last).await;
    let next = lazy.next_of("move").await;
    assert_eq!(next["v"], seen + 1);
    assert_eq!(lazy.ask(json!({"t": "ping"})).await["t"], "pong");
}
