//! The spectators of one game, and the thread that tells many of them. A frame for thousands wakes thousands of tasks;
//! done from a worker, that would stand before every player on this node, so a large crowd is told by a thread of its
//! own, whose wake-ups queue behind the workers' own. Players are told before, in [`crate::followers`].

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use zeitnot_game::id::Version;

use crate::limits::{FANOUT_CHUNK, FANOUT_JOBS, SMALL_CROWD};
use crate::metrics::METRICS;
use crate::outbox::{Outbox, Texts};

/// What spectators are told.
#[derive(Debug)]
pub enum News {
    /// An entry of the log. Who has no room for it falls behind.
    Entry(Version, Texts),
    /// Something beside the log. Who has no room for it does without.
    Aside(Texts),
    /// The game up to an entry, for those that are behind.
    Snapshot(Texts),
    /// The game up to an entry, for all: what they were told is not so any more.
    Reset(Version, Texts),
}

/// A follower without a seat.
#[derive(Debug)]
struct Spectator {
    outbox: Outbox,
    /// It was told everything up to here when it came.
    joined: Version,
    /// It reads too slowly: it is given no more entries, but the latest snapshot as soon as it has room.
    is_behind: bool,
}

/// The spectators of one game, told in the order of what [`Fanout::tell`] is given.
#[derive(Debug, Default)]
pub struct Crowd {
    /// By their numbers.
    spectators: Mutex<BTreeMap<u64, Spectator>>,
    count: AtomicUsize,
    behind: AtomicUsize,
    /// What the thread has not told yet.
    queued: AtomicUsize,
    /// The thread had no room for something: all have fallen behind.
    has_missed: AtomicBool,
}

impl Crowd {
    /// Takes a spectator in that was told everything up to an entry.
    pub fn join(&self, number: u64, outbox: Outbox, joined: Version) {
        let spectator = Spectator {
            outbox,
            joined,
            is_behind: false,
        };
        let mut spectators = self.lock();
        if let Some(before) = spectators.insert(number, spectator) {
            self.forget(&before);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one out.
    pub fn leave(&self, number: u64) {
        if let Some(spectator) = self.lock().remove(&number) {
            self.forget(&spectator);
        }
    }

    fn forget(&self, spectator: &Spectator) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        if spectator.is_behind {
            self.behind.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether any of them waits for a snapshot, or may do so once the thread is done.
    pub fn may_be_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed) > 0
            || self.queued.load(Ordering::Acquire) > 0
            || self.has_missed.load(Ordering::Relaxed)
    }

    /// Tells all of them, some at a time, so that others may join and leave meanwhile. Who joins meanwhile has been told.
    fn tell(&self, news: &News) {
        let has_missed = self.has_missed.swap(false, Ordering::Relaxed);
        let mut last = None;
        loop {
            let mut spectators = self.lock();
            let rest = (last.map_or(Unbounded, Excluded), Unbounded);
            let mut lost = Vec::new();
            let mut told = 0;
            for (&number, spectator) in spectators.range_mut::<u64, _>(rest).take(FANOUT_CHUNK) {
                if has_missed {
                    self.set_behind(spectator, true);
                }
                if !self.tell_one(spectator, news) {
                    lost.push(number);
                }
                last = Some(number);
                told += 1;
            }
            for number in lost {
                if let Some(spectator) = spectators.remove(&number) {
                    self.forget(&spectator);
                }
            }
            if told < FANOUT_CHUNK {
                return;
            }
            drop(spectators);
            thread::yield_now();
        }
    }

    /// Whether the spectator stays.
    fn tell_one(&self, spectator: &mut Spectator, news: &News) -> bool {
        match news {
            News::Entry(version, texts) => {
                if !spectator.is_behind && spectator.joined < *version {
                    let has_room = spectator.offer(texts);
                    self.set_behind(spectator, !has_room);
                }
            }
            News::Aside(texts) => {
                let _ = spectator.offer(texts);
            }
            News::Snapshot(texts) => {
                if spectator.is_behind && spectator.offer(texts) {
                    self.set_behind(spectator, false);
                    METRICS.skips.inc();
                }
            }
            News::Reset(version, texts) => {
                self.set_behind(spectator, false);
                spectator.joined = *version;
                let frame = texts.of(spectator.outbox.form()).clone();
                // Its own task closes one that is too full for this, and it comes back.
                return spectator.outbox.push(frame).is_ok();
            }
        }
        true
    }

    fn set_behind(&self, spectator: &mut Spectator, is_behind: bool) {
        match (spectator.is_behind, is_behind) {
            (false, true) => self.behind.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.behind.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        spectator.is_behind = is_behind;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Spectator>> {
        // The map is whole even if a holder panicked: each change is a single call.
        self.spectators
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spectator {
    /// Whether it had room to spare.
    fn offer(&self, texts: &Texts) -> bool {
        self.outbox.offer(texts.of(self.outbox.form()))
    }
}

/// The way to the thread. Cheap to clone; the thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct Fanout(SyncSender<(Arc<Crowd>, News)>);

impl Fanout {
    /// Starts the thread.
    ///
    /// # Panics
    /// The system gives this process no thread at its start.
    #[must_use]
    pub fn start() -> Self {
        let (tx, rx) = sync_channel(FANOUT_JOBS);
        let thread = thread::Builder::new().name("fanout".to_owned());
        thread
            .spawn(move || serve(&rx))
            .expect("a process that starts may have a thread");
        Self(tx)
    }

    /// Tells a crowd: a small one here and now, a large one by the thread.
    pub fn tell(&self, crowd: &Arc<Crowd>, news: News) {
        // What the thread has not told yet comes first.
        if crowd.size() <= SMALL_CROWD && crowd.queued.load(Ordering::Acquire) == 0 {
            return crowd.tell(&news);
        }
        crowd.queued.fetch_add(1, Ordering::Relaxed);
        if self.0.try_send((Arc::clone(crowd), news)).is_err() {
            crowd.queued.fetch_sub(1, Ordering::Relaxed);
            crowd.has_missed.store(true, Ordering::Relaxed);
        }
    }
}

fn serve(jobs: &Receiver<(Arc<Crowd>, News)>) {
    for (crowd, news) in jobs {
        crowd.tell(&news);
        crowd.queued.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
