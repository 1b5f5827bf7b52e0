//! The embedded store's clocks. The wall clock is read for people and for the expiry of challenges, never for a game.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use zeitnot_game::time::{PlayTime, UnixMillis};

/// The play clock: it goes on from where it was saved, and runs by the monotonic clock of this process.
///
/// So the time for which the process was down does not exist, and setting the wall clock changes nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlayClock {
    saved: PlayTime,
    anchor: Instant,
}

impl PlayClock {
    /// The clock that shows `saved` at the moment `anchor`.
    pub(super) const fn resume(saved: PlayTime, anchor: Instant) -> Self {
        Self { saved, anchor }
    }

    pub(super) fn at(&self, now: Instant) -> PlayTime {
        let elapsed = now.saturating_duration_since(self.anchor).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        PlayTime(self.saved.0.saturating_add(elapsed))
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_play_clock_goes_on_from_where_it_was_saved() {
        let anchor = Instant::now();
        let clock = PlayClock::resume(PlayTime(5000), anchor);
        let cases = [(0, 5000), (1, 5001), (86_400_000, 86_405_000)];
        for (elapsed, expected) in cases {
            let now = anchor + Duration::from_millis(elapsed);
            assert_eq!(clock.at(now), PlayTime(expected), "after {elapsed} ms");
        }
    }

    #[test]
    fn the_play_clock_stands_before_its_anchor() {
        let now = Instant::now();
        let clock = PlayClock::resume(PlayTime(5000), now + Duration::from_secs(1));
        assert_eq!(clock.at(now), PlayTime(5000));
    }
}
