//! A game as this node knows it. Each entry becomes one frame, which all followers share. Who is at the game is told beside
//! the entries.

mod people;
mod presence;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::Instant;
use tracing::{error, warn};
use zeitnot_game::color::Color;
use zeitnot_game::entry::Entry;
use zeitnot_game::game::Game;
use zeitnot_game::id::{GameId, Head, Tag, UserId, Version};
use zeitnot_game::time::{PlayTime, Timestamp};
use zeitnot_game::wire::{Before, ChatFrame, ServerMsg, Snapshot, SnapshotFrame, frame_of};

use crate::chat;
use crate::fanout::Fanout;
use crate::followers::Followers;
use crate::limits::{HEAL_ENDED, MAX_RESUMED};
use crate::metrics::METRICS;
use crate::outbox::{Outbox, Texts};
use crate::store::{Heal, Published, Said, Tail};

pub use crate::store::Leaving;
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

/// What there was to do with lines from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They were folded in, or held already.
    Whole,
    /// Something lies between, or the histories differ: read the log from this version on.
    ReadSince(Version),
    /// The store has fewer of these same entries: it has lost some, which it may let itself be given back.
    Lost,
    /// The store has no such game any more.
    Gone,
    /// The store's log is not one that this build can read.
    Unreadable,
}

