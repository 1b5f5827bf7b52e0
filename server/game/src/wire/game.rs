//! What the server says about one game.

use serde::{Deserialize, Deserializer, Serialize};

use super::client::{Answer, DrawAction, Room};
use super::meeting::Player;
use crate::color::Color;
use crate::event::Ply;
use crate::id::{GameId, UserId, Version};
use crate::outcome::{Reason, Status};
use crate::rules::Move;
use crate::time::{Millis, Timestamp, UnixMillis};
use crate::variant::{Speed, Variant};

/// A game's clock: what is left at the frame's `now`, the running side charged up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Clock {
    /// The limit that was agreed on.
    pub initial: Millis,
    /// Added after each move.
    pub increment: Millis,
    /// What White has left.
    pub white: Millis,
    /// What Black has left.
    pub black: Millis,
    /// Whose clock runs.
    pub running: Option<Color>,
}

/// Who is here, and when a game may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Presence {
    /// Whether White is here.
    pub white: bool,
    /// Whether Black is here.
    pub black: bool,
    /// When the game may be claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub claim_at: Option<ClaimAt>,
}

/// When a side may claim the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ClaimAt {
    /// When White may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub white: Option<Timestamp>,
    /// When Black may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub black: Option<Timestamp>,
}

/// Who said a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Author {
    /// Who.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub id: UserId,
    /// The name to show.
    pub name: String,
}

/// A line of chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChatLine {
    /// Where it was said.
    pub room: Room,
    /// Its number in that room, from 1 on.
    pub n: u32,
    /// Who said it.
    pub user: Author,
    /// Plain text.
    pub text: String,
}

/// The whole of a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Snapshot {
    /// Which.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The last entry that it includes.
    pub v: Version,
    /// The log lost acknowledged entries: what the client holds beyond `v` did not happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub reset: Option<bool>,
    /// The rules.
    pub variant: Variant,
    /// How fast it is.
    pub speed: Speed,
    /// Whether it counts for ratings.
    pub rated: bool,
    /// The position that it began from.
    pub initial_fen: String,
    /// The moves in UCI, with single spaces.
    pub moves: String,
    /// The position on the board.
    pub fen: String,
    /// The half-moves played.
    pub ply: Ply,
    /// Whose move it is.
    pub turn: Color,
    /// Who plays White.
    pub white: Option<Player>,
    /// Who plays Black.
    pub black: Option<Player>,
    /// The clock; none in correspondence and unlimited games.
    pub clock: Option<Clock>,
    /// Days for each move.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub days: Option<u8>,
    /// Until when the side to move has to make its first move, or any move by correspondence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub move_by: Option<Timestamp>,
    /// The state in a word.
    pub status: Status,
    /// Who won.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub winner: Option<Color>,
    /// What the status leaves open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub reason: Option<Reason>,
    /// Who offers a draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub draw_offer: Option<Color>,
    /// Who asks to take back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub takeback_offer: Option<Color>,
    /// Who offers a rematch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub rematch_offer: Option<Color>,
    /// The rematch that was agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "string"))]
    pub next: Option<GameId>,
    /// The reader's own side.
    pub seat: Option<Color>,
    /// Who is here; left out where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub presence: Option<Presence>,
    /// How many watch without a seat.
    pub watchers: u32,
    /// When it was set up, in unix time.
    pub created_at: UnixMillis,
    /// When its last entry was committed.
    pub at: Timestamp,
    /// Now, on the game's scale.
    pub now: Timestamp,
    /// The last lines of the rooms that the reader may read.
    pub chat: Vec<ChatLine>,
}

/// A snapshot as a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SnapshotFrame {
    /// The `id` of the `watch` that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub re: Option<i64>,
    /// The game.
    #[serde(flatten)]
    pub snapshot: Snapshot,
}

/// What a move took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Lag {
    /// From the start of the turn to the move's arrival.
    pub elapsed: Millis,
    /// The part of it that was not charged.
    pub compensated: Millis,
}

/// A move was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct MoveFrame {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Its entry.
    pub v: Version,
    /// The half-moves played, this one included.
    pub ply: Ply,
    /// The move.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub uci: Move,
    /// The move for people.
    pub san: String,
    /// The position after it.
    pub fen: String,
    /// The clock.
    pub clock: Option<Clock>,
    /// When it was committed.
    pub at: Timestamp,
    /// Now, on the game's scale.
    pub now: Timestamp,
    /// What it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub lag: Option<Lag>,
    /// As in the snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub move_by: Option<Timestamp>,
}

/// Something about a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DrawFrame {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Its entry.
    pub v: Version,
    /// Who.
    pub by: Color,
    /// What.
    pub r#do: DrawAction,
}

/// Something about a takeback; what follows `do` is there when it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct TakebackFrame {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Its entry.
    pub v: Version,
    /// Who.
    pub by: Color,
    /// What.
    pub r#do: Answer,
    /// The half-moves that remain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub ply: Option<Ply>,
    /// The position after them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub fen: Option<String>,
    /// The clock: `null` in a game without one.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "ts", ts(optional = nullable, as = "Option<Clock>"))]
    pub clock: Option<Option<Clock>>,
    /// When it was committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub at: Option<Timestamp>,
    /// Now, on the game's scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub now: Option<Timestamp>,
    /// As in the snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub move_by: Option<Timestamp>,
}

/// A field that is there, be it `null`.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<Clock>>, D::Error> {
    Option::deserialize(field).map(Some)
}

/// Something about a rematch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RematchFrame {
    /// After which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Its entry.
    pub v: Version,
    /// Who.
    pub by: Color,
    /// What.
    pub r#do: Answer,
    /// The game to come, when it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "string"))]
    pub next: Option<GameId>,
}

/// Time was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct TimeFrame {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Its entry.
    pub v: Version,
    /// Who got it.
    pub to: Color,
    /// How much.
    pub ms: Millis,
    /// The clock after it.
    pub clock: Option<Clock>,
    /// When it was committed.
    pub at: Timestamp,
    /// Now, on the game's scale.
    pub now: Timestamp,
}

/// The game is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct EndFrame {
    /// Which.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Its entry.
    pub v: Version,
    /// How.
    pub status: Status,
    /// Who won.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub winner: Option<Color>,
    /// What the status leaves open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub reason: Option<Reason>,
    /// The clock, stopped.
    pub clock: Option<Clock>,
    /// When it was committed.
    pub at: Timestamp,
    /// Now, on the game's scale.
    pub now: Timestamp,
}

/// A rating before and after a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RatingChange {
    /// When it began.
    pub before: u16,
    /// Now.
    pub after: u16,
}

/// What a rated game did to the ratings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RatingsFrame {
    /// Which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// White's.
    pub white: RatingChange,
    /// Black's.
    pub black: RatingChange,
}

/// Who is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PresenceFrame {
    /// At which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Who.
    #[serde(flatten)]
    pub presence: Presence,
    /// Now, on the game's scale.
    pub now: Timestamp,
}

/// How many watch without a seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CrowdFrame {
    /// Which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// How many.
    pub watchers: u32,
}

/// A line of chat as a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChatFrame {
    /// At which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The line.
    #[serde(flatten)]
    pub line: ChatLine,
}
