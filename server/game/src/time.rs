//! Spans and moments as whole milliseconds. Nothing here reads a clock: moments come in as arguments.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A span of time in whole milliseconds. Sums stop at the largest value, differences at zero.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// A span of whole days of 24 hours.
    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self::from_secs(days.saturating_mul(86_400))
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Millis {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A moment on one game's own scale: whole milliseconds of play time since the game's entry 1.
///
/// Play time is the store's time; it stands still while the store does. Only differences mean anything.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The span from `earlier` to this moment; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;

    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// A moment of a store's play clock, in whole milliseconds. It began as unix time and lags behind it by the
/// outages since; a game's [`Timestamp`]s count from the one that its entry 1 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PlayTime(pub u64);

impl PlayTime {
    /// This moment on the scale of a game whose entry 1 was written at `origin`.
    #[must_use]
    pub const fn on_scale_of(self, origin: Self) -> Timestamp {
        Timestamp(self.0.saturating_sub(origin.0))
    }
}

/// A moment in unix time, in whole milliseconds. For people and tokens only: no clock is computed from it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct UnixMillis(pub u64);
