//! The versions of one game, as one follower is told of them: each follows the one before, unless a snapshot jumps.

use std::collections::BTreeSet;

use crate::failures::{Failures, Kind};

/// The version of a game in which nothing has been played.
pub(crate) const FIRST_VERSION: u16 = 1;

/// What was told to one follower. Pure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// The newest version that was told of.
    head: u16,
    /// Versions before it that were not.
    missing: BTreeSet<u16>,
    /// Versions that a snapshot took the place of.
    skipped: u64,
}

impl Sequence {
    /// From a snapshot of this version on.
    pub(crate) const fn from(version: u16) -> Self {
        Self {
            head: version,
            missing: BTreeSet::new(),
            skipped: 0,
        }
    }

    pub(crate) const fn head(&self) -> u16 {
        self.head
    }

    pub(crate) const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// A frame of this version came; whether it is the next one.
    pub(crate) fn take(&mut self, version: u16, failures: &mut Failures) -> bool {
        let next = self.head + 1;
        if version == next {
            self.head = version;
            return true;
        }
        if version > next {
            // Whether they are lost is known in the end: they may still come, out of order.
            self.missing.extend(next..version);
            self.head = version;
        } else if self.missing.remove(&version) {
            failures.add(Kind::OutOfOrder, || {
                format!("version {version} after {}", self.head)
            });
        } else {
            failures.add(Kind::Doubled, || format!("version {version} again"));
        }
        false
    }

    /// A snapshot of this version came: it stands for all before it.
    pub(crate) fn jump(&mut self, version: u16, failures: &mut Failures) {
        if version < self.head {
            failures.add(Kind::OutOfOrder, || {
                format!("a snapshot of version {version} after {}", self.head)
            });
            return;
        }
        let missing = std::mem::take(&mut self.missing).len();
        self.skipped += u64::try_from(missing).unwrap_or(u64::MAX);
        self.skipped += u64::from(version - self.head);
        self.head = version;
    }

    /// Nothing comes any more: what is missing up to this version is lost.
    pub(crate) fn end(self, version: u16, failures: &mut Failures) {
        let tail = version.saturating_sub(self.head);
        let lost = u64::try_from(self.missing.len()).unwrap_or(u64::MAX) + u64::from(tail);
        failures.add_many(Kind::Lost, lost, || match self.missing.first() {
            Some(first) => format!("version {first} never came"),
            None => format!("versions {} to {version} never came", self.head + 1),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of versions that come like this after a snapshot of the first one; 7 is the last.
    fn told(versions: &[u16]) -> Vec<(Kind, u64)> {
        let (mut sequence, mut failures) = (Sequence::from(FIRST_VERSION), Failures::default());
        for &version in versions {
            sequence.take(version, &mut failures);
        }
        sequence.end(7, &mut failures);
        failures
            .iter()
            .map(|(kind, seen)| (kind, seen.count))
            .collect()
    }

    /// A name, versions, and what is told of them.
    type Case = (&'static str, &'static [u16], &'static [(Kind, u64)]);

    #[test]
    fn each_version_comes_once_and_in_order() {
        let cases: [Case; 6] = [
            ("in order", &[2, 3, 4, 5, 6, 7], &[]),
            ("lost", &[2, 3, 5, 6, 7], &[(Kind::Lost, 1)]),
            ("lost at the end", &[2, 3, 4, 5], &[(Kind::Lost, 2)]),
            ("doubled", &[2, 3, 3, 4, 5, 6, 7], &[(Kind::Doubled, 1)]),
            ("reordered", &[2, 4, 3, 5, 6, 7], &[(Kind::OutOfOrder, 1)]),
            (
                "late and doubled",
                &[2, 4, 3, 3, 5, 6, 7],
                &[(Kind::Doubled, 1), (Kind::OutOfOrder, 1)],
            ),
        ];
        for (name, versions, expected) in cases {
            assert_eq!(told(versions), expected, "{name}");
        }
    }

    #[test]
    fn a_snapshot_stands_for_what_was_missing() {
        let (mut sequence, mut failures) = (Sequence::from(FIRST_VERSION), Failures::default());
        sequence.take(2, &mut failures);
        sequence.take(4, &mut failures);
        sequence.jump(6, &mut failures);
        assert!(sequence.take(7, &mut failures));
        assert_eq!((sequence.head(), sequence.skipped()), (7, 3));
        sequence.end(7, &mut failures);
        assert!(failures.is_empty());
        Sequence::from(5).jump(4, &mut failures);
        assert!(!failures.is_empty());
    }
}
