//! Flags that fall where nobody looks: the nodes that knew the game are dead, and the one that it was handed to stands still.
//! Where somebody looks, they need not be told.

use tokio::time::{Instant, sleep, timeout};
use zeitnot_game::color::Color;
use zeitnot_game::id::GameId;
use zeitnot_game::outcome::Outcome;
use zeitnot_loadtest::deployment::{Deployment, Reply, Swallow, Swallowed};

use super::reckoning::{Reckoning, log};
use super::{LOOK_PERIOD, nodes, number, seat};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::log::key;

/// White lost, once, and not before his time.
const LOST: Option<Outcome> = Some(Outcome::Flagged {
    winner: Some(Color::Black),
});

/// Waits until a game's log has an end, and no more than that; prints how late it is by play time.
async fn wait_for_flag(deployment: &Deployment, game: GameId) -> Reckoning {
    let began = Instant::now();
    let fallen = loop {
        let reckoning = Reckoning::read(deployment.redis().unwrap(), game);
        if reckoning.outcome.is_some() {
            break reckoning;
        }
        assert!(began.elapsed() < PATIENCE, "the flag falls");
        sleep(LOOK_PERIOD).await;
    };
    assert_eq!(fallen.outcome, LOST);
    let late = fallen.at.checked_sub(fallen.flag_at);
    let late = late.expect("no flag falls before its time");
    println!("game {game}: the flag was called after {late} ms");
    fallen
}

#[tokio::test]
async fn a_flag_falls_when_nobody_is_left_who_knew_the_game() {
    let mut deployment = nodes(3).behind_nginx().start().unwrap();
    let address = deployment.address();
    let entrance = Entrance::at(address);
    let (game, [mut white, mut black]) = seat(&entrance, (3, 0), [address; 2]).await;
    white.be_there().await;
    black.be_there().await;
    white.play_move(0).await;
    black.play_move(1).await;
    let knew = [white.told(), black.told()].map(|story| number(story.node()));
    assert_ne!(knew[0], knew[1]);
    drop((white, black));
    for node in knew {
        deployment.node_mut(node).kill().unwrap();
    }
    let left = Reckoning::read(deployment.redis().unwrap(), game);
    assert_eq!(left.outcome, None, "the clock still runs");
    let fallen = wait_for_flag(&deployment, game).await;
    for node in knew {
        deployment.node_mut(node).restart().unwrap();
        let mut watcher = Entrance::of(deployment.node(node)).connect(None).await;
        let snapshot = watcher.watch(game).await;
        assert_eq!(
            (&snapshot["status"], &snapshot["winner"]),
            (&"outoftime".into(), &"black".into())
        );
        assert_eq!(snapshot["clock"]["white"], 0);
        fallen.assert_shown(&snapshot);
    }
}

#[tokio::test]
async fn who_follows_a_game_calls_its_flag_though_the_store_hands_it_to_nobody() {
    let deployment = nodes(2).start().unwrap();
    let addresses = deployment.nodes().iter().map(|node| node.address());
    let addresses: Vec<&str> = addresses.collect();
    let entrance = Entrance::at(addresses[0]);
    let (game, [mut white, mut black]) =
        seat(&entrance, (1, 0), [addresses[0], addresses[1]]).await;
    white.play_move(0).await;
    black.play_move(1).await;
    let log = key(game);
    let (bucket, _) = log.split_once(":game:").unwrap();
    let taken_out = ["ZREM", &format!("{bucket}:due"), game.as_str()];
    let redis = deployment.redis().unwrap();
    assert_eq!(redis.call(&taken_out).unwrap().int(), Some(1));
    wait_for_flag(&deployment, game).await;
    white.hear_end().await;
    black.hear_end().await;
}

/// The answer to a tick that hands a game out.
fn hand_out(game: GameId) -> Swallow {
    let is_tick = |words: &[&[u8]]| words.get(3).is_some_and(|key| key.ends_with(b":clock"));
    let has_game = move |reply: &Reply| {
        let mut buckets = reply.text().unwrap_or_default().lines().skip(1);
        buckets.any(|bucket| bucket.contains(&game.to_string()))
    };
    Swallow::first(is_tick).answered(has_game)
}

/// The answer to a look at its log.
fn look(game: GameId) -> Swallow {
    let log = format!(":game:{game}");
    Swallow::first(
        move |words| matches!(words, [_, _, b"2", key, _, _, _] if key.ends_with(log.as_bytes())),
    )
}

/// The node that a game is handed to is stopped when it waits for this answer; it has it when it goes on.
async fn stop_whoever_waits(for_answer: impl Fn(GameId) -> Swallow) {
    let mut deployment = nodes(3).with_proxies().start().unwrap();
    let first = deployment.node(0).address().to_owned();
    let entrance = Entrance::at(&first);
    let (game, [mut white, mut black]) = seat(&entrance, (1, 0), [&first; 2]).await;
    white.play_move(0).await;
    black.play_move(1).await;
    let hold = |node: usize| {
        deployment
            .proxy(node)
            .unwrap()
            .swallow(for_answer(game).and_hold())
    };
    let held = [1, 2].map(hold);
    deployment.node_mut(0).kill().unwrap();
    let stopped = wait_for_one(&held).await;
    deployment.node(stopped).pause().unwrap();
    drop(held);
    println!(
        "node-{} was stopped when it was handed game {game}",
        stopped + 1
    );
    let fallen = wait_for_flag(&deployment, game).await;
    let before = log(deployment.redis().unwrap(), game);
    deployment.node(stopped).resume().unwrap();
    // By the end of another game it has done whatever it was about to do.
    let entrance = Entrance::of(deployment.node(3 - stopped));
    let address = deployment.node(stopped).address();
    let (_, [mut white, mut black]) = seat(&entrance, (1, 0), [address; 2]).await;
    white.play_move(0).await;
    black.play_move(1).await;
    white.hear_end().await;
    let entrance = Entrance::of(deployment.node(stopped));
    let mut watcher = entrance.connect(None).await;
    fallen.assert_shown(&watcher.watch(game).await);
    assert_eq!(log(deployment.redis().unwrap(), game), before);
}

/// The node whose answer is held.
async fn wait_for_one(held: &[Swallowed; 2]) -> usize {
    let waiting = async {
        loop {
            if let Some(number) = held.iter().position(|held| held.count() > 0) {
                return number + 1;
            }
            sleep(LOOK_PERIOD).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("the game is handed out")
}

#[tokio::test]
async fn a_node_that_stops_when_it_is_handed_a_game_leaves_the_flag_to_another() {
    stop_whoever_waits(hand_out).await;
}

#[tokio::test]
async fn a_node_that_stops_while_it_looks_at_what_it_was_handed_writes_no_second_end() {
    stop_whoever_waits(look).await;
}
