//! An estimate of the store's play clock, from Redis' own time and this node's monotonic clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand};
use tokio::time::{MissedTickBehavior, interval};
use zeitnot_game::time::PlayTime;

use super::driver::connected;
use crate::limits::{MAX_SAMPLE_ROUND_TRIP, TIME_SAMPLE_PERIOD};

/// The store's play clock as far as this node knows it. It never goes back.
#[derive(Debug)]
pub(super) struct Estimate {
    anchor: Instant,
    /// Play time at the anchor, in milliseconds.
    at_anchor: AtomicU64,
    /// The latest moment that was told to anybody, in milliseconds of play time.
    latest: AtomicU64,
}

impl Estimate {
    /// Asks the store once.
    pub(super) async fn begin(client: &Client) -> Result<Self, Error> {
        let sample = Sample::take(client).await?;
        let estimate = Self {
            anchor: sample.taken,
            at_anchor: AtomicU64::new(sample.time.0),
            latest: AtomicU64::new(0),
        };
        Ok(estimate)
    }

    pub(super) fn at(&self, now: Instant) -> PlayTime {
        let elapsed = millis(now.saturating_duration_since(self.anchor));
        let now = self
            .at_anchor
            .load(Ordering::Relaxed)
            .saturating_add(elapsed);
        PlayTime(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// Asks the store once a second, for ever.
    pub(super) async fn keep(&self, client: &Client) {
        let mut tick = interval(TIME_SAMPLE_PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            // Without an answer the last estimate goes on.
            if let Ok(sample) = Sample::take(client).await {
                self.learn(sample);
            }
        }
    }

    fn learn(&self, sample: Sample) {
        if sample.round_trip <= MAX_SAMPLE_ROUND_TRIP {
            let elapsed = millis(sample.taken.saturating_duration_since(self.anchor));
            let at_anchor = sample.time.0.saturating_sub(elapsed);
            self.at_anchor.store(at_anchor, Ordering::Relaxed);
        }
    }
}

/// The store's time at one moment of this node.
#[derive(Debug, Clone, Copy)]
struct Sample {
    time: PlayTime,
    taken: Instant,
    round_trip: Duration,
}

impl Sample {
    async fn take(client: &Client) -> Result<Self, Error> {
        connected(client).await?;
        let command = CustomCommand::new_static("TIME", ClusterHash::Random, false);
        let asked = Instant::now();
        let (seconds, micros): (u64, u64) = client.custom(command, Vec::<String>::new()).await?;
        let round_trip = asked.elapsed();
        Ok(Self {
            time: PlayTime(seconds.saturating_mul(1000).saturating_add(micros / 1000)),
            taken: asked + round_trip / 2,
            round_trip,
        })
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(anchor: Instant) -> Estimate {
        Estimate {
            anchor,
            at_anchor: AtomicU64::new(1000),
            latest: AtomicU64::new(0),
        }
    }

    fn sample(time: u64, taken: Instant, round_trip_ms: u64) -> Sample {
        Sample {
            time: PlayTime(time),
            taken,
            round_trip: Duration::from_millis(round_trip_ms),
        }
    }

    #[test]
    fn the_estimate_follows_the_store_and_never_goes_back() {
        let anchor = Instant::now();
        let after = |ms| anchor + Duration::from_millis(ms);
        let estimate = estimate(anchor);
        assert_eq!(estimate.at(after(500)), PlayTime(1500));
        estimate.learn(sample(1700, after(500), 1));
        assert_eq!(estimate.at(after(600)), PlayTime(1800));
        estimate.learn(sample(1650, after(600), 1));
        assert_eq!(estimate.at(after(700)), PlayTime(1800));
        assert_eq!(estimate.at(after(800)), PlayTime(1850));
    }

    #[test]
    fn a_slow_answer_is_not_believed() {
        let anchor = Instant::now();
        let estimate = estimate(anchor);
        estimate.learn(sample(9000, anchor, 900));
        assert_eq!(estimate.at(anchor), PlayTime(1000));
    }
}
