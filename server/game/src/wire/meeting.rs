//! What the server says about players who meet: challenges, seeks, games that begin.

use serde::{Deserialize, Serialize};

use super::client::{ColorChoice, SeekClock};
use crate::color::Color;
use crate::id::{GameId, UserId};
use crate::variant::{Speed, Variant};

/// A user in a seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Player {
    /// Who.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// A title, e.g. `GM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub title: Option<String>,
    /// The rating when the game began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub rating: Option<u16>,
    /// Whether that rating was still uncertain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub provisional: Option<bool>,
    /// Whether this is a guest.
    pub guest: bool,
}

/// A running game of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Playing {
    /// Which.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The user's side.
    pub color: Color,
    /// The other player.
    pub opponent: Option<Player>,
}

/// A game of this user began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct GameStartFrame {
    /// Which.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub game: GameId,
    /// The user's side.
    pub color: Color,
    /// The other player.
    pub opponent: Option<Player>,
}

/// A variant as the HTTP API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct NamedVariant {
    /// E.g. `threeCheck`.
    pub key: Variant,
    /// E.g. `Three-check`.
    pub name: String,
    /// E.g. `3check`.
    pub short: String,
}

/// A time control as the HTTP API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum TimeTerms {
    /// A Fischer clock, in seconds.
    Clock {
        /// For the game.
        limit: u64,
        /// Added after each move.
        increment: u64,
        /// For people, e.g. `3+2`.
        show: String,
    },
    /// Days for each move.
    Correspondence {
        /// 1 to 14.
        days_per_turn: u8,
    },
    /// No clock.
    Unlimited,
}

/// A kind of rating, as the HTTP API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Perf {
    /// A character of lichess' icon font; always empty here.
    pub icon: String,
    /// The speed, or the variant where that has a rating of its own.
    pub name: String,
}

/// Whom an open challenge is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct OpenTo {
    /// Only these two; anybody if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "Array<string>"))]
    pub user_ids: Option<Vec<UserId>>,
}

/// An invitation to a game, as the HTTP API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// The id of the game that it may become.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub id: GameId,
    /// Its link.
    pub url: String,
    /// `created` while it is open.
    pub status: String,
    /// Who challenges; nobody if anybody may sit down.
    pub challenger: Option<Player>,
    /// Who is challenged; nobody in particular if anybody may sit down.
    pub dest_user: Option<Player>,
    /// The rules.
    pub variant: NamedVariant,
    /// Whether it is to count for ratings.
    pub rated: bool,
    /// How fast it is.
    pub speed: Speed,
    /// The time.
    pub time_control: TimeTerms,
    /// The color that the challenger asked for.
    pub color: ColorChoice,
    /// The color that the challenger will have.
    pub final_color: Color,
    /// What it would be rated as.
    pub perf: Perf,
    /// Whom it is for, where it names no opponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub open: Option<OpenTo>,
    /// The position to start from, where it is not the variant's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub initial_fen: Option<String>,
    /// The link that takes White's seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub url_white: Option<String>,
    /// The link that takes Black's seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub url_black: Option<String>,
    /// Who took White's seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub white: Option<Player>,
    /// Who took Black's seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub black: Option<Player>,
}

/// Something about a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChallengeFrame {
    /// Which.
    pub challenge: Box<Challenge>,
}

/// An open seek.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Seek {
    /// Its id.
    pub seek: String,
    /// Whose.
    pub user: Player,
    /// The clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub clock: Option<SeekClock>,
    /// Days for each move.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub days: Option<u8>,
    /// The rules.
    pub variant: Variant,
    /// Whether it is to count for ratings.
    pub rated: bool,
    /// The color that the seeker wants.
    pub color: ColorChoice,
}

/// The open seeks, or what changed of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SeeksFrame {
    /// The `id` of the `lobby` that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub re: Option<i64>,
    /// All of them, at most 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub list: Option<Vec<Seek>>,
    /// New ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub add: Option<Vec<Seek>>,
    /// The ids of those that are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub remove: Option<Vec<String>>,
}
