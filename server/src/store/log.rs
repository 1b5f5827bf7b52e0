//! The port's words for a game's log: what begins it, what is appended, what is read of it, and what is given back to a
//! store that has lost its end.

use std::time::Duration;

use rand::Rng as _;
use zeitnot_game::id::{Head, Tag, Version};
use zeitnot_game::time::{Millis, PlayTime, Timestamp};

/// A game to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The body of entry 1.
    pub body: String,
    /// The tag of entry 1.
    pub tag: Tag,
    /// When the game is handed out by [`Store::due`](super::Store::due), after its creation.
    pub due_in: Millis,
}

/// A tag for an append.
pub(crate) fn random_tag() -> Tag {
    let mut rng = rand::rng();
    Tag::from_indices(std::array::from_fn(|_| rng.random_range(0..62)))
}

/// Events to be written, as the bodies of their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The last entry that the caller knows.
    pub after: Head,
    /// The moment of that entry: these are not dated before it. Of entry 1, 0: its own is the zero of the scale.
    pub after_at: Timestamp,
    /// The mark of this append and its nonce: drawn at random once, and the same when it is sent again.
    pub tag: Tag,
    /// The zero of the game's scale, from its entry 1.
    pub origin: PlayTime,
    /// One line each without moment and tag; at least one, and no more than one command causes.
    pub bodies: Vec<String>,
    /// Not to be committed before this moment.
    pub not_before: Option<Timestamp>,
    /// How long after these events the game is handed out by [`Store::due`](super::Store::due), or earlier if that has been
    /// said before; nothing: never.
    pub due_in: Option<Millis>,
}

impl Append {
    /// Its last entry, once it is committed.
    #[must_use]
    pub fn head(&self) -> Head {
        let count = u32::try_from(self.bodies.len()).unwrap_or(u32::MAX);
        Head {
            version: Version(self.after.version.0.saturating_add(count)),
            tag: self.tag,
        }
    }
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log.
    Committed {
        /// The version of its last entry.
        version: Version,
        /// The moment of all its entries.
        at: Timestamp,
    },
    /// Nothing was written: the log has gone on. Fold these in and decide again.
    Stale(Tail),
    /// Nothing was written: its moment has not come.
    Early {
        /// The moment now.
        at: Timestamp,
    },
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The lines follow this version. 0 where the caller's own log is not a part of the store's: start again from
    /// entry 1.
    pub since: Version,
    /// The lines, oldest first.
    pub lines: Vec<String>,
    /// For so long the store, which may have lost the end of this log, lets itself be given that back; 0: these are all.
    pub heals_for: Duration,
}

impl Tail {
    /// The number of entries in the log.
    #[must_use]
    pub fn length(&self) -> Version {
        let lines = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        Version(self.since.0.saturating_add(lines))
    }
}

/// One append as the followers get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version of its first entry.
    pub first: Version,
    /// The tag of the entry before it.
    pub before: Tag,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Published {
    /// Its last entry; nothing if there is none.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let before = self.first.0.checked_sub(1)?;
        let count = u32::try_from(self.lines.len()).ok()?;
        Some(Head {
            version: Version(before.checked_add(count)?),
            tag: tag_of(self.lines.last()?)?,
        })
    }
}

/// The tag of an entry as it is stored.
pub(crate) fn tag_of(line: &str) -> Option<Tag> {
    line.rsplit(' ').next()?.parse().ok()
}

/// What a log has lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heal {
    /// The last entry that it has; nothing: it is gone altogether.
    pub after: Option<Head>,
    /// The lines that are missing, with their moments and tags.
    pub lines: Vec<String>,
    /// When the game is handed out by [`Store::due`](super::Store::due) next.
    pub due: PlayTime,
}

/// What became of an attempt to complete a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Healed {
    /// The log is whole again.
    Whole,
    /// Nothing was written: the log has other entries. Read it.
    Stale,
    /// Nothing was written: the store has lost nothing, or healing is over. What the log says counts.
    Refused,
}
