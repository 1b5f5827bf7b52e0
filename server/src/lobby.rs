//! The list of open seeks: looked at once a second where somebody follows it, and told as what has changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use zeitnot_game::wire::{Seek, SeeksFrame, ServerMsg};

use crate::limits::{LOBBY_PERIOD, LOBBY_QUEUE};
use crate::outbox::{Frame, encode};
use crate::store::Store;

/// The lobby as this node knows it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lobby {
    list: Arc<Mutex<Vec<Seek>>>,
    changes: broadcast::Sender<Frame>,
}

/// One follower. Dropping it ends the following.
#[derive(Debug)]
pub struct Following {
    lobby: Lobby,
    changes: broadcast::Receiver<Frame>,
}

impl Default for Lobby {
    fn default() -> Self {
        Self {
            list: Arc::default(),
            changes: broadcast::channel(LOBBY_QUEUE).0,
        }
    }
}

impl Lobby {
    /// Follows the list; the answer is what is in it, and later every change.
    #[must_use]
    pub fn follow(&self, re: Option<i64>) -> (Frame, Following) {
        let list = self.lock();
        let following = Following {
            lobby: self.clone(),
            changes: self.changes.subscribe(),
        };
        (whole(&list, re), following)
    }

    /// Looks at the list for ever, or until told to stop.
    pub async fn serve(self, store: Arc<dyn Store>, stop: CancellationToken) {
        let mut period = interval(LOBBY_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let looking = async {
            loop {
                period.tick().await;
                self.look(&*store).await;
            }
        };
        // Told to stop: there is nothing to clean up.
        let _ = stop.run_until_cancelled(looking).await;
    }

    async fn look(&self, store: &dyn Store) {
        if self.changes.receiver_count() == 0 {
            self.lock().clear();
            return;
        }
        // A store that does not answer is asked again in a second.
        let Ok(shown) = store.shown_seeks().await else {
            return;
        };
        let now: Vec<Seek> = shown
            .iter()
            .filter_map(|seek| serde_json::from_str(seek).ok())
            .collect();
        let mut list = self.lock();
        let is_in = |seeks: &[Seek], seek: &Seek| seeks.iter().any(|other| other == seek);
        let gone = list.iter().filter(|seek| !is_in(&now, seek));
        let remove: Vec<String> = gone.map(|seek| seek.seek.clone()).collect();
        // One that was changed is new under its old id: added after it was removed, also where both were shown for a while.
        let is_new = |seek: &&Seek| !is_in(&list, seek) || remove.contains(&seek.seek);
        let add: Vec<Seek> = now.iter().filter(is_new).cloned().collect();
        *list = now;
        if !(add.is_empty() && remove.is_empty()) {
            let frame = ServerMsg::Seeks(SeeksFrame {
                re: None,
                list: None,
                add: Some(add),
                remove: Some(remove),
            });
            // Nobody follows any more: the next look notices.
            let _ = self.changes.send(encode(&frame));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seek>> {
        // What is inside is whole even if a holder panicked: it is replaced at once.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole(list: &[Seek], re: Option<i64>) -> Frame {
    encode(&ServerMsg::Seeks(SeeksFrame {
        re,
        list: Some(list.to_vec()),
        add: None,
        remove: None,
    }))
}

impl Following {
    /// The next change; all of the list where some were missed. Safe to cancel.
    pub async fn next(&mut self) -> Frame {
        match self.changes.recv().await {
            Ok(frame) => frame,
            Err(RecvError::Lagged(_) | RecvError::Closed) => {
                let (frame, following) = self.lobby.follow(None);
                *self = following;
                frame
            }
        }
    }
}
