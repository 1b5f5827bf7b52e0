//! What the store's log changes in a replica: lines that were published, read or appended, and what the store has lost.

use std::sync::atomic::Ordering;

use tracing::{error, warn};
use zeitnot_game::entry::Entry;
use zeitnot_game::game::Game;
use zeitnot_game::id::{Head, Version};
use zeitnot_game::time::{PlayTime, Timestamp};
use zeitnot_game::wire::{Before, frame_of};

use super::Replica;
use crate::limits::HEAL_ENDED;
use crate::metrics::METRICS;
use crate::outbox::Texts;
use crate::store::{Heal, Published, Tail, tag_of};

/// What there was to do with lines from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They were folded in, or held already.
    Whole,
    /// Something lies between, or the histories differ: read the log from this version on.
    ReadSince(Version),
    /// The store has fewer of these same entries: it has lost some, which it may let itself be given back.
    Lost,
    /// The store has no such game any more.
    Gone,
    /// The store's log is not one that this build can read.
    Unreadable,
}

/// How lines from the store came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read after [`Replica::read_since`]: the last entry that is held here leads them, or tells that they do not fit.
    Read,
    /// After an append: the store has compared the head.
    Compared,
}

impl Replica {
    /// From where the log has to be read so that the answer shows whether it is still this one: its last entry is
    /// read again.
    pub fn read_since(&self) -> Version {
        Version(self.game.head().version.0.saturating_sub(1))
    }

    /// Folds in what the store published.
    pub fn take_published(&mut self, published: &Published, now: PlayTime) -> Fit {
        let head = self.game.head();
        let fits = published.first == head.version.next() && published.before == head.tag;
        #[cfg(feature = "breakages")]
        let fits = fits || by_length() && published.first <= head.version.next();
        if fits || self.holds(published) {
            self.fold(published.first, &published.lines, now)
        } else {
            Fit::ReadSince(self.read_since())
        }
    }

    /// Whether the first of these lines is here already: by version and tag, which settle all before it.
    fn holds(&self, published: &Published) -> bool {
        published
            .lines
            .first()
            .is_some_and(|line| self.game.log().line(published.first) == Some(line.as_str()))
    }

    /// Folds in the end of the store's log. `held` is what was here when it was asked: what it read is older than what was
    /// published since.
    pub fn take_tail(
        &mut self,
        tail: &Tail,
        origin: Origin,
        (now, held): (PlayTime, Version),
    ) -> Fit {
        let before = self.game.version();
        let fit = if tail.since == Version(0) {
            self.take_whole_log(tail, (now, held))
        } else {
            let is_compared = origin == Origin::Compared && tail.since == self.game.head().version;
            let first = tail.lines.first().map(String::as_str);
            let is_same = first == self.game.log().line(tail.since.next());
            #[cfg(feature = "breakages")]
            let is_same = is_same || by_length() && first.is_some();
            if is_compared || is_same {
                self.fold(tail.since.next(), &tail.lines, now)
            } else {
                Fit::ReadSince(Version(0))
            }
        };
        self.is_broken = match fit {
            Fit::Whole => false,
            Fit::Gone | Fit::Unreadable => true,
            // It is not known yet.
            Fit::ReadSince(_) | Fit::Lost => self.is_broken,
        };
        if origin == Origin::Read {
            let found = self.game.version().0.saturating_sub(before.0);
            METRICS.missed_entries.inc_by(found.into());
        }
        fit
    }

