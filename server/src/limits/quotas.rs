//! What bounds an address and a user, and who is let in where there is little room.

use std::time::Duration;

use zeitnot_game::time::Millis;

/// So many at once, and one more after every period: what is not used is saved, up to `burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many at once; not 0.
    pub burst: u32,
    /// After how long there is one more; not 0.
    pub period: Millis,
}

/// Requests of an address without a token: programs that read. The page sends its token with everything but the request
/// for it. 60 a minute.
pub const ANONYMOUS_REQUESTS: Quota = Quota {
    burst: 60,
    period: Millis(1000),
};

/// Requests of a user: 300 a minute. The page makes four when it is loaded; a game that is followed by long polling
/// takes one a move.
pub const USER_REQUESTS: Quota = Quota {
    burst: 150,
    period: Millis(200),
};

/// Sockets that an address opens. After the end of a node everybody in a school comes back at once, twice if need be.
pub const UPGRADES: Quota = Quota {
    burst: 200,
    period: Millis(500),
};

/// Challenges that a user opens, or an address without a token: each is kept for a day.
pub const CHALLENGES: Quota = Quota {
    burst: 30,
    period: Millis(5000),
};

/// Seeks that a user begins. Each takes several requests to the store.
pub const SEEKS: Quota = Quota {
    burst: 30,
    period: Millis(3000),
};

/// Lines of chat of a user, through all its sockets. In the long run as many as one socket may send.
pub const CHAT: Quota = Quota {
    burst: 10,
    period: Millis(2000),
};

/// The time within which an address may make as many guests anew as it may make at once.
pub const GUESTS_PERIOD_MS: u64 = 3_600_000;

/// Addresses and users whose uses a node counts. Beyond that newcomers are counted in the store only.
pub const MAX_COUNTED: usize = 100_000;

/// How often a full count is looked through for those who have all of their quota again.
pub const COUNT_SWEEP_PERIOD: Duration = Duration::from_secs(1);

/// How long the store may take to say whether somebody may. Then the node's own count decides.
pub const QUOTA_PATIENCE: Duration = Duration::from_millis(250);

/// Sockets and streams of a user on one node: as many windows as anybody has, and a few that are dead already.
pub const MAX_SOCKETS_OF_USER: usize = 20;

/// The part of the sockets, in percent, beyond which nobody is let in who has no token.
pub const ANONYMOUS_PERCENT: usize = 80;

/// The part beyond which nobody is let in who plays no running game.
pub const IDLE_PERCENT: usize = 90;
