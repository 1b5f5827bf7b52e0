//! Nodes that die just when a move is committed and nobody was told.

use std::time::Instant;

use zeitnot_loadtest::deployment::{Swallow, is_append, is_commit};

use super::{entrance, index_of, three_nodes};
use crate::support::log;
use crate::support::records::short_game;
use crate::support::trio::{Seating, Trio};

/// Whose node dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Mover,
    Opponent,
    Both,
}

/// The move in question.
const PLY: usize = 4;

#[tokio::test]
async fn the_node_of_who_moved_dies_before_it_tells() {
    lose_a_node(Whose::Mover).await;
}

#[tokio::test]
async fn the_node_of_the_opponent_dies_before_the_mover_is_told() {
    lose_a_node(Whose::Opponent).await;
}

#[tokio::test]
async fn the_only_node_of_both_players_dies_before_it_tells() {
    lose_a_node(Whose::Both).await;
}

/// The move is committed, then the node dies; who was there comes back elsewhere, and the move is said again.
async fn lose_a_node(whose: Whose) {
    let mut deployment = three_nodes().with_proxies().start().unwrap();
    let entrance = entrance(&deployment);
    let record = short_game();
    let seating = match whose {
        Whose::Mover | Whose::Opponent => Seating::Apart,
        Whose::Both => Seating::PlayersTogether,
    };
    let mut trio = Trio::sit_down(&entrance, &record.terms(), seating).await;
    record.play(&mut trio, 0..PLY).await;

    let (mover, opponent) = (PLY % 2, 1 - PLY % 2);
    let proxy = deployment.proxy(index_of(trio.seats[mover].node()));
    let rule = Swallow::first(is_append).answered(is_commit).and_hold();
    let swallowed = proxy.unwrap().swallow(rule);
    trio.seats[mover].send(&record.moves[PLY], PLY).await;
    swallowed.wait_for(1).unwrap();
    let dead = match whose {
        Whose::Mover | Whose::Both => trio.seats[mover].node(),
        Whose::Opponent => trio.seats[opponent].node(),
    };
    let dead = dead.to_owned();
    deployment.node_mut(index_of(&dead)).kill().unwrap();
    let died = Instant::now();
    drop(swallowed);

    let version = record.version_after(PLY + 1);
    for _ in 0..2 {
        let again = trio.seats[mover].play(&record.moves[PLY], PLY).await;
        assert_eq!(again, version, "the same answer as before");
    }
    println!(
        "{whose:?}: the move got its answer after {:?}",
        died.elapsed()
    );
    trio.until(version).await;
    println!("{whose:?}: all had seen it after {:?}", died.elapsed());
    record.play(&mut trio, PLY + 1..record.moves.len()).await;
    record.assert_seen(&trio);
    for (seat, name) in [(mover, "mover"), (opponent, "opponent")] {
        let player = &trio.seats[seat];
        let had_to = match whose {
            Whose::Mover => seat == mover,
            Whose::Opponent => seat == opponent,
            Whose::Both => true,
        };
        assert_eq!(player.snapshots() == 2, had_to, "{name}");
        assert_ne!(player.node(), dead, "{name}");
    }
    let lines = log::lines(&deployment, trio.game);
    log::assert_is(&lines, &trio.acknowledged());
}
