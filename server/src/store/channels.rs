//! The followers on this node, of games and of users: a bounded channel each, shared by both stores.
//!
//! A channel that overflows loses its oldest items and says so: its follower gets a `Resync` and reads.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use zeitnot_game::id::{GameId, Head, UserId};
use zeitnot_game::time::PlayTime;

use super::{Feed, UserFeed};
use crate::limits::{FOLLOW_QUEUE, USER_QUEUE};

/// Who or what is followed here, and by whom.
#[derive(Debug, Clone)]
pub struct Channels<K, F, N = ()> {
    channels: Arc<Mutex<HashMap<K, Channel<F, N>>>>,
    /// Items that wait for one follower.
    queue: usize,
    /// The item that stands for those that were lost.
    resync: F,
}

/// One key's followers.
#[derive(Debug, Clone)]
struct Channel<F, N> {
    tx: broadcast::Sender<F>,
    /// Shared with them.
    notes: N,
}

/// What a channel and who follows it tell each other.
pub trait Notes: Clone + Default {
    /// Somebody begins to follow.
    fn begin(&self);
}

/// There is nothing to tell.
impl Notes for () {
    fn begin(&self) {}
}

/// Of a game, which has one follower on a node, its room.
#[derive(Debug, Clone, Default)]
pub struct GameNotes(Arc<Mutex<GameNote>>);

#[derive(Debug, Default)]
struct GameNote {
    /// The newest entry that the follower says it has.
    known: Option<Head>,
    /// For when the store has the game noted as due, since that entry.
    due: Option<(Head, PlayTime)>,
}

impl Notes for GameNotes {
    fn begin(&self) {
        // A room that opens later has nothing yet.
        lock(&self.0).known = None;
    }
}

impl<F, N> Channel<F, N> {
    fn send(&self, item: F) {
        // Nobody there is no error: the channel goes with the next sweep.
        let _ = self.tx.send(item);
    }
}

impl Channel<Feed, GameNotes> {
    /// Whether the follower has all that this tells of.
    fn is_known(&self, feed: &Feed) -> bool {
        let Some(known) = lock(&self.notes.0).known else {
            return false;
        };
        match feed {
            Feed::Published(published) => published.head() == Some(known),
            Feed::Length(length) => *length <= known.version,
            _ => false,
        }
    }
}

/// The followers of games.
pub type GameChannels = Channels<GameId, Feed, GameNotes>;

/// The followers of users.
pub type UserChannels = Channels<UserId, UserFeed>;

/// One follower's end of a game's channel. Dropping it ends the following.
pub type Follow = Following<Feed, GameNotes>;

/// One follower's end of a user's channel. Dropping it ends the following.
pub type UserFollow = Following<UserFeed>;

impl Default for GameChannels {
    fn default() -> Self {
        Self::new(FOLLOW_QUEUE, Feed::Resync)
    }
}

impl Default for UserChannels {
    fn default() -> Self {
        Self::new(USER_QUEUE, UserFeed::Resync)
    }
}

impl<K: Clone + Eq + Hash, F: Clone, N: Notes> Channels<K, F, N> {
    fn new(queue: usize, resync: F) -> Self {
        Self {
            channels: Arc::default(),
            queue,
            resync,
        }
    }

    /// Follows: every item from now on.
    #[must_use]
    pub fn follow(&self, key: &K) -> Following<F, N> {
        let mut channels = self.lock();
        let channel = channels.entry(key.clone()).or_insert_with(|| Channel {
            tx: broadcast::Sender::new(self.queue),
            notes: N::default(),
        });
        channel.notes.begin();
        Following {
            rx: channel.tx.subscribe(),
            resync: self.resync.clone(),
            notes: channel.notes.clone(),
        }
    }

    /// Hands an item to the followers, if there are any.
    pub fn send(&self, key: &K, item: F) {
        if let Some(channel) = self.lock().get(key) {
            channel.send(item);
        }
    }

    /// Whether there is a channel.
    #[must_use]
    pub fn is_followed(&self, key: &K) -> bool {
        self.lock().contains_key(key)
    }

    /// What is wanted of those that have a channel.
    #[must_use]
    pub fn pick<T>(&self, wanted: impl FnMut(&K) -> Option<T>) -> Vec<T> {
        self.lock().keys().filter_map(wanted).collect()
    }

    /// Forgets the channels that nobody follows any more, and names them.
    pub fn sweep(&self) -> Vec<K> {
        let mut gone = Vec::new();
        self.lock().retain(|key, channel| {
            let is_followed = channel.tx.receiver_count() > 0;
            if !is_followed {
                gone.push(key.clone());
            }
            is_followed
        });
        gone
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Channel<F, N>>> {
        lock(&self.channels)
    }
}

impl GameChannels {
    /// Hands an item to the follower, if there is one, unless it has said that it knows.
    pub fn tell(&self, id: &GameId, feed: Feed) {
        if let Some(channel) = self.lock().get(id)
            && !channel.is_known(&feed)
        {
            channel.send(feed);
        }
    }

