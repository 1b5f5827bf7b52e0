//! The main job: real games, move by move, with everybody on another node.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{entrance, three_nodes};
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::records::{Record, records};
use crate::support::trio::{Seating, Trio};

/// Plays a whole game with everybody on a node of their own.
async fn play_out(entrance: &Entrance, record: &Record) -> Trio {
    let mut trio = Trio::sit_down(entrance, &record.terms(), Seating::Apart).await;
    record.play(&mut trio, 0..record.moves.len()).await;
    record.assert_seen(&trio);
    for one in trio.everyone() {
        assert_eq!(one.snapshots(), 1, "{}: every entry came", record.name);
    }
    let mut late = entrance.connect(None).await;
    record.assert_shown(&late.watch(trio.game).await);
    trio
}

#[tokio::test]
async fn real_games_go_from_node_to_node() {
    let deployment = three_nodes().start().unwrap();
    let entrance = entrance(&deployment);
    let records = records();
    let games = records.iter().map(|record| play_out(&entrance, record));
    let mut upgrades: BTreeMap<String, usize> = BTreeMap::new();
    for trio in join_all(games).await {
        for node in trio.everyone().iter().flat_map(|one| one.nodes()) {
            *upgrades.entry(node.clone()).or_default() += 1;
        }
        let lines = log::lines(&deployment, trio.game);
        log::assert_is(&lines, &trio.acknowledged());
    }
    println!("sockets of each node: {upgrades:?}");
    let nodes: Vec<&str> = upgrades.keys().map(String::as_str).collect();
    assert_eq!(nodes, ["node-1", "node-2", "node-3"]);
}
