//! The embedded store's clocks. The wall clock is read for people and for the expiry of challenges, never for a game.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zeitnot_game::time::{PlayTime, UnixMillis};

use crate::limits::{COUNTED_OUTAGE, MAX_TICK_AGE};

/// The play clock: it goes on from where it was saved, and runs by the monotonic clock of this process. Cheap to clone.
///
/// It moves with the commits. So the time for which the process was down does not exist, of a time in which it was
/// stopped or the file could not be written hardly anything counts, and setting the wall clock changes nothing.
#[derive(Debug, Clone)]
pub(super) struct PlayClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    saved: PlayTime,
    /// The moment at which it showed what was saved; later by every outage that did not count.
    anchor: Instant,
    /// The last commit.
    committed: Instant,
    /// The latest moment that was told to anybody.
    latest: PlayTime,
}

impl PlayClock {
    /// The clock that shows `saved` at the moment `now`.
    pub(super) fn resume(saved: PlayTime, now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            saved,
            anchor: now,
            committed: now,
            latest: saved,
        })))
    }

    /// The moment of a commit that is made now.
    pub(super) fn next(&self, now: Instant) -> PlayTime {
        let state = self.lock();
        state.shown(now, state.anchor + state.outage(now))
    }

    /// A commit was made, with the moment that [`PlayClock::next`] gave for `now`.
    pub(super) fn commit(&self, now: Instant) {
        let mut state = self.lock();
        let outage = state.outage(now);
        state.anchor += outage;
        state.committed = now;
    }

    /// The moment now, as far as it is known before the next commit.
    pub(super) fn at(&self, now: Instant) -> PlayTime {
        let mut state = self.lock();
        let known = now.min(state.committed + MAX_TICK_AGE);
        state.latest = state.latest.max(state.shown(known, state.anchor));
        state.latest
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole even if a holder panicked: nothing here does.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn shown(&self, now: Instant, anchor: Instant) -> PlayTime {
        let elapsed = now.saturating_duration_since(anchor).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        PlayTime(self.saved.0.saturating_add(elapsed))
    }

    /// What of the time since the last commit does not count.
    fn outage(&self, now: Instant) -> Duration {
        let gap = now.saturating_duration_since(self.committed);
        #[cfg(feature = "breakages")]
        let gap = gap * u32::from(!crate::breakage::is_on("charge-outages"));
        if gap > MAX_TICK_AGE {
            gap - COUNTED_OUTAGE
        } else {
            Duration::ZERO
        }
    }
}

/// The wall clock.
pub(super) fn unix_now() -> UnixMillis {
    // Before 1970 is as good as 1970: nothing but expiry is decided by it.
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// The moment of a write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) play: PlayTime,
    pub(super) unix: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_play_clock_goes_on_from_where_it_was_saved() {
        let anchor = Instant::now();
        for (elapsed, expected) in [(0, 5000), (1, 5001), (2000, 7000)] {
            let clock = PlayClock::resume(PlayTime(5000), anchor);
            let now = anchor + ms(elapsed);
            assert_eq!(clock.at(now), PlayTime(expected), "after {elapsed} ms");
            assert_eq!(clock.next(now), PlayTime(expected), "after {elapsed} ms");
        }
    }

    #[test]
    fn of_a_time_without_commits_a_second_counts() {
        let anchor = Instant::now();
        let clock = PlayClock::resume(PlayTime(5000), anchor);
        let late = anchor + ms(3_600_000);
        assert_eq!(clock.at(late), PlayTime(7000), "then it waits");
        assert_eq!(clock.next(late), PlayTime(6000));
        clock.commit(late);
        assert_eq!(clock.at(late), PlayTime(7000), "it never goes back");
        assert_eq!(clock.next(late + ms(1500)), PlayTime(7500));
        assert_eq!(clock.at(late + ms(1500)), PlayTime(7500));
    }

    #[test]
    fn many_commits_do_not_slow_it_down() {
        let anchor = Instant::now();
        let clock = PlayClock::resume(PlayTime(5000), anchor);
        for commit in 0..10_000 {
            clock.commit(anchor + Duration::from_micros(300) * commit);
        }
        assert_eq!(clock.next(anchor + ms(3000)), PlayTime(8000));
    }

    #[test]
    fn the_play_clock_stands_before_its_anchor() {
        let now = Instant::now();
        let clock = PlayClock::resume(PlayTime(5000), now + ms(1000));
        assert_eq!(clock.at(now), PlayTime(5000));
    }
}
