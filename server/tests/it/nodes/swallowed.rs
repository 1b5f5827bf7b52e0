//! Answers of Redis that never arrive, while games are played.

use futures_util::future::join_all;
use zeitnot_loadtest::deployment::{Swallow, is_append};

use super::{entrance, index_of, three_nodes};
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::player::Player;
use crate::support::records::{Record, records, short_game};
use crate::support::trio::{Seating, Trio};

/// Of each node, every tenth append is written and its answer lost, and the connection with it.
const LOST: u64 = 10;

const GAMES: usize = 6;

/// Plays a game to an end.
async fn play_out(entrance: &Entrance, record: &Record) -> Trio {
    let mut trio = Trio::sit_down(entrance, &record.terms(), Seating::Apart).await;
    record.play(&mut trio, 0..record.moves.len()).await;
    record.assert_seen(&trio);
    if !record.is_over() {
        trio.resign(record.moves.len() % 2).await;
    }
    trio
}

#[tokio::test]
async fn what_got_an_ok_is_in_the_log_once_though_every_tenth_answer_was_lost() {
    let deployment = three_nodes().with_proxies().start().unwrap();
    let swallowed: Vec<_> = (0..deployment.nodes().len())
        .map(|node| {
            let rule = Swallow::each(LOST, is_append);
            deployment.proxy(node).unwrap().swallow(rule)
        })
        .collect();
    let entrance = entrance(&deployment);
    let records = records();
    let games = records.iter().take(GAMES);
    let trios = join_all(games.map(|record| play_out(&entrance, record))).await;
    let lost: Vec<u64> = swallowed.iter().map(|rule| rule.count()).collect();
    let repeats = |trio: &Trio| -> usize { trio.seats.iter().map(Player::repeats).sum() };
    let repeats: usize = trios.iter().map(repeats).sum();
    println!("answers lost of each node: {lost:?}, commands said again by clients: {repeats}");
    assert!(lost.iter().sum::<u64>() > 0);
    for trio in &trios {
        let lines = log::lines(&deployment, trio.game);
        log::assert_is(&lines, &trio.acknowledged());
    }
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_answered_once_it_is_heard() {
    let deployment = three_nodes().with_proxies().start().unwrap();
    let record = short_game();
    let mut trio = Trio::sit_down(&entrance(&deployment), &record.terms(), Seating::Apart).await;
    let proxy = deployment.proxy(index_of(trio.seats[0].node())).unwrap();
    let swallowed = proxy.swallow(Swallow::first(is_append).and_hold());
    let answer = trio.seats[0].play_once(&record.moves[0], 0).await;
    assert_eq!(answer, Some(record.version_after(1)));
    // It comes behind what is heard, and may still be on its way.
    swallowed.wait_for(1).unwrap();
    trio.until(record.version_after(1)).await;
    drop(swallowed);
    record.play(&mut trio, 0..record.moves.len()).await;
    record.assert_seen(&trio);
    let lines = log::lines(&deployment, trio.game);
    log::assert_is(&lines, &trio.acknowledged());
}

#[tokio::test]
async fn a_move_that_was_answered_with_unavailable_was_made_once() {
    let deployment = three_nodes().with_proxies().start().unwrap();
    let record = short_game();
    let mut trio = Trio::sit_down(&entrance(&deployment), &record.terms(), Seating::Apart).await;
    let proxy = deployment.proxy(index_of(trio.seats[0].node())).unwrap();
    // Nor is heard or read what was written.
    let (channel, log) = (log::key(trio.game).into_bytes(), log::key(trio.game));
    let is_of_log = move |words: &[&[u8]]| words.get(3) == Some(&log.as_bytes());
    let swallowed = proxy.swallow(Swallow::each(1, is_of_log));
    let dropped = proxy.drop_pushes(move |other| other == channel);
    // The node says it again for a while, and then gives up.
    let answer = trio.seats[0].play_once(&record.moves[0], 0).await;
    assert_eq!(answer, None);
    println!("answers lost of one move: {}", swallowed.count());
    drop((swallowed, dropped));
    trio.until(record.version_after(1)).await;
    record.play(&mut trio, 0..record.moves.len()).await;
    record.assert_seen(&trio);
    let lines = log::lines(&deployment, trio.game);
    log::assert_is(&lines, &trio.acknowledged());
}
