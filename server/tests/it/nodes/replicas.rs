//! `--redis-wait-replicas`: an `ok` waits for replicas, and says when they did not confirm. The move stands in any case.

use std::time::Instant;

use serde_json::{Value, json};
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Settings};

use super::nodes;
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::table::Table;

const MOVES: [&str; 6] = ["e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6"];

/// Three nodes over a master with a replica, whose answers wait for so many.
fn waiting_for(replicas: &str) -> Deployment {
    let settings: Settings = nodes(3).over(RedisKind::Replicated);
    let settings = settings.args(&["--redis-wait-replicas", replicas]);
    settings.start().unwrap()
}

/// A game with each player and a spectator on a node of their own.
async fn sit_down(deployment: &Deployment) -> Table {
    let nodes = [0, 1, 2].map(|node| Entrance::of(deployment.node(node)));
    let terms = json!({"clock.limit": 600, "clock.increment": 5});
    Table::sit_down(nodes.each_ref(), &terms).await
}

/// Plays a move of which all are told; the answer, which came behind the mover's own frame.
async fn play(table: &mut Table, ply: usize) -> Value {
    let mv = json!({"t": "move", "game": table.game, "uci": MOVES[ply], "ply": ply});
    let began = Instant::now();
    let mover = &mut table.seats[ply % 2];
    mover.send(mv).await;
    let frames = [mover.next().await, mover.next().await];
    println!("ply {ply} was answered after {:?}", began.elapsed());
    let [shown, answer] = frames;
    assert_eq!(
        (&shown["t"], &shown["v"]),
        (&json!("move"), &json!(ply + 2))
    );
    for other in [&mut table.seats[1 - ply % 2], &mut table.spectator] {
        assert_eq!(other.next_of("move").await["v"], ply + 2);
    }
    assert_eq!(
        (&answer["t"], &answer["v"]),
        (&json!("ok"), &json!(ply + 2))
    );
    answer
}

/// How often a node answered without its replicas.
async fn unreplicated(deployment: &Deployment, node: usize) -> String {
    let watcher = Entrance::at(deployment.node(node).internal_address());
    let (_, metrics) = watcher.text("/metrics").await;
    let name = "zeitnot_unreplicated_answers_total ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(name));
    count.unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_says_when_no_replica_has_the_move_in_time_and_the_move_stands() {
    let deployment = waiting_for("1");
    let replica = deployment.replica().unwrap();
    let mut table = sit_down(&deployment).await;
    for ply in 0..2 {
        // On a machine that is busy it may once be late; nothing else can make it so.
        let answer = play(&mut table, ply).await;
        println!("with a replica: {answer}");
    }
    replica.pause().unwrap();
    for ply in 2..4 {
        assert_eq!(play(&mut table, ply).await["replicated"], false);
    }
    let behind = log::lines(&deployment, table.game);
    replica.resume().unwrap();
    // The same again is answered anew, and by then a replica has it.
    loop {
        let again = table.seats[1].play(table.game, MOVES[3], 3).await;
        assert_eq!((&again["t"], &again["v"]), (&json!("ok"), &json!(5)));
        if again.get("replicated").is_none() {
            break;
        }
    }
    assert_eq!(log::lines(&deployment, table.game), behind);
    let key = log::key(table.game);
    assert_eq!(replica.command(&format!("LLEN {key}")).unwrap(), ":5");
    assert_ne!(unreplicated(&deployment, 0).await, "0");
    assert_ne!(unreplicated(&deployment, 1).await, "0");
}

#[tokio::test]
async fn more_replicas_than_there_are_never_confirm() {
    let deployment = waiting_for("2");
    let mut table = sit_down(&deployment).await;
    for ply in 0..4 {
        assert_eq!(play(&mut table, ply).await["replicated"], false);
    }
    assert_eq!(unreplicated(&deployment, 0).await, "2");
    assert_eq!(unreplicated(&deployment, 2).await, "0");
}
