//! Messages on channels that never arrive.

use std::fmt;
use std::sync::Arc;

use super::faults::Shared;
use super::observed::Observed;
use crate::deployment::resp::Reply;

type OnChannel = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// Which messages are dropped, and how many were.
pub(super) struct Silence {
    on: OnChannel,
    dropped: Observed<u64>,
}

impl Silence {
    /// Whether this rule drops a message on a channel, which is then counted.
    pub(super) fn drops(&self, channel: &[u8]) -> bool {
        let drops = (self.on)(channel);
        if drops {
            self.dropped.change(|count| *count += 1);
        }
        drops
    }
}

impl fmt::Debug for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Silence").finish_non_exhaustive()
    }
}

/// The channel of a message to a subscriber.
pub(super) fn channel(reply: &Reply) -> Option<&[u8]> {
    match reply.items() {
        [kind, channel, _] if matches!(kind.bytes()?, b"message" | b"smessage") => channel.bytes(),
        [kind, _, channel, _] if kind.bytes()? == b"pmessage" => channel.bytes(),
        _ => None,
    }
}

/// Messages are dropped as long as this value lives.
#[must_use = "dropped, it drops no more messages"]
#[derive(Debug)]
pub struct DroppedPushes {
    silence: Arc<Silence>,
    shared: Arc<Shared>,
}

impl DroppedPushes {
    pub(super) fn begin(on: OnChannel, shared: &Arc<Shared>) -> Self {
        let dropped = Observed::default();
        let silence = Arc::new(Silence { on, dropped });
        shared.change_rules(|rules| rules.silences.push(Arc::clone(&silence)));
        Self {
            silence,
            shared: Arc::clone(shared),
        }
    }

    /// How many were dropped.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.silence.dropped.read(|&count| count)
    }

    /// Blocks until so many were dropped.
    ///
    /// # Errors
    /// They were not in time.
    pub fn wait_for(&self, count: u64) -> anyhow::Result<()> {
        let dropped = &self.silence.dropped;
        dropped.wait("messages are dropped", |&dropped| dropped >= count)
    }
}

impl Drop for DroppedPushes {
    fn drop(&mut self) {
        self.shared.change_rules(|rules| {
            rules
                .silences
                .retain(|other| !Arc::ptr_eq(other, &self.silence));
        });
    }
}