/// How lines from the store came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read after [`Replica::read_since`]: the last entry that is held here leads them, or tells that they do not fit.
    Read,
    /// After an append: the store has compared the head.
    Compared,
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

    /// From where the log has to be read so that the answer shows whether it is still this one: its last entry is
    /// read again.
    pub fn read_since(&self) -> Version {
        Version(self.game.head().version.0.saturating_sub(1))
    }

    /// Folds in what the store published.
    pub fn take_published(&mut self, published: &Published, now: PlayTime) -> Fit {
        let head = self.game.head();
        let fits = published.first == head.version.next() && published.before == head.tag;
        #[cfg(feature = "breakages")]
        let fits = fits || by_length() && published.first <= head.version.next();
        if fits || self.holds(published) {
            self.fold(published.first, &published.lines, now)
        } else {
            Fit::ReadSince(self.read_since())
        }
    }

    /// Whether the first of these lines is here already: by version and tag, which settle all before it.
    fn holds(&self, published: &Published) -> bool {
        published
            .lines
            .first()
            .is_some_and(|line| self.game.log().line(published.first) == Some(line.as_str()))
    }

    /// Folds in the end of the store's log. `held` is what was here when it was asked: what it read is older than what was
    /// published since.
    pub fn take_tail(
        &mut self,
        tail: &Tail,
        origin: Origin,
        (now, held): (PlayTime, Version),
    ) -> Fit {
        let before = self.game.version();
        let fit = if tail.since == Version(0) {
            self.take_whole_log(tail, (now, held))
        } else {
            let is_compared = origin == Origin::Compared && tail.since == self.game.head().version;
            let first = tail.lines.first().map(String::as_str);
            let is_same = first == self.game.log().line(tail.since.next());
            #[cfg(feature = "breakages")]
            let is_same = is_same || by_length() && first.is_some();
            if is_compared || is_same {
                self.fold(tail.since.next(), &tail.lines, now)
            } else {
                Fit::ReadSince(Version(0))
            }
        };
        self.is_broken = matches!(fit, Fit::Gone | Fit::Unreadable);
        if origin == Origin::Read {
            let found = self.game.version().0.saturating_sub(before.0);
            METRICS.missed_entries.inc_by(found.into());
        }
        fit
    }

    /// If the store's log is neither a continuation of this one nor a part of it, it wins.
    fn take_whole_log(&mut self, log: &Tail, (now, held): (PlayTime, Version)) -> Fit {
        let head = self.game.head().version;
        let mut ours = (1..=head.0).map(|v| self.game.log().line(Version(v)));
        let is_shared = log
            .lines
            .iter()
            .zip(&mut ours)
            .all(|(line, ours)| ours == Some(line.as_str()));
        #[cfg(feature = "breakages")]
        let is_shared = is_shared || by_length() && log.length() >= head;
        if !is_shared {
            self.accept(log, now)
        } else if log.length() >= head {
            self.fold(Version(1), &log.lines, now)
        } else if log.lines.is_empty() && !self.is_remembered(now) {
            Fit::Gone
        } else if log.length() >= held {
            // The rest was published after the store had read its log, and came first.
            Fit::Whole
        } else {
            Fit::Lost
        }
    }

    /// Whether a store that lost this game altogether is to have it back.
    fn is_remembered(&self, now: PlayTime) -> bool {
        self.game.outcome().is_none() || self.on_scale(now).since(self.game.at()) < HEAL_ENDED
    }

    /// What is missing in a log that has these lines and no more; in the store somebody looks at the game at once.
    pub fn heal(&self, log: &Tail) -> Heal {
        let length = log.length();
        let lines = (length.0 + 1..=self.game.head().version.0).map(Version);
        let line = |version| self.game.log().line(version);
        Heal {
            after: line(length).and_then(tag_of).map(|tag| Head {
                version: length,
                tag,
            }),
            lines: lines.filter_map(line).map(str::to_owned).collect(),
            due: PlayTime(self.game.origin().0.saturating_add(self.game.at().0)),
        }
    }

    /// The store's log is what counts, though it is another one: the followers begin again.
    pub fn accept(&mut self, log: &Tail, now: PlayTime) -> Fit {
        let id = self.id;
        let fit = if log.lines.is_empty() {
            Fit::Gone
        } else {
            match Game::replay(log.lines.iter().map(String::as_str)) {
                Ok(game) => {
                    METRICS.resets.inc();
                    warn!(game.id = %id, from = %self.game.version(), to = %game.version(), "the store's log of game {id} differs: began again");
                    self.game = game;
                    self.head.store(self.game.version().0, Ordering::Relaxed);
                    self.send_reset(now);
                    Fit::Whole
                }
                Err(reason) => {
                    error!(game.id = %id, "the store's log of game {id} cannot be read: {reason}");
                    Fit::Unreadable
                }
            }
        };
        self.is_broken = fit != Fit::Whole;
        fit
    }

    /// Folds in those lines, of which the first is at `version`, that are not here yet.
    pub fn fold(&mut self, version: Version, lines: &[String], now: PlayTime) -> Fit {
        let next = self.game.head().version.next();
        if version > next {
            return Fit::ReadSince(self.read_since());
        }
        let held = usize::try_from(next.0 - version.0).unwrap_or(usize::MAX);
        let new = lines.iter().skip(held).map(|line| line.parse());
        let Ok(entries) = new.collect::<Result<Vec<Entry>, _>>() else {
            error!(game.id = %self.id, "a line of game {} cannot be read", self.id);
            return Fit::Unreadable;
        };
        for (place, entry) in entries.iter().enumerate() {
            // A clock that has been stopped by a later entry ran no longer than until then.
            let until = entries.get(place + 1).map(Entry::at);
            self.evolve(entry, (now, until));
        }
        self.is_broken = false;
        Fit::Whole
    }

    fn evolve(&mut self, entry: &Entry, (now, until): (PlayTime, Option<Timestamp>)) {
        let before = Before::of(&self.game);
        self.game.evolve(entry);
        self.head.store(self.game.version().0, Ordering::Relaxed);
        let now = until.unwrap_or_else(|| self.on_scale(now));
        if let Some(msg) = frame_of(self.id, (&before, &self.game), entry, now) {
            let texts = Texts::new(&msg, Some(self.game.head()));
            self.followers.tell(self.game.version(), texts);
        }
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

/// Whether histories are compared by their lengths alone.
#[cfg(feature = "breakages")]
fn by_length() -> bool {
    crate::breakage::is_on("compare-by-length")
}

/// The tag of an entry as it is stored.
fn tag_of(line: &str) -> Option<Tag> {
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
