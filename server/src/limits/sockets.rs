//! What bounds a socket, and what waits for it.

use std::time::Duration;

/// Frames that wait for a follower.
pub const OUTBOX_FRAMES: usize = 64;

/// Bytes of the frames that wait for a follower.
pub const OUTBOX_BYTES: usize = 256 * 1024;

/// Bytes of a frame from a client.
pub const MAX_FRAME: usize = 4096;

/// Bytes that a socket reads ahead, more than nearly all messages have. Most sockets are idle, and each keeps its buffer.
pub const SOCKET_READ_BUFFER: usize = 512;

/// Bytes that a socket gathers before it writes.
pub const SOCKET_WRITE_BUFFER: usize = 1024;

/// Bytes that wait to be written, answers to pings included; a client that never reads holds no more.
pub const SOCKET_WRITE_BUFFER_MAX: usize = 256 * 1024;

/// How long one write to a socket may take.
pub const SOCKET_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to leave after it was told to.
pub const SOCKET_GOODBYE: Duration = Duration::from_secs(2);

/// Frames that are written to a socket at once.
pub const FRAMES_A_WRITE: usize = 16;

/// Games that a socket watches at once.
pub const MAX_WATCHED: usize = 64;

/// Messages of a socket that wait for their answer; it is not read from while there are more.
pub const MAX_PENDING: usize = 32;

/// How often a client is asked to send `ping`.
pub const CLIENT_PING_PERIOD: Duration = Duration::from_secs(5);

/// How long nothing comes from a client until the server pings it, and how often then.
pub const SOCKET_PING_PERIOD: Duration = Duration::from_secs(5);

/// The same for a socket with a seat in a game.
pub const SOCKET_PING_PERIOD_AT_PLAY: Duration = Duration::from_secs(3);

/// How long the next ping of a client is waited for that plays nothing and pings by itself: a second longer than it should
/// take, so that the two do not cross each time.
pub const CLIENT_PING_PATIENCE: Duration =
    CLIENT_PING_PERIOD.saturating_add(Duration::from_secs(1));

/// How often the round trip of a player is measured, by a ping, where something always comes.
pub const ROUND_TRIP_PERIOD: Duration = Duration::from_secs(10);

/// The pause between two looks at what a user plays, where the store did not answer.
pub const LOOK_PAUSE: Duration = Duration::from_secs(3);

/// Sockets are pinged together, so often at most: a node with little to do wakes up for many of them at a time, and what is
/// sent at once takes it a few milliseconds for the thousands that it may have.
pub const SOCKET_BEAT: Duration = Duration::from_millis(50);

/// How long nothing may come from a client.
pub const SOCKET_SILENCE: Duration = Duration::from_secs(15);

/// When to try again where a node has no room for another socket.
pub const SOCKET_RETRY_AFTER: Duration = Duration::from_secs(5);

/// So many messages in so many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub messages: u8,
    /// In which time, in milliseconds.
    pub span_ms: u32,
}

/// Moves and game commands of a socket. The fastest players make five moves in a second, and never for long.
pub const GAME_RATE: Rate = Rate {
    messages: 100,
    span_ms: 20_000,
};

/// Lobby messages of a socket: one a second is more than anybody chooses among.
pub const LOBBY_RATE: Rate = Rate {
    messages: 30,
    span_ms: 30_000,
};

/// Lines of chat of a socket: more is not read.
pub const CHAT_RATE: Rate = Rate {
    messages: 5,
    span_ms: 10_000,
};

/// Refused messages with which a socket is closed: who goes on after so many answers does not read them.
pub const REFUSAL_RATE: Rate = Rate {
    messages: 20,
    span_ms: 10_000,
};
