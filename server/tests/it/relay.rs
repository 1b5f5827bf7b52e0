//! What players do on the built binary, on one node and on three: games, refusals, ends, a store that is silent.

use axum::http::{Method, StatusCode};
use serde_json::json;
use zeitnot_loadtest::deployment::Deployment;

use crate::support::binary;
use crate::support::entrance::Entrance;
use crate::support::records::records;
use crate::support::table::Table;
use crate::support::trio::{Seating, Trio};

/// Three nodes over one Redis, or one node three times over its own store.
struct Cluster {
    entrances: [Entrance; 3],
    deployment: Deployment,
}

impl Cluster {
    fn embedded() -> Self {
        Self::over(Deployment::embedded(binary()).unwrap())
    }

    fn of_three_nodes() -> Self {
        Self::over(Deployment::over_redis(binary(), 3).unwrap())
    }

    fn over(deployment: Deployment) -> Self {
        Self {
            entrances: std::array::from_fn(|number| Entrance::of(deployment.node(number))),
            deployment,
        }
    }

    /// All of them, beginning with one.
    fn from(&self, first: usize) -> [&Entrance; 3] {
        std::array::from_fn(|number| self.node(first + number))
    }

    fn node(&self, number: usize) -> &Entrance {
        &self.entrances[number % self.entrances.len()]
    }
}

#[tokio::test]
async fn real_games_are_played_on_one_embedded_node() {
    let cluster = Cluster::embedded();
    for record in records() {
        let entrance = cluster.node(0);
        let mut trio = Trio::sit_down(entrance, &record.terms(), Seating::Anywhere).await;
        record.play(&mut trio, 0..record.moves.len()).await;
        record.assert_seen(&trio);
        let mut late = entrance.connect(None).await;
        record.assert_shown(&late.watch(trio.game).await);
    }
}

/// What is refused, by whom, and with which code.
async fn refuse(cluster: &Cluster) {
    let terms = json!({"clock": {"limit": 60, "increment": 0}});
    let mut table = Table::sit_down(cluster.from(0), &terms).await;
    let game = table.game;
    assert_eq!(table.seats[0].play(game, "e2e4", 0).await["v"], 2);
    let mut cases = vec![];
    for (seat, uci, ply, code) in [
        (1, "e7e4", 1, "illegal_move"),
        (0, "d2d4", 1, "not_your_turn"),
        (0, "d2d4", 0, "stale"),
        (1, "e9e5", 1, "bad_request"),
    ] {
        let answer = table.seats[seat].play(game, uci, ply).await;
        cases.push((format!("{uci} at {ply}"), answer, code));
    }
    let answer = table.spectator.play(game, "e7e5", 1).await;
    cases.push(("a watcher without a token".into(), answer, "unauthorized"));
    let stranger = cluster.node(1).guest("Eve").await;
    let mut stranger = cluster.node(2).connect(Some(&stranger)).await;
    let answer = stranger.play(game, "e7e5", 1).await;
    cases.push(("a stranger".into(), answer, "forbidden"));
    let answer = stranger.play("00000000".parse().unwrap(), "e7e5", 1).await;
    cases.push(("a game that does not exist".into(), answer, "not_found"));
    for (name, answer, code) in cases {
        assert_eq!(
            (&answer["t"], &answer["code"]),
            (&json!("error"), &json!(code)),
            "{name}: {answer}"
        );
    }

    let forged = {
        let (head, tail) = table.guests[0].token.rsplit_once('.').unwrap();
        let flipped = if tail.starts_with('A') { 'B' } else { 'A' };
        format!("{head}.{flipped}{}", &tail[1..])
    };
    for token in [forged.as_str(), "nonsense", "a.b.c"] {
        assert_eq!(
            cluster.node(1).refusal(Some(token)).await,
            StatusCode::UNAUTHORIZED,
            "{token}"
        );
    }
    let accept = format!("/api/challenge/{game}/accept");
    let (status, _) = cluster
        .node(0)
        .request(Method::POST, &accept, (&json!({}), Some(&forged)))
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);

    // None of this changed anything: the next version is the next move.
    let again = table.seats[0].play(game, "e2e4", 0).await;
    assert_eq!(
        (&again["t"], &again["v"]),
        (&json!("ok"), &json!(2)),
        "the same move again"
    );
    assert_eq!(table.seats[1].play(game, "e7e5", 1).await["v"], 3);
    for client in table.everyone() {
        let versions = [
            client.next().await["v"].clone(),
            client.next().await["v"].clone(),
        ];
        assert_eq!(versions, [json!(2), json!(3)]);
    }
    let mut late = cluster.node(1).connect(None).await;
    assert_eq!(late.watch(game).await["moves"], "e2e4 e7e5");
}

