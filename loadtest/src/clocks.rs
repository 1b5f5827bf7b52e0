//! Two clocks, added up from what each move was charged: the sums that a server must come to. Pure.

use serde::Deserialize;

/// A clock on the wire: what is left at the frame's `now`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Shown {
    increment: u64,
    white: u64,
    black: u64,
    running: Option<Side>,
}

/// A side on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    White,
    Black,
}

/// What a move took on the wire, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Lag {
    elapsed: u64,
    compensated: u64,
}

/// What a frame says of time. `at` and `now` are on the game's own scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) clock: Shown,
    pub(crate) at: u64,
    pub(crate) now: u64,
    pub(crate) lag: Option<Lag>,
}

/// What both sides must have left when a turn begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// White's, Black's.
    remaining: [u64; 2],
    /// When the turn began.
    at: u64,
}

impl Shown {
    const fn of(&self, side: usize) -> u64 {
        if side == 0 { self.white } else { self.black }
    }

    const fn running(&self) -> Option<usize> {
        match self.running {
            Some(Side::White) => Some(0),
            Some(Side::Black) => Some(1),
            None => None,
        }
    }
}

impl Clocks {
    /// As a frame shows them, where nothing is known of what was before.
    pub(crate) fn adopt(times: &Times) -> Self {
        let mut remaining = [times.clock.white, times.clock.black];
        if let Some(running) = times.clock.running() {
            remaining[running] += times.now.saturating_sub(times.at);
        }
        Self {
            remaining,
            at: times.at,
        }
    }

    /// After the move with which so many plies were played.
    ///
    /// # Errors
    /// The frame shows other clocks than these come to. They go on from what it shows.
    pub(crate) fn press(&mut self, ply: u16, times: &Times) -> Result<(), String> {
        let pressed = self.pressed(ply, times);
        let checked = pressed.and_then(|pressed| {
            let running = times.clock.running();
            let passed = times.now.checked_sub(times.at).ok_or("now is before at")?;
            for side in 0..2 {
                let used = if running == Some(side) { passed } else { 0 };
                let expected = pressed.remaining[side].saturating_sub(used);
                let shown = times.clock.of(side);
                if shown != expected {
                    let name = ["White", "Black"][side];
                    return Err(format!("{name} has {shown} ms and should have {expected}"));
                }
            }
            Ok(pressed)
        });
        *self = checked.clone().unwrap_or_else(|_| Self::adopt(times));
        checked.map(|_| ())
    }

    fn pressed(&self, ply: u16, times: &Times) -> Result<Self, String> {
        let turn = times.at.checked_sub(self.at);
        let turn = turn.ok_or_else(|| format!("at {} after {}", times.at, self.at))?;
        let mover = usize::from(ply.is_multiple_of(2));
        let mut remaining = self.remaining;
        // The first move of each side is free.
        if ply > 2 {
            let lag = times.lag.ok_or("a move that was charged nothing")?;
            if lag.elapsed > turn {
                return Err(format!("{} ms of a turn of {turn} ms", lag.elapsed));
            }
            let charged = lag.elapsed.checked_sub(lag.compensated);
            let charged = charged.ok_or("more was forgiven than had passed")?;
            remaining[mover] = remaining[mover].saturating_sub(charged) + times.clock.increment;
        }
        Ok(Self {
            remaining,
            at: times.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(json: &str) -> Times {
        #[derive(Deserialize)]
        struct Frame {
            clock: Shown,
            at: u64,
            now: u64,
            lag: Option<Lag>,
        }
        let Frame {
            clock,
            at,
            now,
            lag,
        } = serde_json::from_str(json).unwrap();
        Times {
            clock,
            at,
            now,
            lag,
        }
    }

    #[test]
    fn a_clock_is_the_sum_of_what_was_charged() {
        let start = Clocks {
            remaining: [60_000, 58_000],
            at: 5000,
        };
        let frame = |white: u64, black: u64, (elapsed, compensated): (u64, u64)| {
            times(&format!(
                r#"{{"at":7000,"now":7010,"lag":{{"elapsed":{elapsed},"compensated":{compensated}}},
                    "clock":{{"increment":1000,"white":{white},"black":{black},"running":"black"}}}}"#
            ))
        };
        let cases = [
            ("right", frame(59_100, 57_990, (1990, 90)), true),
            (
                "a millisecond too much",
                frame(59_101, 57_990, (1990, 90)),
                false,
            ),
            (
                "Black was not charged",
                frame(59_100, 58_000, (1990, 90)),
                false,
            ),
            (
                "longer than the turn",
                frame(59_000, 57_990, (2001, 1)),
                false,
            ),
            (
                "more than all forgiven",
                frame(61_000, 57_990, (1990, 2000)),
                false,
            ),
        ];
        for (name, frame, is_right) in cases {
            let mut clocks = start;
            assert_eq!(clocks.press(3, &frame).is_ok(), is_right, "{name}");
            // One wrong clock is one failure: the next one is compared with it.
            assert_eq!(clocks, Clocks::adopt(&frame), "{name}");
        }
    }
}
