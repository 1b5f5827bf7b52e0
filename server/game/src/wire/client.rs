//! The messages of clients. With an `id` each gets exactly one answer whose `re` is that id.

use serde::{Deserialize, Serialize};

use crate::event::Ply;
use crate::id::{GameId, Version};
use crate::rules::Move;
use crate::time::Millis;
use crate::variant::Variant;

/// One text frame from a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ClientFrame {
    /// The client's own number for the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub id: Option<i64>,
    /// What is asked.
    #[serde(flatten)]
    pub msg: ClientMsg,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClientMsg {
    /// Follow a game; answered by its snapshot.
    Watch(WatchMsg),
    /// Follow it no longer.
    Unwatch(GameMsg),
    /// Play a move.
    Move(MoveMsg),
    /// Give up.
    Resign(GameMsg),
    /// Call the game off before the second ply.
    Abort(GameMsg),
    /// Reserved for tournaments.
    Berserk(GameMsg),
    /// Offer, accept, decline or claim a draw.
    Draw(DrawMsg),
    /// Offer, accept or decline to take back.
    Takeback(OfferMsg),
    /// Offer, accept or decline another game.
    Rematch(OfferMsg),
    /// Give the opponent 15 s.
    GiveTime(GameMsg),
    /// Claim the game from an opponent who left.
    Claim(ClaimMsg),
    /// Ask the server to look at the clocks.
    Flag(GameMsg),
    /// Say a line in one of the game's rooms.
    Say(SayMsg),
    /// Follow the list of open seeks; answered by it.
    Lobby,
    /// Follow it no longer.
    Unlobby,
    /// Look for an opponent.
    Seek(SeekMsg),
    /// Look no longer.
    Unseek(UnseekMsg),
    /// Renew the token of the same user.
    Auth(AuthMsg),
    /// A sign of life; answered by `pong`.
    Ping,
}

/// Follow a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct WatchMsg {
    /// Which.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The newest version that the client has: the answer is never older.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
}

/// A message that says no more than its name, about a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct GameMsg {
    /// Which.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The version that the player had seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
}

/// A move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct MoveMsg {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The move, e.g. `e7e8q`.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub uci: Move,
    /// The half-moves already played when it was chosen.
    pub ply: Ply,
    /// The version that the player had seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
    /// From seeing the position to moving, by the client's clock; 0 for a premove.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub think: Option<Millis>,
    /// Whether a draw is offered with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub draw: Option<bool>,
}

/// What can be done about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Answer {
    Offer,
    Accept,
    Decline,
}

/// What can be done about a draw. `claim` is by threefold repetition or fifty moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum DrawAction {
    Offer,
    Accept,
    Decline,
    Claim,
}

/// About a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DrawMsg {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// What.
    pub r#do: DrawAction,
    /// The version that the player had seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
}

/// About a takeback or a rematch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct OfferMsg {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// What.
    pub r#do: Answer,
    /// The version that the player had seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
}

/// What is claimed from an opponent who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum ClaimResult {
    Win,
    Draw,
}

/// A claim against an opponent who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ClaimMsg {
    /// In which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// What.
    pub r#do: ClaimResult,
    /// The version that the player had seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
}

/// A place to talk at a game. Seats read `players`; `spectators` is hidden from them while the game runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Room {
    Players,
    Spectators,
}

/// A line of chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SayMsg {
    /// At which game.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// Where.
    pub room: Room,
    /// 1 to 140 characters.
    pub text: String,
    /// The same key again is the same line; up to 16 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub key: Option<String>,
}

/// A Fischer clock in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SeekClock {
    /// For the game: 0 to 10800.
    pub limit: u32,
    /// Added after each move: 0 to 180.
    pub increment: u32,
}

/// A wish for a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum ColorChoice {
    White,
    Black,
    Random,
}

/// A wish for a game: with a `clock` or with `days`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SeekMsg {
    /// The clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub clock: Option<SeekClock>,
    /// Days for each move: 1 to 14.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub days: Option<u8>,
    /// `standard` if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub variant: Option<Variant>,
    /// Whether it is to count for ratings; not by guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub rated: Option<bool>,
    /// `random` if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub color: Option<ColorChoice>,
    /// The lowest and the highest rating of a welcome opponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub rating: Option<[u16; 2]>,
}

/// A seek withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct UnseekMsg {
    /// Which; the user's only one if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub seek: Option<String>,
}

/// A fresh token of the same user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AuthMsg {
    /// The token.
    pub token: String,
}

impl std::fmt::Debug for AuthMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthMsg { token: *** }")
    }
}
