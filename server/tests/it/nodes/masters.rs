//! A master that dies takes its own games with it for as long as it is gone, and no others.

use std::ops::Range;
use std::time::{Duration, Instant};

use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::Deployment;

use super::{entrance, three_nodes_over_a_cluster};
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::records::{Record, records};
use crate::support::trio::{Seating, Trio};

/// Plies before the master dies.
const BEFORE: usize = 4;

/// The master of a game.
fn master_of(deployment: &Deployment, game: GameId) -> usize {
    let cluster = deployment.cluster().unwrap();
    cluster.master_of(&log::key(game)).unwrap()
}

/// A game on each master, in their order.
async fn a_game_on_each(
    deployment: &Deployment,
    entrance: &Entrance,
    record: &Record,
) -> Vec<Trio> {
    let masters = deployment.cluster().unwrap().servers().len();
    let mut found: Vec<Option<Trio>> = (0..masters).map(|_| None).collect();
    while found.iter().any(Option::is_none) {
        let trio = Trio::sit_down(entrance, &record.terms(), Seating::Apart).await;
        let master = master_of(deployment, trio.game);
        found[master] = Some(trio);
    }
    found.into_iter().flatten().collect()
}

/// Plays some moves of each game; the answer is how long each took until all had seen it.
async fn play(trios: &mut [Trio], record: &Record, plies: Range<usize>) -> Vec<Duration> {
    let mut waits = Vec::new();
    for ply in plies {
        for trio in &mut *trios {
            let began = Instant::now();
            record.play(trio, ply..ply + 1).await;
            waits.push(began.elapsed());
        }
    }
    waits
}

/// The median, the 99th percentile, and the longest.
fn figures(mut waits: Vec<Duration>) -> [Duration; 3] {
    waits.sort_unstable();
    let last = waits.len() - 1;
    [waits[last / 2], waits[last * 99 / 100], waits[last]]
}

#[tokio::test]
async fn a_dead_master_stops_its_own_games_which_go_on_when_it_is_back() {
    let mut deployment = three_nodes_over_a_cluster().start().unwrap();
    let entrance = entrance(&deployment);
    let record = &records()[0];
    let mut trios = a_game_on_each(&deployment, &entrance, record).await;
    for trio in &mut trios {
        record.play(trio, 0..BEFORE).await;
    }
    let (stopped, others) = trios.split_first_mut().unwrap();
    deployment.cluster_mut().unwrap().kill_master(0).unwrap();
    let died = Instant::now();

    // Nobody knows it yet, and then everybody does: either could hold up others.
    let half = record.moves.len() / 2;
    let mut waits = play(others, record, BEFORE..half).await;
    for one in stopped.everyone_mut() {
        one.until_store_is_silent(true).await;
    }
    println!(
        "all at the stopped game were told after {:?}",
        died.elapsed()
    );
    waits.extend(play(others, record, half..record.moves.len()).await);
    let (count, [median, p99, longest]) = (waits.len(), figures(waits));
    println!(
        "{count} moves of the other games took {median:?} at the median, {p99:?} at p99, {longest:?} at most"
    );
    for trio in &*others {
        record.assert_seen(trio);
        assert!(trio.everyone().iter().all(|one| one.snapshots() == 1));
    }
    stopped.seats[BEFORE % 2]
        .send(&record.moves[BEFORE], BEFORE)
        .await;

    let cluster = deployment.cluster_mut().unwrap();
    cluster.server_mut(0).start_again().unwrap();
    let back = Instant::now();
    for one in stopped.everyone_mut() {
        one.until_store_is_silent(false).await;
    }
    println!(
        "all at the stopped game were told that it goes on after {:?}",
        back.elapsed()
    );
    record.play(stopped, BEFORE..BEFORE + 1).await;
    println!(
        "its next move was made {:?} after the master was back",
        back.elapsed()
    );
    record.play(stopped, BEFORE + 1..record.moves.len()).await;
    record.assert_seen(stopped);
    for trio in &trios {
        let lines = log::lines(&deployment, trio.game);
        log::assert_is(&lines, &trio.acknowledged());
    }
}
