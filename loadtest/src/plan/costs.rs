//! What one of each thing costs, as `BENCHMARKS.md` has it: times in µs of a core, memory and frames in bytes. Whoever measures
//! anew writes it here, and the test in `model.rs` says whether the model still holds.

/// The relay at two rates, by `make bench-relay`: two nodes that both follow each game, two sockets and one game for two moves
/// a second. From two rates follow the cost of a move and that of a second in which nothing happens. In the same hour as
/// [`PLAY`], means of two runs.
pub(super) const RELAY: [Relay; 2] = [
    Relay {
        rate: 200.0,
        nodes: 166.0,
        redis: 86.3,
    },
    Relay {
        rate: 2000.0,
        nodes: 120.0,
        redis: 47.9,
    },
];

/// One rate of the relay.
pub(super) struct Relay {
    /// Moves a second.
    pub(super) rate: f64,
    /// CPU of both nodes a move.
    pub(super) nodes: f64,
    /// CPU of Redis a move.
    pub(super) redis: f64,
}

/// Sockets of the relay for each move a second, and games.
pub(super) const RELAY_SOCKETS: f64 = 1.0;
pub(super) const RELAY_GAMES: f64 = 0.5;

/// Nodes of the relay.
pub(super) const RELAY_NODES: f64 = 2.0;

/// A socket that follows a game, for a second, by `make bench-idle ARGS="--games 15000"`.
pub(super) const SOCKET_SECOND: f64 = 4.2;

/// Seconds from one heartbeat to the next there.
pub(super) const HEARTBEAT: f64 = 5.0;

/// A frame to a spectator, by `make bench-watch`.
pub(super) const SPECTATOR_FRAME: f64 = 12.2;

/// A game in which nobody moves, for a second and each node that follows it, by `make bench-redis`: 1.42 % of a core for 1,000
/// games at three nodes, less 0.41 % without games.
pub(super) const REDIS_GAME_SECOND: f64 = 3.4;

/// To begin a game, by `make bench-lobby`: two seeks.
pub(super) const GAME_NODES: f64 = 2000.0;
pub(super) const GAME_REDIS: f64 = 1000.0;

/// Memory of a socket that follows a game, and of a game on a node, by `make bench-idle` with `--games 100` and `--games 15000`.
pub(super) const SOCKET_BYTES: f64 = 5252.0;
pub(super) const REPLICA_BYTES: f64 = 11_903.0 - 5252.0;

/// Of a game in Redis, by `make bench-redis` (80 plies): its log a ply, the rest while it goes on, and what stays of that.
pub(super) const LOG_BYTES_A_PLY: f64 = 2203.0 / 80.0;
pub(super) const RUNNING_GAME_BYTES: f64 = 304.0 + 152.0 + 77.0;
pub(super) const ENDED_GAME_BYTES: f64 = 77.0;

/// Bytes on the wire, by `wc -L` of the messages in `server/game/tests/data/wire`, with 60 of TCP, IP and the WebSocket's own: a
/// move to somebody; a move and its answer; a heartbeat of a player and the server's ping; their answers.
pub(super) const MOVE_FRAME: f64 = 293.0 + 60.0;
pub(super) const OWN_ANSWER: f64 = 43.0 + 60.0;
pub(super) const CLIENT_MOVE: f64 = 90.0 + 60.0;
pub(super) const HEARTBEAT_OUT: f64 = 64.0 + 8.0 + 2.0 * 60.0;
pub(super) const HEARTBEAT_IN: f64 = 30.0 + 8.0 + 2.0 * 60.0;

/// Bytes between nodes and Redis: an append with its answer, and what each node that follows the game is told.
pub(super) const APPEND: f64 = 600.0;
pub(super) const PUBLISHED: f64 = 250.0;

/// A node without sockets, over Redis: `VmRSS` in `/proc/PID/status` at rest.
pub(super) const NODE_BYTES: f64 = (52 << 20) as f64;

/// A run that the costs are not from.
pub(super) struct Run {
    pub(super) name: &'static str,
    pub(super) nodes_count: u32,
    pub(super) games: f64,
    pub(super) spectators: f64,
    pub(super) moves: f64,
    /// Games that began in a second.
    pub(super) begun: f64,
    /// Measured, a move.
    pub(super) nodes: f64,
    pub(super) redis: f64,
}

/// By `make bench-play ARGS="--games 1000"` (367 ended in 30 s, and as many began), the mean of two runs.
pub(super) const PLAY: Run = Run {
    name: "make bench-play, 974 moves/s",
    nodes_count: 2,
    games: 1000.0,
    spectators: 1.0,
    moves: 974.0,
    begun: 367.0 / 30.0,
    nodes: 195.0,
    redis: 70.0,
};

/// By `make bench-steps`: nearly all of two cores that nobody else used, where a move is cheap, since much is done at once.
pub(super) const BUSY: Run = Run {
    name: "make bench-steps, 10,125 moves/s",
    nodes_count: 2,
    games: 5062.0,
    spectators: 0.0,
    moves: 10_125.0,
    begun: 0.0,
    nodes: 92.8,
    redis: 26.9,
};

/// For who reads the plan.
pub(super) const SOURCES: [(&str, &str); 6] = [
    (
        "make bench-relay",
        "a move, and a second of a node in which nothing happens",
    ),
    (
        "make bench-idle",
        "sockets and games in the memory of a node, heartbeats",
    ),
    ("make bench-watch", "frames to spectators"),
    ("make bench-redis", "games in Redis"),
    ("make bench-lobby", "games that begin"),
    (
        "PROTOCOL.md's messages",
        "bytes on the wire; those inside are estimated",
    ),
];
