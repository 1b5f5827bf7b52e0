//! How long things took: all of them together, and second by second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest latency that is told from longer ones, in nanoseconds: a minute.
const MAX_NS: u64 = 60_000_000_000;

/// Digits of a latency that are kept, of all and within a second.
const DIGITS: u8 = 3;
const DIGITS_OF_A_SECOND: u8 = 2;

/// Seconds that are told apart. What comes after them counts for the whole only.
const MAX_SECONDS: usize = 7200;

/// Milliseconds over which latencies are counted.
const BOUNDS_MS: [u64; 11] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/// Latencies by how often they were seen.
#[derive(Debug)]
pub(crate) struct Latencies {
    whole: Histogram<u64>,
    /// The second that goes on, by its number.
    second: Histogram<u64>,
    number: usize,
    began: Instant,
    points: Vec<Point>,
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

/// What was seen within one second, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Its number, from 0 on.
    pub(crate) second: usize,
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// What one of several processes has seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Nanoseconds, and how often they were seen.
    whole: Vec<(u64, u64)>,
    seconds: Vec<Point>,
}

/// A distribution by its name, for people and for machines.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Distribution {
    pub(crate) name: &'static str,
    pub(crate) count: u64,
    #[serde(flatten)]
    pub(crate) quantiles: Option<Quantiles>,
    /// How many took longer than so many milliseconds.
    pub(crate) over_ms: BTreeMap<u64, u64>,
    pub(crate) seconds: Vec<Point>,
}

impl Latencies {
    /// None yet; seconds count from this moment.
    pub(crate) fn since(began: Instant) -> Self {
        let new = |digits| Histogram::new_with_max(MAX_NS, digits).expect("these bounds are valid");
        Self {
            whole: new(DIGITS),
            second: new(DIGITS_OF_A_SECOND),
            number: 0,
            began,
            points: Vec::new(),
        }
    }

    /// Something that was due then is done now. What was seen earlier than the last one counts with it.
    pub(crate) fn record(&mut self, due: Instant, now: Instant) {
        let latency = now.saturating_duration_since(due);
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(MAX_NS);
        let seconds = now.saturating_duration_since(self.began).as_secs();
        let number = usize::try_from(seconds).unwrap_or(usize::MAX);
        if number > self.number {
            self.end_second();
            self.number = number;
        }
        self.whole.saturating_record(ns);
        self.second.saturating_record(ns);
    }

    fn end_second(&mut self) {
        if !self.second.is_empty() && self.points.len() < MAX_SECONDS {
            self.points.push(self.point());
        }
        self.second.reset();
    }

    fn point(&self) -> Point {
        Point {
            second: self.number,
            count: self.second.len(),
            p50: micros(self.second.value_at_quantile(0.5)),
            p99: micros(self.second.value_at_quantile(0.99)),
            max: micros(self.second.max()),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.whole.len()
    }

    /// None where nothing was seen.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let at = |quantile| micros(self.whole.value_at_quantile(quantile));
        (!self.whole.is_empty()).then(|| Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: micros(self.whole.max()),
        })
    }

    /// For another process.
    pub(crate) fn part(&self) -> Part {
        let whole = self.whole.iter_recorded();
        Part {
            whole: whole
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect(),
            seconds: self.seconds(),
        }
    }

    /// Adds what another process has seen from the same moment on. Of a second it is known how many there were and the
    /// longest; its p50 is the mean of theirs by their number, its p99 that of the process which was worse.
    pub(crate) fn add(&mut self, part: Part) {
        for (ns, count) in part.whole {
            self.whole.saturating_record_n(ns, count);
        }
        for other in part.seconds {
            let place = self
                .points
                .binary_search_by_key(&other.second, |one| one.second);
            match place {
                Ok(place) => self.points[place] = self.points[place].with(&other),
                Err(place) => self.points.insert(place, other),
            }
        }
    }

    fn seconds(&self) -> Vec<Point> {
        let last = (!self.second.is_empty()).then(|| self.point());
        self.points.iter().copied().chain(last).collect()
    }

    /// All of it, by a name.
    pub(crate) fn distribution(&self, name: &'static str) -> Distribution {
        let over = |ms: u64| {
            let within = self.whole.count_between(0, ms * 1_000_000);
            (ms, self.whole.len() - within)
        };
        Distribution {
            name,
            count: self.count(),
            quantiles: self.quantiles(),
            over_ms: BOUNDS_MS.into_iter().map(over).collect(),
            seconds: self.seconds(),
        }
    }
}

impl Point {
    fn with(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        let sum = self.p50 * self.count as f64 + other.p50 * other.count as f64;
        Self {
            second: self.second,
            count,
            p50: sum / count.max(1) as f64,
            p99: self.p99.max(other.p99),
            max: self.max.max(other.max),
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
        let began = Instant::now();
        let mut latencies = Latencies::since(began);
        assert_eq!(latencies.quantiles(), None);
        for ms in 1..=100 {
            latencies.record(began, began + Duration::from_millis(ms));
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
        let over = latencies.distribution("all").over_ms;
        assert_eq!((over[&20], over[&200]), (80, 0));
    }

    #[test]
    fn every_second_has_its_point() {
        let began = Instant::now();
        let mut latencies = Latencies::since(began);
        for ms in [100, 900, 2100] {
            let now = began + Duration::from_millis(ms);
            latencies.record(now - Duration::from_millis(ms / 100), now);
        }
        let seconds = latencies.distribution("all").seconds;
        let counts: Vec<_> = seconds.iter().map(|one| (one.second, one.count)).collect();
        assert_eq!(counts, [(0, 2), (2, 1)]);
        assert!((seconds[1].max / 21e3 - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_several_processes_saw_is_one_distribution() {
        let began = Instant::now();
        let seen = |from: u64, second: u64| {
            let mut latencies = Latencies::since(began);
            for ms in from..from + 50 {
                let now = began + Duration::from_secs(second) + Duration::from_millis(500);
                latencies.record(now - Duration::from_millis(ms), now);
            }
            latencies
        };
        let mut all = Latencies::since(began);
        for latencies in [seen(1, 0), seen(51, 0), seen(1, 3)] {
            all.add(latencies.part());
        }
        let found = all.distribution("all");
        assert_eq!(found.count, 150);
        assert!((found.quantiles.unwrap().max / 100e3 - 1.0).abs() < 0.001);
        let seconds: Vec<_> = found
            .seconds
            .iter()
            .map(|one| (one.second, one.count))
            .collect();
        assert_eq!(seconds, [(0, 100), (3, 50)]);
        assert!((found.seconds[0].p50 / 50.5e3 - 1.0).abs() < 0.02);
        assert!((found.seconds[0].p99 / 100e3 - 1.0).abs() < 0.02);
    }
}
