//! What a node knows of itself: whether it should get traffic, and how the last minute went.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::health::Health;
use crate::limits::{
    GONE_NODES_SHOWN, NODE_LEASE, READY_SILENCE, SAMPLE_PERIOD, SAMPLES, STORE_SILENCE,
};
use crate::metrics::{
    Answer, AppendKind, BadToken, Buckets, CloseKind, CommandKind, METRICS, NoPlace,
};
use crate::shutdown::Shutdown;
use crate::store::Roster;

/// Buckets of a store.
pub const BUCKETS: u32 = 256;

/// What one node knows of itself. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Monitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shutdown: Shutdown,
    began: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    serving: Option<Serving>,
    /// What nodes tell each other.
    roster: Arc<Roster>,
    /// Since when the store has answered nothing.
    silent_since: Option<Instant>,
    /// The oldest first, one more than seconds.
    samples: VecDeque<Sample>,
}

/// What is served, once it is.
#[derive(Debug, Clone, Serialize)]
pub struct Serving {
    /// The node's name.
    pub node: String,
    /// `redis` or `embedded`.
    pub store: &'static str,
    /// Sockets and streams before further ones are refused.
    pub max_sockets: usize,
    /// Where the page about this node is. Shape: `127.0.0.1:9090`.
    pub watched_at: String,
}

/// What a node tells the others of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its name.
    pub node: String,
    /// Where the page about it is, as it sees that itself.
    pub watched_at: String,
    /// WebSockets that are open.
    pub sockets: i64,
    /// HTTP requests that follow a game.
    pub streams: i64,
    /// Games in memory.
    pub rooms: i64,
    /// Moves that it took in the last second.
    pub moves: u64,
    /// Whether it is about to end.
    pub is_draining: bool,
}

/// A node as this one knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeSeen {
    /// What it told last.
    #[serde(flatten)]
    pub card: Card,
    /// How long ago that was.
    pub silent_seconds: u64,
    /// Whether it has been silent for longer than [`NODE_LEASE`].
    pub is_gone: bool,
}

/// Why a node should get no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unready {
    /// It connects to its store.
    Starting,
    /// It is about to end.
    Draining,
    /// No master of the store has answered for [`READY_SILENCE`].
    Store,
}

/// Counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Moves that were taken.
    pub moves: u64,
    /// Text frames from clients.
    pub messages: u64,
    /// Frames to clients.
    pub frames: u64,
    /// Appends that the store did not answer.
    pub failed_appends: u64,
    /// Sockets and streams that found no place on the node.
    pub sockets_refused: u64,
    /// Connections that could not be accepted.
    pub accept_failures: u64,
    /// Sockets whose client did not read.
    pub too_slow: u64,
    /// Tokens by keys that are not known.
    pub unknown_keys: u64,
    /// Games that began again with another log.
    pub resets: u64,
    /// Probes that did not come back.
    pub lost_probes: u64,
    /// Answers to commands, by the time that they took.
    pub answers: Buckets,
}

impl Sample {
    fn take() -> Self {
        let mut answers = Buckets::default();
        for histogram in METRICS.command_seconds.iter() {
            answers += histogram.buckets();
        }
        let full = [NoPlace::Node, NoPlace::Reserved];
        Self {
            moves: METRICS.commands.at((CommandKind::Move, Answer::Ok)).get(),
            messages: METRICS.messages.get(),
            frames: METRICS.frames.get(),
            failed_appends: METRICS.appends.at(AppendKind::Unavailable).get(),
            sockets_refused: full
                .map(|full| METRICS.sockets_refused.at(full).get())
                .iter()
                .sum(),
            accept_failures: METRICS.accept_failures.get(),
            too_slow: METRICS.sockets_closed.at(CloseKind::TooSlow).get(),
            unknown_keys: METRICS.tokens_refused.at(BadToken::UnknownKey).get(),
            resets: METRICS.resets.get(),
            lost_probes: METRICS.lost_probes.get(),
            answers,
        }
    }

    /// What was counted since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            moves: self.moves - earlier.moves,
            messages: self.messages - earlier.messages,
            frames: self.frames - earlier.frames,
            failed_appends: self.failed_appends - earlier.failed_appends,
            sockets_refused: self.sockets_refused - earlier.sockets_refused,
            accept_failures: self.accept_failures - earlier.accept_failures,
            too_slow: self.too_slow - earlier.too_slow,
            unknown_keys: self.unknown_keys - earlier.unknown_keys,
            resets: self.resets - earlier.resets,
            lost_probes: self.lost_probes - earlier.lost_probes,
            answers: self.answers.since(&earlier.answers),
        }
    }
}

