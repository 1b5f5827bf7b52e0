//! The Redis store over a cluster of three masters.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use zeitnot::health::Health;
use zeitnot::store::redis::RedisStore;
use zeitnot::store::{Appended, Feed, Follow, Store};
use zeitnot_game::id::{GameId, Version};
use zeitnot_loadtest::deployment::RedisCluster;

use super::quotas::{SLOW, number, taken};
use super::{Known, begin_as, next, setup, until};
use crate::support::log::key;

const MASTERS: usize = 3;

pub(super) fn start() -> RedisCluster {
    RedisCluster::start(MASTERS).unwrap()
}

/// A store over a cluster without any keys.
pub(super) async fn connect_to_nothing(cluster: &RedisCluster) -> RedisStore {
    for server in cluster.servers() {
        assert_eq!(server.command("FLUSHALL").unwrap(), "+OK");
    }
    connect(cluster).await
}

async fn connect(cluster: &RedisCluster) -> RedisStore {
    RedisStore::connect(&cluster.url()).await.unwrap()
}

/// One game on each master, as `CLUSTER KEYSLOT` and the map tell.
pub(super) fn a_game_on_each_master(cluster: &RedisCluster) -> Vec<GameId> {
    let mut games = BTreeMap::new();
    for number in 0.. {
        let game: GameId = format!("game{number:04}").parse().unwrap();
        let master = cluster.master_of(&key(game)).unwrap();
        games.entry(master).or_insert(game);
        if games.len() == MASTERS {
            break;
        }
    }
    games.into_values().collect()
}

/// Appends, again and again until it is done.
async fn commit(store: &RedisStore, known: &mut Known, nonce: &str) {
    let append = known.append(nonce, &["e2e4"]);
    until(async || {
        let appended = store.append(known.id, &append).await;
        matches!(appended, Ok(Appended::Committed { .. }))
    })
    .await;
    known.head.version = known.head.version.next();
    known.head.tag = append.tag;
}

/// Waits until a follower has heard of this version, by a message or by being told to read.
async fn until_heard(store: &RedisStore, (game, follow): (GameId, &mut Follow), version: Version) {
    loop {
        match next(follow).await {
            Feed::Published(published) if published.first == version => return,
            Feed::Resync => {
                let read = store.read(game, Version(0)).await;
                if read.is_ok_and(|tail| tail.length() >= version) {
                    return;
                }
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_dead_master_stops_its_own_games_and_no_others() {
    let mut cluster = start();
    let store = connect(&cluster).await;
    let games = a_game_on_each_master(&cluster);
    let mut known = Vec::new();
    for &game in &games {
        known.push(begin_as(&store, game, &setup("first")).await);
    }
    let dead = cluster.master_of(&key(games[0])).unwrap();
    cluster.kill_master(dead).unwrap();
    let mut health = store.health();
    let mut longest = Duration::ZERO;
    let mut rounds = 0;
    // Until it is known, and on from there.
    while rounds < 100 || !matches!(*health.borrow_and_update(), Health::Partly(_)) {
        rounds += 1;
        for known in &mut known[1..] {
            let (began, nonce) = (Instant::now(), format!("{rounds:05}"));
            known.commit(&store, &nonce, &["e2e4"]).await;
            longest = longest.max(began.elapsed());
        }
    }
    println!("longest wait of an append on another master: {longest:?}");
    assert!(!store.answers_for(games[0]));
    assert!(games[1..].iter().all(|game| store.answers_for(*game)));
    store.read(games[0], Version(0)).await.unwrap_err();
    cluster.server_mut(dead).start_again().unwrap();
    until(async || store.answers_for(games[0])).await;
    assert_eq!(*health.borrow_and_update(), Health::Ok);
    // It kept nothing.
    until(async || store.create(games[0], &setup("again")).await.is_ok()).await;
    store.close().await;
}

#[tokio::test]
async fn what_people_do_is_counted_by_the_master_that_has_them() {
    const PEOPLE: usize = 30;
    let cluster = start();
    let (here, there) = (connect(&cluster).await, connect(&cluster).await);
    for person in 0..PEOPLE {
        let key = format!("seeks:user{person}");
        assert_eq!(taken(&here, (&key, 2), SLOW).await, 2);
        assert_eq!(taken(&there, (&key, 5), SLOW).await, 1);
    }
    let masters = cluster.servers().iter();
    let kept: Vec<u64> = masters
        .map(|server| number(server, "return #redis.call('KEYS', '*:quota:*')"))
        .collect();
    assert_eq!(kept.iter().sum::<u64>(), PEOPLE as u64, "{kept:?}");
    assert!(kept.iter().all(|&kept| kept > 0), "{kept:?}");
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_slot_that_moves_takes_its_games_and_their_followers_along() {
    let cluster = start();
    let (here, there) = (connect(&cluster).await, connect(&cluster).await);
    let game = a_game_on_each_master(&cluster)[0];
    let mut known = begin_as(&here, game, &setup("first")).await;
    let mut follow = there.follow(game).await.unwrap();
    commit(&here, &mut known, "aaaaa").await;
    until_heard(&there, (game, &mut follow), Version(2)).await;
    for (nonce, to) in [("bbbbb", 1), ("ccccc", 2), ("ddddd", 0)] {
        let slot = cluster.slot_of(&key(game)).unwrap();
        let to = (cluster.owner(slot).unwrap() + to.max(1)) % MASTERS;
        cluster.migrate_slot(slot, to).unwrap();
        commit(&here, &mut known, nonce).await;
        until_heard(&there, (game, &mut follow), known.head.version).await;
    }
    let tail = here.read(game, Version(0)).await.unwrap();
    assert_eq!(tail.length(), Version(5));
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_replica_that_takes_over_is_found() {
    let mut cluster = RedisCluster::start_with((MASTERS, MASTERS), &[]).unwrap();
    let store = connect(&cluster).await;
    let game = a_game_on_each_master(&cluster)[0];
    let mut known = begin_as(&store, game, &setup("first")).await;
    let mut follow = store.follow(game).await.unwrap();
    let dead = cluster.master_of(&key(game)).unwrap();
    let slot = cluster.slot_of(&key(game)).unwrap();
    for number in MASTERS..2 * MASTERS {
        cluster.server(number).wait_for_master().unwrap();
    }
    // At the very least it has the game.
    assert_ne!(cluster.server(dead).command("WAIT 1 1000").unwrap(), ":0");
    cluster.kill_master(dead).unwrap();
    cluster.wait_for_failover(slot, dead).unwrap();
    commit(&store, &mut known, "aaaaa").await;
    until_heard(&store, (game, &mut follow), Version(2)).await;
    let mut health = store.health();
    let is_ok = |health: &Health| *health == Health::Ok;
    tokio::time::timeout(super::PATIENCE, health.wait_for(is_ok))
        .await
        .unwrap()
        .unwrap();
    store.close().await;
}
