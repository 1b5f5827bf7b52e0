//! One game: everything that follows from its log, folded entry by entry.
//!
//! [`Game::replay`] and [`Game::evolve`] fold, and decide nothing; [`Game::decide`] answers a command with the events
//! that it would cause, and changes nothing. Neither does IO, reads a clock or draws a random number.

mod decide;
mod done;
mod evolve;
mod offers;
mod people;

pub use decide::{Deadline, Decision, NotAllowed, Rejection};
pub use evolve::InvalidLog;

use crate::clock::{Clock, TimeControl};
use crate::color::{ByColor, Color};
use crate::event::Ply;
use crate::id::{GameId, Head, Version};
use crate::log::Log;
use crate::outcome::{Outcome, Status};
use crate::rules::{Move, Position, San};
use crate::setup::Setup;
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

impl Game {
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
