//! What an address and a user may do in a time. Where a quota is refilled while a test runs, it counts what was refilled.

use std::time::Instant;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zeitnot::limits::{ANONYMOUS_REQUESTS, CHALLENGES, CHAT, Quota, SEEKS};
use zeitnot_loadtest::deployment::{RedisKind, Settings};

use super::{assert_undisturbed, binary, start};
use crate::support::client::Client;
use crate::support::entrance::{Answer, Entrance};
use crate::support::table::Table;

const LOOK: &str = "/api/games/zzzzzzzz";
const OPEN: &str = "/api/challenge/open";

/// How much of a quota may have been used since some moment.
fn most(quota: Quota, since: Instant) -> u128 {
    let refilled = since.elapsed().as_millis() / u128::from(quota.period.0);
    u128::from(quota.burst) + refilled + 1
}

/// Asks until there is too much; how often there was not, and the refusal.
async fn until_refused(ask: impl AsyncFn() -> Answer) -> (u128, Answer) {
    let mut taken = 0;
    loop {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.json["code"], "rate_limited");
            return (taken, answer);
        }
        taken += 1;
    }
}

#[tokio::test]
async fn requests_are_counted_by_user_and_without_a_token_by_address() {
    let deployment = start(&["--rate-limits", "on"]);
    let at = Entrance::from(deployment.address(), [127, 0, 0, 2]);
    let guest = at.guest("Anna").await;
    let good = format!("Bearer {}", guest.token);
    let with_token = (LOOK, &[("authorization", &*good)][..]);
    let began = Instant::now();
    let (taken, refused) = until_refused(async || at.ask(Method::GET, (LOOK, &[])).await).await;
    assert!(taken >= ANONYMOUS_REQUESTS.burst.into(), "{taken}");
    assert!(taken <= most(ANONYMOUS_REQUESTS, began), "{taken}");
    assert_eq!(refused.retry_after(), 1);
    assert_eq!(at.ask(Method::GET, with_token).await.status, 404, "a user");
    let other = Entrance::from(deployment.address(), [127, 0, 0, 3]);
    assert_eq!(other.ask(Method::GET, (LOOK, &[])).await.status, 404);
    // A bad token is none, here too.
    let bad = (LOOK, &[("authorization", "Bearer nonsense")][..]);
    let (taken, _) = until_refused(async || other.ask(Method::GET, bad).await).await;
    assert!(taken <= most(ANONYMOUS_REQUESTS, began), "{taken}");
    // After a while there is one more, and the page is there all the time.
    while at.ask(Method::GET, (LOOK, &[])).await.status != 404 {
        assert_eq!(at.ask(Method::GET, ("/", &[])).await.status, 200);
    }
}

/// Says each message on each of so many sockets of a user, and counts what was done and what was refused.
async fn say_on_all(sockets: &mut [Client], messages: &[Value]) -> (u128, u128) {
    let (mut done, mut refused) = (0, 0);
    for socket in sockets {
        for message in messages {
            let answer = socket.ask(message.clone()).await;
            if answer["t"] == "ok" {
                done += 1;
                continue;
            }
            assert_eq!(answer["code"], "rate_limited", "{answer}");
            assert!(answer["retry_after_ms"].as_u64().is_some(), "{answer}");
            refused += 1;
        }
    }
    (done, refused)
}

#[tokio::test]
async fn what_a_user_says_and_seeks_is_counted_over_all_its_sockets() {
    let deployment = start(&["--rate-limits", "on"]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let fan = entrance.guest("Fan").await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(entrance.connect(Some(&fan)).await);
    }
    // As much as one socket may say.
    let say = json!({"t": "say", "game": table.game, "room": "spectators", "text": "a line"});
    let began = Instant::now();
    let (done, refused) = say_on_all(&mut sockets, &vec![say; 5]).await;
    assert!(refused > 0 && done >= CHAT.burst.into(), "{done} {refused}");
    assert!(done <= most(CHAT, began), "{done}");

    let seek = json!({"t": "seek", "clock": {"limit": 180, "increment": 2}});
    let began = Instant::now();
    let (done, refused) = say_on_all(&mut sockets, &vec![seek; 10]).await;
    assert!(
        refused > 0 && done >= SEEKS.burst.into(),
        "{done} {refused}"
    );
    assert!(done <= most(SEEKS, began), "{done}");
    assert_undisturbed(&mut table, 0, "e2e4").await;
}

