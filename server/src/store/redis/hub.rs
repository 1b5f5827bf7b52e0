//! What all masters tell this node, and who on it hears that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fred::types::Message;
use tokio::sync::{Notify, mpsc, watch};
use tracing::{info, warn};
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::time::PlayTime;

use super::chat;
use super::clocks::Clocks;
use super::keys::{Bucket, Topic};
use super::nodes::Nodes;
use super::presence;
use super::revoked::Revoked;
use crate::metrics::METRICS;
use crate::store::channels::{GameChannels, UserChannels};
use crate::store::{Feed, Health, NodeMark, Published, Roster, UserFeed};

/// What stands before a line of chat on a game's channel; as in `say.lua`.
const CHAT: &str = "chat ";

/// What stands before who is at the game; as in `seats.lua`.
const SEATS: &str = "seats ";

/// What this node knows and follows, whatever the server.
pub(super) struct Hub {
    pub(super) clocks: Clocks,
    pub(super) games: GameChannels,
    pub(super) users: UserChannels,
    pub(super) revoked: Revoked,
    /// Overdue games that the ticks bring.
    pub(super) due: mpsc::Sender<GameId>,
    /// This node's own.
    pub(super) mark: NodeMark,
    pub(super) nodes: Nodes,
    pub(super) roster: Arc<Roster>,
    /// The map of the cluster may be old.
    pub(super) look_at_map: Notify,
    /// Buckets whose master does not answer.
    silent: [AtomicBool; Bucket::COUNT],
    pub(super) health: watch::Sender<Health>,
    /// For so many replicas answers wait.
    pub(super) replicas: u32,
}

impl Hub {
    /// Overdue games go to `due`, as many as it has room for; answers wait for so many replicas.
    pub(super) fn new(due: mpsc::Sender<GameId>, replicas: u32) -> Self {
        Self {
            clocks: Clocks::new(),
            games: GameChannels::default(),
            users: UserChannels::default(),
            revoked: Revoked::default(),
            due,
            mark: rand::random(),
            nodes: Nodes::default(),
            roster: Arc::default(),
            look_at_map: Notify::new(),
            silent: std::array::from_fn(|_| AtomicBool::new(false)),
            health: watch::Sender::new(Health::Ok),
            replicas,
        }
    }

    /// Takes note of whether a bucket's master answers.
    pub(super) fn set_silent(&self, buckets: impl Iterator<Item = Bucket>, is_silent: bool) {
        let mut is_news = false;
        for bucket in buckets {
            is_news |= self.silent[bucket.index()].swap(is_silent, Ordering::Relaxed) != is_silent;
        }
        if !is_news {
            return;
        }
        let silent = Bucket::all().filter(|bucket| self.is_silent(*bucket));
        let count = silent.count();
        METRICS.silent_buckets.set(count as i64);
        match count {
            0 => info!("the store answers again"),
            Bucket::COUNT => warn!("the store does not answer"),
            _ => warn!("the store does not answer for {count} of its 256 buckets"),
        }
        self.health.send_modify(|health| {
            *health = match (count, &health) {
                (0, _) => Health::Ok,
                (Bucket::COUNT, _) => Health::Unavailable,
                (_, Health::Partly(change)) => Health::Partly(change.wrapping_add(1)),
                (_, _) => Health::Partly(0),
            };
        });
    }

    /// Whether a bucket's master is known not to answer.
    pub(super) fn is_silent(&self, bucket: Bucket) -> bool {
        self.silent[bucket.index()].load(Ordering::Relaxed)
    }

    /// Everything that is followed in some buckets.
    pub(super) fn topics(&self, is_here: impl Fn(Bucket) -> bool) -> Vec<Topic> {
        let here = |topic: Topic| is_here(topic.bucket()).then_some(topic);
        let games = self.games.pick(|&id| here(Topic::Game(id)));
        let users = self.users.pick(|user| here(Topic::User(user.clone())));
        let probes = Bucket::all().map(|bucket| Topic::Probe(bucket, self.mark));
        let others = probes.chain([Topic::Revoked]).filter_map(here);
        games.into_iter().chain(users).chain(others).collect()
    }

