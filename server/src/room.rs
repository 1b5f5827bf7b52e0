//! The games that somebody on this node follows, and the way to them for sockets and requests.
//!
//! A room is a task that owns the replica of one game. It is opened by whoever needs it first, and ends some time
//! after the last follower left. What a command causes is decided in [`crate::play`].

mod opening;
mod task;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use zeitnot_game::game::Game;
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, Timestamp};
use zeitnot_game::wire::Snapshot;

use crate::chat::Say;
use crate::fanout::Fanout;
use crate::limits::{ROOM_MAILBOX, ROOM_TRIES};
use crate::metrics::METRICS;
use crate::play::{Asking, Refused};
use crate::replica::{Leaving, Watch, Watched};
use crate::store::Store;

/// All rooms of this node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rooms {
    store: Arc<dyn Store>,
    tasks: TaskTracker,
    open: Arc<Mutex<HashMap<GameId, mpsc::Sender<Message>>>>,
    keep_finished: Millis,
    fanout: Fanout,
}

/// A command that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Of the last entry that it wrote.
    pub version: Version,
    /// Replicas were asked for, and did not confirm that they have it.
    pub is_unreplicated: bool,
}

/// What a room's mailbox holds. What is large is in boxes, since a mailbox has room for many from its beginning.
#[derive(Debug)]
enum Message {
    Watch(Box<Watch>, oneshot::Sender<Result<Watched, Refused>>),
    Unwatch(u64, Leaving),
    SetSilent(u64, bool),
    LookAtClock,
    Look(oneshot::Sender<Result<(Game, Timestamp), Refused>>),
    Show(Option<UserId>, oneshot::Sender<Result<Snapshot, Refused>>),
    Say(Box<Say>, oneshot::Sender<Result<(), Refused>>),
    Settle(OwnedSemaphorePermit),
    Ask(Box<Asking>, oneshot::Sender<Result<Version, Refused>>),
}

