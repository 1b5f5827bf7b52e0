//! How much an address or a user may do in a time, over all nodes.
//!
//! Each use is counted on this node first, which refuses what is too much here alone, and then in the store, which
//! knows the uses of all nodes. While the store does not answer the node's own count decides. What a single socket may
//! send is counted where it is read, and moves are counted nowhere else.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, timeout};
use zeitnot_game::id::UserId;
use zeitnot_game::time::Millis;

use crate::address::Address;
use crate::config::{Config, Switch};
use crate::limits::{
    ANONYMOUS_REQUESTS, CHALLENGES, CHAT, COUNT_SWEEP_PERIOD, GUESTS_PERIOD_MS, MAX_COUNTED,
    QUOTA_PATIENCE, Quota, SEEKS, UPGRADES, USER_REQUESTS,
};
use crate::metrics::{Label, Limited, METRICS};
use crate::store::Store;

/// The counts of this node, over those of the store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Quotas {
    store: Arc<dyn Store>,
    ledger: Arc<Mutex<Ledger>>,
    began: Instant,
    guests: Quota,
    is_on: bool,
}

/// Who is counted.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Everybody at an address.
    Address(Address),
    /// One user, wherever it is.
    User(&'a UserId),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::User(user) => user.fmt(f),
        }
    }
}

/// Somebody has done too much of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch {
    /// After how long there is one more.
    pub retry_after: Millis,
}

impl Quotas {
    /// Nothing was done yet, as far as this node knows.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, config: &Config) -> Self {
        let guests = config.guests_per_address.max(1);
        Self {
            store,
            ledger: Arc::default(),
            began: Instant::now(),
            guests: Quota {
                burst: guests,
                period: Millis((GUESTS_PERIOD_MS / u64::from(guests)).max(1)),
            },
            is_on: config.rate_limits == Switch::On,
        }
    }

    /// Takes one of what somebody may do.
    ///
    /// # Errors
    /// There is none left.
    pub async fn take(&self, what: Limited, who: Subject<'_>) -> Result<(), TooMuch> {
        if !self.is_on {
            return Ok(());
        }
        let quota = self.of(what);
        let key = format!("{}:{who}", Limited::VALUES[what.index()]);
        let here = self.ledger().take(&key, quota, self.now_ms());
        let taken = match here {
            Ok(()) => self.take_from_store(&key, quota).await,
            Err(too_much) => Err(too_much),
        };
        if taken.is_err() {
            METRICS.over_quota.at(what).inc();
        }
        taken
    }

    async fn take_from_store(&self, key: &str, quota: Quota) -> Result<(), TooMuch> {
        match timeout(QUOTA_PATIENCE, self.store.take(key, quota)).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(retry_after))) => Err(TooMuch { retry_after }),
            Ok(Err(_)) | Err(_) => {
                METRICS.counted_alone.inc();
                Ok(())
            }
        }
    }

    const fn of(&self, what: Limited) -> Quota {
        match what {
            Limited::Guests => self.guests,
            Limited::Anonymous => ANONYMOUS_REQUESTS,
            Limited::Requests => USER_REQUESTS,
            Limited::Upgrades => UPGRADES,
            Limited::Challenges => CHALLENGES,
            Limited::Seeks => SEEKS,
            Limited::Chat => CHAT,
        }
    }

    /// Milliseconds since this node began.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // The map is whole even if a holder panicked: each change is a single call.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The count of one node: for each key the moment, in ms, at which all of its quota is there again. As in `take.lua`.
#[derive(Debug, Default)]
struct Ledger {
    full_at: HashMap<String, u64>,
    swept_at: u64,
}

impl Ledger {
    fn take(&mut self, key: &str, quota: Quota, now: u64) -> Result<(), TooMuch> {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = next(*full_at, quota, now)?;
        } else if self.has_room(now) {
            let full_at = next(now, quota, now)?;
            self.full_at.insert(key.to_owned(), full_at);
        }
        Ok(())
    }

    /// Whether one more can be counted; where it seems not, those are forgotten who have done nothing of late.
    fn has_room(&mut self, now: u64) -> bool {
        let period = u64::try_from(COUNT_SWEEP_PERIOD.as_millis()).unwrap_or(u64::MAX);
        if self.full_at.len() >= MAX_COUNTED && now >= self.swept_at.saturating_add(period) {
            self.swept_at = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.len() < MAX_COUNTED
    }
}

/// When all will be there again with one less (the generic cell rate algorithm, ITU-T I.371).
fn next(full_at: u64, quota: Quota, now: u64) -> Result<u64, TooMuch> {
    let next = full_at.max(now).saturating_add(quota.period.0);
    let most = now.saturating_add(quota.period.0.saturating_mul(quota.burst.into()));
    match next.checked_sub(most) {
        None | Some(0) => Ok(next),
        Some(wait) => Err(TooMuch {
            retry_after: Millis(wait),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota {
        burst: 3,
        period: Millis(100),
    };

    fn burst(ledger: &mut Ledger, (key, count): (&str, usize), now: u64) -> usize {
        (0..count)
            .filter(|_| ledger.take(key, QUOTA, now).is_ok())
            .count()
    }

    #[test]
    fn so_many_at_once_and_one_more_each_period() {
        let mut ledger = Ledger::default();
        assert_eq!(burst(&mut ledger, ("a", 10), 50), 3);
        let wait = |ms| TooMuch {
            retry_after: Millis(ms),
        };
        assert_eq!(ledger.take("a", QUOTA, 50), Err(wait(100)));
        assert_eq!(ledger.take("a", QUOTA, 149), Err(wait(1)));
        assert_eq!(burst(&mut ledger, ("a", 10), 150), 1);
        assert_eq!(burst(&mut ledger, ("a", 10), 350), 2);
        // What is saved is never more than at first.
        assert_eq!(burst(&mut ledger, ("a", 10), 1_000_000), 3);
        assert_eq!(burst(&mut ledger, ("b", 10), 1_000_000), 3, "another one");
    }

    #[test]
    fn in_the_long_run_it_is_one_a_period() {
        let mut ledger = Ledger::default();
        let taken: usize = (0..100_000)
            .map(|now| burst(&mut ledger, ("a", 2), now))
            .sum();
        assert_eq!(taken, 3 + 999);
    }

    #[test]
    fn who_is_refused_is_not_set_back() {
        let mut ledger = Ledger::default();
        burst(&mut ledger, ("a", 1_000), 0);
        assert_eq!(burst(&mut ledger, ("a", 1), 100), 1);
    }

    #[test]
    fn so_many_are_counted_and_the_idle_ones_give_way() {
        let mut ledger = Ledger::default();
        for number in 0..MAX_COUNTED {
            ledger.take(&number.to_string(), QUOTA, 0).unwrap();
        }
        assert_eq!(burst(&mut ledger, ("late", 10), 50), 10, "not counted here");
        assert_eq!(
            burst(&mut ledger, ("7", 10), 50),
            2,
            "those that are known are"
        );
        assert_eq!(ledger.full_at.len(), MAX_COUNTED);
        // By now all have all of it again.
        assert_eq!(burst(&mut ledger, ("late", 10), 1_100), 3);
        assert_eq!(ledger.full_at.len(), 1);
    }
}
