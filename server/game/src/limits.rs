//! What bounds a game: the rules of play, so that every log is finite, and how long what is read may be.

use crate::time::Millis;

/// A game of this many half-moves is drawn.
pub const MAX_PLIES: usize = 600;

/// A player offers a draw at most once in this many half-moves.
pub const PLIES_BETWEEN_DRAW_OFFERS: u16 = 20;

/// What a player may have accepted of his wishes to take back in one game.
pub const MAX_TAKEBACKS: u8 = 100;

/// How often a player may give time in one game.
pub const MAX_GIFTS: u8 = 10;

/// What one gift of time is.
pub const GIFT: Millis = Millis::from_secs(15);

/// How often a player may offer a rematch after one game.
pub const MAX_REMATCH_OFFERS: u8 = 10;

/// A game without any clock is aborted after so long without a move.
pub const ABANDONED_AFTER: Millis = Millis::from_days(21);

/// The wait for a player who left on purpose, and the shortest one of all.
pub const SHORTEST_CLAIM_WAIT: Millis = Millis::from_secs(10);

/// The wait for a player who left where no clock would end the game.
pub const CLAIM_WAIT_WITHOUT_CLOCK: Millis = Millis::from_days(30);

/// The longest entry that is read, in bytes. Ours stay under 400, set-ups included.
pub const MAX_ENTRY_LEN: usize = 1024;

/// The longest FEN that is read, in bytes: a crazyhouse position with full pockets fits.
pub const MAX_FEN_LEN: usize = 128;

/// The most plies without capture or pawn move that a starting position may have behind it.
pub const MAX_START_HALFMOVES: u32 = 150;

/// The largest move number that a starting position may have.
pub const MAX_START_FULLMOVES: u32 = 9_999;
