//! A slow line: who has it is given back what it takes, within the quota, and only if his line was measured.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use zeitnot_loadtest::deployment::{FaultProxy, Target};

use super::player::Player;
use super::reckoning::{Charged, Reckoning};
use super::{nodes, seat};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;

/// What the slow line takes more each way.
const DELAY: Duration = Duration::from_millis(150);

/// The same there and back, in milliseconds.
const ROUND_TRIP: u64 = 300;

/// A clock whose quota is small: with 15 s it begins with 630 ms, and a move adds 210 ms at most.
const CLOCK: (u32, u32) = (15, 0);

/// What a move adds to its quota at most, in milliseconds.
const MAX_GAIN: u64 = 210;

/// Twenty moves of each side.
const GOAL: usize = 40;

/// What each of a side's moves cost, the first aside.
fn charges(reckoning: &Reckoning, side: usize) -> Vec<Charged> {
    let of_side = |charged: &&Charged| charged.ply % 2 == side;
    let charges: Vec<Charged> = reckoning.charges.iter().filter(of_side).copied().collect();
    assert_eq!(charges.len(), GOAL / 2 - 1);
    charges
}

/// The round trip of each move as it was measured, so far as it passed and the quota allows.
fn assert_given_back(charges: &[Charged]) {
    for charged in charges {
        let lag = charged.round_trip.unwrap_or(0);
        let given = lag.min(charged.quota).min(charged.elapsed);
        assert_eq!(charged.compensated, given, "{charged:?}");
    }
}

fn sum(charges: &[Charged], of: impl Fn(&Charged) -> u64) -> u64 {
    charges.iter().map(of).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_line_that_is_slow_and_measured_is_compensated_for() {
    let deployment = nodes(2).behind_nginx().start().unwrap();
    let address = deployment.address();
    let entrance = Entrance::at(address);
    let line = FaultProxy::start(Target::Tcp(address.parse().unwrap())).unwrap();
    line.set_delay(DELAY, DELAY);
    let slow = line.address().to_string();
    let (measured, [mut white, mut black]) = seat(&entrance, CLOCK, [&slow, address]).await;
    let (silent, [mut mute, mut other]) = seat(&entrance, CLOCK, [&slow, address]).await;
    mute.leave_pings();
    let everyone = [&mut white, &mut black, &mut mute, &mut other];
    for player in everyone {
        player.be_there().await;
    }
    // Each knows its line, or never will, when the game begins.
    tokio::join!(
        white.hear_ping(),
        black.hear_ping(),
        mute.hear_ping(),
        other.hear_ping()
    );
    let goal = watch::Sender::new(GOAL);
    let play = |player: Player| player.play(goal.subscribe());
    let playing = async { tokio::join!(play(white), play(black), play(mute), play(other)) };
    timeout(2 * PATIENCE, playing)
        .await
        .expect("the games go on");

    let redis = deployment.redis().unwrap();
    let [measured, silent] = [measured, silent].map(|game| {
        let reckoning = Reckoning::read(redis, game);
        assert_eq!((reckoning.moves.len(), reckoning.outcome), (GOAL, None));
        [charges(&reckoning, 0), charges(&reckoning, 1)]
    });
    for charges in measured.iter().chain(&silent) {
        assert_given_back(charges);
        let fastest = charges.iter().map(|charged| charged.elapsed).min();
        println!(
            "{} ms, {fastest:?} ms at least, of which {} ms were given back",
            sum(charges, |charged| charged.elapsed),
            sum(charges, |charged| charged.compensated)
        );
    }
    let moves = measured[0].len() as u64;
    let [elapsed, given] = [
        |side: &[Charged]| sum(side, |charged| charged.elapsed),
        |side: &[Charged]| sum(side, |charged| charged.compensated),
    ];
    // A node that is short of time may take a move for earlier than it was, but not most of them.
    for side in [&measured[0], &silent[0]] {
        assert!(2 * elapsed(side) >= ROUND_TRIP * moves, "{side:?}");
    }
    let is_slow = |charged: &Charged| charged.round_trip.unwrap() >= ROUND_TRIP;
    assert!(measured[0].iter().all(is_slow), "{measured:?}");
    let is_bound = |charged: &Charged| charged.compensated == charged.quota;
    assert!(measured[0].iter().any(is_bound), "the quota is used up");
    assert!(2 * given(&measured[0]) >= MAX_GAIN * moves, "{measured:?}");
    assert!(
        2 * given(&measured[1]) < given(&measured[0]),
        "{measured:?}"
    );
    let is_unknown = |charged: &Charged| charged.round_trip.is_none();
    assert!(silent[0].iter().all(is_unknown), "{silent:?}");
    assert_eq!(given(&silent[0]), 0);
}
