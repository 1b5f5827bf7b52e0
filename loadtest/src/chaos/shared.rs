//! What all who take part share: where to go, what to write to, how far the run is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::history::History;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everybody plays.
    Play,
    /// Nobody begins anything; all go on to listen.
    Quiet,
    /// Everybody leaves.
    Over,
}

type Head = (Arc<str>, u32);

/// One run.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) history: History,
    pub(super) phase: watch::Sender<Phase>,
    /// nginx first if there is one, then the nodes.
    entrances: Vec<String>,
    ops: AtomicU64,
    in_flight: AtomicUsize,
    /// How far each open window is.
    heads: Mutex<HashMap<Arc<str>, Head>>,
    games: Mutex<Vec<Arc<str>>>,
}

impl Shared {
    pub(super) fn new(entrances: Vec<String>) -> Self {
        Self {
            history: History::new(),
            phase: watch::Sender::new(Phase::Play),
            entrances,
            ops: AtomicU64::new(1),
            in_flight: AtomicUsize::new(0),
            heads: Mutex::default(),
            games: Mutex::default(),
        }
    }

    /// Some way in. Shape: `127.0.0.1:40123`.
    pub(super) fn any_entrance(&self, rng: &mut StdRng) -> String {
        self.entrances[rng.random_range(0..self.entrances.len())].clone()
    }

    pub(super) fn next_op(&self) -> u64 {
        self.ops.fetch_add(1, Ordering::Relaxed)
    }

    /// A command is sent: it is in flight until the answer is dropped.
    pub(super) fn fly(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(self)
    }

    /// Commands that were sent and have no answer yet.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// How far everybody is who still looks.
    pub(super) fn heads(&self) -> HashMap<Arc<str>, Head> {
        lock(&self.heads).clone()
    }

    pub(super) fn begun(&self, game: &Arc<str>) {
        let mut games = lock(&self.games);
        if !games.contains(game) {
            games.push(Arc::clone(game));
        }
    }

    /// All games, in the order in which they began.
    pub(super) fn games(&self) -> Vec<Arc<str>> {
        lock(&self.games).clone()
    }
}

/// A command without an answer.
pub(super) struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Somebody who looks at a game, until this is dropped.
#[derive(Debug)]
pub(super) struct Presence {
    shared: Arc<Shared>,
    who: Arc<str>,
}

impl Presence {
    pub(super) fn new(shared: &Arc<Shared>, who: &Arc<str>) -> Self {
        Self {
            shared: Arc::clone(shared),
            who: Arc::clone(who),
        }
    }

    /// A game is seen at a version.
    pub(super) fn at(&self, game: &Arc<str>, v: u32) {
        let head = (Arc::clone(game), v);
        lock(&self.shared.heads).insert(Arc::clone(&self.who), head);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        lock(&self.shared.heads).remove(&self.who);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
