//! What a proxy does to its connections, as it was last told.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Target;
use super::observed::Observed;
use super::push::Silence;
use super::swallow::Trap;

/// Whether bytes and connections pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    Passes,
    Blackhole,
    Refused,
}

/// What is wrong with the line.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    pub(super) target: Target,
    pub(super) traffic: Traffic,
    pub(super) to_target: Duration,
    pub(super) to_client: Duration,
    /// Connections with a lower number end.
    pub(super) cut_below: u64,
}

/// What is wrong with what is said on it.
#[derive(Debug, Default, Clone)]
pub(super) struct Rules {
    pub(super) traps: Vec<Arc<Trap>>,
    pub(super) silences: Vec<Arc<Silence>>,
}

/// The connections by their numbers.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) ids: BTreeSet<u64>,
    pub(super) next: u64,
}

/// What the proxy's thread and its owner share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) faults: watch::Sender<Faults>,
    rules: Mutex<Rules>,
    pub(super) listens: Observed<bool>,
    pub(super) open: Observed<Open>,
    pub(super) speaks_redis: bool,
}

/// A connection's number, counted as open until it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) id: u64,
    shared: Arc<Shared>,
}

impl Shared {
    pub(super) fn new(target: Target, speaks_redis: bool) -> Self {
        let faults = Faults {
            target,
            traffic: Traffic::Passes,
            to_target: Duration::ZERO,
            to_client: Duration::ZERO,
            cut_below: 0,
        };
        Self {
            faults: watch::Sender::new(faults),
            rules: Mutex::default(),
            listens: Observed::default(),
            open: Observed::default(),
            speaks_redis,
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Faults)) {
        self.faults.send_modify(change);
    }

    pub(super) fn admit(self: &Arc<Self>) -> Ticket {
        let id = self.open.change(|open| {
            let id = open.next;
            open.next += 1;
            open.ids.insert(id);
            id
        });
        Ticket {
            id,
            shared: Arc::clone(self),
        }
    }

    /// The rules as they are now.
    pub(super) fn rules(&self) -> Rules {
        self.lock().clone()
    }

    pub(super) fn change_rules(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.open.change(|open| open.ids.remove(&self.id));
    }
}
