//! The rules, clocks and log of one game of chess.
//!
//! **A game is a fold over its log.** A [`game::Game`] is what follows from the entries so far; [`game::Game::decide`]
//! answers a command with the events that it causes, [`game::Game::evolve`] folds an entry in. Both are pure: this
//! crate does no IO, reads no clock and draws no random number. Moments, ids and tags come in as arguments.
//!
//! In reading order:
//!
//! - [`color`], [`time`], [`id`]: the small values
//! - [`variant`], [`rules`]: chess, in ten variants; `rules` alone knows the chess library
//! - [`clock`]: time controls and the compensation of lag
//! - [`outcome`], [`event`]: what is asked, what happens, how it ends
//! - [`setup`], [`entry`], [`log`]: the same as text, as the store has it
//! - [`limits`]: what bounds a game
//! - [`game`]: decide, evolve, replay
//! - [`pgn`], [`wire`]: what leaves the house

pub mod clock;
pub mod color;
pub mod entry;
pub mod event;
pub mod game;
pub mod id;
pub mod limits;
pub mod log;
pub mod outcome;
pub mod pgn;
pub mod rules;
pub mod setup;
pub mod time;
pub mod variant;
pub mod wire;
