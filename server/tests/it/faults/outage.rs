//! Redis goes away while clocks run that have three seconds left, and a node with it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::Deployment;

use super::player::{End, Player, Story};
use super::reckoning::Reckoning;
use super::{nodes, number, seat, uci_at};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;

const GAMES: usize = 4;

/// Seconds on each clock and for each move.
const CLOCK: (u32, u32) = (3, 2);

/// When the players have gone on for long enough.
const GOAL: usize = 10;

/// What counts of an outage at most, in milliseconds.
const COUNTED: u64 = 1000;

/// Two clocks that are read: each may be off by one when it is cut to milliseconds.
const ROUNDING: u64 = 2;

/// Nodes behind nginx, and games in which White's clock of 3 s has begun to run.
struct Playing {
    deployment: Deployment,
    games: Vec<GameId>,
    stories: Vec<watch::Receiver<Story>>,
    /// Going on as soon as they can.
    players: JoinSet<Player>,
    /// Before White's turn began.
    began: Instant,
    /// The node of the first game's Black, which is not White's.
    victim: String,
}

impl Playing {
    async fn begin() -> Self {
        let aof = ["--appendonly", "yes", "--appendfsync", "always"];
        let settings = nodes(3).redis_options(&aof).behind_nginx();
        let deployment = settings.start().unwrap();
        let address = deployment.address();
        let entrance = Entrance::at(address);
        let mut games = Vec::new();
        let mut players = Vec::new();
        for _ in 0..GAMES {
            let (game, seated) = seat(&entrance, CLOCK, [address; 2]).await;
            games.push(game);
            players.extend(seated);
        }
        for player in &mut players {
            // On a machine that is busy the way back takes long, too.
            player.tell_thought();
            player.be_there().await;
        }
        let node = |player: usize| players[player].told().node().to_owned();
        let victim = node(1);
        assert_ne!(victim, node(0));
        for player in players.iter_mut().step_by(2) {
            player.play_move(0).await;
        }
        let began = Instant::now();
        let second = players.iter_mut().skip(1).step_by(2);
        join_all(second.map(|black| black.play_move(1))).await;
        Self {
            deployment,
            games,
            stories: players.iter().map(Player::story).collect(),
            players: players
                .into_iter()
                .map(|player| player.play(watch::Sender::new(GOAL).subscribe()))
                .collect(),
            began,
            victim,
        }
    }

    /// Returns when this holds of everybody who was not at the node that died.
    async fn wait_for_others(&mut self, holds: impl Fn(&Story) -> bool) {
        for story in &mut self.stories {
            let was_there = story.borrow().visits[0].node == self.victim;
            if !was_there {
                timeout(PATIENCE, story.wait_for(&holds))
                    .await
                    .unwrap()
                    .unwrap();
            }
        }
    }

    /// The players go on to the goal; then every node shows each game with the clocks that its log comes to, of which no
    /// more than what was not `outage`, and one second, was charged.
    async fn finish(mut self, outage: Duration, over: Instant) {
        let players = timeout(2 * PATIENCE, self.players.join_all());
        let players = players.await.expect("the players go on");
        println!(
            "the games were played on {:?} after the outage",
            over.elapsed()
        );
        let real = self.began.elapsed().saturating_sub(outage);
        for &game in &self.games {
            let reckoning = Reckoning::read(self.deployment.redis().unwrap(), game);
            assert_eq!(reckoning.outcome, None, "nobody is flagged by it");
            let moves: Vec<String> = (0..GOAL).map(uci_at).collect();
            assert_eq!(reckoning.moves, moves);
            let all: u64 = reckoning
                .charges
                .iter()
                .map(|charged| charged.elapsed)
                .sum();
            let first = reckoning.charges[0].elapsed;
            println!("game {game}: {first} ms for the move of the outage, {all} ms for all");
            let limit = u64::try_from(real.as_millis()).unwrap() + COUNTED + ROUNDING;
            assert!(all <= limit, "{all} ms were charged of {limit}");
            for node in self.deployment.nodes() {
                let mut watcher = Entrance::of(node).connect(None).await;
                reckoning.assert_shown(&watcher.watch(game).await);
            }
        }
        self.stories.clear();
        for player in players {
            let story = player.told();
            assert_eq!(story.ended, None);
            let first = &story.visits[0];
            if first.node == self.victim {
                assert_eq!(first.end, Some(End::Broken));
            } else {
                assert!(first.was_unavailable, "{first:?}");
                let left = first.end == Some(End::Closed(1013));
                assert!(left || first.was_well_again, "{first:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_and_comes_back_costs_nobody_more_than_a_second() {
    let mut playing = Playing::begin().await;
    let victim = number(&playing.victim);
    playing.deployment.redis_mut().unwrap().kill().unwrap();
    let gone = Instant::now();
    playing.deployment.node_mut(victim).kill().unwrap();
    playing
        .wait_for_others(|story| story.visits[0].was_unavailable)
        .await;
    let (outage, over) = (gone.elapsed(), Instant::now());
    playing
        .deployment
        .redis_mut()
        .unwrap()
        .start_again()
        .unwrap();
    playing.deployment.node_mut(victim).restart().unwrap();
    playing.finish(outage, over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stands_still_for_ten_seconds_costs_nobody_more_than_one() {
    let mut playing = Playing::begin().await;
    let victim = number(&playing.victim);
    playing.deployment.redis().unwrap().pause().unwrap();
    let gone = Instant::now();
    playing.deployment.node_mut(victim).kill().unwrap();
    // The passing of time is what is tried.
    sleep(Duration::from_secs(10)).await;
    let has_left = |story: &Story| story.visits[0].end == Some(End::Closed(1013));
    playing.wait_for_others(has_left).await;
    let (outage, over) = (gone.elapsed(), Instant::now());
    playing.deployment.redis().unwrap().resume().unwrap();
    playing.deployment.node_mut(victim).restart().unwrap();
    playing.finish(outage, over).await;
}
