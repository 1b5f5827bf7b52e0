//! One game: everything that follows from its log, folded entry by entry.
//!
//! [`Game::replay`] and [`Game::evolve`] fold, and decide nothing; [`Game::decide`] answers a command with the events
//! that it would cause, and changes nothing. Neither does IO, reads a clock or draws a random number.

mod decide;
mod people;

pub use decide::{Deadline, Decision, NotAllowed, Rejection};

use crate::clock::{Charge, Clock, TimeControl};
use crate::color::{ByColor, Color};
use crate::entry::Entry;
use crate::event::{Event, Ply};
use crate::id::{GameId, Head, Version};
use crate::log::Log;
use crate::outcome::{Outcome, Status};
use crate::rules::{Move, Position, San};
use crate::setup::{FirstEntry, InvalidSetup, Setup};
use crate::time::{Millis, PlayTime, Timestamp, UnixMillis};

/// A move that stands: it was played and not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The move as on the wire.
    pub mv: Move,
    /// What both sides had left after it; nothing without a clock.
    pub remaining: Option<ByColor<Millis>>,
    /// Its entry.
    pub version: Version,
}

/// An offer that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Who made it.
    pub by: Color,
    /// Its entry.
    pub version: Version,
}

/// How often a player did what may be done only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    draw_offered_at: Option<Ply>,
    takeback_offered_at: Option<Ply>,
    takebacks: u8,
    gifts: u8,
    rematch_offers: u8,
}

/// The state of one game after some entries of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    setup: Setup,
    created: UnixMillis,
    origin: PlayTime,
    log: Log,
    version: Version,
    at: Timestamp,

    position: Position,
    /// Keys of the positions since the last irreversible move, the present one included.
    keys: Vec<u64>,
    turns: Vec<Turn>,
    clock: Option<Clock>,
    turn_started: Timestamp,

    draw_offer: Option<Offer>,
    takeback_offer: Option<Offer>,
    rematch_offer: Option<Offer>,
    last_takeback: Option<Version>,
    tally: ByColor<Tally>,
    outcome: Option<Outcome>,
    next: Option<GameId>,
}

/// Why a log cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLog {
    /// Entry 1 is missing or unknown to this build.
    #[error(transparent)]
    Setup(#[from] InvalidSetup),
    /// A later line is no entry.
    #[error("entry {0} of the log has no moment or tag")]
    Entry(Version),
}

impl Game {
    /// Starts a game from entry 1 of its log.
    ///
    /// # Errors
    /// The line is no set-up that this build can read.
    pub fn begin(line: &str) -> Result<Self, InvalidSetup> {
        let first: FirstEntry = line.parse()?;
        let position = first.setup.terms.start.clone();
        Ok(Self {
            created: first.created,
            origin: first.origin,
            log: Log::new(line, first.tag),
            version: Version(1),
            at: Timestamp::default(),
            keys: vec![position.key()],
            position,
            turns: Vec::new(),
            clock: Clock::start(first.setup.terms.time_control),
            turn_started: Timestamp::default(),
            draw_offer: None,
            takeback_offer: None,
            rematch_offer: None,
            last_takeback: None,
            tally: ByColor::default(),
            outcome: None,
            next: None,
            setup: first.setup,
        })
    }

    /// Folds a whole log, oldest line first.
    ///
    /// # Errors
    /// Entry 1 cannot be read, or a line is no entry. An entry of an unknown kind is no error: the game is then shown
    /// as far as it goes, see [`Game::is_readable`].
    pub fn replay<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidLog> {
        let mut lines = lines.into_iter();
        let mut game = Self::begin(lines.next().ok_or(InvalidSetup)?)?;
        for line in lines {
            let entry: Entry = line
                .parse()
                .map_err(|_| InvalidLog::Entry(game.head().version.next()))?;
            game.evolve(&entry);
        }
        Ok(game)
    }

    /// Folds the next entry in. It refuses nothing: what cannot be understood is kept in the log, and the game stays
    /// as it was before.
    pub fn evolve(&mut self, entry: &Entry) {
        let was_readable = self.is_readable();
        self.log.push(entry.as_str(), entry.tag());
        if !was_readable {
            return;
        }
        let folded = entry
            .event()
            .and_then(|event| self.fold(event, entry.at(), self.version.next()));
        if folded.is_some() {
            self.version = self.version.next();
            self.at = self.at.max(entry.at());
        }
    }

