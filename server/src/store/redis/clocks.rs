//! What this node knows of the store's clocks: of each bucket the last tick, which requests carry, and from the ticks an
//! estimate of play time and wall time between them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeitnot_game::time::{PlayTime, UnixMillis};

use super::keys::Bucket;
use crate::limits::{MAX_SAMPLE_ROUND_TRIP, MAX_TICK_AGE};

/// The clocks of all buckets.
#[derive(Debug)]
pub(super) struct Clocks {
    wall: Mutex<Option<Believed>>,
    buckets: [Mutex<BucketClock>; Bucket::COUNT],
}

/// What a tick told. Moments in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Tick {
    pub(super) asked: Instant,
    pub(super) answered: Instant,
    /// The store's time when it answered.
    pub(super) now: u64,
    /// Where the play clock moved last, which may have been another node's tick.
    pub(super) lease: Lease,
}

/// A moment of a bucket's play clock, by which the store tells how late it is when a request arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    /// The store's time, in milliseconds.
    pub(super) wall: u64,
    /// Play time then, in milliseconds.
    pub(super) play: u64,
    /// For how long the bucket heals from then on, in milliseconds: till then nothing is taken.
    pub(super) healing: u64,
    /// Who told it. Another process may have lost what this one had.
    pub(super) process: Process,
}

/// The run id of a Redis process.
pub(super) type Process = Arc<str>;

impl Clocks {
    /// Before the first tick.
    pub(super) fn new() -> Self {
        Self {
            wall: Mutex::new(None),
            buckets: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Takes note of a tick; says whether with it healing began or ended, or did so unseen, in another process.
    pub(super) fn learn(&self, bucket: Bucket, tick: Tick) -> bool {
        let mut wall = lock(&self.wall);
        let now = tick.believe(tick.now);
        if wall.is_none_or(|known| now.is_better_than(&known)) {
            *wall = Some(now);
        }
        drop(wall);
        self.lock(bucket).learn(tick)
    }

    /// The bucket's last tick, if one was answered.
    pub(super) fn lease(&self, bucket: Bucket) -> Option<Lease> {
        let clock = self.lock(bucket);
        clock.last.as_ref().map(|tick| tick.lease.clone())
    }

    /// The bucket's last tick, if this process told it and would take a request that carries it at `now`. In a bucket
    /// that heals, none.
    pub(super) fn fresh_lease(
        &self,
        bucket: Bucket,
        (process, now): (&Process, Instant),
    ) -> Option<Lease> {
        let clock = self.lock(bucket);
        let tick = clock.last.as_ref()?;
        let is_young = tick.believe(tick.age()).at(now) < millis(MAX_TICK_AGE);
        let is_fresh = is_young && tick.lease.healing == 0 && tick.lease.process == *process;
        is_fresh.then(|| tick.lease.clone())
    }

    /// When the bucket's last healing ends or ended, if this node saw one.
    pub(super) fn last_healed(&self, bucket: Bucket) -> Option<Instant> {
        self.lock(bucket).healed
    }

    /// Whether the bucket heals at `now`.
    pub(super) fn is_healing(&self, bucket: Bucket, now: Instant) -> bool {
        self.last_healed(bucket).is_some_and(|healed| healed > now)
    }

    /// The bucket's play clock; before its first tick the store's wall clock, at which it begins.
    pub(super) fn play_time(&self, bucket: Bucket, now: Instant) -> PlayTime {
        let estimate = self.lock(bucket).at(now);
        estimate.unwrap_or_else(|| PlayTime(self.wall_time(now).0))
    }

    /// The store's wall clock.
    pub(super) fn wall_time(&self, now: Instant) -> UnixMillis {
        let known = *lock(&self.wall);
        UnixMillis(known.map_or(0, |known| known.at(now)))
    }

    fn lock(&self, bucket: Bucket) -> MutexGuard<'_, BucketClock> {
        lock(&self.buckets[bucket.index()])
    }
}

/// One bucket's play clock as far as this node knows it.
#[derive(Debug, Default)]
struct BucketClock {
    last: Option<Tick>,
    estimate: Option<Believed>,
    /// Until then the estimate may go on without another tick: what is above it does not count.
    end: u64,
    /// The latest moment that was told to anybody.
    latest: u64,
    /// When the last healing ends or ended.
    healed: Option<Instant>,
}

impl BucketClock {
    fn learn(&mut self, tick: Tick) -> bool {
        // Two may be on their way at once, and be answered to this node in any order.
        if self
            .last
            .as_ref()
            .is_some_and(|last| tick.asked < last.asked)
        {
            return false;
        }
        let is_healing = tick.lease.healing > 0;
        let was_healing = self
            .last
            .as_ref()
            .is_some_and(|last| last.lease.healing > 0);
        let is_standing = is_healing || was_healing;
        let now = tick.believe(tick.play_now());
        if is_standing || self.estimate.is_none_or(|known| now.is_better_than(&known)) {
            self.estimate = Some(now);
            let ahead = if is_healing { 0 } else { millis(MAX_TICK_AGE) };
            self.end = tick.play_now().saturating_add(ahead);
        }
        let is_another = self
            .last
            .as_ref()
            .is_some_and(|last| last.lease.process != tick.lease.process);
        if is_standing {
            self.healed = Some(tick.answered + Duration::from_millis(tick.lease.healing));
        }
        self.last = Some(tick);
        // An outage moves the estimate too far by less than this; beyond it the store has lost what it knew.
        if self.latest > now.value.saturating_add(2 * millis(MAX_TICK_AGE)) {
            self.latest = 0;
        }
        is_healing != was_healing || is_another
    }

