//! Who is let in: what an address and a user may have, and who is turned away first where a node is nearly full.

use axum::http::StatusCode;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeitnot::limits::MAX_SOCKETS_OF_USER;
use zeitnot_game::id::GameId;

use super::{assert_undisturbed, start};
use crate::support::client::Client;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

/// A stream of a game's events, with the first of them.
async fn stream_of(address: &str, game: GameId) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /api/games/{game}/events HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("data:") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{read:?}");
    }
    stream
}

#[tokio::test]
async fn where_little_room_is_left_players_are_let_in_last_of_all() {
    let deployment = start(&["--max-sockets", "10"]);
    let entrance = Entrance::of(deployment.node(0));
    // Three sockets.
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let idle = entrance.guest("Idle").await;
    let _stream = stream_of(entrance.address(), table.game).await;
    let mut crowd = Vec::new();
    while crowd.len() < 4 {
        crowd.push(entrance.connect(None).await);
    }
    let full = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(entrance.refusal(None).await, full, "8 of 10");
    let looked = entrance.poll(table.game, "after=0").await;
    assert_eq!(looked["code"], "unavailable", "a poll takes a place too");
    crowd.push(entrance.connect(Some(&idle)).await);
    assert_eq!(entrance.refusal(Some(&idle.token)).await, full, "9 of 10");
    crowd.push(entrance.connect(Some(&table.guests[0])).await);
    let player = Some(&*table.guests[0].token);
    assert_eq!(entrance.refusal(player).await, full, "10 of 10");
    assert_undisturbed(&mut table, 0, "e2e4").await;
    let (_, metrics) = Entrance::at(deployment.node(0).internal_address())
        .text("/metrics")
        .await;
    for line in [
        "zeitnot_sockets_refused_total{reason=\"reserved\"} 3",
        "zeitnot_sockets_refused_total{reason=\"node\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_user_has_so_many_sockets() {
    let deployment = start(&["--rate-limits", "on"]);
    let entrance = Entrance::of(deployment.node(0));
    let guest = entrance.guest("Anna").await;
    let token = Some(&*guest.token);
    let mut sockets = Vec::new();
    for _ in 0..MAX_SOCKETS_OF_USER {
        sockets.push(entrance.connect(Some(&guest)).await);
    }
    let elsewhere = Entrance::from(deployment.address(), [127, 0, 0, 2]);
    for at in [&entrance, &elsewhere] {
        assert_eq!(at.refusal(token).await, StatusCode::TOO_MANY_REQUESTS);
    }
    let _other = entrance.connect(None).await;
    sockets.pop();
    // As soon as the node has noticed, there is room again.
    while elsewhere.try_connect(token).await.is_err() {}
}

#[tokio::test]
async fn two_thousand_sockets_of_one_address_are_held_at_the_bound_and_a_game_goes_on() {
    const ATTEMPTS: usize = 2000;
    const AT_ONCE: usize = 40;
    let deployment = start(&["--rate-limits", "on", "--sockets-per-address", "50"]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let flood = Entrance::from(deployment.address(), [127, 0, 0, 2]);
    let attempts = stream::iter(0..ATTEMPTS).map(async |_| flood.try_connect(None).await);
    let flooded = attempts.buffer_unordered(AT_ONCE).collect::<Vec<_>>();
    let played = async {
        let moves = ["e2e4", "e7e5", "g1f3", "b8c6", "f1c4", "g8f6"];
        for (ply, uci) in moves.into_iter().enumerate() {
            assert_undisturbed(&mut table, ply, uci).await;
        }
    };
    let (flooded, ()) = tokio::join!(flooded, played);
    let (open, refused): (Vec<_>, Vec<_>) = flooded.into_iter().partition(Result::is_ok);
    assert_eq!(open.len(), 50);
    for status in refused {
        assert_eq!(status.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    }
    assert_undisturbed(&mut table, 6, "e1g1").await;
    let mut one: Client = open.into_iter().next().unwrap().unwrap();
    assert_eq!(one.watch(table.game).await["ply"], 7);
}
