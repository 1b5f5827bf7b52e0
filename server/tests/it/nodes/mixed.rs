//! A later build writes into the same games: what this one knows of that is shown, and the rest is left alone.

use axum::http::StatusCode;
use serde_json::json;
use zeitnot::store::redis::RedisStore;
use zeitnot::store::{Append, Appended, Store as _};
use zeitnot_game::id::{GameId, Head, Version};
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_loadtest::deployment::{Deployment, RedisKind};

use super::nodes;
use crate::support::entrance::Entrance;
use crate::support::log;
use crate::support::table::Table;

/// Writes what a later build may write, as the next entries of a game, all at once.
async fn write(deployment: &Deployment, game: GameId, (tag, bodies): (&str, &[&str])) {
    let store = RedisStore::connect(&deployment.redis().unwrap().url())
        .await
        .unwrap();
    let lines = log::lines(deployment, game);
    let first: FirstEntry = lines[0].parse().unwrap();
    let last = lines.last().unwrap().rsplit(' ').next().unwrap();
    let append = Append {
        after: Head {
            version: Version(u32::try_from(lines.len()).unwrap()),
            tag: last.parse().unwrap(),
        },
        after_at: Timestamp(0),
        tag: tag.parse().unwrap(),
        origin: first.origin,
        bodies: bodies.iter().map(|&body| body.to_owned()).collect(),
        not_before: None,
        due_in: Some(Millis::ZERO),
    };
    let appended = store.append(game, &append).await.unwrap();
    assert!(
        matches!(appended, Appended::Committed { .. }),
        "{appended:?}"
    );
    store.close().await;
}

/// The bodies of a game's entries behind the set-up.
fn bodies(deployment: &Deployment, game: GameId) -> Vec<String> {
    let body = |line: &String| line.rsplitn(3, ' ').nth(2).unwrap().to_owned();
    log::lines(deployment, game)[1..].iter().map(body).collect()
}

#[tokio::test]
async fn what_a_later_build_wrote_is_shown_as_far_as_it_is_known_and_left_alone() {
    let mut deployment = nodes(2).over(RedisKind::Single).start().unwrap();
    let doors = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let terms = json!({"clock": {"limit": 5, "increment": 0}});
    let mut table = Table::sit_down([&doors[0], &doors[1], &doors[0]], &terms).await;
    let game = table.game;
    assert_eq!(table.seats[0].play(game, "e2e4", 0).await["v"], 2);
    assert_eq!(table.seats[1].play(game, "e7e5", 1).await["v"], 3);
    // A word that nobody here knows behind a kind that all know, and a kind that nobody knows.
    let later = [
        "g1f3 120~30 opening:knight eval:+0.3",
        "adjourn black seal:b8c6",
    ];
    write(&deployment, game, ("later", &later)).await;
    for client in table.everyone() {
        while client.next_of("move").await["v"] != 4 {}
    }
    let [white, black] = &mut table.seats;
    for (client, uci) in [(white, "f3e5"), (black, "b8c6")] {
        let refused = client.play(game, uci, 3).await;
        assert_eq!(refused["code"], "unavailable", "{refused}");
    }
    for door in &doors {
        let mut late = door.connect(None).await;
        let shown = late.watch(game).await;
        assert_eq!(
            (&shown["moves"], &shown["status"]),
            (&json!("e2e4 e7e5 g1f3"), &json!("started"))
        );
    }
    let (status, _) = doors[0].text(&format!("/game/export/{game}")).await;
    assert_eq!(status, StatusCode::OK);
    // By the time this game's flag has fallen, the other one's would have, too: nobody here calls it.
    let mut other = Table::sit_down([&doors[0], &doors[1], &doors[1]], &terms).await;
    assert_eq!(other.seats[0].play(other.game, "e2e4", 0).await["v"], 2);
    assert_eq!(other.seats[1].play(other.game, "e7e5", 1).await["v"], 3);
    assert_eq!(other.spectator.next_of("end").await["status"], "outoftime");
    let written = [&["e2e4", "e7e5"], &later[..]].concat();
    assert_eq!(bodies(&deployment, game), written);
    // A node that has never seen it says the same.
    deployment.node_mut(0).restart().unwrap();
    let mut white = doors[0].connect(Some(&table.guests[0])).await;
    assert_eq!(white.watch(game).await["moves"], "e2e4 e7e5 g1f3");
    assert_eq!(white.play(game, "f3e5", 3).await["code"], "unavailable");
    // Whoever knows it goes on.
    write(&deployment, game, ("again", &["b8c6 40 sealed"])).await;
    assert_eq!(bodies(&deployment, game).len(), 5);
}
