//! What must not happen, by its kind: how often, and one example of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A version never came.
    Lost,
    /// A version came again.
    Doubled,
    /// A version came after a later one.
    OutOfOrder,
    /// A move that the rules do not allow.
    Illegal,
    /// A move that nobody sent, or another position than the one that it leads to.
    Wrong,
    /// A clock that is not the sum of what was charged, or a charge for time that had not passed.
    WrongClock,
    /// A message was refused.
    Refused,
    /// Something did not come in time.
    Late,
    /// A socket ended, or nothing could be read from it.
    Socket,
    /// A frame that had no place there.
    Unexpected,
}

/// How often one kind was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) example: String,
}

/// All of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Failures(BTreeMap<Kind, Seen>);

impl Failures {
    pub(crate) const fn none() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn add(&mut self, kind: Kind, example: impl FnOnce() -> String) {
        self.add_many(kind, 1, example);
    }

    /// So many at once; none is no failure.
    pub(crate) fn add_many(&mut self, kind: Kind, count: u64, example: impl FnOnce() -> String) {
        if count > 0 {
            let seen = self.0.entry(kind).or_insert_with(|| Seen {
                count: 0,
                example: example(),
            });
            seen.count += count;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, seen) in other.0 {
            self.add_many(kind, seen.count, || seen.example);
        }
    }

    /// Forgets what came too late, and nothing else.
    pub(crate) fn forgive_lateness(&mut self) {
        self.0.remove(&Kind::Late);
    }

    /// Of all kinds together.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().map(|seen| seen.count).sum()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Kind, &Seen)> {
        self.0.iter().map(|(kind, seen)| (*kind, seen))
    }
}
