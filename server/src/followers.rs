//! Who is told when a game goes on. Players come first; spectators are the matter of [`crate::fanout`].

use std::sync::Arc;

use zeitnot_game::color::Color;
use zeitnot_game::id::Version;

use crate::fanout::{Crowd, Fanout, News};
use crate::outbox::{Outbox, Texts};

/// A follower with a seat.
#[derive(Debug)]
struct Player {
    number: u64,
    seat: Color,
    outbox: Outbox,
}

impl Player {
    /// Whether it had room; else it is lost: closed by its own task, it comes back to a snapshot.
    fn push(&self, texts: &Texts) -> bool {
        let frame = texts.of(self.outbox.form()).clone();
        self.outbox.push(frame).is_ok()
    }
}

/// The followers of one game on this node.
#[derive(Debug)]
pub struct Followers {
    players: Vec<Player>,
    crowd: Arc<Crowd>,
    fanout: Fanout,
}

impl Followers {
    /// Nobody yet.
    pub fn new(fanout: Fanout) -> Self {
        Self {
            players: Vec::new(),
            crowd: Arc::default(),
            fanout,
        }
    }

    /// Takes a follower in, whose outbox has everything up to an entry.
    pub fn join(&mut self, number: u64, (seat, outbox): (Option<Color>, Outbox), told: Version) {
        match seat {
            Some(seat) => self.players.push(Player {
                number,
                seat,
                outbox,
            }),
            None => self.crowd.join(number, outbox, told),
        }
    }

    /// Takes a follower out.
    pub fn leave(&mut self, number: u64) {
        self.players.retain(|player| player.number != number);
        self.crowd.leave(number);
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.players.is_empty() && self.crowd.size() == 0
    }

    /// How many have no seat.
    pub fn watchers(&self) -> usize {
        self.crowd.size()
    }

    /// Tells an entry of the log, which is at `version`.
    pub fn tell(&mut self, version: Version, texts: Texts) {
        self.players.retain(|player| player.push(&texts));
        self.tell_crowd(News::Entry(version, texts));
    }

    /// Tells something beside the log to those who may know it.
    pub fn tell_aside(&mut self, texts: Texts, may_read: impl Fn(Option<Color>) -> bool) {
        self.players
            .retain(|player| !may_read(Some(player.seat)) || player.push(&texts));
        if may_read(None) {
            self.tell_crowd(News::Aside(texts));
        }
    }

    /// Tells everything anew up to an entry, as it is for White, for Black and for spectators.
    pub fn reset(&mut self, version: Version, [white, black, others]: [Texts; 3]) {
        self.players.retain(|player| match player.seat {
            Color::White => player.push(&white),
            Color::Black => player.push(&black),
        });
        self.tell_crowd(News::Reset(version, others));
    }

    /// Whether any spectator waits for a snapshot, or may do so soon.
    pub fn may_be_behind(&self) -> bool {
        self.crowd.may_be_behind()
    }

    /// Gives the spectators that fell behind this snapshot.
    pub fn catch_up(&self, texts: Texts) {
        self.tell_crowd(News::Snapshot(texts));
    }

    fn tell_crowd(&self, news: News) {
        if self.crowd.size() > 0 {
            self.fanout.tell(&self.crowd, news);
        }
    }
}
