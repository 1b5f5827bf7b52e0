//! Keys that change under load: who plays with a token of any key in use is never turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zeitnot_loadtest::deployment::Node;

use crate::identity::{Issuer, Keyed, fresh_key, post, write};
use crate::support::entrance::{Entrance, Guest};
use crate::support::table::Table;
use crate::support::wait::until;

const REFRESH: &str = "/api/auth/refresh";

/// Games at once, each by a pair of guests on two nodes.
const PAIRS: usize = 4;

/// Games that must have been played between two changes.
const GAMES_A_PHASE: usize = 4;

/// Plays games until it is told to stop: every answer on the way must be good. Tokens are taken anew for each game, and
/// renewed in the middle of it.
async fn play(nodes: [Entrance; 2], (stop, games): (Arc<AtomicBool>, Arc<AtomicUsize>)) {
    let [here, there] = &nodes;
    let mut old: Option<Guest> = None;
    while !stop.load(Ordering::Relaxed) {
        let mut table = Table::sit_down([here, there, here], &json!({})).await;
        for (ply, uci) in ["e2e4", "e7e5", "g1f3", "b8c6"].into_iter().enumerate() {
            let answer = table.seats[ply % 2].play(table.game, uci, ply).await;
            assert_eq!(answer["v"], ply + 2, "{answer}");
            if ply == 1 {
                let (status, fresh) = post(there, REFRESH, &table.guests[0].token).await;
                assert_eq!(status, 200, "{fresh}");
                let auth = json!({"t": "auth", "token": fresh["token"]});
                let answer = table.seats[0].ask(auth).await;
                assert_eq!(answer["t"], "ok", "{answer}");
            }
        }
        // Who came with a token of an earlier key still comes in.
        if let Some(old) = &old {
            let mut again = there.connect(Some(old)).await;
            assert_eq!(again.ask(json!({"t": "ping"})).await["t"], "pong");
        }
        let resign = json!({"t": "resign", "game": table.game});
        assert_eq!(table.seats[0].ask(resign).await["t"], "ok");
        old.get_or_insert_with(|| table.guests[1].clone());
        games.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn keys_are_changed_under_load_and_nobody_is_turned_away() {
    let (old, new) = (fresh_key(), fresh_key());
    let keyed = Keyed::start(&old, &Issuer::new("p"));
    let both = || [0, 1].map(|node| Entrance::of(keyed.deployment.node(node)));
    let (stop, games) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut players = tokio::task::JoinSet::new();
    for _ in 0..PAIRS {
        players.spawn(play(both(), (stop.clone(), games.clone())));
    }
    let before = games.load(Ordering::Relaxed);
    let mut enough = before + GAMES_A_PHASE;
    // The next key is known first, then it signs.
    for keys in [[&old, &new], [&new, &old]] {
        until(async || games.load(Ordering::Relaxed) >= enough).await;
        write(&keyed.own, &keys);
        keyed.hang_up("taken").await;
        enough = games.load(Ordering::Relaxed) + GAMES_A_PHASE;
    }
    until(async || games.load(Ordering::Relaxed) >= enough).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(played) = players.join_next().await {
        played.expect("every answer was good");
    }
    println!(
        "{} games were played while keys were changed twice, and nobody was turned away",
        games.load(Ordering::Relaxed)
    );
    assert_eq!(refused_tokens(keyed.deployment.nodes()).await, 0);
}

/// Tokens that the nodes refused, for whatever reason.
async fn refused_tokens(nodes: &[Node]) -> u64 {
    let mut refused = 0;
    for node in nodes {
        let (status, text) = Entrance::at(node.internal_address()).text("/metrics").await;
        assert_eq!(status, StatusCode::OK);
        let counted = text
            .lines()
            .filter(|line| line.starts_with("zeitnot_tokens_refused_total{"));
        refused += counted
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum::<u64>();
    }
    refused
}

#[tokio::test]
async fn a_key_that_is_taken_away_takes_its_tokens_and_sockets_along() {
    let (old, new) = (fresh_key(), fresh_key());
    let keyed = Keyed::start(&old, &Issuer::new("p"));
    let [here, there] = [0, 1].map(|node| Entrance::of(keyed.deployment.node(node)));
    let mut table = Table::sit_down([&here, &there, &here], &json!({})).await;
    write(&keyed.own, &[&new, &old]);
    keyed.hang_up("taken").await;
    let late = here.guest("Late").await;
    let mut of_new = there.connect(Some(&late)).await;
    assert_eq!(table.seats[0].play(table.game, "e2e4", 0).await["v"], 2);
    write(&keyed.own, &[&new]);
    keyed.hang_up("taken").await;
    let began = Instant::now();
    for entrance in [&here, &there] {
        for guest in &table.guests {
            assert_eq!(post(entrance, REFRESH, &guest.token).await.0, 401);
            assert_eq!(
                entrance.refusal(Some(&guest.token)).await,
                StatusCode::UNAUTHORIZED
            );
        }
    }
    println!(
        "tokens of the old key are refused {:?} after it is gone",
        began.elapsed()
    );
    let [white, black] = table.seats;
    assert_eq!((white.closed().await, black.closed().await), (4401, 4401));
    println!(
        "sockets of the old key are closed {:?} after it is gone",
        began.elapsed()
    );
    assert_eq!(of_new.ask(json!({"t": "ping"})).await["t"], "pong");
    let nothing = (&Value::Null, None);
    let path = format!("/api/games/{}", table.game);
    let (_, game) = here.request(Method::GET, &path, nothing).await;
    assert_eq!(game["moves"], "e2e4", "the game is there");
}