#[tokio::test]
async fn refusals_change_nothing_over_redis() {
    refuse(&Cluster::of_three_nodes()).await;
}

#[tokio::test]
async fn refusals_change_nothing_on_an_embedded_node() {
    refuse(&Cluster::embedded()).await;
}

#[tokio::test]
async fn a_resignation_ends_the_game_everywhere() {
    let cluster = Cluster::of_three_nodes();
    let terms = json!({"clock": {"limit": 60, "increment": 0}});
    let mut table = Table::sit_down(cluster.from(1), &terms).await;
    let game = table.game;
    let resign = json!({"t": "resign", "game": game, "v": 1});
    assert_eq!(table.seats[1].ask(resign.clone()).await["v"], 2);
    assert_eq!(
        table.seats[1].ask(resign).await["v"],
        2,
        "the same again is the same"
    );
    for client in table.everyone() {
        let end = client.next().await;
        assert_eq!(
            (&end["status"], &end["winner"]),
            (&json!("resign"), &json!("white"))
        );
    }
    assert_eq!(
        table.seats[0].play(game, "e2e4", 0).await["code"],
        "game_over"
    );
}

#[tokio::test]
async fn players_are_told_of_a_store_that_is_silent_and_then_go_on() {
    let cluster = Cluster::of_three_nodes();
    let terms = json!({"clock": {"limit": 60, "increment": 0}});
    let mut table = Table::sit_down(cluster.from(0), &terms).await;
    let game = table.game;
    assert_eq!(table.seats[0].play(game, "e2e4", 0).await["v"], 2);
    let redis = cluster.deployment.redis().unwrap();
    redis.pause().unwrap();
    for client in table.everyone() {
        assert_eq!(client.next_of("status").await["store"], "unavailable");
    }
    redis.resume().unwrap();
    for client in table.everyone() {
        assert_eq!(client.next_of("status").await["store"], "ok");
    }
    assert_eq!(table.seats[1].play(game, "e7e5", 1).await["v"], 3);
    assert_eq!(table.seats[0].play(game, "g1f3", 2).await["v"], 4);
    assert_eq!(table.spectator.next_of("move").await["ply"], 2);
}

#[tokio::test]
async fn a_socket_that_came_while_the_store_was_silent_hears_of_its_games() {
    let cluster = Cluster::of_three_nodes();
    let guests = [
        cluster.node(0).guest("Anna").await,
        cluster.node(0).guest("Bo").await,
    ];
    let mut watcher = cluster.node(1).connect(None).await;
    let redis = cluster.deployment.redis().unwrap();
    redis.pause().unwrap();
    assert_eq!(watcher.next_of("status").await["store"], "unavailable");
    let mut early = cluster.node(1).connect(Some(&guests[0])).await;
    redis.resume().unwrap();
    assert_eq!(early.next_of("status").await["store"], "unavailable");
    assert_eq!(early.next_of("status").await["store"], "ok");
    let game = cluster.node(2).open_challenge(&json!({})).await;
    for (color, guest) in ["white", "black"].into_iter().zip(&guests) {
        assert_eq!(
            cluster.node(2).accept(game, color, guest).await,
            StatusCode::OK
        );
    }
    assert_eq!(early.next_of("game_start").await["game"], json!(game));
}
