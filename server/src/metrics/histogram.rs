//! How long things take: counts by span, which can be read as well as printed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// The upper ends of the spans, in microseconds. What takes longer is in one more.
const BOUNDS_US: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000,
];

/// Spans, and the one behind the last bound.
const SPANS: usize = BOUNDS_US.len() + 1;

/// Counts by span. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: [AtomicU64; SPANS],
    sum_us: AtomicU64,
}

/// What a [`Histogram`] had counted at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Buckets([u64; SPANS]);

impl Histogram {
    /// Something took so long.
    pub fn observe(&self, span: Duration) {
        let us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_US.partition_point(|&bound| bound < us);
        self.0.counts[place].fetch_add(1, Ordering::Relaxed);
        self.0.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn buckets(&self) -> Buckets {
        Buckets(std::array::from_fn(|place| {
            self.0.counts[place].load(Ordering::Relaxed)
        }))
    }
}

impl Buckets {
    /// What was counted since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|place| {
            self.0[place].saturating_sub(earlier.0[place])
        }))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The span that a part of all did not exceed, estimated evenly between two bounds; nothing where nothing was
    /// counted. 0.99 is the 99th percentile.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "an estimate; no count comes near 2^52"
        )]
        let (rank, number) = (part * count as f64, |n: u64| n as f64);
        let mut below = 0;
        for (place, &here) in self.0.iter().enumerate() {
            if here > 0 && number(below + here) >= rank {
                let lower = if place == 0 { 0 } else { BOUNDS_US[place - 1] };
                let upper = BOUNDS_US.get(place).copied().unwrap_or(lower);
                let within = ((rank - number(below)) / number(here)).clamp(0.0, 1.0);
                let us = number(lower) + number(upper - lower) * within;
                return Some(Duration::from_secs_f64(us / 1e6));
            }
            below += here;
        }
        None
    }
}

impl std::ops::AddAssign for Buckets {
    fn add_assign(&mut self, other: Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours += theirs;
        }
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets = self.buckets();
        let seconds = |us| Duration::from_micros(us).as_secs_f64();
        let bounds = BOUNDS_US.map(seconds).into_iter().chain([f64::INFINITY]);
        let counted: Vec<(f64, u64)> = bounds.zip(buckets.0).collect();
        let sum = seconds(self.0.sum_us.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum, buckets.count(), &counted, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_between_their_bounds() {
        let histogram = Histogram::default();
        assert_eq!(histogram.buckets().quantile(0.5), None);
        for _ in 0..98 {
            histogram.observe(Duration::from_micros(800));
        }
        let early = histogram.buckets();
        histogram.observe(Duration::from_millis(80));
        histogram.observe(Duration::from_secs(60));
        let all = histogram.buckets();
        let ms = |part| all.quantile(part).unwrap().as_secs_f64() * 1e3;
        assert!((0.5..=1.0).contains(&ms(0.5)), "{}", ms(0.5));
        assert!((50.0..=100.0).contains(&ms(0.99)), "{}", ms(0.99));
        assert!((ms(1.0) - 30_000.0).abs() < 1.0, "no more is known");
        assert_eq!((all.count(), all.since(&early).count()), (100, 2));
    }
}
