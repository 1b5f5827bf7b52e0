//! The game crate from outside: rules against another library, games from command to event, text and wire forms.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod clock;
mod game;
mod offers;
mod properties;
mod rules;
mod stored;
mod support;
mod wire;
