//! Zeitnot: a real-time multiplayer chess server that loses no move and no clock.

pub mod limits;
pub mod store;
