//! Slots that move to another master while their games are played.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::Deployment;

use super::{entrance, three_nodes_over_a_cluster};
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::records::{Record, records};
use crate::support::trio::{Seating, Trio};

/// Games, of which the first ones' slots move.
const GAMES: usize = 6;
const MOVING: usize = 3;

/// From this ply on slots move; the last moves are kept for when they have moved.
const BEFORE: usize = 6;
const KEPT: usize = 6;

async fn begin(entrance: &Entrance, record: &Record) -> Trio {
    let mut trio = Trio::sit_down(entrance, &record.terms(), Seating::Apart).await;
    record.play(&mut trio, 0..BEFORE).await;
    trio
}

/// Plays a game while slots move, and on when they have moved; the answer is the longest wait for a move, and how many
/// were begun before all had moved.
async fn play_out(
    (trio, record): (&mut Trio, &Record),
    mut has_moved: watch::Receiver<bool>,
) -> (Duration, usize) {
    let (mut longest, mut early) = (Duration::ZERO, 0);
    let last = record.moves.len();
    for ply in BEFORE..last {
        if ply + KEPT == last {
            has_moved.wait_for(|has| *has).await.unwrap();
        }
        early += usize::from(!*has_moved.borrow());
        let began = Instant::now();
        record.play(trio, ply..ply + 1).await;
        longest = longest.max(began.elapsed());
    }
    record.assert_seen(trio);
    (longest, early)
}

/// Moves each slot to the next master and on to the one after it, which is before nodes have healed its bucket.
fn move_slots(deployment: &Deployment, slots: &BTreeSet<u16>) {
    let cluster = deployment.cluster().unwrap();
    for &slot in slots.iter().chain(slots) {
        let to = (cluster.owner(slot).unwrap() + 1) % cluster.servers().len();
        cluster.migrate_slot(slot, to).unwrap();
        assert_eq!(cluster.owner(slot).unwrap(), to);
    }
}

#[tokio::test]
async fn games_go_on_while_their_slots_move() {
    let deployment = Arc::new(three_nodes_over_a_cluster().start().unwrap());
    let entrance = entrance(&deployment);
    let records: Vec<Record> = records().into_iter().take(GAMES).collect();
    let begun = records.iter().map(|record| begin(&entrance, record));
    let mut trios = join_all(begun).await;
    let games: Vec<GameId> = trios.iter().map(|trio| trio.game).collect();
    let slot = |game: &GameId| deployment.cluster().unwrap().slot_of(&log::key(*game));
    let slots = games[..MOVING].iter().map(|game| slot(game).unwrap());
    let slots: BTreeSet<u16> = slots.collect();

    let (moved, has_moved) = watch::channel(false);
    let moving = spawn_blocking({
        let deployment = Arc::clone(&deployment);
        move || {
            move_slots(&deployment, &slots);
            moved.send_replace(true);
        }
    });
    let playing = trios.iter_mut().zip(&records);
    let longest = join_all(playing.map(|of_game| play_out(of_game, has_moved.clone()))).await;
    moving.await.unwrap();
    let (moved, stayed) = longest.split_at(MOVING);
    println!(
        "longest wait, and moves meanwhile: {moved:?} where the slot moved, {stayed:?} elsewhere"
    );
    for trio in &trios {
        let lines = log::lines(&deployment, trio.game);
        log::assert_is(&lines, &trio.acknowledged());
    }
}
