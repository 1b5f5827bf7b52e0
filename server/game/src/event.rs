//! What can be asked of a game, and what can happen in it.

use crate::clock::{Charge, Lag};
use crate::color::Color;
use crate::id::{GameId, Version};
use crate::outcome::Outcome;
use crate::rules::Move;
use crate::time::{Millis, Timestamp};

/// The number of half-moves since the start of a game; 0 is the starting position.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct Ply(pub u16);

/// A command of one player, with what the answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The player's side.
    pub by: Color,
    /// What is asked.
    pub command: Command,
    /// The version that the player had seen, if it was said.
    pub seen: Option<Version>,
    /// When the command arrived at its node.
    pub received: Timestamp,
}

/// What a player may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// To play a move.
    Play {
        /// The move.
        mv: Move,
        /// The half-moves already played when it was chosen.
        ply: Ply,
        /// The way it took.
        lag: Lag,
        /// Whether a draw is offered with it.
        offers_draw: bool,
    },
    /// To give up.
    Resign,
    /// To call the game off before the second ply.
    Abort,
    /// About a draw.
    Draw(DrawCommand),
    /// About taking back the last move.
    Takeback(OfferCommand),
    /// About another game with colors changed. Accepting names the next game, in case it is agreed on.
    Rematch(OfferCommand, GameId),
    /// To give the opponent some seconds.
    GiveTime,
    /// To end the game because the opponent left.
    Claim {
        /// What is claimed.
        prize: Prize,
        /// When it may be claimed; nothing while the opponent is here.
        claim_at: Option<Timestamp>,
    },
}

/// What can be done about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OfferCommand {
    Offer,
    Accept,
    Decline,
}

/// What can be done about a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DrawCommand {
    /// Offers, accepts or declines one.
    Negotiate(OfferCommand),
    /// Claims one by threefold repetition or the fifty-move rule.
    Claim,
}

/// What a player claims from one who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Prize {
    Win,
    Draw,
}

/// What happened in a game. Each one is an entry of its log, and a fact: folding it in never fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The side to move moved.
    Played {
        /// The move, written as [`crate::rules::Position::uci`] does.
        mv: Move,
        /// What it took; nothing where no clock ran.
        charge: Option<Charge>,
    },
    /// A side offered a draw.
    DrawOffered(Color),
    /// A side declined the other's offer.
    DrawDeclined(Color),
    /// A side asked to take back.
    TakebackOffered(Color),
    /// A side declined the other's wish.
    TakebackDeclined(Color),
    /// Moves were taken back.
    TakenBack {
        /// Who agreed to it.
        by: Color,
        /// The half-moves that remain.
        to: Ply,
    },
    /// A side was given time.
    TimeGiven {
        /// Who got it.
        to: Color,
        /// How much.
        amount: Millis,
    },
    /// The game is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// Whose command ended it, where it was not a move or the time.
        by: Option<Color>,
    },
    /// A side offered a rematch.
    RematchOffered(Color),
    /// A side declined the other's offer.
    RematchDeclined(Color),
    /// A rematch was agreed on.
    RematchAccepted {
        /// Who agreed to it.
        by: Color,
        /// The game to come.
        next: GameId,
    },
}
