//! A game as this node knows it. Each entry becomes one frame, which all followers share. Who is at the game is told beside
//! the entries.

mod log;
mod people;
mod presence;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use tokio::time::Instant;
use zeitnot_game::color::Color;
use zeitnot_game::entry::Entry;
use zeitnot_game::game::Game;
use zeitnot_game::id::{GameId, Head, UserId, Version};
use zeitnot_game::time::{PlayTime, Timestamp};
use zeitnot_game::wire::{Before, ChatFrame, ServerMsg, Snapshot, SnapshotFrame, frame_of};

use crate::chat;
use crate::fanout::Fanout;
use crate::followers::Followers;
use crate::limits::MAX_RESUMED;
use crate::outbox::{Outbox, Texts};
use crate::store::{Said, tag_of};

pub use crate::store::Leaving;
pub use log::{Fit, Origin};
pub(crate) use people::People;

/// A wish to follow a game.
#[derive(Debug)]
pub struct Watch {
    /// The follower's own number, the same in every room.
    pub follower: u64,
    /// Who it is, which says whether it has a seat.
    pub user: Option<UserId>,
    /// Where its frames go.
    pub outbox: Outbox,
    /// The `id` of the message that asked.
    pub re: Option<i64>,
    /// The newest version that the follower has.
    pub since: Option<Version>,
    /// What it is given first.
    pub start: Start,
}

/// Where a follower begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// With the snapshot.
    #[default]
    Snapshot,
    /// With the frames after this version, if it is one of the game's; else with the snapshot.
    After(Version),
    /// With the frames after this entry, if it is one of the game's; else with the snapshot.
    AfterEntry(Head),
}

/// The answer to a wish to follow; what the follower begins with goes to the outbox, before all later frames.
#[derive(Debug)]
pub struct Watched {
    /// The newest version that this node knows, kept up to date by the room.
    pub head: Arc<AtomicU32>,
    /// The follower's seat.
    pub seat: Option<Color>,
}

/// The replica of one game.
#[derive(Debug)]
pub struct Replica {
    id: GameId,
    game: Game,
    head: Arc<AtomicU32>,
    followers: Followers,
    people: People,
    chat: chat::Lines,
    /// The store is known to have held nothing more at this moment.
    confirmed: Instant,
    /// The store's log is gone or cannot be read: nothing is decided here until it is back.
    is_broken: bool,
}

impl Replica {
    /// A game read just now.
    pub fn new(id: GameId, (game, confirmed): (Game, Instant), fanout: Fanout) -> Self {
        Self {
            id,
            head: Arc::new(AtomicU32::new(game.version().0)),
            game,
            followers: Followers::new(fanout),
            people: People::default(),
            chat: chat::Lines::default(),
            confirmed,
            is_broken: false,
        }
    }

    /// Whether the store's log was gone or unreadable when it was last looked at.
    pub const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The game.
    pub const fn game(&self) -> &Game {
        &self.game
    }

    /// The side of a user.
    pub fn seat_of(&self, user: &UserId) -> Option<Color> {
        self.game.setup().seat_of(user)
    }

    /// Whether the store confirmed this replica after a moment.
    pub fn is_confirmed_since(&self, moment: Instant) -> bool {
        self.confirmed >= moment
    }

    /// The store held nothing more when it was asked at this moment.
    pub fn confirm(&mut self, asked: Instant) {
        self.confirmed = self.confirmed.max(asked);
    }

    /// Never before the last entry: an estimate may lag behind the stamps.
    pub fn on_scale(&self, now: PlayTime) -> Timestamp {
        now.on_scale_of(self.game.origin()).max(self.game.at())
    }

    /// Gives the spectators that fell behind the latest snapshot, made once for all.
    pub fn catch_spectators_up(&self, now: PlayTime) {
        if self.has_spectators_behind() {
            let texts = self.encode_snapshot(self.snapshot(None, now), None);
            self.followers.catch_up(texts);
        }
    }

    /// Whether any spectator waits for a snapshot, or may do so soon.
    pub fn has_spectators_behind(&self) -> bool {
        self.followers.may_be_behind()
    }

    fn send_reset(&mut self, now: PlayTime) {
        let sides = [Some(Color::White), Some(Color::Black), None];
        let snapshots = sides.map(|seat| {
            let mut snapshot = self.snapshot(seat, now);
            snapshot.reset = Some(true);
            self.encode_snapshot(snapshot, None)
        });
        self.followers.reset(self.game.version(), snapshots);
    }

    /// Takes in the lines that were said before.
    pub fn remember(&mut self, chat: &[Said]) {
        for line in chat.iter().filter_map(chat::shown) {
            self.chat.keep(line);
        }
    }

