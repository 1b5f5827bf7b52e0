//! A node that was stopped while its games went on: far more waits for it than it takes at once.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};
use zeitnot::store::redis::RedisStore;
use zeitnot_game::id::GameId;

use super::{entrance, index_of, three_nodes};
use crate::store::Known;
use crate::support::player::Player;
use crate::support::trio::{Seating, Trio};

/// Games that the node follows, and entries of each while it is stopped: 20,000 in all.
const GAMES: usize = 40;
const MOVES: usize = 500;

/// Both sides' knights go out and back, for ever.
const ROUND: [&str; 4] = ["g1f3", "g8f6", "f3g1", "f6g8"];

/// Appends as a fourth node does: by the same scripts, so with the same entries and messages. Only who asks is missing,
/// and who decides.
async fn go_on(store: &RedisStore, game: GameId) {
    let mut known = Known::read(store, game).await;
    for (number, uci) in ROUND.into_iter().cycle().take(MOVES).enumerate() {
        let nonce = format!("m{number:04}");
        known.commit(store, &nonce, &[uci]).await;
    }
}

#[tokio::test]
async fn a_node_that_is_far_behind_brings_its_followers_to_the_head() {
    let deployment = three_nodes().start().unwrap();
    let entrance = entrance(&deployment);
    // A player who cannot take so much at once is closed and comes back; spectators are shown the game again.
    let trio = Trio::sit_down(&entrance, &json!({}), Seating::Anywhere).await;
    let slow = trio.seats[0].node().to_owned();
    let mut games = vec![trio.game];
    while games.len() < GAMES {
        games.push(entrance.begin_game().await);
    }
    let mut spectators = Vec::new();
    for &game in &games {
        spectators.push(Player::come(&entrance, (game, None), |node| node == slow).await);
    }
    let [mut player, _] = trio.seats;

    let node = deployment.node(index_of(&slow));
    let url = deployment.redis().unwrap().url();
    let store = RedisStore::connect(&url).await.unwrap();
    node.pause().unwrap();
    let began = Instant::now();
    join_all(games.iter().map(|&game| go_on(&store, game))).await;
    let count = games.len() * MOVES;
    println!("{count} entries in {:?}", began.elapsed());
    node.resume().unwrap();

    let resumed = Instant::now();
    let head = (1 + MOVES) as u64;
    let mut shown = 0;
    for spectator in &mut spectators {
        spectator.until(head).await;
        assert_eq!(spectator.version(), head);
        shown += spectator.snapshots() - 1;
    }
    println!(
        "all spectators were at the head after {:?}, by {shown} snapshots",
        resumed.elapsed()
    );
    player.until(head).await;
    println!(
        "a player was there after {:?}, by {} sockets",
        resumed.elapsed(),
        player.nodes().len()
    );
    // From there on they hear every entry; this one is the fifth time of its position.
    let end = player.play(ROUND[0], MOVES).await;
    let came = spectators[0].until(end).await;
    let kinds: Vec<&Value> = came.iter().map(|frame| &frame["t"]).collect();
    assert_eq!(kinds, ["move", "end"]);
    store.close().await;
}
