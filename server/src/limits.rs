//! Every bound of the server, with its unit and its reason. What an operator sets is in [`crate::config`]; what bounds
//! a game itself is in `zeitnot_game::limits`.

use std::time::Duration;

/// Entries that one append may write: a move, an offer with it, an end.
pub const MAX_EVENTS_PER_APPEND: usize = 4;

/// Appends that wait for a room that follows a game, before it has to read the log instead.
pub const FOLLOW_QUEUE: usize = 64;

/// How long one request to the store may take.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(1);
