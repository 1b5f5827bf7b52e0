//! The followers of games on this node: a bounded channel a game, shared by both stores.
//!
//! A channel that overflows loses its oldest items and says so: its follower gets [`Feed::Resync`] and reads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use zeitnot_game::id::GameId;

use super::{Feed, Published};
use crate::limits::FOLLOW_QUEUE;

/// Which games are followed here, and by whom.
#[derive(Debug, Clone, Default)]
pub struct Channels(Arc<Mutex<HashMap<GameId, broadcast::Sender<Feed>>>>);

impl Channels {
    /// Follows a game. Also says whether it was not followed before.
    #[must_use]
    pub fn follow(&self, id: GameId) -> (Follow, bool) {
        let mut games = self.lock();
        let (rx, is_first) = match games.entry(id) {
            Entry::Occupied(entry) => (entry.get().subscribe(), false),
            Entry::Vacant(entry) => {
                let (tx, rx) = broadcast::channel(FOLLOW_QUEUE);
                entry.insert(tx);
                (rx, true)
            }
        };
        (Follow { rx }, is_first)
    }

    /// Hands an append to the game's followers.
    pub fn publish(&self, id: GameId, published: Published) {
        self.send(id, Feed::Published(Arc::new(published)));
    }

    /// Tells the followers of one game to read.
    pub fn resync(&self, id: GameId) {
        self.send(id, Feed::Resync);
    }

    fn send(&self, id: GameId, feed: Feed) {
        let games = self.lock();
        if let Some(tx) = games.get(&id) {
            // Nobody there is no error: the channel goes with the next sweep.
            let _ = tx.send(feed);
        }
    }

    /// Whether a game has a channel.
    #[must_use]
    pub fn is_followed(&self, id: GameId) -> bool {
        self.lock().contains_key(&id)
    }

    /// Every game with a channel.
    #[must_use]
    pub fn games(&self) -> Vec<GameId> {
        self.lock().keys().copied().collect()
    }

    /// Forgets the games that nobody follows any more, and names them.
    pub fn sweep(&self) -> Vec<GameId> {
        let mut gone = Vec::new();
        self.lock().retain(|&id, tx| {
            let is_followed = tx.receiver_count() > 0;
            if !is_followed {
                gone.push(id);
            }
            is_followed
        });
        gone
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GameId, broadcast::Sender<Feed>>> {
        // The map is whole even if a holder panicked: each change is a single call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One follower's end of a game's channel. Dropping it ends the following.
#[derive(Debug)]
pub struct Follow {
    rx: broadcast::Receiver<Feed>,
}

impl Follow {
    /// The next item. Safe to cancel.
    pub async fn next(&mut self) -> Feed {
        match self.rx.recv().await {
            Ok(feed) => feed,
            Err(RecvError::Lagged(_) | RecvError::Closed) => Feed::Resync,
        }
    }
}