impl Rooms {
    /// No rooms yet, over this store; a finished game is kept for so long.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keep_finished: Millis) -> Self {
        Self {
            keep_finished,
            store,
            tasks: TaskTracker::new(),
            open: Arc::default(),
            fanout: Fanout::start(),
        }
    }

    /// The play clock of a game's store, as this node estimates it.
    #[must_use]
    pub fn play_time(&self, id: GameId) -> PlayTime {
        self.store.play_time(id)
    }

    /// Follows a game: the snapshot, and every later entry as one frame.
    ///
    /// # Errors
    /// There is no such game, or the store does not answer.
    pub async fn watch(&self, id: GameId, watch: Watch) -> Result<Watched, Refused> {
        let (tx, rx) = oneshot::channel();
        self.deliver(id, Message::Watch(Box::new(watch), tx))
            .await?;
        rx.await.unwrap_or(Err(Refused::Unavailable))
    }

    /// Follows it no longer.
    pub async fn unwatch(&self, id: GameId, follower: u64, how: Leaving) {
        self.tell(id, Message::Unwatch(follower, how)).await;
    }

    /// A follower has gone silent, or is heard again.
    pub async fn set_silent(&self, id: GameId, follower: u64, is_silent: bool) {
        self.tell(id, Message::SetSilent(follower, is_silent)).await;
    }

    /// Carries out a command; the answer is the version of the last entry that it wrote, now or when it first came.
    ///
    /// # Errors
    /// Says why not. On [`Refused::Unavailable`] it is not known whether it was done: ask the same again.
    pub async fn ask(&self, id: GameId, asking: Asking) -> Result<Committed, Refused> {
        let (tx, rx) = oneshot::channel();
        let replication = self.store.replication(id);
        self.deliver(id, Message::Ask(Box::new(asking), tx)).await?;
        let version = rx.await.unwrap_or(Err(Refused::Unavailable))?;
        // Only this answer waits: the game goes on.
        let is_unreplicated = match replication {
            Some(replication) => !replication.await,
            None => false,
        };
        if is_unreplicated {
            METRICS.unreplicated.inc();
        }
        Ok(Committed {
            version,
            is_unreplicated,
        })
    }

    /// Has the room of a game look at its clocks, if there is one here; where there is none, others look.
    pub async fn look_at_clock(&self, id: GameId) {
        self.tell(id, Message::LookAtClock).await;
    }

    /// What a user is shown of a game, after a look at the log.
    ///
    /// # Errors
    /// There is no such game, or the store does not answer.
    pub async fn show(&self, id: GameId, user: Option<UserId>) -> Result<Snapshot, Refused> {
        let (tx, rx) = oneshot::channel();
        self.deliver(id, Message::Show(user, tx)).await?;
        rx.await.unwrap_or(Err(Refused::Unavailable))
    }

    /// The game as this node knows it, after a look at the log, and the moment now on its scale.
    ///
    /// # Errors
    /// There is no such game, or the store does not answer.
    pub async fn look(&self, id: GameId) -> Result<(Game, Timestamp), Refused> {
        let (tx, rx) = oneshot::channel();
        self.deliver(id, Message::Look(tx)).await?;
        rx.await.unwrap_or(Err(Refused::Unavailable))
    }

    /// Says a line at a game; the answer is nothing but that it was said.
    ///
    /// # Errors
    /// The user may not speak there, there is no such game, or the store does not answer.
    pub async fn say(&self, id: GameId, say: Say) -> Result<(), Refused> {
        let (tx, rx) = oneshot::channel();
        self.deliver(id, Message::Say(Box::new(say), tx)).await?;
        rx.await.unwrap_or(Err(Refused::Unavailable))
    }

    /// Does what is due for a game that the store handed out; the permit is given back when that is done.
    pub fn settle(&self, id: GameId, permit: OwnedSemaphorePermit) {
        // A room that has too much to do already is handed the game again.
        let _ = self.room(id).try_send(Message::Settle(permit));
    }

    /// Waits until no room is left; the callers have stopped asking.
    pub async fn close(&self) {
        self.lock().clear();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Puts a message into the room's mailbox, if there is a room.
    async fn tell(&self, id: GameId, message: Message) {
        let tx = self.lock().get(&id).cloned();
        if let Some(tx) = tx {
            // A room that ended has no followers, and nothing to look at.
            let _ = tx.send(message).await;
        }
    }

    /// Puts a message into the room's mailbox, opening it where necessary.
    async fn deliver(&self, id: GameId, message: Message) -> Result<(), Refused> {
        let mut message = message;
        for _ in 0..ROOM_TRIES {
            let tx = self.room(id);
            match tx.send(message).await {
                Ok(()) => return Ok(()),
                // The room ended between being found and being written to: open it again.
                Err(mpsc::error::SendError(back)) => message = back,
            }
        }
        Err(Refused::Unavailable)
    }

    fn room(&self, id: GameId) -> mpsc::Sender<Message> {
        let mut open = self.lock();
        match open.entry(id) {
            Entry::Occupied(entry) if !entry.get().is_closed() => entry.get().clone(),
            entry => {
                let (tx, rx) = mpsc::channel(ROOM_MAILBOX);
                self.tasks.spawn(task::run(self.clone(), id, rx));
                entry.insert_entry(tx).get().clone()
            }
        }
    }

    /// Ends a room if nothing waits in its mailbox.
    fn retire(&self, id: GameId, mailbox: &mut mpsc::Receiver<Message>) -> bool {
        let mut open = self.lock();
        let may_end = mailbox.is_empty();
        if may_end {
            // Closed under the lock: whoever finds it from here on opens another one.
            mailbox.close();
            open.remove(&id);
        }
        may_end
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GameId, mpsc::Sender<Message>>> {
        // The map is whole even if a holder panicked: each change is a single call.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
