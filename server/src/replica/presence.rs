//! Telling who is at a game: to the store what is so on this node, and to the followers what is so on all.

use tokio::time::Instant;
use zeitnot_game::color::Color;
use zeitnot_game::time::PlayTime;
use zeitnot_game::wire::{CrowdFrame, Presence, PresenceFrame, ServerMsg};

use super::{People, Replica};
use crate::outbox::Texts;
use crate::store::Here;

impl Replica {
    /// The people at the game.
    pub(crate) const fn people(&self) -> &People {
        &self.people
    }

    /// The same, to take note of what happens to them.
    pub(crate) const fn people_mut(&mut self) -> &mut People {
        &mut self.people
    }

    /// What to tell the store now of who is here.
    pub(crate) fn note_people(&mut self) -> Here {
        let watchers = self.watchers();
        self.people.note(watchers, Instant::now())
    }

    /// When to tell the store who is here, if ever.
    pub fn note_people_at(&self, now: Instant) -> Option<Instant> {
        self.people.note_at(&self.game, self.watchers(), now)
    }

    /// When to look at who is here again, if ever.
    pub fn tell_people_at(&self, now: Instant) -> Option<Instant> {
        let presence = self.people.tell_presence_at(&self.game, now);
        let crowd = self.people.tell_crowd_at(self.watchers(), now);
        let moments = [presence, crowd, self.people.expires_at()];
        moments.into_iter().flatten().min()
    }

    /// Tells who is here, so far as it is news and time for it.
    pub fn tell_people(&mut self, play: PlayTime, now: Instant) {
        self.people.expire(now);
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let watchers = self.watchers();
        if is_due(self.people.tell_presence_at(&self.game, now))
            && let Some(presence) = self.people.tell_presence(&self.game, now)
        {
            let texts = self.presence_texts(presence, play);
            self.followers.tell_aside(texts, |_| true);
        }
        if is_due(self.people.tell_crowd_at(watchers, now)) {
            let watchers = self.people.tell_crowd(watchers, now);
            let texts = self.crowd_texts(watchers);
            self.followers.tell_aside(texts, |_| true);
        }
    }

    /// Who is here, for one who comes back and is shown no snapshot.
    pub(super) fn people_frames(&self, seat: Option<Color>, play: PlayTime) -> Vec<Texts> {
        let presence = self.people.presence(&self.game);
        let presence = presence.map(|presence| self.presence_texts(presence, play));
        let crowd = self.crowd_texts(self.watchers_with(seat));
        presence.into_iter().chain([crowd]).collect()
    }

    fn presence_texts(&self, presence: Presence, play: PlayTime) -> Texts {
        // This node's estimate may lag behind the moment at which the store saw somebody leave.
        let play = play.max(self.people.last_left());
        let msg = ServerMsg::Presence(PresenceFrame {
            game: self.id,
            presence,
            now: self.on_scale(play),
        });
        Texts::new(&msg, None)
    }

    fn crowd_texts(&self, watchers: u32) -> Texts {
        let game = self.id;
        Texts::new(&ServerMsg::Crowd(CrowdFrame { game, watchers }), None)
    }

    /// How many follow here without a seat.
    pub(super) fn watchers(&self) -> u32 {
        u32::try_from(self.followers.watchers()).unwrap_or(u32::MAX)
    }

    /// How many watch on all nodes with one more follower.
    pub(super) fn watchers_with(&self, seat: Option<Color>) -> u32 {
        let one = u32::from(seat.is_none());
        self.people.watchers(self.watchers().saturating_add(one))
    }
}