#[tokio::test]
async fn two_nodes_share_what_an_address_and_a_user_may_do() {
    let deployment = Settings::new(binary())
        .nodes(2)
        .over(RedisKind::Single)
        .args(&["--rate-limits", "on", "--guests-per-address", "4"])
        .start()
        .unwrap();
    let at = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let guest = at[0].guest("Anna").await;
    let make = async |node: usize| at[node].ask(Method::POST, ("/api/auth/guest", &[])).await;
    for node in [1, 0, 1] {
        assert_eq!(make(node).await.status, 200);
    }
    for node in [0, 1] {
        let refused = make(node).await;
        assert_eq!(refused.status, 429, "node {node}");
        assert!((1..=900).contains(&refused.retry_after()), "{refused:?}");
    }

    let good = format!("Bearer {}", guest.token);
    let open = (OPEN, &[("authorization", &*good)][..]);
    let began = Instant::now();
    let mut taken = 0;
    for entrance in &at {
        taken += until_refused(async || entrance.ask(Method::POST, open).await)
            .await
            .0;
    }
    assert!(taken >= CHALLENGES.burst.into(), "{taken}");
    assert!(taken <= most(CHALLENGES, began), "{taken}");
}

#[tokio::test]
async fn while_redis_is_stopped_each_node_counts_alone_and_moves_are_only_late() {
    let deployment = Settings::new(binary())
        .nodes(2)
        .over(RedisKind::Single)
        .args(&["--rate-limits", "on", "--guests-per-address", "5"])
        .start()
        .unwrap();
    let [here, there] = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    // Two guests of this address are made by this node.
    let mut table = Table::sit_down([&here; 3], &json!({})).await;
    let redis = deployment.redis().unwrap();
    redis.pause().unwrap();
    let play = json!({"t": "move", "game": table.game, "uci": "e2e4", "ply": 0});
    let moved = table.seats[0].send(play.clone()).await;
    let make = async |at: &Entrance| at.ask(Method::POST, ("/api/auth/guest", &[])).await;
    let (taken, _) = until_refused(async || make(&here).await).await;
    assert_eq!(taken, 3, "it knows of those before");
    let (taken, _) = until_refused(async || make(&there).await).await;
    assert_eq!(taken, 5, "it knows only its own");
    let (_, metrics) = Entrance::at(deployment.node(0).internal_address())
        .text("/metrics")
        .await;
    let alone = "zeitnot_quotas_counted_alone_total ";
    let alone = metrics.lines().find_map(|line| line.strip_prefix(alone));
    assert!(alone.unwrap().parse::<u64>().unwrap() >= 3, "{alone:?}");
    redis.resume().unwrap();
    let mut answer = table.seats[0].answer_to(moved).await;
    while answer["code"] == "unavailable" {
        // Redis was away for longer than a command waits, on a machine this busy.
        table.seats[0] = here.connect(Some(&table.guests[0])).await;
        answer = table.seats[0].ask(play.clone()).await;
    }
    assert_eq!(answer["v"], 2, "{answer}");
    assert_eq!(make(&here).await.status, 429);
}

#[tokio::test]
async fn off_means_off() {
    let deployment = start(&[
        "--rate-limits",
        "off",
        "--guests-per-address",
        "1",
        "--sockets-per-address",
        "1",
    ]);
    let entrance = Entrance::of(deployment.node(0));
    for _ in 0..5 {
        entrance.guest("Anna").await;
    }
    let guest = entrance.guest("Bo").await;
    let mut sockets = Vec::new();
    for _ in 0..25 {
        sockets.push(entrance.connect(Some(&guest)).await);
    }
    for _ in 0..=ANONYMOUS_REQUESTS.burst {
        assert_ne!(entrance.ask(Method::GET, (LOOK, &[])).await.status, 429);
    }
    for _ in 0..=CHALLENGES.burst {
        entrance.open_challenge(&json!({})).await;
    }
}