    fn at(&mut self, now: Instant) -> Option<PlayTime> {
        let estimate = self.estimate?.at(now).min(self.end);
        self.latest = self.latest.max(estimate);
        Some(PlayTime(self.latest))
    }
}

impl Tick {
    /// How long before the answer the play clock moved last.
    fn age(&self) -> u64 {
        self.now.saturating_sub(self.lease.wall)
    }

    /// Play time at the answer: it stands still while the bucket heals.
    fn play_now(&self) -> u64 {
        let moved = if self.lease.healing > 0 {
            0
        } else {
            self.age()
        };
        self.lease.play.saturating_add(moved)
    }

    fn believe(&self, value: u64) -> Believed {
        let round_trip = self.answered.saturating_duration_since(self.asked);
        Believed {
            value,
            taken: self.asked + round_trip / 2,
            error: round_trip / 2,
        }
    }
}

/// A value that grew by one a millisecond since a moment of this node.
#[derive(Debug, Clone, Copy)]
struct Believed {
    value: u64,
    taken: Instant,
    error: Duration,
}

impl Believed {
    fn at(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.taken);
        self.value.saturating_add(millis(elapsed))
    }

    /// A slow answer is believed only where there was no quick one for long.
    fn is_better_than(&self, known: &Self) -> bool {
        self.error <= MAX_SAMPLE_ROUND_TRIP / 2
            || self.taken.saturating_duration_since(known.taken) > MAX_TICK_AGE
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole even if a holder panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(anchor: Instant, ms: u64) -> Instant {
        anchor + Duration::from_millis(ms)
    }

    fn lease(wall: u64, play: u64) -> Lease {
        Lease {
            wall,
            play,
            healing: 0,
            process: "run".into(),
        }
    }

    /// A tick that was asked for at `asked` and answered at once: play time at the store's time.
    fn tick(asked: Instant, wall: u64, play: u64) -> Tick {
        Tick {
            asked,
            answered: asked,
            now: wall,
            lease: lease(wall, play),
        }
    }

    fn bucket() -> Bucket {
        Bucket::all().next().unwrap()
    }

    #[test]
    fn the_estimate_follows_the_ticks_and_never_goes_back() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        let play = |ms| clocks.play_time(bucket(), after(start, ms)).0;
        clocks.learn(bucket(), tick(start, 9000, 1000));
        assert_eq!(play(500), 1500);
        clocks.learn(bucket(), tick(after(start, 500), 9700, 1700));
        assert_eq!(play(600), 1800);
        clocks.learn(bucket(), tick(after(start, 600), 9750, 1650));
        assert_eq!(play(700), 1800);
        assert_eq!(play(800), 1850);
    }

