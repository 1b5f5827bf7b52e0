//! What was seen at all tables of one run together.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::failures::Failures;
use crate::latencies::{self, Latencies};

/// Of all tables together.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Only moves that are due in this time count.
    pub(crate) window: Range<Instant>,
    /// Moves that were due in the window.
    pub(crate) offered: u64,
    /// Moves that arrived in the window, whenever they were due.
    pub(crate) arrived: u64,
    /// From when a move was due until it was written; that of all others counts from there too.
    pub(crate) start: Latencies,
    /// Until the opponent had it.
    pub(crate) opponent: Latencies,
    /// Until its player had the answer.
    pub(crate) own: Latencies,
    /// Until a spectator had it.
    pub(crate) spectator: Latencies,
    /// Versions that a snapshot stood for, at spectators that fell behind.
    pub(crate) skipped: u64,
    /// Games that were played to their end.
    pub(crate) games: u64,
    /// What must not happen.
    pub(crate) failures: Failures,
}

/// What was seen at the tables of one of several processes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    offered: u64,
    arrived: u64,
    /// Until it was written, its opponent had it, its player had the answer, a spectator had it.
    latencies: [latencies::Part; 4],
    skipped: u64,
    games: u64,
    failures: Failures,
}

impl Tally {
    /// Nothing yet, and nothing counts before it begins.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            window: now..now,
            offered: 0,
            arrived: 0,
            start: Latencies::since(now),
            opponent: Latencies::since(now),
            own: Latencies::since(now),
            spectator: Latencies::since(now),
            skipped: 0,
            games: 0,
            failures: Failures::none(),
        }
    }

    /// What was seen, when nobody sees any more.
    pub(crate) fn taken(shared: &Mutex<Self>) -> Self {
        // What is inside is whole even if a holder panicked.
        let mut tally = shared.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut tally, Self::new())
    }

    /// What is due in this time counts.
    pub(crate) fn begin(&mut self, window: Range<Instant>) {
        *self = Self {
            start: Latencies::since(window.start),
            opponent: Latencies::since(window.start),
            own: Latencies::since(window.start),
            spectator: Latencies::since(window.start),
            failures: std::mem::take(&mut self.failures),
            window,
            ..Self::new()
        };
    }

    /// For another process.
    pub(crate) fn part(self) -> Part {
        let latencies = [&self.start, &self.opponent, &self.own, &self.spectator];
        Part {
            offered: self.offered,
            arrived: self.arrived,
            latencies: latencies.map(Latencies::part),
            skipped: self.skipped,
            games: self.games,
            failures: self.failures,
        }
    }

    /// Adds what was seen at the tables of another process in the same time.
    pub(crate) fn add(&mut self, part: Part) {
        self.offered += part.offered;
        self.arrived += part.arrived;
        let [start, opponent, own, spectator] = part.latencies;
        self.start.add(start);
        self.opponent.add(opponent);
        self.own.add(own);
        self.spectator.add(spectator);
        self.skipped += part.skipped;
        self.games += part.games;
        self.failures.merge(part.failures);
    }
}
