//! The ten variants and the six speeds, by their names on the wire and for people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::TimeControl;

/// A set of rules. Shape: the lichess key, e.g. `kingOfTheHill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the variants' own")]
pub enum Variant {
    #[default]
    Standard,
    Chess960,
    Crazyhouse,
    Antichess,
    Atomic,
    Horde,
    KingOfTheHill,
    RacingKings,
    ThreeCheck,
    FromPosition,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Standard,
        Self::Chess960,
        Self::Crazyhouse,
        Self::Antichess,
        Self::Atomic,
        Self::Horde,
        Self::KingOfTheHill,
        Self::RacingKings,
        Self::ThreeCheck,
        Self::FromPosition,
    ];

    /// The key on the wire and in the stored log, e.g. `threeCheck`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Chess960 => "chess960",
            Self::Crazyhouse => "crazyhouse",
            Self::Antichess => "antichess",
            Self::Atomic => "atomic",
            Self::Horde => "horde",
            Self::KingOfTheHill => "kingOfTheHill",
            Self::RacingKings => "racingKings",
            Self::ThreeCheck => "threeCheck",
            Self::FromPosition => "fromPosition",
        }
    }

    /// The name for people and in PGN, e.g. `Three-check`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Chess960 => "Chess960",
            Self::Crazyhouse => "Crazyhouse",
            Self::Antichess => "Antichess",
            Self::Atomic => "Atomic",
            Self::Horde => "Horde",
            Self::KingOfTheHill => "King of the Hill",
            Self::RacingKings => "Racing Kings",
            Self::ThreeCheck => "Three-check",
            Self::FromPosition => "From Position",
        }
    }

    /// The short name of the HTTP API, e.g. `3check`.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Standard => "Std",
            Self::Chess960 => "960",
            Self::Crazyhouse => "Crazy",
            Self::Antichess => "Anti",
            Self::Atomic => "Atom",
            Self::Horde => "Horde",
            Self::KingOfTheHill => "KotH",
            Self::RacingKings => "Racing",
            Self::ThreeCheck => "3check",
            Self::FromPosition => "FEN",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The text is none of the ten keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a variant is one of standard, chess960, crazyhouse, antichess, atomic, horde, kingOfTheHill, racingKings, \
     threeCheck, fromPosition"
)]
pub struct InvalidVariant;

impl FromStr for Variant {
    type Err = InvalidVariant;

    fn from_str(s: &str) -> Result<Self, InvalidVariant> {
        Self::ALL
            .into_iter()
            .find(|variant| variant.key() == s)
            .ok_or(InvalidVariant)
    }
}

/// How fast a game is: by limit + 40 × increment. Shape: `blitz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the speeds' own")]
pub enum Speed {
    UltraBullet,
    Bullet,
    Blitz,
    Rapid,
    Classical,
    Correspondence,
}

impl Speed {
    /// The speed of a game under `time_control`; a game without any clock counts as correspondence.
    #[must_use]
    pub const fn of(time_control: TimeControl) -> Self {
        match time_control {
            TimeControl::Clock { .. } => match time_control.estimate_secs() {
                0..30 => Self::UltraBullet,
                30..180 => Self::Bullet,
                180..480 => Self::Blitz,
                480..1500 => Self::Rapid,
                _ => Self::Classical,
            },
            TimeControl::Correspondence { .. } | TimeControl::Unlimited => Self::Correspondence,
        }
    }

    /// The key on the wire, e.g. `ultraBullet`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::UltraBullet => "ultraBullet",
            Self::Bullet => "bullet",
            Self::Blitz => "blitz",
            Self::Rapid => "rapid",
            Self::Classical => "classical",
            Self::Correspondence => "correspondence",
        }
    }

    /// The name for people, e.g. `UltraBullet`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UltraBullet => "UltraBullet",
            Self::Bullet => "Bullet",
            Self::Blitz => "Blitz",
            Self::Rapid => "Rapid",
            Self::Classical => "Classical",
            Self::Correspondence => "Correspondence",
        }
    }
}