    /// If the store's log is neither a continuation of this one nor a part of it, it wins.
    fn take_whole_log(&mut self, log: &Tail, (now, held): (PlayTime, Version)) -> Fit {
        let head = self.game.head().version;
        let mut ours = (1..=head.0).map(|v| self.game.log().line(Version(v)));
        let is_shared = log
            .lines
            .iter()
            .zip(&mut ours)
            .all(|(line, ours)| ours == Some(line.as_str()));
        #[cfg(feature = "breakages")]
        let is_shared = is_shared || by_length() && log.length() >= head;
        if !is_shared {
            self.accept(log, now)
        } else if log.length() >= head {
            self.fold(Version(1), &log.lines, now)
        } else if log.lines.is_empty() && !self.is_remembered(now) {
            Fit::Gone
        } else if log.length() >= held {
            // The rest was published after the store had read its log, and came first.
            Fit::Whole
        } else {
            Fit::Lost
        }
    }

    /// Whether a store that lost this game altogether is to have it back.
    fn is_remembered(&self, now: PlayTime) -> bool {
        self.game.outcome().is_none() || self.on_scale(now).since(self.game.at()) < HEAL_ENDED
    }

    /// What is missing in a log that has these lines and no more; in the store somebody looks at the game at once.
    pub fn heal(&self, log: &Tail) -> Heal {
        let length = log.length();
        let lines = (length.0 + 1..=self.game.head().version.0).map(Version);
        let line = |version| self.game.log().line(version);
        Heal {
            after: line(length).and_then(tag_of).map(|tag| Head {
                version: length,
                tag,
            }),
            lines: lines.filter_map(line).map(str::to_owned).collect(),
            due: PlayTime(self.game.origin().0.saturating_add(self.game.at().0)),
        }
    }

    /// The store's log is what counts, though it is another one: the followers begin again.
    pub fn accept(&mut self, log: &Tail, now: PlayTime) -> Fit {
        let id = self.id;
        let fit = if log.lines.is_empty() {
            Fit::Gone
        } else {
            match Game::replay(log.lines.iter().map(String::as_str)) {
                Ok(game) => {
                    METRICS.resets.inc();
                    warn!(game.id = %id, from = %self.game.version(), to = %game.version(), "the store's log of game {id} differs: began again");
                    self.game = game;
                    self.head.store(self.game.version().0, Ordering::Relaxed);
                    self.send_reset(now);
                    Fit::Whole
                }
                Err(reason) => {
                    error!(game.id = %id, "the store's log of game {id} cannot be read: {reason}");
                    Fit::Unreadable
                }
            }
        };
        self.is_broken = fit != Fit::Whole;
        fit
    }

    /// Folds in those lines, of which the first is at `version`, that are not here yet.
    pub fn fold(&mut self, version: Version, lines: &[String], now: PlayTime) -> Fit {
        let next = self.game.head().version.next();
        if version > next {
            return Fit::ReadSince(self.read_since());
        }
        let held = usize::try_from(next.0 - version.0).unwrap_or(usize::MAX);
        let new = lines.iter().skip(held).map(|line| line.parse());
        let Ok(entries) = new.collect::<Result<Vec<Entry>, _>>() else {
            error!(game.id = %self.id, "a line of game {} cannot be read", self.id);
            return Fit::Unreadable;
        };
        for (place, entry) in entries.iter().enumerate() {
            // A clock that has been stopped by a later entry ran no longer than until then.
            let until = entries.get(place + 1).map(Entry::at);
            self.evolve(entry, (now, until));
        }
        self.is_broken = false;
        Fit::Whole
    }

    fn evolve(&mut self, entry: &Entry, (now, until): (PlayTime, Option<Timestamp>)) {
        let before = Before::of(&self.game);
        self.game.evolve(entry);
        self.head.store(self.game.version().0, Ordering::Relaxed);
        let now = until.unwrap_or_else(|| self.on_scale(now));
        if let Some(msg) = frame_of(self.id, (&before, &self.game), entry, now) {
            let texts = Texts::new(&msg, Some(self.game.head()));
            self.followers.tell(self.game.version(), texts);
        }
    }
}

/// Whether histories are compared by their lengths alone.
#[cfg(feature = "breakages")]
fn by_length() -> bool {
    crate::breakage::is_on("compare-by-length")
}
