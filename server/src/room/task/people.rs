//! When a room notes in the store who is here, and tells its followers.

use tokio::time::Instant;
use tracing::debug;

use super::{Answer, Room, answer};
use crate::limits::SEATS_RETRY_PAUSE;
use crate::replica::{Watch, Watched};

impl Room {
    /// The first follower waits until it is known who else is here.
    pub(super) fn receive(&mut self, watch: Watch, tx: Answer<Watched>) {
        let is_first = {
            let mut replica = self.lock();
            replica.welcome(&watch);
            !replica.people().is_asked()
        };
        if is_first && self.sitting.is_none() && self.rooms.store.answers_for(self.id) {
            self.arriving = Some((watch, tx));
            self.sit();
        } else {
            self.admit(&watch, tx);
        }
    }

    fn admit(&self, watch: &Watch, tx: Answer<Watched>) {
        let now = self.rooms.store.play_time(self.id);
        let watched = self.lock().join(watch, now);
        answer(tx, Ok(watched));
    }

    /// Notes in the store who is here.
    fn sit(&mut self) {
        let play = self.play();
        self.sitting = Some(Box::pin(async move {
            if let Err(reason) = play.sit().await {
                debug!(game.id = %play.id, "who is at game {} is noted later: {reason}", play.id);
            }
        }));
    }

    pub(super) fn on_seated(&mut self) {
        self.sitting = None;
        if let Some((watch, tx)) = self.arriving.take() {
            self.admit(&watch, tx);
        }
    }

    /// When something is to be told or noted of who is here.
    pub(super) fn people_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let (note_at, tell_at) = {
            let replica = self.lock();
            (replica.note_people_at(now), replica.tell_people_at(now))
        };
        let note_at = note_at.filter(|_| self.sitting.is_none()).map(|at| {
            // A store that does not answer is not asked by thousands of rooms.
            let is_silent = at <= now && !self.rooms.store.answers_for(self.id);
            if is_silent {
                now + SEATS_RETRY_PAUSE
            } else {
                at
            }
        });
        note_at.into_iter().chain(tell_at).min()
    }

    /// Tells and notes what is due.
    pub(super) fn look_at_people(&mut self) {
        let (play, now) = (self.rooms.store.play_time(self.id), Instant::now());
        let sit_at = {
            let mut replica = self.lock();
            replica.tell_people(play, now);
            replica.note_people_at(now)
        };
        let is_due = sit_at.is_some_and(|at| at <= now);
        if is_due && self.sitting.is_none() && self.rooms.store.answers_for(self.id) {
            self.sit();
        }
    }
}