    /// Nothing if the event does not fit this game: then nothing was changed either.
    fn fold(&mut self, event: Event, at: Timestamp, version: Version) -> Option<()> {
        match event {
            Event::Played { mv, charge } => self.fold_move(mv, charge, (at, version))?,
            Event::DrawOffered(by) => {
                self.draw_offer = Some(Offer { by, version });
                self.tally[by].draw_offered_at = Some(self.ply());
            }
            Event::DrawDeclined(_) => self.draw_offer = None,
            Event::TakebackOffered(by) => {
                self.takeback_offer = Some(Offer { by, version });
                self.tally[by].takeback_offered_at = Some(self.ply());
            }
            Event::TakebackDeclined(_) => self.takeback_offer = None,
            Event::TakenBack { by, to } => self.fold_takeback(by, to, (at, version))?,
            Event::TimeGiven { to, amount } => {
                self.clock = self.clock.map(|clock| clock.give(to, amount));
                let gifts = &mut self.tally[!to].gifts;
                *gifts = gifts.saturating_add(1);
            }
            Event::Ended { outcome, .. } => {
                self.outcome = Some(outcome);
                self.draw_offer = None;
                self.takeback_offer = None;
                self.settle_clock(at);
            }
            Event::RematchOffered(by) => {
                self.rematch_offer = Some(Offer { by, version });
                let offers = &mut self.tally[by].rematch_offers;
                *offers = offers.saturating_add(1);
            }
            Event::RematchDeclined(_) => self.rematch_offer = None,
            Event::RematchAccepted { next, .. } => {
                self.rematch_offer = None;
                self.next = Some(next);
            }
        }
        Some(())
    }

    fn fold_move(
        &mut self,
        mv: Move,
        charge: Option<Charge>,
        (at, version): (Timestamp, Version),
    ) -> Option<()> {
        let legal = self.position.legal(mv)?;
        let mover = self.turn();
        if self.clock_runs()
            && let Some(clock) = self.clock
        {
            // A node whose clock is ahead must not charge for time that has not passed.
            let charge = charge
                .unwrap_or_default()
                .within(at.since(self.turn_started));
            self.clock = Some(clock.press(mover, charge));
        }
        self.advance(legal);
        self.turns.push(Turn {
            mv,
            remaining: self.clock.map(|clock| clock.remaining()),
            version,
        });
        self.turn_started = at;
        self.takeback_offer = None;
        self.draw_offer = self.draw_offer.filter(|offer| offer.by == mover);
        Some(())
    }

    fn advance(&mut self, legal: crate::rules::LegalMove) {
        if self.position.is_irreversible(legal) {
            self.keys.clear();
        }
        self.position.play(legal);
        self.keys.push(self.position.key());
    }

    fn fold_takeback(
        &mut self,
        by: Color,
        to: Ply,
        (at, version): (Timestamp, Version),
    ) -> Option<()> {
        if to >= self.ply() {
            return None;
        }
        self.turns.truncate(to.0.into());
        self.position = self.setup.terms.start.clone();
        self.keys = vec![self.position.key()];
        for turn in self.turns.clone() {
            let legal = self.position.legal(turn.mv)?;
            self.advance(legal);
        }
        let remaining = match self.turns.last() {
            Some(turn) => turn.remaining,
            None => Clock::start(self.setup.terms.time_control).map(|clock| clock.remaining()),
        };
        self.clock = self
            .clock
            .zip(remaining)
            .map(|(clock, remaining)| clock.with_remaining(remaining));
        self.turn_started = at;
        self.draw_offer = None;
        self.takeback_offer = None;
        self.last_takeback = Some(version);
        for color in Color::ALL {
            self.tally[color].takeback_offered_at = None;
        }
        let takebacks = &mut self.tally[!by].takebacks;
        *takebacks = takebacks.saturating_add(1);
        Some(())
    }