impl Monitor {
    /// Of a node that starts.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self(Arc::new(Inner {
            shutdown,
            began: Instant::now(),
            seen: Mutex::new(Seen {
                serving: None,
                roster: Arc::default(),
                silent_since: None,
                samples: VecDeque::with_capacity(SAMPLES + 1),
            }),
        }))
    }

    /// The node has started.
    pub fn begin(&self, serving: Serving, roster: Arc<Roster>) {
        let mut seen = self.lock();
        (seen.serving, seen.roster) = (Some(serving), roster);
    }

    /// What is served; nothing while the node starts.
    #[must_use]
    pub fn serving(&self) -> Option<Serving> {
        self.lock().serving.clone()
    }

    /// All nodes that were heard of, by their names.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeSeen> {
        let members = self.lock().roster.members();
        let seen = members.into_iter().filter_map(|member| {
            // Another build may tell other things.
            let card = serde_json::from_str(&member.about).ok()?;
            let silent_seconds = member.age.as_secs();
            let is_gone = member.age > NODE_LEASE;
            Some(NodeSeen {
                card,
                silent_seconds,
                is_gone,
            })
        });
        let mut seen: Vec<NodeSeen> = seen.collect();
        let living: BTreeSet<String> = seen
            .iter()
            .filter(|one| !one.is_gone)
            .map(|one| one.card.node.clone())
            .collect();
        // One that was started again under its name is not missing.
        seen.retain(|one| {
            let is_missed = one.silent_seconds < GONE_NODES_SHOWN.as_secs();
            !one.is_gone || (is_missed && !living.contains(&one.card.node))
        });
        seen.sort_by(|one, other| one.card.node.cmp(&other.card.node));
        seen
    }

    /// How long ago the process began to start.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Why this node should get no traffic; nothing where it should.
    #[must_use]
    pub fn unready(&self) -> Vec<Unready> {
        let seen = self.lock();
        // Silence is noticed when it has lasted for a while already.
        let noticed = READY_SILENCE.saturating_sub(STORE_SILENCE);
        let is_silent = seen
            .silent_since
            .is_some_and(|since| since.elapsed() >= noticed);
        let reasons = [
            (seen.serving.is_none(), Unready::Starting),
            (self.0.shutdown.draining.is_cancelled(), Unready::Draining),
            (is_silent, Unready::Store),
        ];
        let reasons = reasons.into_iter().filter(|(holds, _)| *holds);
        reasons.map(|(_, reason)| reason).collect()
    }

    /// What was counted in each of the last seconds, the oldest first, at most as many as a minute has.
    #[must_use]
    pub fn seconds(&self) -> Vec<Sample> {
        let seen = self.lock();
        let pairs = seen.samples.iter().zip(seen.samples.iter().skip(1));
        pairs.map(|(earlier, later)| later.since(earlier)).collect()
    }

    /// What was counted in all of them.
    #[must_use]
    pub fn minute(&self) -> Sample {
        let seen = self.lock();
        match (seen.samples.front(), seen.samples.back()) {
            (Some(oldest), Some(newest)) => newest.since(oldest),
            _ => Sample::default(),
        }
    }

    /// Looks at the store and at the counters until the node stops.
    pub async fn run(self, mut health: watch::Receiver<Health>) {
        let mut period = interval(SAMPLE_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shutdown = self.0.shutdown.clone();
        self.note(*health.borrow_and_update());
        loop {
            tokio::select! {
                _ = period.tick() => self.sample(),
                Ok(()) = health.changed() => self.note(*health.borrow_and_update()),
                () = shutdown.stopping.cancelled() => return,
            }
        }
    }

    fn sample(&self) {
        let is_draining = self.0.shutdown.draining.is_cancelled();
        METRICS.draining.set(is_draining.into());
        let mut seen = self.lock();
        if seen.samples.len() > SAMPLES {
            seen.samples.pop_front();
        }
        seen.samples.push_back(Sample::take());
        let moves = match (seen.samples.iter().rev().nth(1), seen.samples.back()) {
            (Some(before), Some(now)) => now.since(before).moves,
            _ => 0,
        };
        let Some(serving) = &seen.serving else { return };
        let card = Card {
            node: serving.node.clone(),
            watched_at: serving.watched_at.clone(),
            sockets: METRICS.sockets.get(),
            streams: METRICS.streams.get(),
            rooms: METRICS.rooms.get(),
            moves,
            is_draining,
        };
        let about = serde_json::to_string(&card);
        seen.roster.introduce(about.unwrap_or_default());
    }

    fn note(&self, health: Health) {
        let mut seen = self.lock();
        seen.silent_since = match health {
            Health::Ok | Health::Partly(_) => None,
            Health::Unavailable => seen.silent_since.or_else(|| Some(Instant::now())),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Whole even if a holder panicked: each change is a single call.
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_node_is_ready_unless_it_starts_ends_or_hears_nothing_for_three_seconds() {
        let shutdown = Shutdown::default();
        let monitor = Monitor::new(shutdown.clone());
        assert_eq!(monitor.unready(), [Unready::Starting]);
        let serving = Serving {
            node: "a".into(),
            store: "redis",
            max_sockets: 1,
            watched_at: "127.0.0.1:9090".into(),
        };
        monitor.begin(serving, Arc::default());
        assert_eq!(monitor.unready(), []);
        monitor.note(Health::Unavailable);
        tokio::time::advance(Duration::from_millis(999)).await;
        monitor.note(Health::Unavailable);
        assert_eq!(monitor.unready(), []);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(monitor.unready(), [Unready::Store]);
        monitor.note(Health::Partly(0));
        assert_eq!(monitor.unready(), [], "some games can be played here");
        shutdown.draining.cancel();
        assert_eq!(monitor.unready(), [Unready::Draining]);
    }
}