    #[test]
    fn a_tick_of_another_node_counts_from_its_own_moment() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        let mut other = tick(start, 9000, 1000);
        other.now = 9300;
        clocks.learn(bucket(), other);
        assert_eq!(clocks.play_time(bucket(), start), PlayTime(1300));
        assert_eq!(clocks.wall_time(start), UnixMillis(9300));
        assert!(
            clocks
                .fresh_lease(bucket(), (&"run".into(), after(start, 1600)))
                .is_some()
        );
        assert!(
            clocks
                .fresh_lease(bucket(), (&"run".into(), after(start, 1700)))
                .is_none()
        );
    }

    #[test]
    fn without_ticks_play_time_stands_still_and_wall_time_does_not() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        clocks.learn(bucket(), tick(start, 9000, 1000));
        let later = after(start, 60_000);
        assert_eq!(clocks.play_time(bucket(), later), PlayTime(3000));
        assert_eq!(clocks.wall_time(later), UnixMillis(69_000));
        // The store was away, and 1 s of it counts: the estimate waits for it.
        clocks.learn(bucket(), tick(later, 69_000, 2000));
        assert_eq!(clocks.play_time(bucket(), later), PlayTime(3000));
        let on = after(start, 61_500);
        assert_eq!(clocks.play_time(bucket(), on), PlayTime(3500));
    }

    #[test]
    fn a_slow_answer_is_not_believed_while_a_quick_one_is_known() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        clocks.learn(bucket(), tick(start, 9000, 1000));
        let mut slow = tick(start, 9900, 1900);
        slow.answered = after(start, 900);
        clocks.learn(bucket(), slow);
        assert_eq!(clocks.play_time(bucket(), start), PlayTime(1000));
        assert_eq!(clocks.wall_time(start), UnixMillis(9000));
        assert_eq!(clocks.lease(bucket()), Some(lease(9900, 1900)));
    }

    #[test]
    fn an_older_tick_that_is_answered_later_is_ignored() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        clocks.learn(bucket(), tick(after(start, 1000), 10_000, 2000));
        clocks.learn(bucket(), tick(start, 9000, 1000));
        assert_eq!(clocks.lease(bucket()), Some(lease(10_000, 2000)));
    }

    #[test]
    fn a_store_that_lost_its_clock_is_followed_back() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        clocks.learn(bucket(), tick(start, 90_000, 90_000));
        assert_eq!(clocks.play_time(bucket(), start), PlayTime(90_000));
        clocks.learn(bucket(), tick(after(start, 1000), 91_000, 10_000));
        let later = after(start, 1000);
        assert_eq!(clocks.play_time(bucket(), later), PlayTime(10_000));
    }

    #[test]
    fn a_bucket_that_never_ticked_is_as_late_as_the_wall() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        clocks.learn(bucket(), tick(start, 9000, 1000));
        let other = Bucket::all().last().unwrap();
        assert_eq!(clocks.play_time(other, start), PlayTime(9000));
        assert_eq!(clocks.lease(other), None);
    }

    #[test]
    fn while_a_bucket_heals_its_time_stands_still_and_nothing_is_fresh() {
        let (start, clocks) = (Instant::now(), Clocks::new());
        let run = "run".into();
        assert!(!clocks.learn(bucket(), tick(start, 9000, 1000)));
        let mut healing = tick(after(start, 100), 9100, 1100);
        healing.lease.healing = 2000;
        assert!(clocks.learn(bucket(), healing.clone()), "it began");
        healing.asked = after(start, 600);
        healing.now = 9600;
        healing.lease.healing = 1500;
        assert!(!clocks.learn(bucket(), healing));
        let during = after(start, 1000);
        assert_eq!(clocks.play_time(bucket(), during), PlayTime(1100));
        assert!(clocks.fresh_lease(bucket(), (&run, during)).is_none());
        assert!(clocks.is_healing(bucket(), during));
        let over = after(start, 2200);
        assert!(!clocks.is_healing(bucket(), over));
        assert!(clocks.learn(bucket(), tick(over, 11_200, 1200)), "it ended");
        let later = after(start, 2300);
        assert_eq!(clocks.play_time(bucket(), later), PlayTime(1300));
        assert!(clocks.fresh_lease(bucket(), (&run, later)).is_some());
        let other = "other".into();
        assert!(clocks.fresh_lease(bucket(), (&other, later)).is_none());
        assert_eq!(clocks.last_healed(bucket()), Some(over));
        let mut other = tick(after(over, 1000), 12_200, 2200);
        other.lease.process = "another run".into();
        assert!(clocks.learn(bucket(), other), "it began and ended unseen");
    }
}
