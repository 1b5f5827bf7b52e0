//! Who is at a game, whatever node he is on, and what is owed to a player whose opponent left.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::{Deployment, FaultProxy, Reply, Settings, Target};

use super::{entrance, index_of, three_nodes, three_nodes_over_a_cluster};
use crate::support::binary;
use crate::support::entrance::{Entrance, Guest};
use crate::support::listener::{Listener, seat};

/// The shortest wait that there is, in milliseconds: for who left on purpose, and for a guest where the base is short.
const WAIT: u64 = 10_000;

/// Three moves, after which it is Black's turn.
const OPENING: [&str; 3] = ["e2e4", "e7e5", "g1f3"];

const SHORT_WAIT: [&str; 2] = ["--claim-after", "15s"];

fn deployment() -> Settings {
    three_nodes().args(&SHORT_WAIT)
}

fn blitz() -> Value {
    json!({"clock.limit": 300, "clock.increment": 0})
}

/// White, Black and one who watches, each on another node, and it is Black's turn.
struct Table {
    game: GameId,
    guests: [Guest; 2],
    white: Listener,
    black: Listener,
    watcher: Listener,
}

impl Table {
    /// Black may come by an entrance of his own.
    async fn sit_down(entrance: &Entrance, blacks: &Entrance, terms: &Value) -> Self {
        let (game, guests) = seat(entrance, terms).await;
        let [anna, bo] = guests.each_ref().map(Some);
        let (mut white, _) = Listener::come(entrance, (game, anna), |_| true).await;
        let is_other = |node: &str| node != white.node();
        let (mut black, _) = Listener::come(blacks, (game, bo), is_other).await;
        let is_third = |node: &str| ![white.node(), black.node()].contains(&node);
        let (watcher, snapshot) = Listener::come(entrance, (game, None), is_third).await;
        let both = json!({"white": true, "black": true});
        assert_eq!(snapshot["presence"], both, "{snapshot}");
        assert_eq!(snapshot["watchers"], 1, "{snapshot}");
        for (ply, uci) in OPENING.into_iter().enumerate() {
            let mover = if ply % 2 == 0 { &mut white } else { &mut black };
            mover.play(uci, ply).await;
            let seen = |frame: &Value| frame["ply"] == ply + 1;
            white.until(seen).await;
            black.until(seen).await;
        }
        Self {
            game,
            guests,
            white,
            black,
            watcher,
        }
    }
}

async fn shown(entrance: &Entrance, game: GameId) -> Value {
    let path = format!("/api/games/{game}");
    let (_, shown) = entrance
        .request(Method::GET, &path, (&Value::Null, None))
        .await;
    shown
}

async fn claim(white: &mut Listener) -> Value {
    white.ask(json!({"t": "claim", "do": "win"})).await
}

/// White is told that Black is away, and claims: too early, then when it is time. The same moment counts for all.
async fn claim_from_who_left(entrance: &Entrance, table: (GameId, Listener, Option<Listener>)) {
    let (game, mut white, watcher) = table;
    let told = white.until_here((true, false)).await;
    let claim_at = told["claim_at"]["white"].as_u64().unwrap();
    assert_eq!(told["claim_at"], json!({"white": claim_at}), "{told}");
    let left = claim_at - WAIT;
    assert!(left <= told["now"].as_u64().unwrap(), "{told}");
    if let Some(mut watcher) = watcher {
        let also = watcher.until_here((true, false)).await;
        assert_eq!(also["claim_at"], told["claim_at"]);
    }
    let snapshot = shown(entrance, game).await;
    assert_eq!(snapshot["presence"]["claim_at"], told["claim_at"]);

    let early = claim(&mut white).await;
    assert_eq!(early["code"], "not_allowed", "{early}");
    let mut retry_after = early["retry_after_ms"].as_u64().unwrap();
    assert!((1..=WAIT).contains(&retry_after), "{early}");
    let version = loop {
        // As a client does that was told when to try again.
        sleep(Duration::from_millis(retry_after)).await;
        let answer = claim(&mut white).await;
        if answer["t"] == "ok" {
            break answer["v"].clone();
        }
        retry_after = answer["retry_after_ms"].as_u64().expect("too early again");
    };
    let end = white.until(|frame| frame["t"] == "end").await;
    assert_eq!((&end["v"], &end["status"]), (&version, &json!("timeout")));
    assert_eq!(end["winner"], "white");
    let over = shown(entrance, game).await;
    assert!(over["at"].as_u64().unwrap() >= claim_at, "{over}");
    let again = json!({"t": "claim", "do": "win", "v": 4});
    assert_eq!(white.ask(again).await["v"], version, "it is done");
}

