//! When moves are due: an open loop, which does not wait for anybody. What comes late is late from then on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// Every table has its own beat: the same period for all, and a phase drawn for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    period: Duration,
    /// By the time within the period, with the number of the table.
    phases: Vec<(Duration, usize)>,
}

impl Schedule {
    /// So many moves a second at so many tables together. The same seed makes the same schedule.
    pub(crate) fn new(rate: u32, tables: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = u32::try_from(tables).unwrap_or(u32::MAX);
        let period = Duration::from_secs(1) * count / rate;
        let phase = |table| (period.mul_f64(rng.random_range(0.0..1.0)), table);
        let mut phases: Vec<_> = (0..tables).map(phase).collect();
        phases.sort_unstable();
        Self { period, phases }
    }

    /// From one move at a table to the next.
    pub(crate) const fn period(&self) -> Duration {
        self.period
    }

    /// When which table has a move to make, in order, for ever.
    pub(crate) fn dues(&self) -> impl Iterator<Item = (Duration, usize)> + '_ {
        let starts = iter::successors(Some(Duration::ZERO), |start| Some(*start + self.period));
        starts.flat_map(|start| {
            self.phases
                .iter()
                .map(move |&(phase, table)| (start + phase, table))
        })
    }
}

/// Between the end of a game and the first move of the next one at the same table.
const BREAK: Duration = Duration::from_secs(2);

/// When people move who think: mostly for a short time, now and then for long.
#[derive(Debug)]
pub(crate) struct Thinking {
    /// On the average.
    mean: Duration,
    rng: StdRng,
    /// When which table moves next, and which ply of which of its games that is.
    next: BinaryHeap<Reverse<(Duration, usize, usize, u16)>>,
    /// The plies of one game after the other at each table, again and again.
    plies: Vec<Vec<u16>>,
}

impl Thinking {
    /// For tables whose games have so many plies. The same seed makes the same thoughts.
    pub(crate) fn new(mean: Duration, plies: Vec<Vec<u16>>, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let first = |table| {
            let due = mean.mul_f64(rng.random_range(0.0..2.0));
            Reverse((due, table, 0, 0))
        };
        Self {
            mean,
            next: (0..plies.len()).map(first).collect(),
            rng,
            plies,
        }
    }

    /// A tenth of the mean, and the rest of it by chance: exponential, and never very long.
    fn think(&mut self) -> Duration {
        let chance: f64 = self.rng.random_range(0.0..1.0);
        let share = 0.1 + 0.9 * (-(1.0 - chance).ln()).min(6.0);
        self.mean.mul_f64(share)
    }
}

impl Iterator for Thinking {
    type Item = (Duration, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((due, table, game, ply)) = self.next.pop()?;
        let think = self.think();
        let games = &self.plies[table];
        let is_last = ply + 1 >= games[game];
        self.next.push(Reverse(if is_last {
            (due + think + BREAK, table, (game + 1) % games.len(), 0)
        } else {
            (due + think, table, game, ply + 1)
        }));
        Some((due, table))
    }
}

/// A timer that rings within microseconds. The runtime's own counts whole milliseconds, several times what is measured.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: AsyncFd<OwnedFd>,
}

impl Alarm {
    #[expect(
        deprecated,
        reason = "its successor is unsafe; this descriptor is owned, and nobody else has it"
    )]
    pub(crate) fn new() -> anyhow::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            timer: AsyncFd::new(timer)?,
        })
    }

    /// Waits until then; not at all if that is past.
    pub(crate) async fn wait_until(&self, moment: Instant) -> anyhow::Result<()> {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let once = Itimerspec {
                it_interval: Timespec::try_from(Duration::ZERO)?,
                it_value: Timespec::try_from(left)?,
            };
            timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            let mut ready = self.timer.readable().await?;
            // Setting it again takes back that it has rung, so nothing has to be read.
            ready.clear_ready();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_met_evenly_and_every_table_keeps_its_beat() {
        let schedule = Schedule::new(200, 50, 7);
        let second: Vec<_> = schedule
            .dues()
            .take_while(|(due, _)| *due < Duration::from_secs(1))
            .collect();
        assert_eq!(second.len(), 200);
        assert!(second.is_sorted());
        let mut of_one = second.iter().filter(|(_, table)| *table == 3);
        let (first, next) = (of_one.next().unwrap().0, of_one.next().unwrap().0);
        assert_eq!(next - first, schedule.period());
    }

    #[test]
    fn a_seed_names_a_schedule() {
        assert_eq!(Schedule::new(200, 50, 7), Schedule::new(200, 50, 7));
        assert_ne!(Schedule::new(200, 50, 7), Schedule::new(200, 50, 8));
    }

    #[test]
    fn people_think_as_long_as_they_do_on_the_average_and_rest_between_games() {
        let mean = Duration::from_secs(1);
        let dues: Vec<_> = Thinking::new(mean, vec![vec![1000, 2]; 2], 7)
            .take(2000)
            .collect();
        assert!(dues.is_sorted_by_key(|(due, _)| *due));
        let first: Vec<_> = dues.iter().filter(|(_, table)| *table == 0).collect();
        let took = (first[999].0 - first[0].0).as_secs_f64() / 999.0;
        assert!((0.9..1.1).contains(&took), "{took}");
        let short = Thinking::new(mean, vec![vec![2, 1]], 7)
            .take(4)
            .collect::<Vec<_>>();
        assert!(short[2].0 - short[1].0 > BREAK && short[3].0 - short[2].0 > BREAK);
        let again = Thinking::new(mean, vec![vec![2, 1]], 7)
            .take(4)
            .collect::<Vec<_>>();
        assert_eq!(short, again);
    }

    #[tokio::test]
    async fn an_alarm_rings_again_and_again_and_never_early() {
        let alarm = Alarm::new().unwrap();
        for _ in 0..20 {
            let moment = Instant::now() + Duration::from_micros(300);
            alarm.wait_until(moment).await.unwrap();
            assert!(Instant::now() >= moment);
        }
    }
}
