//! How a game ended.

use serde::{Deserialize, Serialize};

use crate::color::Color;

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It never really began: taken back before the second ply, or a first move or all moves failed to come.
    Aborted,
    /// Mate.
    Checkmate {
        /// The side that gave it.
        winner: Color,
    },
    /// A side gave up.
    Resigned {
        /// The other one.
        winner: Color,
    },
    /// The side to move cannot, and is not in check.
    Stalemate,
    /// A player left and the other one claimed the game: won, or drawn.
    Left {
        /// Nobody if a draw was claimed, or the claimant could not win.
        winner: Option<Color>,
    },
    /// A draw by agreement or by rule.
    Drawn(DrawReason),
    /// A side ran out of time.
    Flagged {
        /// Nobody if the other side could not win.
        winner: Option<Color>,
    },
    /// The variant's own goal was reached.
    VariantEnd {
        /// Nobody if both reached it.
        winner: Option<Color>,
    },
}

/// Why a game was drawn, where the rules of chess or the players said so. Shape: `seventyfive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DrawReason {
    /// Offered and accepted.
    Agreement,
    /// The same position for the third time, claimed (FIDE 9.2).
    Threefold,
    /// Fifty moves of each side without a capture or pawn move, claimed (FIDE 9.3).
    Fifty,
    /// The same position for the fifth time (FIDE 9.6.1).
    Fivefold,
    /// Seventy-five moves of each side without a capture or pawn move (FIDE 9.6.2).
    SeventyFive,
    /// Neither side can win any more (FIDE 5.2.2).
    Dead,
    /// The game reached its greatest length.
    MaxPlies,
}

impl Outcome {
    /// Who won, if anybody did.
    #[must_use]
    pub const fn winner(self) -> Option<Color> {
        match self {
            Self::Checkmate { winner } | Self::Resigned { winner } => Some(winner),
            Self::Left { winner } | Self::Flagged { winner } | Self::VariantEnd { winner } => {
                winner
            }
            Self::Aborted | Self::Stalemate | Self::Drawn(_) => None,
        }
    }

    /// The word on the wire and in the stored log.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Aborted => Status::Aborted,
            Self::Checkmate { .. } => Status::Mate,
            Self::Resigned { .. } => Status::Resign,
            Self::Stalemate => Status::Stalemate,
            Self::Left { .. } => Status::Timeout,
            Self::Drawn(_) => Status::Draw,
            Self::Flagged { .. } => Status::Outoftime,
            Self::VariantEnd { .. } => Status::VariantEnd,
        }
    }

    /// What the status leaves open: why a draw, or why nobody won on time.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Drawn(reason) => Some(reason.on_the_wire()),
            Self::Flagged { winner: None } => Some(Reason::CannotMate),
            _ => None,
        }
    }
}

impl DrawReason {
    /// The word on the wire and in the stored log.
    #[must_use]
    pub const fn on_the_wire(self) -> Reason {
        match self {
            Self::Agreement => Reason::Agreement,
            Self::Threefold => Reason::Threefold,
            Self::Fifty => Reason::Fifty,
            Self::Fivefold => Reason::Fivefold,
            Self::SeventyFive => Reason::Seventyfive,
            Self::Dead => Reason::Dead,
            Self::MaxPlies => Reason::MaxPlies,
        }
    }
}

/// The state of a game in one word, named as lichess does. Shape: `outoftime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words are explained at `Outcome`")]
pub enum Status {
    Started,
    Aborted,
    Mate,
    Resign,
    Stalemate,
    Timeout,
    Draw,
    Outoftime,
    VariantEnd,
}

impl Status {
    /// The word, e.g. `variantEnd`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Aborted => "aborted",
            Self::Mate => "mate",
            Self::Resign => "resign",
            Self::Stalemate => "stalemate",
            Self::Timeout => "timeout",
            Self::Draw => "draw",
            Self::Outoftime => "outoftime",
            Self::VariantEnd => "variantEnd",
        }
    }
}

/// What a status leaves open. Shape: `cannotMate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words are explained at `DrawReason`")]
pub enum Reason {
    Agreement,
    Threefold,
    Fifty,
    Fivefold,
    Seventyfive,
    Dead,
    MaxPlies,
    CannotMate,
}

impl Reason {
    /// The word, e.g. `maxPlies`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Threefold => "threefold",
            Self::Fifty => "fifty",
            Self::Fivefold => "fivefold",
            Self::Seventyfive => "seventyfive",
            Self::Dead => "dead",
            Self::MaxPlies => "maxPlies",
            Self::CannotMate => "cannotMate",
        }
    }
}