#[tokio::test]
async fn who_closes_on_purpose_is_away_from_then_on() {
    let deployment = deployment().start().unwrap();
    let entrance = entrance(&deployment);
    let table = Table::sit_down(&entrance, &entrance, &blitz()).await;
    table.black.close(1001).await;
    let rest = (table.game, table.white, Some(table.watcher));
    claim_from_who_left(&entrance, rest).await;
}

#[tokio::test]
async fn who_was_on_a_node_that_died_is_away_and_its_watchers_are_not_counted() {
    // The leases lie with one of the masters, the game perhaps with another.
    let deployment = three_nodes_over_a_cluster().args(&SHORT_WAIT);
    let mut deployment = deployment.start().unwrap();
    let entrance = entrance(&deployment);
    let mut table = Table::sit_down(&entrance, &entrance, &blitz()).await;
    let dying = table.black.node().to_owned();
    let mut crowd = Vec::new();
    for _ in 0..3 {
        let come = Listener::come(&entrance, (table.game, None), |node| node == dying);
        crowd.push(come.await.0);
    }
    for one in [&mut table.white, &mut table.watcher, &mut crowd[0]] {
        one.until_watched_by(4).await;
    }
    assert_eq!(shown(&entrance, table.game).await["watchers"], 4);
    deployment.node_mut(index_of(&dying)).kill().unwrap();
    table.white.until_watched_by(1).await;
    table.watcher.until_watched_by(1).await;
    let rest = (table.game, table.white, Some(table.watcher));
    claim_from_who_left(&entrance, rest).await;
}

#[tokio::test]
async fn who_falls_silent_is_away_and_a_move_after_that_leaves_nothing_to_claim() {
    let deployment = deployment().start().unwrap();
    let address = deployment.address().parse().unwrap();
    let line = FaultProxy::start(Target::Tcp(address)).unwrap();
    let (entrance, blacks) = (
        entrance(&deployment),
        Entrance::at(&line.address().to_string()),
    );
    let mut table = Table::sit_down(&entrance, &blacks, &blitz()).await;
    line.blackhole();
    let told = table.white.until_here((true, false)).await;
    assert!(told["claim_at"]["white"].is_u64(), "{told}");
    let early = claim(&mut table.white).await;
    assert!(early["retry_after_ms"].is_u64(), "{early}");

    let bo = Some(&table.guests[1]);
    let (mut black, snapshot) = Listener::come(&entrance, (table.game, bo), |_| true).await;
    let both = json!({"white": true, "black": true});
    assert_eq!(snapshot["presence"], both);
    let told = table.white.until_here((true, true)).await;
    assert_eq!(told["claim_at"], Value::Null);
    let refused = claim(&mut table.white).await;
    assert_eq!(refused["code"], "not_allowed");
    assert_eq!(refused["retry_after_ms"], Value::Null, "{refused}");
    black.play("b8c6", OPENING.len()).await;
    black.close(1000).await;
    // He is away again, but it is White's turn.
    table.white.until_here((true, false)).await;
    let refused = claim(&mut table.white).await;
    assert_eq!(refused["code"], "not_allowed");
    assert_eq!(refused["retry_after_ms"], Value::Null, "{refused}");
}

#[tokio::test]
async fn a_node_that_stood_still_says_again_who_is_there() {
    let deployment = deployment().start().unwrap();
    let entrance = entrance(&deployment);
    let mut table = Table::sit_down(&entrance, &entrance, &blitz()).await;
    let node = deployment.node(index_of(table.black.node()));
    node.pause().unwrap();
    table.white.until_here((true, false)).await;
    node.resume().unwrap();
    table.white.until_here((true, true)).await;
    table.watcher.until_here((true, true)).await;
}

