//! Time controls, the two clocks, and the compensation of lag. Pure arithmetic on milliseconds.

use crate::color::{ByColor, Color};
use crate::time::Millis;

/// What the server forgives a late flag at most, whatever the quota holds.
const MAX_FLAG_GRACE: Millis = Millis(2000);

/// What is added to a round trip for the work of both ends, when a quota is filled up.
const LAG_ALLOWANCE: Millis = Millis(140);

/// How much time the players have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeControl {
    /// A Fischer clock: `limit` for the game, and `increment` added after each move from the third ply on.
    Clock {
        /// Whole seconds, in ms; 0 starts with the larger of 3 s and the increment.
        limit: Millis,
        /// Whole seconds, in ms.
        increment: Millis,
    },
    /// Some days for each move.
    Correspondence {
        /// 1 to 14.
        days: u8,
    },
    /// No clock at all.
    Unlimited,
}

/// The numbers are outside of what is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimeControl {
    /// A clock that is too long, or has nothing on it.
    #[error("a clock has a limit of 0 to 10800 s and an increment of 0 to 180 s, not both 0")]
    Clock,
    /// Too few or too many days.
    #[error("days are 1 to 14")]
    Days,
}

impl TimeControl {
    /// A clock of whole seconds.
    ///
    /// # Errors
    /// `limit` is 0 to 10800, `increment` 0 to 180, not both 0.
    pub fn clock(limit_secs: u32, increment_secs: u32) -> Result<Self, InvalidTimeControl> {
        if limit_secs > 10_800 || increment_secs > 180 || limit_secs + increment_secs == 0 {
            return Err(InvalidTimeControl::Clock);
        }
        Ok(Self::Clock {
            limit: Millis::from_secs(limit_secs.into()),
            increment: Millis::from_secs(increment_secs.into()),
        })
    }

    /// Days for each move.
    ///
    /// # Errors
    /// `days` is 1 to 14.
    pub fn correspondence(days: u8) -> Result<Self, InvalidTimeControl> {
        if !(1..=14).contains(&days) {
            return Err(InvalidTimeControl::Days);
        }
        Ok(Self::Correspondence { days })
    }

    /// The seconds that one side is expected to use: limit + 40 × increment. 0 without a clock.
    #[must_use]
    pub const fn estimate_secs(self) -> u64 {
        match self {
            Self::Clock { limit, increment } => {
                limit.0.saturating_add(increment.0.saturating_mul(40)) / 1000
            }
            Self::Correspondence { .. } | Self::Unlimited => 0,
        }
    }

    /// What one move may fill up of a lag quota at most.
    fn max_gain(self) -> Millis {
        Millis((self.estimate_secs().saturating_mul(4).saturating_add(150)).min(1000))
    }
}

/// What is known of the way that a move took to its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// From seeing the position to moving, by the player's own clock. A premove says zero.
    pub think: Option<Millis>,
    /// The connection's measured round trip.
    pub round_trip: Option<Millis>,
}

/// What one move took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Charge {
    /// From the start of the turn to the move's arrival at a node.
    pub elapsed: Millis,
    /// The part of it that counts as lag; never more than `elapsed`.
    pub compensated: Millis,
    /// The connection's round trip when the move came, which fills up the quota.
    pub round_trip: Option<Millis>,
}

impl Charge {
    /// What the mover's clock loses.
    #[must_use]
    pub fn used(self) -> Millis {
        self.elapsed - self.compensated
    }

    /// The same charge for a move that cannot have arrived later than `limit` after the start of its turn.
    #[must_use]
    pub fn within(self, limit: Millis) -> Self {
        let elapsed = self.elapsed.min(limit);
        Self {
            elapsed,
            compensated: self.compensated.min(elapsed),
            ..self
        }
    }
}

/// Both sides' time and lag quotas. A value: pressing and giving make the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    increment: Millis,
    max_gain: Millis,
    remaining: ByColor<Millis>,
    quota: ByColor<Millis>,
}

impl Clock {
    /// The clock as it stands before the first move; none without one.
    #[must_use]
    pub fn start(time_control: TimeControl) -> Option<Self> {
        let TimeControl::Clock { limit, increment } = time_control else {
            return None;
        };
        let initial = if limit == Millis::ZERO {
            increment.max(Millis::from_secs(3))
        } else {
            limit
        };
        let max_gain = time_control.max_gain();
        Some(Self {
            increment,
            max_gain,
            remaining: ByColor::both(initial),
            quota: ByColor::both(Millis(3 * max_gain.0)),
        })
    }

    /// What each side has left at the start of the turn.
    #[must_use]
    pub const fn remaining(&self) -> ByColor<Millis> {
        self.remaining
    }

    /// What each side may still be forgiven for lag.
    #[must_use]
    pub const fn quota(&self) -> ByColor<Millis> {
        self.quota
    }

    /// What a move of `color` that arrived `elapsed` after the start of its turn is to be charged.
    #[must_use]
    pub fn charge(&self, color: Color, elapsed: Millis, lag: Lag) -> Charge {
        let lost = match lag.think {
            Some(think) => elapsed - think,
            None => lag.round_trip.unwrap_or_default(),
        };
        Charge {
            elapsed,
            compensated: lost.min(self.quota[color]).min(elapsed),
            round_trip: lag.round_trip,
        }
    }

    /// How long after the start of a turn `color`'s flag is called, if it does not move.
    #[must_use]
    pub fn flagged_after(&self, color: Color) -> Millis {
        self.remaining[color] + self.quota[color].min(MAX_FLAG_GRACE)
    }

    /// If a move so charged came too late: how long after the start of the turn the flag had fallen.
    #[must_use]
    pub fn flagged_by(&self, color: Color, charge: Charge) -> Option<Millis> {
        let called = self.flagged_after(color);
        if charge.used() >= self.remaining[color] {
            Some(self.remaining[color])
        } else {
            (charge.elapsed >= called).then_some(called)
        }
    }

    /// `color` moved: it pays, gets its increment, and its quota is drawn on and filled up.
    #[must_use]
    pub fn press(mut self, color: Color, charge: Charge) -> Self {
        self.remaining[color] = self.remaining[color] - charge.used() + self.increment;
        let gain = self
            .max_gain
            .min(charge.round_trip.unwrap_or_default() + LAG_ALLOWANCE);
        let quota = self.quota[color] - charge.compensated + gain;
        self.quota[color] = quota.min(Millis(7 * self.max_gain.0));
        self
    }

    /// `color` was given time.
    #[must_use]
    pub fn give(mut self, color: Color, amount: Millis) -> Self {
        self.remaining[color] = self.remaining[color] + amount;
        self
    }

    /// The clock with each side's time set back; quotas stay as they are.
    #[must_use]
    pub const fn with_remaining(mut self, remaining: ByColor<Millis>) -> Self {
        self.remaining = remaining;
        self
    }
}
