//! What was seen in one run.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told from longer ones, in nanoseconds: a minute.
const MAX_NS: u64 = 60_000_000_000;

/// Digits of a latency that are kept.
const DIGITS: u8 = 3;

/// Latencies by how often they were seen.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

/// Of all tables together.
#[derive(Debug)]
pub(super) struct Tally {
    /// Moves that were due in the window.
    pub(super) offered: u64,
    /// Moves that arrived in the window, whenever they were due.
    pub(super) arrived: u64,
    /// From when a move was due until it was written; that of all others counts from there too.
    pub(super) start: Latencies,
    /// Until the opponent had it.
    pub(super) opponent: Latencies,
    /// Until its player had the answer.
    pub(super) own: Latencies,
    /// What must not happen.
    pub(super) errors: Vec<String>,
}

/// Some points of a distribution, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Latencies {
    fn new() -> Self {
        let histogram = Histogram::new_with_max(MAX_NS, DIGITS);
        Self(histogram.expect("these bounds are valid"))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(MAX_NS);
        self.0.saturating_record(ns);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// None where nothing was seen.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let at = |quantile| micros(self.0.value_at_quantile(quantile));
        (!self.0.is_empty()).then(|| Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: micros(self.0.max()),
        })
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            offered: 0,
            arrived: 0,
            start: Latencies::new(),
            opponent: Latencies::new(),
            own: Latencies::new(),
            errors: Vec::new(),
        }
    }
}

fn micros(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_microseconds() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.quantiles(), None);
        for ms in 1..=100 {
            latencies.record(Duration::from_millis(ms));
        }
        let quantiles = latencies.quantiles().unwrap();
        for (found, expected) in [
            (quantiles.p50, 50e3),
            (quantiles.p99, 99e3),
            (quantiles.max, 100e3),
        ] {
            assert!(
                (found / expected - 1.0).abs() < 0.001,
                "{found} for {expected}"
            );
        }
    }
}