#[tokio::test]
async fn a_store_that_forgot_who_is_here_is_told_again() {
    let deployment = deployment().start().unwrap();
    let entrance = entrance(&deployment);
    let mut table = Table::sit_down(&entrance, &entrance, &blitz()).await;
    table.black.close(1000).await;
    let told = table.white.until_here((true, false)).await;
    let redis = deployment.redis().unwrap();
    let forget = |key: &str| {
        let script = format!("return redis.call('DEL', unpack(redis.call('KEYS', '{key}')))");
        let forgotten = redis.call(&["EVAL", &script, "0"]).unwrap();
        assert_eq!(forgotten, Reply::Int(1), "{key}");
    };
    forget("{b:0}:nodes");
    forget("*:seats:*");
    // A look that comes by itself finds it, and Black leaves anew; so does one that a claim takes.
    let refused = claim(&mut table.white).await;
    assert_eq!(refused["code"], "not_allowed", "{refused}");
    let again = |frame: &Value| {
        frame["t"] == "presence"
            && frame["claim_at"]["white"].as_u64() > told["claim_at"]["white"].as_u64()
    };
    let anew = table.watcher.until(again).await;
    assert_eq!(
        (&anew["white"], &anew["black"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn who_leaves_while_the_store_is_away_is_away_when_it_is_back() {
    let deployment = deployment().start().unwrap();
    let entrance = entrance(&deployment);
    let mut table = Table::sit_down(&entrance, &entrance, &blitz()).await;
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    let is_silent = |frame: &Value| frame["store"] == "unavailable";
    for player in [&mut table.white, &mut table.black] {
        player.until(is_silent).await;
    }
    table.black.close(1000).await;
    redis.resume().unwrap();
    table.watcher.until_here((true, false)).await;
    let shown = shown(&entrance, table.game).await;
    assert_eq!(shown["presence"]["black"], false, "{shown}");
}

#[tokio::test]
async fn a_player_is_here_with_the_last_window_of_any_node() {
    let deployment = deployment().start().unwrap();
    let entrance = entrance(&deployment);
    let mut table = Table::sit_down(&entrance, &entrance, &blitz()).await;
    let (game, bo) = (table.game, Some(&table.guests[1]));
    let same = |node: &str| node == table.black.node();
    let (here, _) = Listener::come(&entrance, (game, bo), same).await;
    let other = |node: &str| node != table.black.node();
    let (mut there, _) = Listener::come(&entrance, (game, bo), other).await;
    table.black.close(1000).await;
    here.close(1000).await;
    // What is counted from a moment before this move would be too early.
    there.play("b8c6", OPENING.len()).await;
    let moved = table.white.until(|frame| frame["uci"] == "b8c6").await;
    there.close(1000).await;
    let told = table.white.until_here((true, false)).await;
    let left = told["claim_at"]["white"].as_u64().unwrap() - WAIT;
    assert!(left >= moved["at"].as_u64().unwrap(), "{told} {moved}");
}

#[tokio::test]
async fn a_game_without_a_clock_needs_nobody_here() {
    let deployment = deployment().start().unwrap();
    let entrance = entrance(&deployment);
    let mut table = Table::sit_down(&entrance, &entrance, &json!({"days": 3})).await;
    table.black.close(1000).await;
    table.white.until_here((true, false)).await;
    let refused = claim(&mut table.white).await;
    assert_eq!(refused["code"], "not_allowed");
    let days = Duration::from_millis(refused["retry_after_ms"].as_u64().unwrap());
    assert!(days > Duration::from_secs(29 * 24 * 3600), "{refused}");
}

#[tokio::test]
async fn in_one_process_it_is_the_same() {
    let binary = binary();
    let mut deployment = Deployment::embedded(binary).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let (game, guests) = seat(&entrance, &blitz()).await;
    let [anna, bo] = guests.each_ref().map(Some);
    let (mut white, _) = Listener::come(&entrance, (game, anna), |_| true).await;
    let (mut black, _) = Listener::come(&entrance, (game, bo), |_| true).await;
    for (ply, uci) in OPENING.into_iter().enumerate() {
        let mover = if ply % 2 == 0 { &mut white } else { &mut black };
        mover.play(uci, ply).await;
    }
    let (watcher, snapshot) = Listener::come(&entrance, (game, None), |_| true).await;
    assert_eq!(snapshot["watchers"], 1, "{snapshot}");
    white.until_watched_by(1).await;
    watcher.close(1000).await;
    white.until_watched_by(0).await;

    // After a restart everybody has just left.
    drop((white, black));
    deployment.node_mut(0).restart().unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let (mut white, snapshot) = Listener::come(&entrance, (game, anna), |_| true).await;
    let presence = &snapshot["presence"];
    assert_eq!(
        (&presence["white"], &presence["black"]),
        (&json!(true), &json!(false))
    );
    let claim_at = presence["claim_at"]["white"].as_u64().unwrap();
    assert!(claim_at > snapshot["now"].as_u64().unwrap(), "{snapshot}");
    let (black, _) = Listener::come(&entrance, (game, bo), |_| true).await;
    white.until_here((true, true)).await;
    black.close(1000).await;
    claim_from_who_left(&entrance, (game, white, None)).await;
}