    pub(super) fn is_followed(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Game(id) => self.games.is_followed(id),
            Topic::User(user) => self.users.is_followed(user),
            Topic::Revoked => true,
            Topic::Probe(_, mark) => *mark == self.mark,
        }
    }

    /// Tells the followers that something may be missing.
    pub(super) fn resync(&self, topic: &Topic) {
        match topic {
            Topic::Game(id) => self.games.resync(id),
            Topic::User(user) => self.users.resync(user),
            Topic::Revoked => self.revoked.look(),
            Topic::Probe(..) => {}
        }
    }

    /// Tells the followers of the games in one bucket that they have to look.
    pub(super) fn resync_games(&self, bucket: Bucket) {
        let is_there = |id: &GameId| Bucket::of_game(*id) == bucket;
        for id in self.games.pick(|&id| Some(id).filter(is_there)) {
            self.games.resync(&id);
        }
    }

    /// Hands a message on; a probe that came back is for its master, and is returned.
    pub(super) fn deliver(&self, message: &Message) -> Option<Bucket> {
        let topic = Topic::of(&message.channel)?;
        let payload = message.value.as_str();
        let payload = payload.as_deref();
        match &topic {
            Topic::Game(id) => match payload.and_then(|message| parse(message, self.mark)) {
                Some(feed) => {
                    if let Feed::Published(published) = &feed {
                        let due = payload.and_then(noted_due);
                        self.games.note_due(id, published.head().zip(due));
                    }
                    self.games.tell(id, feed);
                }
                // Another build's, perhaps: the log tells.
                None => self.games.resync(id),
            },
            Topic::User(user) => match payload {
                Some(text) => self.users.send(user, UserFeed::Told(text.into())),
                None => self.users.resync(user),
            },
            Topic::Revoked => self.revoked.deliver(payload),
            Topic::Probe(bucket, _) => return Some(*bucket),
        }
        None
    }
}

/// Reads a message on a game's channel.
fn parse(message: &str, me: NodeMark) -> Option<Feed> {
    Some(if let Some(line) = message.strip_prefix(CHAT) {
        Feed::Said(Arc::new(chat::parse(line)?))
    } else if let Some(seats) = message.strip_prefix(SEATS) {
        Feed::Seats(Arc::new(presence::parse(seats, me)?))
    } else {
        Feed::Published(Arc::new(parse_published(message)?))
    })
}

/// Reads the message of `append.lua` and `heal.lua`.
fn parse_published(message: &str) -> Option<Published> {
    let mut lines = message.split('\n');
    let mut words = lines.next()?.split(' ');
    Some(Published {
        first: Version(words.next()?.parse().ok()?),
        before: words.next()?.parse().ok()?,
        lines: lines.map(str::to_owned).collect(),
    })
}

/// For when the game is noted as due, as such a message says: the third word of its first line.
fn noted_due(message: &str) -> Option<PlayTime> {
    let first = message.split('\n').next()?;
    first.split(' ').nth(2)?.parse().ok().map(PlayTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_place_and_the_lines() {
        let message = "7 aZ4k9 1700000000000\ne2e4 10 bQ7xM\ndraw-offer white 10 bQ7xM";
        let published = parse_published(message);
        let expected = Published {
            first: Version(7),
            before: "aZ4k9".parse().unwrap(),
            lines: vec![
                "e2e4 10 bQ7xM".to_owned(),
                "draw-offer white 10 bQ7xM".to_owned(),
            ],
        };
        assert_eq!(published, Some(expected));
        assert_eq!(noted_due(message), Some(PlayTime(1_700_000_000_000)));
        for message in ["7 aZ4k9\ne2e4 10 bQ7xM", "7 aZ4k9 \ne2e4 10 bQ7xM"] {
            assert!(parse_published(message).is_some());
            assert_eq!(noted_due(message), None);
        }
    }

    #[test]
    fn what_is_no_message_is_not_read_as_one() {
        for message in ["", "7", "x aZ4k9\n", "7 aZ4k\n", "-1 aZ4k9\n"] {
            assert_eq!(parse_published(message), None, "{message:?}");
        }
    }

    #[test]
    fn health_tells_of_each_change() {
        let hub = Hub::new(mpsc::channel(1).0, 0);
        let mut health = hub.health.subscribe();
        let mut set = |count: usize, is_silent| {
            hub.set_silent(Bucket::all().take(count), is_silent);
            health
                .has_changed()
                .unwrap()
                .then(|| *health.borrow_and_update())
        };
        assert_eq!(set(2, false), None);
        assert_eq!(set(2, true), Some(Health::Partly(0)));
        assert_eq!(set(3, true), Some(Health::Partly(1)));
        assert_eq!(set(256, true), Some(Health::Unavailable));
        assert_eq!(set(256, true), None);
        assert_eq!(set(256, false), Some(Health::Ok));
    }
}