    /// Stops the running clock: what had passed of the turn is gone.
    fn settle_clock(&mut self, at: Timestamp) {
        let turns = self.turns.len();
        if turns >= 2 {
            let turn = self.turn();
            let spent = at.since(self.turn_started);
            self.clock = self.clock.map(|clock| {
                let mut remaining = clock.remaining();
                remaining[turn] = remaining[turn] - spent;
                clock.with_remaining(remaining)
            });
        }
    }

    /// How it was set up.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// When it was set up, for people.
    #[must_use]
    pub const fn created(&self) -> UnixMillis {
        self.created
    }

    /// The zero of the game's scale on the store's play clock.
    #[must_use]
    pub const fn origin(&self) -> PlayTime {
        self.origin
    }

    /// The raw entries.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The last entry of the log, whether understood or not: what an append goes after.
    #[must_use]
    pub fn head(&self) -> Head {
        self.log.head()
    }

    /// The last entry that this state has folded in.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether every entry was understood. If not, the game may be shown, but nothing may be decided on it.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.version == self.head().version
    }

    /// When the last entry was committed.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The position on the board.
    #[must_use]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// Whose move it is.
    #[must_use]
    pub fn turn(&self) -> Color {
        self.position.turn()
    }

    /// The half-moves played and not taken back.
    #[must_use]
    pub fn ply(&self) -> Ply {
        Ply(u16::try_from(self.turns.len()).unwrap_or(u16::MAX))
    }

    /// The moves played and not taken back, oldest first.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The same moves for people.
    #[must_use]
    pub fn sans(&self) -> Vec<San> {
        let mut position = self.setup.terms.start.clone();
        let mut sans = Vec::with_capacity(self.turns.len());
        for turn in &self.turns {
            let legal = position.legal(turn.mv).expect("a folded move is legal");
            sans.push(position.san(legal));
            position.play(legal);
        }
        sans
    }

    /// The clock as it stood at the start of the turn; none without one.
    #[must_use]
    pub const fn clock(&self) -> Option<Clock> {
        self.clock
    }

    /// What each side has left at `now`, the side to move charged up to then.
    #[must_use]
    pub fn remaining_at(&self, now: Timestamp) -> Option<ByColor<Millis>> {
        let mut remaining = self.clock?.remaining();
        if let Some(running) = self.running() {
            remaining[running] = remaining[running] - now.since(self.turn_started);
        }
        Some(remaining)
    }

    /// The side whose clock runs: none before the third ply, without a clock, or after the end.
    #[must_use]
    pub fn running(&self) -> Option<Color> {
        self.clock_runs().then(|| self.turn())
    }

    fn clock_runs(&self) -> bool {
        self.clock.is_some() && self.turns.len() >= 2 && self.outcome.is_none()
    }

    /// When the turn began.
    #[must_use]
    pub const fn turn_started(&self) -> Timestamp {
        self.turn_started
    }

    /// Until when the side to move has to make its first move, or any move by correspondence.
    #[must_use]
    pub fn move_by(&self) -> Option<Timestamp> {
        if self.outcome.is_some() {
            return None;
        }
        match self.setup.terms.time_control {
            TimeControl::Clock { .. } => {
                (self.turns.len() < 2).then(|| self.turn_started + self.setup.terms.first_move)
            }
            TimeControl::Correspondence { days } => {
                Some(self.turn_started + Millis::from_days(days.into()))
            }
            TimeControl::Unlimited => None,
        }
    }

    /// The draw offer that stands.
    #[must_use]
    pub const fn draw_offer(&self) -> Option<Offer> {
        self.draw_offer
    }

    /// The wish to take back that stands.
    #[must_use]
    pub const fn takeback_offer(&self) -> Option<Offer> {
        self.takeback_offer
    }

    /// The rematch offer that stands.
    #[must_use]
    pub const fn rematch_offer(&self) -> Option<Offer> {
        self.rematch_offer
    }

    /// How it ended; nothing while it goes on.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Its state in a word.
    #[must_use]
    pub fn status(&self) -> Status {
        self.outcome.map_or(Status::Started, Outcome::status)
    }

    /// The rematch that was agreed on.
    #[must_use]
    pub const fn next(&self) -> Option<GameId> {
        self.next
    }
}
