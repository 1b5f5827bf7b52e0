//! The raw entries of one game, as the store has them: for healing the store, and for looking back.

use crate::entry::Entry;
use crate::id::{Head, Tag, Version};

/// A log held as one text, a line an entry: half of what a vector of strings would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    text: String,
    ends: Vec<u32>,
    tag: Tag,
}

impl Log {
    pub(crate) fn new(first: &str, tag: Tag) -> Self {
        let mut log = Self {
            text: String::new(),
            ends: Vec::new(),
            tag,
        };
        log.push(first, tag);
        log
    }

    pub(crate) fn push(&mut self, line: &str, tag: Tag) {
        self.text.push_str(line);
        let end = u32::try_from(self.text.len()).expect("a log is bounded by its game's limits");
        self.ends.push(end);
        self.tag = tag;
    }

    /// The last entry's version and tag.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            version: Version(u32::try_from(self.ends.len()).expect("shorter than its text")),
            tag: self.tag,
        }
    }

    /// The stored line at a version.
    #[must_use]
    pub fn line(&self, version: Version) -> Option<&str> {
        let index = usize::try_from(version.0).ok()?.checked_sub(1)?;
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start as usize..end as usize)
    }

    /// The entries after a version, oldest first, each with its own version. Entry 1 is the set-up and never among
    /// them.
    pub fn since(&self, version: Version) -> impl Iterator<Item = (Version, Entry)> {
        let first = version.max(Version(1)).next();
        (first.0..=self.head().version.0).filter_map(|v| {
            let line = self.line(Version(v))?;
            Some((Version(v), line.parse().ok()?))
        })
    }
}
