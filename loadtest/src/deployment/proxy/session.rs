//! What is said on one connection to Redis: which reply belongs to which command, and which of them pass. What a replica
//! and its master say to each other passes unread.

use std::collections::VecDeque;
use std::sync::Arc;

use super::faults::Rules;
use super::push;
use super::swallow::{Then, Trap};
use crate::deployment::resp::{Malformed, Reply};

/// Commands whose replies have not come. A client that sends more has lost its way.
const MAX_PENDING: usize = 1 << 20;

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// What came from either side and is not whole yet.
    commands: Vec<u8>,
    replies: Vec<u8>,
    pending: VecDeque<Pending>,
    /// Only then can a reply be a message.
    has_subscribed: bool,
    /// From here on it is a replica's, which is sent what is no reply.
    is_replication: bool,
}

/// What a command waits for.
#[derive(Debug)]
enum Pending {
    /// One reply, which these may swallow.
    Reply(Vec<Arc<Trap>>),
    /// A confirmation for each channel, or one error.
    Confirmations(usize),
}

/// What becomes of a reply.
#[derive(Debug)]
pub(super) enum Step {
    /// It passes.
    Pass(Vec<u8>),
    /// It does not.
    Drop,
    /// It does not, and nor does anything after it.
    Cut(Arc<Trap>),
    /// It waits, and so does everything after it.
    Hold(Arc<Trap>, Vec<u8>),
}

impl Session {
    /// Takes note of what the client sends. All of it passes.
    pub(super) fn sent(&mut self, bytes: &[u8], rules: &Rules) -> Result<(), Malformed> {
        if self.is_replication {
            return Ok(());
        }
        self.commands.extend(bytes);
        while let Some((command, length)) = Reply::parse(&self.commands)? {
            self.commands.drain(..length);
            let words: Vec<&[u8]> = command.items().iter().filter_map(Reply::bytes).collect();
            if words.first().is_some_and(|name| is_of_replica(name)) {
                self.is_replication = true;
                return Ok(());
            }
            self.expect(&words, rules)?;
        }
        Ok(())
    }

    fn expect(&mut self, words: &[&[u8]], rules: &Rules) -> Result<(), Malformed> {
        let name = words.first().ok_or(Malformed)?.to_ascii_lowercase();
        let pending = if is_subscription(&name) {
            self.has_subscribed = true;
            // Without channels it ends all subscriptions: those confirmations but one come unasked.
            Pending::Confirmations(words.len().saturating_sub(1).max(1))
        } else {
            let awaiting = rules.traps.iter().filter(|trap| trap.awaits(words));
            Pending::Reply(awaiting.cloned().collect())
        };
        if self.pending.len() == MAX_PENDING {
            return Err(Malformed);
        }
        self.pending.push_back(pending);
        Ok(())
    }

    /// Takes what Redis sends; [`Session::next`] says what becomes of it.
    pub(super) fn answered(&mut self, bytes: &[u8]) {
        self.replies.extend(bytes);
    }

    /// The next reply that is whole.
    pub(super) fn next(&mut self, rules: &Rules) -> Result<Option<Step>, Malformed> {
        if self.is_replication {
            let bytes = std::mem::take(&mut self.replies);
            return Ok((!bytes.is_empty()).then_some(Step::Pass(bytes)));
        }
        let Some((reply, length)) = Reply::parse(&self.replies)? else {
            return Ok(None);
        };
        let bytes: Vec<u8> = self.replies.drain(..length).collect();
        if self.has_subscribed {
            if let Some(channel) = push::channel(&reply) {
                let is_dropped = rules.silences.iter().any(|silence| silence.drops(channel));
                return Ok(Some(if is_dropped {
                    Step::Drop
                } else {
                    Step::Pass(bytes)
                }));
            }
            let first = reply.items().first().and_then(Reply::bytes);
            if first.is_some_and(is_subscription) {
                self.confirm();
                return Ok(Some(Step::Pass(bytes)));
            }
        }
        let Some(Pending::Reply(traps)) = self.pending.pop_front() else {
            return Ok(Some(Step::Pass(bytes)));
        };
        for trap in traps {
            match trap.takes(&reply) {
                Some(Then::Cut) => return Ok(Some(Step::Cut(trap))),
                Some(Then::Hold) => return Ok(Some(Step::Hold(trap, bytes))),
                None => {}
            }
        }
        Ok(Some(Step::Pass(bytes)))
    }

    /// A confirmation came. Redis sends some unasked: `sunsubscribe` when a slot leaves.
    fn confirm(&mut self) {
        if let Some(Pending::Confirmations(left)) = self.pending.front_mut() {
            *left -= 1;
            if *left == 0 {
                self.pending.pop_front();
            }
        }
    }
}

/// Whether only a replica says this. It begins with one of them, after a PING.
fn is_of_replica(name: &[u8]) -> bool {
    let names: [&[u8]; 3] = [b"replconf", b"psync", b"sync"];
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Whether this begins or ends subscriptions; its confirmations have the same name.
fn is_subscription(name: &[u8]) -> bool {
    let name = name
        .strip_prefix(b"s")
        .filter(|name| *name != b"ubscribe")
        .unwrap_or(name);
    let name = name.strip_prefix(b"p").unwrap_or(name);
    matches!(name, b"subscribe" | b"unsubscribe")
}
