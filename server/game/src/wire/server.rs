//! The messages of the server, and those of them that are about the socket itself.
//!
//! Those with `v` are versioned: each entry of a game's log is one frame, and `v` grows by exactly 1 from frame to
//! frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::game::{
    ChatFrame, CrowdFrame, DrawFrame, EndFrame, MoveFrame, PresenceFrame, RatingsFrame,
    RematchFrame, SnapshotFrame, TakebackFrame, TimeFrame,
};
use super::meeting::{ChallengeFrame, GameStartFrame, Playing, SeeksFrame};
use crate::id::{GameId, UserId, Version};
use crate::time::{Millis, UnixMillis};

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ServerMsg {
    /// The first frame of every socket.
    Hello(Hello),
    /// The answer to `ping`.
    Pong(Pong),
    /// A whole game; replaces all that the client holds of it.
    Game(Box<SnapshotFrame>),
    /// A move was played.
    Move(MoveFrame),
    /// Something about a draw.
    Draw(DrawFrame),
    /// Something about a takeback.
    Takeback(TakebackFrame),
    /// Something about a rematch.
    Rematch(RematchFrame),
    /// Time was given.
    Time(TimeFrame),
    /// The game is over.
    End(EndFrame),
    /// What a rated game did to the ratings.
    Ratings(RatingsFrame),
    /// Who is here.
    Presence(PresenceFrame),
    /// How many watch.
    Crowd(CrowdFrame),
    /// A line of chat.
    Chat(ChatFrame),
    /// A game of this user began.
    GameStart(GameStartFrame),
    /// A challenge came, or was sent.
    Challenge(ChallengeFrame),
    /// A challenge was declined.
    ChallengeDeclined(ChallengeFrame),
    /// A challenge was withdrawn.
    ChallengeCanceled(ChallengeFrame),
    /// The open seeks, or what changed of them.
    Seeks(SeeksFrame),
    /// Whether the store answers.
    Status(StatusFrame),
    /// This node is going away.
    Draining(DrainingFrame),
    /// A command was carried out.
    Ok(OkFrame),
    /// A message was refused.
    Error(ErrorFrame),
}

/// A user as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct User {
    /// Who.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// A title, e.g. `GM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub title: Option<String>,
    /// Whether this is a guest.
    pub guest: bool,
}

/// The first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Hello {
    /// Whose socket this is; nobody's for an anonymous watcher.
    pub user: Option<User>,
    /// Unix time.
    pub now: UnixMillis,
    /// The node's name.
    pub node: String,
    /// How often the client is to send `ping`.
    pub ping_ms: Millis,
    /// When the token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub expires_at: Option<UnixMillis>,
    /// The user's running games.
    pub playing: Vec<Playing>,
}

/// The answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Pong {
    /// The `id` of the `ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub re: Option<i64>,
    /// Unix time.
    pub now: UnixMillis,
    /// The newest version that the node knows of each watched game.
    #[cfg_attr(feature = "ts", ts(type = "{ [game in string]?: number }"))]
    pub heads: BTreeMap<GameId, Version>,
}

/// Whether the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum StoreStatus {
    Ok,
    Unavailable,
}

/// Whether the store answers: while it does not, no move is taken and no clock runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct StatusFrame {
    /// Whether it does.
    pub store: StoreStatus,
    /// For which games; all if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "Array<string>"))]
    pub games: Option<Vec<GameId>>,
}

/// This node is going away: connect again, to any node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DrainingFrame {
    /// At a random moment within this span.
    pub reconnect_within_ms: Millis,
}

/// A command was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct OkFrame {
    /// The `id` of the command.
    pub re: i64,
    /// The last entry that it wrote, now or when it first came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub v: Option<Version>,
    /// `false` where a replica was asked for and did not confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub replicated: Option<bool>,
    /// When the renewed token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub expires_at: Option<UnixMillis>,
}

/// Why a message or a request was refused, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum ErrorCode {
    BadRequest,
    Unauthorized,
    BadCredentials,
    Forbidden,
    NotFound,
    NameTaken,
    Conflict,
    NotYourTurn,
    IllegalMove,
    Stale,
    GameOver,
    NotAllowed,
    TooLarge,
    RateLimited,
    Unavailable,
}

/// A message was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ErrorFrame {
    /// The `id` of the message, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub re: Option<i64>,
    /// Why, in one word.
    pub code: ErrorCode,
    /// Why, for people.
    pub message: String,
    /// How long to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub retry_after_ms: Option<Millis>,
}
