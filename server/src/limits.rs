//! Every bound of the server, with its unit and its reason. What an operator sets is in [`crate::config`]; what bounds
//! a game itself is in `zeitnot_game::limits`.

use std::time::Duration;

/// Entries that one append may write: a move, an offer with it, an end.
pub const MAX_EVENTS_PER_APPEND: usize = 4;

/// Appends that wait for a room that follows a game, before it has to read the log instead.
pub const FOLLOW_QUEUE: usize = 64;

/// How long one request to the store may take.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the games that nobody follows any more are forgotten. Until then one costs a channel and a subscription.
pub const SWEEP_PERIOD: Duration = Duration::from_secs(5);

/// Writes that wait for the embedded store's writer. More than it commits within [`STORE_TIMEOUT`] would time out.
pub const WRITE_QUEUE: usize = 4096;

/// Writes that the embedded store commits at once: beyond it a commit costs nothing per write any more.
pub const COMMIT_BATCH: usize = 256;

/// Connections on which the embedded store reads, beside the one that writes. Reads are rare and quick.
pub const READ_CONNECTIONS: u32 = 2;

/// How often the embedded store's play clock is saved while nothing is written: a crash takes back at most so much.
pub const CLOCK_SAVE_PERIOD: Duration = Duration::from_secs(1);

/// How often a node asks Redis for its time, to estimate the play clock.
pub const TIME_SAMPLE_PERIOD: Duration = Duration::from_secs(1);

/// The round trip above which an answer about the time is not believed: the estimate would be off by half of it.
pub const MAX_SAMPLE_ROUND_TRIP: Duration = Duration::from_millis(100);

/// The first wait before another try to connect to Redis, in milliseconds; it doubles from try to try.
pub const MIN_RECONNECT_DELAY_MS: u32 = 50;

/// The longest wait before another try to connect to Redis, in milliseconds: an outage ends for us that much later.
pub const MAX_RECONNECT_DELAY_MS: u32 = 500;

/// The random part of the wait before another try to connect to Redis, in milliseconds, so that nodes come one by one.
pub const RECONNECT_JITTER_MS: u32 = 50;

/// Messages from Redis that wait for this node to hand them on. More means that every followed game is read.
pub const REDIS_PUSH_QUEUE: usize = 65_536;

/// Subscriptions that are on their way at the same time: 10,000 take about 50 ms then.
pub const SUBSCRIBES_IN_FLIGHT: usize = 1000;

/// How long to wait before subscriptions that failed are tried again.
pub const SUBSCRIBE_RETRY: Duration = Duration::from_millis(200);
