//! What bounds a request over HTTP, its connection and its stream.

use std::time::Duration;

/// Bytes of a request's body.
pub const MAX_BODY: usize = 16 * 1024;

/// How long a request's body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request's headers may take to arrive, and a connection may be idle.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers of a request.
pub const MAX_HEADERS: usize = 64;

/// Bytes of a request's headers, and of what is read ahead.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Connections at a time that have not become sockets.
pub const MAX_HTTP_CONNECTIONS: usize = 10_000;

/// The same of one address. A page takes six at most, so that is a large school.
pub const MAX_CONNECTIONS_OF_ADDRESS: usize = 1000;

/// How long nothing is accepted after the system had no more file descriptors to give.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a request goes on asking a store that does not answer.
pub const HTTP_PATIENCE: Duration = Duration::from_millis(1500);

/// The pause between two such questions.
pub const HTTP_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Running games of a user that one answer shows, unless more are asked for.
pub const PLAYING_SHOWN: usize = 9;

/// Running games of a user that one answer shows at most.
pub const MAX_PLAYING_SHOWN: usize = 50;

/// Games that one request looks at at a time.
pub const LOOKS_AT_ONCE: usize = 8;

/// Frames that a stream is given when it comes back; after more it begins with the snapshot.
pub const MAX_RESUMED: u32 = 30;

/// How often a stream says something, so that whoever is between does not think it dead, and looks at its token.
pub const STREAM_PERIOD: Duration = Duration::from_secs(5);

/// When a client is asked to come back after its stream has ended, in milliseconds.
pub const STREAM_RETRY_MS: u64 = 1000;

/// How long a request may wait for the next entry, in seconds.
pub const MAX_POLL_WAIT_SECS: u64 = 60;

/// How long it waits if it does not say, in seconds.
pub const POLL_WAIT_SECS: u64 = 25;