    /// Takes in a line, and hands it to those who may read it.
    pub fn hear(&mut self, said: &Said) {
        let Some(line) = chat::shown(said) else {
            return;
        };
        if !self.chat.keep(line.clone()) {
            return;
        }
        let (room, is_over) = (line.room, self.game.outcome().is_some());
        let msg = ServerMsg::Chat(ChatFrame {
            game: self.id,
            line,
        });
        // A line that finds no room comes with the next snapshot.
        self.followers.tell_aside(Texts::new(&msg, None), |seat| {
            chat::may_read(seat, room, is_over)
        });
    }

    /// The whole game, as a seat or a spectator is shown it.
    pub fn snapshot(&self, seat: Option<Color>, now: PlayTime) -> Snapshot {
        let is_over = self.game.outcome().is_some();
        Snapshot {
            seat,
            presence: self.people.presence(&self.game),
            watchers: self.people.watchers(self.watchers()),
            chat: self.chat.readable(seat, is_over),
            ..Snapshot::of(self.id, &self.game, self.on_scale(now))
        }
    }

    /// Takes a follower in, or gives one that is here already the snapshot again.
    /// Who has seen more than there is begins again.
    pub fn join(&mut self, watch: &Watch, now: PlayTime) -> Watched {
        self.followers.leave(watch.follower);
        let seat = self.welcome(watch);
        if self.followers.is_empty() {
            let watchers = u32::from(seat.is_none());
            self.people.begin_telling(&self.game, watchers);
        }
        let form = watch.outbox.form();
        let first = match self.frames_from(watch.start, now) {
            Some(mut frames) => {
                frames.extend(self.people_frames(seat, now));
                frames
            }
            None => vec![self.first_snapshot(watch, (seat, now))],
        };
        for texts in first {
            // If this overflows, the follower is closed by its own task.
            let _ = watch.outbox.push(texts.of(form).clone());
        }
        let follower = (seat, watch.outbox.clone());
        self.followers
            .join(watch.follower, follower, self.game.version());
        Watched {
            head: Arc::clone(&self.head),
            seat,
        }
    }

    fn first_snapshot(&self, watch: &Watch, (seat, now): (Option<Color>, PlayTime)) -> Texts {
        let mut snapshot = self.snapshot(seat, now);
        snapshot.watchers = self.watchers_with(seat);
        let is_ahead = watch.since.is_some_and(|since| since > snapshot.v);
        snapshot.reset = is_ahead.then_some(true);
        self.encode_snapshot(snapshot, watch.re)
    }

    /// The frames that a follower has not seen; nothing where it has to begin with the snapshot.
    fn frames_from(&self, start: Start, now: PlayTime) -> Option<Vec<Texts>> {
        let after = match start {
            Start::Snapshot => return None,
            Start::After(version) => version,
            Start::AfterEntry(head) => {
                let line = self.game.log().line(head.version)?;
                (tag_of(line) == Some(head.tag)).then_some(head.version)?
            }
        };
        let head = self.game.head().version;
        let is_part = (1..=head.0).contains(&after.0);
        if !is_part || head.0 - after.0 > MAX_RESUMED {
            return None;
        }
        let lines =
            |range: RangeInclusive<u32>| range.map_while(|v| self.game.log().line(Version(v)));
        let mut game = Game::replay(lines(1..=after.0)).ok()?;
        let entries: Vec<Entry> = lines(after.0 + 1..=head.0)
            .map(|line| line.parse().ok())
            .collect::<Option<_>>()?;
        let mut frames = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let before = Before::of(&game);
            game.evolve(entry);
            // A clock that has been stopped by a later entry ran no longer than until then.
            let until = entries.get(place + 1).map(Entry::at);
            let now = until.unwrap_or_else(|| self.on_scale(now));
            let msg = frame_of(self.id, (&before, &game), entry, now);
            frames.extend(msg.map(|msg| Texts::new(&msg, Some(game.head()))));
        }
        Some(frames)
    }

    fn encode_snapshot(&self, snapshot: Snapshot, re: Option<i64>) -> Texts {
        let msg = ServerMsg::Game(Box::new(SnapshotFrame { re, snapshot }));
        Texts::new(&msg, Some(self.game.head()))
    }

    /// Notes that a player comes; says which, if it is one.
    pub fn welcome(&mut self, watch: &Watch) -> Option<Color> {
        let seat = watch.user.as_ref().and_then(|user| self.seat_of(user));
        if let Some(seat) = seat {
            self.people.come(watch.follower, seat);
        }
        seat
    }

    /// Takes a follower out.
    pub fn leave(&mut self, number: u64, how: Leaving) {
        self.followers.leave(number);
        self.people.leave(number, how, Instant::now());
    }

    /// Whether anybody follows.
    pub fn is_followed(&self) -> bool {
        !self.followers.is_empty()
    }
}

#[cfg(test)]
mod tests;
