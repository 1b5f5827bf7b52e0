//! Nodes whose wall clocks are ten minutes off, one ahead and one behind: nobody can tell.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;
use zeitnot_game::color::Color;
use zeitnot_game::id::GameId;
use zeitnot_game::outcome::Outcome;
use zeitnot_loadtest::deployment::{Deployment, Node, SkewedClock};

use super::reckoning::Reckoning;
use super::{nodes, seat};
use crate::support::binary;
use crate::support::entrance::{Entrance, Guest};

/// How far they are off, in seconds.
const OFF: i64 = 600;

/// How long a player thinks.
const THOUGHT: Duration = Duration::from_millis(700);

/// What a reading of two clocks may be off by, in milliseconds.
const ROUNDING: u128 = 2;

/// Three nodes: the first is right, the second ahead, the third behind.
struct Skewed {
    deployment: Deployment,
    behind: SkewedClock,
    dir: TempDir,
    _ahead: SkewedClock,
}

impl Skewed {
    fn start() -> Self {
        let [ahead, behind] = [OFF, -OFF].map(|seconds| {
            let clock = SkewedClock::new().unwrap();
            clock.set(seconds).unwrap();
            clock
        });
        let dir = tempfile::tempdir().unwrap();
        let settings = nodes(3)
            .data_in(dir.path())
            .variables_of(1, &ahead.variables())
            .variables_of(2, &behind.variables());
        let deployment = settings.behind_nginx().start().unwrap();
        let has = |node: &Node, clock: &SkewedClock| {
            let maps = fs::read_to_string(format!("/proc/{}/maps", node.pid())).unwrap();
            maps.contains(clock.library().to_str().unwrap())
        };
        assert!(has(deployment.node(1), &ahead) && has(deployment.node(2), &behind));
        Self {
            deployment,
            behind,
            dir,
            _ahead: ahead,
        }
    }

    fn entrances(&self) -> impl Iterator<Item = Entrance> {
        self.deployment.nodes().iter().map(Entrance::of)
    }

    /// A token as the binary makes it by a wall clock.
    fn token(&self, (user, ttl): (&str, &str), clock: &[(OsString, OsString)]) -> Guest {
        let made = Command::new(binary())
            .args(["token", "--user", user, "--ttl", ttl, "--jwt-keys"])
            .arg(self.dir.path().join("keys.json"))
            .envs(clock.iter().cloned())
            .current_dir(self.dir.path())
            .output();
        let made = made.unwrap();
        assert!(made.status.success(), "{made:?}");
        let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        Guest { token }
    }

    /// All nodes show the same game with the same clocks.
    async fn assert_shown(&self, reckoning: &Reckoning, game: GameId) {
        for entrance in self.entrances() {
            let mut watcher = entrance.connect(None).await;
            reckoning.assert_shown(&watcher.watch(game).await);
        }
    }
}

#[tokio::test]
async fn nodes_that_are_off_take_the_same_tokens() {
    let skewed = Skewed::start();
    let mut good = vec![skewed.token(("anna", "5m"), &[])];
    for entrance in skewed.entrances() {
        good.push(entrance.guest("Bo").await);
    }
    // It ended five minutes ago, which one of them does not know by its own clock.
    let ended = skewed.token(("carl", "5m"), &skewed.behind.variables());
    for entrance in skewed.entrances() {
        for guest in &good {
            let mut client = entrance.connect(Some(guest)).await;
            assert_eq!(client.ask(json!({"t": "ping"})).await["t"], "pong");
        }
        let refusal = entrance.refusal(Some(&ended.token)).await;
        assert_eq!(refusal, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn nodes_that_are_off_charge_what_their_players_used() {
    let skewed = Skewed::start();
    let addresses = [1, 2].map(|node| skewed.deployment.node(node).address());
    let entrance = Entrance::at(skewed.deployment.address());
    let (game, mut players) = seat(&entrance, (60, 1), addresses).await;
    for player in &mut players {
        player.be_there().await;
    }
    let mut began = Instant::now();
    let mut used = Vec::new();
    for ply in 0..12 {
        let player = &mut players[ply % 2];
        player.hear_of(ply).await;
        let thinks = [4, 7].contains(&ply);
        if thinks {
            sleep(THOUGHT).await;
        }
        let sent = Instant::now();
        player.play_move(ply).await;
        // The turn cannot have begun before the last move was sent.
        used.push((began.elapsed(), thinks));
        began = sent;
    }
    let reckoning = Reckoning::read(skewed.deployment.redis().unwrap(), game);
    assert_eq!((reckoning.moves.len(), reckoning.outcome), (12, None));
    for charged in &reckoning.charges {
        let (used, has_thought) = used[charged.ply];
        let elapsed = u128::from(charged.elapsed);
        assert!(
            elapsed <= used.as_millis() + ROUNDING,
            "{charged:?}: {used:?}"
        );
        if has_thought {
            println!(
                "{} ms were charged for {THOUGHT:?} of thought",
                charged.elapsed
            );
            assert!(2 * elapsed >= THOUGHT.as_millis(), "{charged:?}");
        }
    }
    skewed.assert_shown(&reckoning, game).await;
}

#[tokio::test]
async fn a_flag_falls_in_its_time_on_nodes_that_are_off() {
    let skewed = Skewed::start();
    let entrance = Entrance::at(skewed.deployment.address());
    for node in [1, 2] {
        let address = skewed.deployment.node(node).address();
        let (game, [mut white, mut black]) = seat(&entrance, (1, 0), [address; 2]).await;
        white.play_move(0).await;
        let began = Instant::now();
        black.play_move(1).await;
        white.hear_end().await;
        let real = began.elapsed().as_millis();
        let fallen = Reckoning::read(skewed.deployment.redis().unwrap(), game);
        let winner = Some(Color::Black);
        assert_eq!(fallen.outcome, Some(Outcome::Flagged { winner }));
        let late = fallen.at.checked_sub(fallen.flag_at);
        let late = late.expect("no flag falls before its time");
        println!("node-{}: the flag was called after {late} ms", node + 1);
        let turn = fallen.at - fallen.turn_started;
        assert!(u128::from(turn) <= real + ROUNDING, "{turn} of {real} ms");
        skewed.assert_shown(&fallen, game).await;
    }
}
