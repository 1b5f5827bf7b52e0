//! What deployments can do, shown with the built binary: nginx before the nodes, proxies behind them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::{
    Deployment, RedisKind, Settings, Swallow, is_append, is_commit,
};

use crate::support::binary;
use crate::support::entrance::{Entrance, Guest};

const MOVES: [&str; 6] = ["e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6"];

fn three_nodes() -> Settings {
    Settings::new(binary()).nodes(3).over(RedisKind::Single)
}

/// A game of two guests that begins where they enter.
async fn begin(entrance: &Entrance) -> (GameId, [Guest; 2]) {
    let terms = json!({"clock.limit": 600, "clock.increment": 5});
    let game = entrance.open_challenge(&terms).await;
    let guests = [entrance.guest("Anna").await, entrance.guest("Bo").await];
    for (color, guest) in ["white", "black"].into_iter().zip(&guests) {
        let accepted = entrance.accept(game, color, guest).await;
        assert_eq!(accepted, StatusCode::OK);
    }
    (game, guests)
}

fn node_of(deployment: &Deployment, name: &str) -> usize {
    let number: usize = name.strip_prefix("node-").unwrap().parse().unwrap();
    assert!(number <= deployment.nodes().len());
    number - 1
}

#[tokio::test]
async fn behind_nginx_a_game_goes_on_while_its_nodes_die() {
    let mut deployment = three_nodes().behind_nginx().start().unwrap();
    let entrance = Entrance::at(deployment.address());
    let (game, guests) = begin(&entrance).await;
    for (ply, uci) in MOVES.into_iter().enumerate() {
        let mut client = entrance.connect(Some(&guests[ply % 2])).await;
        let snapshot = client.watch(game).await;
        let known: Vec<&str> = snapshot["moves"]
            .as_str()
            .unwrap()
            .split_whitespace()
            .collect();
        assert_eq!(known, MOVES[..ply]);
        assert_eq!(client.play(game, uci, ply).await["t"], "ok");
        let node = node_of(&deployment, client.node());
        let (address, pid) = {
            let node = deployment.node(node);
            (node.address().to_owned(), node.pid())
        };
        deployment.node_mut(node).restart().unwrap();
        assert_eq!(deployment.node(node).address(), address);
        assert_ne!(deployment.node(node).pid(), pid);
    }
}

#[tokio::test]
async fn a_move_whose_answer_died_with_its_node_was_made() {
    let mut deployment = three_nodes().with_proxies().start().unwrap();
    let (here, there) = (deployment.node(0), deployment.node(1));
    let (here, there) = (Entrance::of(here), Entrance::of(there));
    let (game, guests) = begin(&there).await;
    let mut white = here.connect(Some(&guests[0])).await;
    white.watch(game).await;
    let rule = Swallow::first(is_append).answered(is_commit).and_hold();
    let swallowed = deployment.proxy(0).unwrap().swallow(rule);
    let mv = json!({"t": "move", "game": game, "uci": "e2e4", "ply": 0, "id": 2});
    white.send_raw(Message::text(mv.to_string())).await;
    swallowed.wait_for(1).unwrap();
    deployment.node_mut(0).kill().unwrap();

    let mut white = there.connect(Some(&guests[0])).await;
    let snapshot: Value = white.watch(game).await;
    assert_eq!(snapshot["moves"], "e2e4");
    let again = white.play(game, "e2e4", 0).await;
    assert_eq!(
        (&again["t"], &again["v"]),
        (&json!("ok"), &json!(2)),
        "{again}"
    );
}
