//! A value that one thread changes and another one waits for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;

use crate::deployment::wait::PATIENCE;

/// A value and a bell.
#[derive(Debug, Default)]
pub(super) struct Observed<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Observed<T> {
    /// Changes it, and wakes who waits.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(super) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock())
    }

    /// Blocks until the condition holds.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`]; `what` says what was waited for.
    pub(super) fn wait(&self, what: &str, holds: impl Fn(&T) -> bool) -> anyhow::Result<()> {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), PATIENCE, |value| !holds(value));
        let (_value, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        ensure!(!timeout.timed_out(), "waited in vain until {what}");
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
