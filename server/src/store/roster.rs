//! What the nodes of a store tell each other of themselves, for whoever operates them. What it means is not the store's
//! business.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A node that was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it told of itself last.
    pub about: String,
    /// How long ago it was heard of.
    pub age: Duration,
}

/// The nodes, as this one knows them.
#[derive(Debug, Default)]
pub struct Roster {
    own: Mutex<String>,
    /// All that are told of, this one included; nothing where there can be no others.
    members: Mutex<Option<Vec<Member>>>,
}

impl Roster {
    /// Sets what this node tells of itself.
    pub fn introduce(&self, about: String) {
        *lock(&self.own) = about;
    }

    /// What this node tells of itself.
    #[must_use]
    pub fn own(&self) -> String {
        lock(&self.own).clone()
    }

    /// Takes note of all nodes.
    pub fn learn(&self, members: Vec<Member>) {
        *lock(&self.members) = Some(members);
    }

    /// All nodes, this one included.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let members = lock(&self.members).clone();
        members.unwrap_or_else(|| {
            let about = self.own();
            let age = Duration::ZERO;
            vec![Member { about, age }]
        })
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole even if a holder panicked: each change is a single assignment.
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
