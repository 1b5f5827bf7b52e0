//! What was seen at all tables of one run together.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::failures::Failures;
use crate::latencies::Latencies;

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
}
