//! Replies that never arrive: what was asked for is done, and who asked cannot know it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::faults::Shared;
use super::observed::Observed;
use crate::deployment::resp::Reply;

type OnCommand = Box<dyn Fn(&[&[u8]]) -> bool + Send + Sync>;
type OnReply = Box<dyn Fn(&Reply) -> bool + Send + Sync>;

/// Which replies are swallowed, and what becomes of their connection.
pub struct Swallow {
    command: OnCommand,
    reply: OnReply,
    which: Which,
    then: Then,
}

/// Of those that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Each(u64),
}

/// Replies are matched by their order, so nothing that comes after on the same connection may arrive either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Cut,
    Hold,
}

impl Swallow {
    /// The reply to the first command that matches, given its words. Errors are replies that are let through, since nothing
    /// was done then.
    pub fn first(command: impl Fn(&[&[u8]]) -> bool + Send + Sync + 'static) -> Self {
        Self {
            command: Box::new(command),
            reply: Box::new(|reply| !matches!(reply, Reply::Error(_))),
            which: Which::First,
            then: Then::Cut,
        }
    }

    /// The same of each `n`-th command that matches; 1 is all of them.
    pub fn each(n: u64, command: impl Fn(&[&[u8]]) -> bool + Send + Sync + 'static) -> Self {
        Self {
            which: Which::Each(n.max(1)),
            ..Self::first(command)
        }
    }

    /// Only where the reply matches too; others do not count.
    #[must_use]
    pub fn answered(self, reply: impl Fn(&Reply) -> bool + Send + Sync + 'static) -> Self {
        Self {
            reply: Box::new(reply),
            ..self
        }
    }

    /// The connection is not cut but stays silent towards the client, until it is released or cut. So there is time to
    /// kill who waits for the reply.
    #[must_use]
    pub fn and_hold(self) -> Self {
        Self {
            then: Then::Hold,
            ..self
        }
    }
}

impl fmt::Debug for Swallow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swallow")
            .field("which", &self.which)
            .field("then", &self.then)
            .finish_non_exhaustive()
    }
}

/// A rule at work.
#[derive(Debug)]
pub(super) struct Trap {
    rule: Swallow,
    matched: Observed<u64>,
    swallowed: Observed<u64>,
    /// How often what is held was released.
    released: watch::Sender<u64>,
}

impl Trap {
    /// Whether the reply to a command may be swallowed.
    pub(super) fn awaits(&self, words: &[&[u8]]) -> bool {
        (self.rule.command)(words)
    }

    /// Whether this reply to such a command is to be swallowed, and what then. The caller says when it was:
    /// [`Trap::report`].
    pub(super) fn takes(&self, reply: &Reply) -> Option<Then> {
        if !(self.rule.reply)(reply) {
            return None;
        }
        let matched = self.matched.change(|count| {
            *count += 1;
            *count
        });
        let takes = match self.rule.which {
            Which::First => matched == 1,
            Which::Each(n) => matched.is_multiple_of(n),
        };
        takes.then_some(self.rule.then)
    }

    /// Tells who waits that a reply is swallowed.
    pub(super) fn report(&self) {
        self.swallowed.change(|count| *count += 1);
    }

    /// To be taken before [`Trap::report`]: it changes with the next release.
    pub(super) fn releases(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }

    fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }
}

/// Replies are swallowed as long as this value lives; then what is held is released.
#[must_use = "dropped, it swallows no more"]
#[derive(Debug)]
pub struct Swallowed {
    trap: Arc<Trap>,
    shared: Arc<Shared>,
}

impl Swallowed {
    pub(super) fn begin(rule: Swallow, shared: &Arc<Shared>) -> Self {
        let trap = Arc::new(Trap {
            rule,
            matched: Observed::default(),
            swallowed: Observed::default(),
            released: watch::Sender::new(0),
        });
        shared.change_rules(|rules| rules.traps.push(Arc::clone(&trap)));
        Self {
            trap,
            shared: Arc::clone(shared),
        }
    }

    /// How many replies were swallowed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.trap.swallowed.read(|&count| count)
    }

    /// Blocks until so many were swallowed.
    ///
    /// # Errors
    /// They were not in time.
    pub fn wait_for(&self, count: u64) -> anyhow::Result<()> {
        let swallowed = &self.trap.swallowed;
        swallowed.wait("replies are swallowed", |&swallowed| swallowed >= count)
    }

    /// Lets the replies go on that are held now, and what came after them.
    pub fn release(&self) {
        self.trap.release();
    }
}

impl Drop for Swallowed {
    fn drop(&mut self) {
        self.shared.change_rules(|rules| {
            rules.traps.retain(|other| !Arc::ptr_eq(other, &self.trap));
        });
        self.trap.release();
    }
}