    /// Remembers for when a game is noted as due since its newest entry; nothing where that is not known.
    pub fn note_due(&self, id: &GameId, due: Option<(Head, PlayTime)>) {
        if let Some(channel) = self.lock().get(id) {
            lock(&channel.notes.0).due = due;
        }
    }

    /// For when a game is noted as due, if that is known since this entry.
    #[must_use]
    pub fn noted_due(&self, id: &GameId, newest: Head) -> Option<PlayTime> {
        let (head, due) = lock(&self.lock().get(id)?.notes.0).due?;
        (head == newest).then_some(due)
    }

    /// Tells the follower that it may have missed something. What is noted is forgotten, too: where a log was healed, its
    /// newest entry is the same, and for when it is noted is not.
    pub fn resync(&self, id: &GameId) {
        if let Some(channel) = self.lock().get(id) {
            lock(&channel.notes.0).due = None;
            channel.send(Feed::Resync);
        }
    }
}

impl UserChannels {
    /// Tells the followers that they may have missed something.
    pub fn resync(&self, user: &UserId) {
        self.send(user, UserFeed::Resync);
    }
}

/// One follower's end of a channel. Dropping it ends the following.
#[derive(Debug)]
pub struct Following<F, N = ()> {
    rx: broadcast::Receiver<F>,
    resync: F,
    notes: N,
}

impl Follow {
    /// Says which entry is the newest that the follower has: it need not be told of that again. Nothing, where it may
    /// just be learning that the log is another one. A game has one follower on a node, its room.
    pub fn know(&self, newest: Option<Head>) {
        lock(&self.notes.0).known = newest;
    }
}

impl<F: Clone, N> Following<F, N> {
    /// The next item. Safe to cancel.
    pub async fn next(&mut self) -> F {
        match self.rx.recv().await {
            Ok(item) => item,
            Err(RecvError::Lagged(_) | RecvError::Closed) => self.resync.clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole even if a holder panicked: each change is a single call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use zeitnot_game::id::Version;

    use super::*;
    use crate::store::Published;

    #[tokio::test]
    async fn a_follower_that_is_slow_is_told_to_read() {
        let (channels, user) = (UserChannels::default(), "anna".parse().unwrap());
        let mut follow = channels.follow(&user);
        let told = |n: usize| UserFeed::Told(n.to_string().into());
        for n in 0..=USER_QUEUE {
            channels.send(&user, told(n));
        }
        assert_eq!(follow.next().await, UserFeed::Resync);
        for n in 1..=USER_QUEUE {
            assert_eq!(follow.next().await, told(n));
        }

        let (channels, game) = (GameChannels::default(), "q7ZwA0bX".parse().unwrap());
        let mut follow = channels.follow(&game);
        for _ in 0..FOLLOW_QUEUE {
            channels.send(&game, Feed::Resync);
        }
        assert!(!has_lost(&mut follow));
        for _ in 0..=FOLLOW_QUEUE {
            channels.send(&game, Feed::Resync);
        }
        assert!(has_lost(&mut follow));
    }

    #[tokio::test]
    async fn only_who_has_less_is_told_how_long_a_log_is() {
        let (channels, game) = (GameChannels::default(), "q7ZwA0bX".parse().unwrap());
        let mut follow = channels.follow(&game);
        follow.know(Some(head(2, "aZ4k9")));
        channels.tell(&game, Feed::Length(Version(2)));
        channels.tell(&game, Feed::Length(Version(3)));
        assert_eq!(follow.next().await, Feed::Length(Version(3)));
        // A room that opens later has nothing yet.
        let mut later = channels.follow(&game);
        channels.tell(&game, Feed::Length(Version(1)));
        assert_eq!(later.next().await, Feed::Length(Version(1)));
    }

    #[tokio::test]
    async fn only_who_has_not_got_it_is_told_what_was_published() {
        let (channels, game) = (GameChannels::default(), "q7ZwA0bX".parse().unwrap());
        let mut follow = channels.follow(&game);
        let published = |tag| {
            let lines = ["e2e4", "draw-offer white"].map(|body| format!("{body} 10 {tag}"));
            Feed::Published(Arc::new(Published {
                first: Version(2),
                before: "aZ4k9".parse().unwrap(),
                lines: lines.into(),
            }))
        };
        follow.know(Some(head(3, "bQ7xM")));
        channels.tell(&game, published("bQ7xM"));
        // As long, but another history.
        channels.tell(&game, published("cQ7xM"));
        follow.know(None);
        channels.tell(&game, published("bQ7xM"));
        assert_eq!(follow.next().await, published("cQ7xM"));
        assert_eq!(follow.next().await, published("bQ7xM"));
    }

    fn head(version: u32, tag: &str) -> Head {
        Head {
            version: Version(version),
            tag: tag.parse().unwrap(),
        }
    }

    fn has_lost<F: Clone, N>(follow: &mut Following<F, N>) -> bool {
        matches!(
            follow.rx.try_recv(),
            Err(broadcast::error::TryRecvError::Lagged(_))
        )
    }
}
