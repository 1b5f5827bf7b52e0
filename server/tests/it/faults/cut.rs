//! Lines that are dead and do not say so, and a store that is gone: watching goes on.

use std::time::Instant;

use serde_json::{Value, json};
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::{FaultProxy, Target};

use super::nodes;
use crate::support::client::{Client, Gone};
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::table::Table;

fn terms() -> Value {
    json!({"clock.limit": 600, "clock.increment": 5})
}

/// Waits until a client is told how the store is.
async fn until_store_is(client: &mut Client, store: &str) {
    while client.next_of("status").await["store"] != store {}
}

/// Somebody new is shown the game as it was last known.
async fn assert_shown(entrance: &Entrance, (game, moves): (GameId, &str)) {
    let mut late = entrance.connect(None).await;
    assert_eq!(late.watch(game).await["moves"], moves);
}

/// A client that asks for its heads still hears of the game.
async fn assert_heads(client: &mut Client, (game, version): (GameId, u64)) {
    let pong = client.ask(json!({"t": "ping"})).await;
    assert_eq!(pong["heads"][game.as_str()], version, "{pong}");
}

/// The code with which a socket is closed.
async fn closed(client: &mut Client) -> Gone {
    loop {
        if let Err(gone) = client.try_receive().await {
            return gone;
        }
    }
}

#[tokio::test]
async fn while_redis_is_gone_watching_goes_on() {
    let settings = nodes(2).redis_options(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut deployment = settings.start().unwrap();
    let doors = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let mut table = Table::sit_down([&doors[0], &doors[1], &doors[0]], &terms()).await;
    let game = table.game;
    assert_eq!(table.seats[0].play(game, "e2e4", 0).await["v"], 2);
    assert_eq!(table.seats[1].play(game, "e7e5", 1).await["v"], 3);
    assert_eq!(table.spectator.next_of("move").await["v"], 2);
    assert_eq!(table.spectator.next_of("move").await["v"], 3);
    deployment.redis_mut().unwrap().kill().unwrap();
    for client in table.everyone() {
        until_store_is(client, "unavailable").await;
    }
    for door in &doors {
        assert_shown(door, (game, "e2e4 e7e5")).await;
    }
    // Players try elsewhere after a while; who watches stays.
    for seat in &mut table.seats {
        assert_eq!(closed(seat).await, Gone::Closed(Some(1013)));
    }
    let mut spectator = std::mem::replace(&mut table.spectator, doors[1].connect(None).await);
    assert_heads(&mut spectator, (game, 3)).await;
    deployment.redis_mut().unwrap().start_again().unwrap();
    let back = Instant::now();
    until_store_is(&mut spectator, "ok").await;
    println!("all was well {:?} after Redis was back", back.elapsed());
    let mut white = doors[0].connect(Some(&table.guests[0])).await;
    white.watch(game).await;
    while white.play(game, "g1f3", 2).await["t"] != "ok" {}
    assert_eq!(spectator.next_of("move").await["v"], 4);
    assert_eq!(log::lines(&deployment, game).len(), 4);
}

#[tokio::test]
async fn a_node_whose_line_to_redis_is_dead_sends_players_away_and_keeps_who_watches() {
    let deployment = nodes(2).with_proxies().start().unwrap();
    let doors = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let mut table = Table::sit_down([&doors[0], &doors[1], &doors[0]], &terms()).await;
    let game = table.game;
    assert_eq!(table.seats[0].play(game, "e2e4", 0).await["v"], 2);
    assert_eq!(table.seats[1].play(game, "e7e5", 1).await["v"], 3);
    while table.spectator.next_of("move").await["v"] != 3 {}
    // Nothing comes and nothing breaks.
    deployment.proxy(0).unwrap().blackhole();
    until_store_is(&mut table.spectator, "unavailable").await;
    assert_shown(&doors[0], (game, "e2e4 e7e5")).await;
    assert_eq!(closed(&mut table.seats[0]).await, Gone::Closed(Some(1013)));
    // On the other node the game has not stopped.
    let mut white = doors[1].connect(Some(&table.guests[0])).await;
    white.watch(game).await;
    assert_eq!(white.play(game, "g1f3", 2).await["v"], 4);
    assert_eq!(table.seats[1].play(game, "b8c6", 3).await["v"], 5);
    assert_heads(&mut table.spectator, (game, 3)).await;
    deployment.proxy(0).unwrap().pass().unwrap();
    let back = Instant::now();
    let (mut version, mut is_well) = (3, false);
    while version < 5 || !is_well {
        let frame = table.spectator.next().await;
        is_well |= frame["store"] == "ok";
        if frame["t"] == "move" {
            version += 1;
            assert_eq!(frame["v"], version);
        }
    }
    println!(
        "who watches had everything {:?} after the line was back",
        back.elapsed()
    );
}

#[tokio::test]
async fn a_client_whose_line_is_dead_is_away_for_the_others_and_is_left() {
    let deployment = nodes(1).start().unwrap();
    let door = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&door; 3], &terms()).await;
    let game = table.game;
    let address = deployment.node(0).address().parse().unwrap();
    let line = FaultProxy::start(Target::Tcp(address)).unwrap();
    let far = Entrance::at(&line.address().to_string());
    // White's only socket goes by that line from now on.
    let mut white = far.connect(Some(&table.guests[0])).await;
    white.watch(game).await;
    table.seats[0] = door.connect(None).await;
    assert_eq!(white.play(game, "e2e4", 0).await["v"], 2);
    line.blackhole();
    let [_, black] = &mut table.seats;
    while black.next_of("presence").await["white"] != false {}
    let watcher = Entrance::at(deployment.node(0).internal_address());
    let silent = "zeitnot_sockets_closed_total{reason=\"silent\"} 1";
    let began = Instant::now();
    loop {
        let (_, metrics) = watcher.text("/metrics").await;
        if metrics.lines().any(|line| line == silent) {
            break;
        }
        assert!(began.elapsed() < crate::support::client::PATIENCE);
        // Whoever else is there gives signs of life.
        for client in table.seats.iter_mut().chain([&mut table.spectator]) {
            client.ask(json!({"t": "ping"})).await;
        }
    }
    assert_eq!(table.seats[1].play(game, "e7e5", 1).await["v"], 3);
}
