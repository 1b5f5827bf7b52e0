//! Every bound of the server, with its unit and its reason. What an operator sets is in [`crate::config`]; what bounds
//! a game itself is in `zeitnot_game::limits`.

mod http;
mod quotas;
mod sockets;

use std::time::Duration;

use zeitnot_game::time::Millis;

pub use http::*;
pub use quotas::*;
pub use sockets::*;

/// What waits for a room that follows a game, appends and all else that it is told, before it has to read instead.
pub const FOLLOW_QUEUE: usize = 16;

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

/// The round trip above which an answer about the time is not believed: the estimate would be off by half of it.
pub const MAX_SAMPLE_ROUND_TRIP: Duration = Duration::from_millis(100);

/// The first wait before another try to connect to Redis, in milliseconds; it doubles from try to try.
pub const MIN_RECONNECT_DELAY_MS: u32 = 50;

/// The longest wait before another try to connect to Redis, in milliseconds: an outage ends for us that much later.
pub const MAX_RECONNECT_DELAY_MS: u32 = 500;

/// The random part of the wait before another try to connect to Redis, in milliseconds, so that nodes come one by one.
pub const RECONNECT_JITTER_MS: u32 = 50;

/// How long a server of Redis may take to let this node in and to take its scripts. Longer than what is asked of it later,
/// since there is no other way then.
pub const REDIS_WELCOME: Duration = Duration::from_secs(5);

/// Messages from Redis that wait for this node to hand them on. More means that every followed game is read. Each takes a
/// kilobyte of memory, waiting or not.
pub const REDIS_PUSH_QUEUE: usize = 16_384;

/// Subscriptions that are on their way at the same time: 10,000 take about 50 ms then.
pub const SUBSCRIBES_IN_FLIGHT: usize = 1000;

/// How long to wait before subscriptions that failed are tried again.
pub const SUBSCRIBE_RETRY: Duration = Duration::from_millis(200);

// Tokens and names.

/// Characters of a name that is shown.
pub const MAX_DISPLAY_NAME: usize = 20;

/// How long a guest's token and a renewed one is good.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The longest life of any token, those of scripts included: one year.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);

/// Seconds by which the clocks of who made a token and of the store may differ.
pub const TOKEN_LEEWAY_SECS: u64 = 10;

/// Bytes of a token that is looked at. Ours have about 400.
pub const MAX_TOKEN_LEN: usize = 4096;

/// Bytes of a key's name in a token.
pub const MAX_KID_LEN: usize = 64;

/// Bytes of a token's own id.
pub const MAX_JTI_LEN: usize = 64;

/// Bytes of a token's scopes.
pub const MAX_SCOPE_LEN: usize = 512;

/// Keys in use at a time: the next, the current, some previous ones.
pub const MAX_JWT_KEYS: usize = 16;

/// Bytes of a secret for HS256, as many as its hash has (RFC 7518, 3.2).
pub const MIN_SECRET_LEN: usize = 32;

/// Bits of an RSA key: fewer are broken (RFC 7518, 3.3), more cost too much at each request.
pub const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The longest time that a token of another issuer may still be good, and may be good at all.
pub const MAX_ISSUED_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Bytes of a user's name at another issuer: `sub`, as OpenID Connect bounds it.
pub const MAX_SUBJECT_LEN: usize = 255;

// Challenges, and the end of a node.

/// How long a challenge stays open.
pub const CHALLENGE_LIFETIME_MS: u64 = 24 * 3600 * 1000;

/// How often another id is drawn for a challenge whose id is taken.
pub const MAX_ID_DRAWS: usize = 5;

/// How long tasks may take to end after they were told to.
pub const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

// Rooms.

/// Messages that wait for a room; more wait at their senders.
pub const ROOM_MAILBOX: usize = 256;

/// How often a room is opened again that ended just when it was found.
pub const ROOM_TRIES: usize = 3;

/// How long a room stays open after the last follower or command.
pub const ROOM_LINGER: Duration = Duration::from_secs(30);

/// Commands that wait for the one before them in a game.
pub const COMMAND_QUEUE: usize = 8;

/// How often a command is decided on: others may be faster, the time may be up.
pub const MAX_DECISIONS: usize = 8;

/// How long a command goes on asking a store that does not answer.
pub const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two such questions.
pub const STORE_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The pause before a room reads a log again that the store did not give.
pub const READ_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// How long after its moment a flag is called, so that a move which came in time is first.
pub const FLAG_SLACK: Millis = Millis(50);

/// The pause before a room looks at an overdue clock again.
pub const FLAG_RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The minute, since 1970, from which the ids of games count: 2026 began. Four characters last for 28 years.
pub const ID_EPOCH_MINUTE: u64 = 29_453_760;

/// Characters of the machine's name in a node's own.
pub const MAX_NODE_NAME: usize = 40;

// What must be looked at, and people.

/// How long after its moment a game is handed out that nobody looked at.
pub const DUE_GRACE: Duration = Duration::from_millis(200);

/// After how long it is handed out again. With two rounds of ticks and twice [`DUE_GRACE`] it makes less than the 7 s in
/// which a flag is called though the node that was handed the game dies as well.
pub const DUE_RETRY: Duration = Duration::from_millis(4500);

/// Games that are handed out at once.
pub const DUE_BATCH: usize = 50;

/// How often the play clock ticks.
pub const TICK_PERIOD: Duration = Duration::from_secs(1);

/// How old the last tick may be with which an append is sent, and the gap between ticks that counts as an outage. The
/// embedded store ticks with its commits.
pub const MAX_TICK_AGE: Duration = Duration::from_secs(2);

/// What the play clock counts of an outage of the store.
pub const COUNTED_OUTAGE: Duration = Duration::from_secs(1);

/// How long the store may be silent before players are told.
pub const STORE_SILENCE: Duration = Duration::from_secs(2);

/// Lines of chat that are kept of each room.
pub const CHAT_LINES: usize = 50;

/// Running games that are noted of a user.
pub const MAX_PLAYING: usize = 100;

/// Texts that wait for a socket's own follower, before it has to look instead. Each socket keeps the room for them.
pub const USER_QUEUE: usize = 2;

/// Tokens that may be revoked at a time.
pub const MAX_REVOKED: usize = 100_000;

/// After how many milliseconds a game is looked at that was just created or agreed on, if nobody told its players yet.
pub const START_RETRY_MS: u64 = 2000;

/// When a game is looked at again that this build cannot read.
pub const UNREADABLE_RETRY: Millis = Millis(60_000);

/// Characters of a line of chat.
pub const MAX_CHAT_TEXT: usize = 140;

/// Bytes of a client's mark for its line of chat.
pub const MAX_CHAT_KEY: usize = 16;

/// Characters of a word of a client that an error quotes.
pub const MAX_QUOTED: usize = 20;

/// Up to so many spectators of a game are told by whoever tells the players; more of them by a thread of their own.
pub const SMALL_CROWD: usize = 64;

/// So many spectators are told in a row, while others wait to join or leave.
pub const FANOUT_CHUNK: usize = 256;

/// What waits to be told to large crowds, of all games together. Beyond that a crowd skips to a snapshot.
pub const FANOUT_JOBS: usize = 4096;

/// How often spectators that fell behind are offered the latest snapshot.
pub const SPECTATOR_CATCH_UP: Duration = Duration::from_millis(250);

/// How often a log is read in a row until it fits: its end, the whole of it, once more, and as often when it has healed.
pub const MAX_READS: usize = 6;

/// Looks, lines of chat and the like that a room does beside its commands, and followers who wait for a look; more are refused.
pub const MAX_ASIDE: usize = 64;

/// Pings of one socket that wait for their echo; an echo that comes later than so many of them measures nothing.
pub const MAX_PINGS: usize = 4;

/// How long no master may have answered before a node says that it should get no traffic.
pub const READY_SILENCE: Duration = Duration::from_secs(3);

/// How often the counters are looked at for the operator's page.
pub const SAMPLE_PERIOD: Duration = Duration::from_secs(1);

/// How many of these looks the page shows.
pub const SAMPLES: usize = 60;

/// An answer that takes longer is felt by who plays: the operator's page says so.
pub const SLOW_ANSWER: Duration = Duration::from_millis(250);

// The Redis store's own.

/// How long an answer waits for the replicas that were asked for.
pub const REPLICA_PATIENCE: Duration = Duration::from_millis(250);

/// Answers that wait for the replicas of one server; more are given without.
pub const REPLICA_QUEUE: usize = 4096;

/// For how long a node that is gone stands on the operators' page.
pub const GONE_NODES_SHOWN: Duration = Duration::from_secs(10 * 60);

/// A tick this soon after the last one of any node moves nothing.
pub const SAME_TICK: Duration = Duration::from_millis(500);

/// Parts into which the buckets are divided, which tick one after the other within [`TICK_PERIOD`]. More parts cost more:
/// 1 takes 1.1 % of Redis' core for three nodes, 4 take 1.1 %, 16 take 1.7 %.
pub const TICK_SLICES: u32 = 4;

/// Buckets that are ticked at a time; where they need not be in one slot, by one request. The server does nothing else
/// meanwhile: 0.15 ms, with the lengths of four logs in each.
pub const TICKS_AT_ONCE: usize = 16;

/// A bucket with nothing to look at ticks every so many rounds; it is one after as many ticks found nothing.
pub const IDLE_TICK_ROUNDS: usize = 10;

/// Overdue games that wait for this node to look at them. What does not fit is left to others, or comes again.
pub const DUE_QUEUE: usize = 256;

/// How long chat stays that was said just when its game was forgotten.
pub const STRAY_CHAT_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How often a node makes sure that it has heard of every revoked token.
pub const REVOKED_PERIOD: Duration = Duration::from_secs(3);

/// Revoked tokens that are read at once, as Redis wants to be told: `COUNT`.
pub const REVOKED_PAGE: &str = "1000";

/// Games that this node settles at once: more would wait for the store only, each with a room of its own.
pub const MAX_SETTLING: usize = 64;

/// For how long a bucket heals that another Redis process has taken over: nodes that saw more than it has complete its
/// logs then, and play time stands still.
pub const HEALING: Duration = Duration::from_secs(2);

/// How long no flag is called after an outage of the store: players who were cut off come back first.
pub const FLAG_PAUSE_AFTER_LOSS: Duration = Duration::from_secs(1);

/// How long an ended game is remembered to a store that lost it altogether.
pub const HEAL_ENDED: Millis = Millis(600_000);

/// Tries of a request that needs to know the store's time: another process may have taken over, the time may be old.
pub const DATED_TRIES: usize = 3;

/// Rounds of ticks after which the lengths of the followed logs are looked at: an append whose message was lost is found
/// so, whatever the reason.
pub const LENGTHS_ROUNDS: usize = 3;

/// How long an entry may be on its way that a log is known to have, before the log is read for it.
pub const LENGTH_GRACE: Duration = Duration::from_millis(250);

/// Lengths that one tick asks for: more would hold Redis up.
pub const LENGTHS_A_TICK: usize = 200;

/// How long what a tick publishes for its own node may be on its way, before the subscription counts as dead.
pub const PROBE_SILENCE: Duration = Duration::from_secs(3);

/// How often sentinels are asked where the master is, and for how long. Less than [`HEALING`] together, so that the last node
/// to hear of a new one can still give that what it lacks.
pub const MASTER_LOOK_PERIOD: Duration = Duration::from_millis(800);

/// How often the map of a Redis cluster is looked at.
pub const MAP_PERIOD: Duration = Duration::from_secs(5);

/// The pause between two looks at it, whatever happens.
pub const MAP_PAUSE: Duration = Duration::from_millis(200);

/// How long the store may be silent before sockets of players are closed: another node may hear it.
pub const PLAYERS_LEAVE_AFTER: Duration = Duration::from_secs(5);

// Who is at a game.

/// After how much play time a node counts as gone that does not renew its lease, which it does once in [`TICK_PERIOD`].
pub const NODE_LEASE: Duration = Duration::from_secs(5);

/// How long it is remembered that a node is gone: longer than what it noted may lie about.
pub const GONE_NODES_LIFETIME: Duration = Duration::from_secs(2 * 3600);

/// Nodes that are remembered, living or gone.
pub const MAX_NODES: usize = 128;

/// How long the store remembers who was at a game and when they left, if nobody looks.
pub const SEATS_LIFETIME: Duration = Duration::from_secs(3600);

/// How often a node looks at who is at a running game that it has a player of: a change whose message was lost is found
/// so.
pub const SEATS_REFRESH: Duration = Duration::from_secs(15);

/// The same where only spectators are: often enough that they are not forgotten.
pub const WATCHERS_REFRESH: Duration = Duration::from_secs(900);

/// The pause before who is at a game is noted again that the store did not take, or that others took back.
pub const SEATS_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// After how much silence a player counts as away. Two pings must have got no answer.
pub const SEAT_SILENCE: Duration = Duration::from_secs(8);

/// How long a player stays at the table whose line broke, and who may come back by another one: as long as after the death
/// of a node.
pub const SEAT_GRACE: Duration = Duration::from_secs(5);

/// How often a node notes and tells how many watch a game.
pub const CROWD_PERIOD: Duration = Duration::from_secs(1);

/// So many watch who are counted less often.
pub const LARGE_CROWD: u32 = 1000;

/// How often the watchers are counted where there are more than [`LARGE_CROWD`].
pub const LARGE_CROWD_PERIOD: Duration = Duration::from_secs(5);

// Seeks.

/// Users who wait in one pool. They are of one color then, or none would wait.
pub const MAX_POOL: usize = 200;

/// Seeks that the lobby shows.
pub const SEEKS_SHOWN: usize = 100;

/// How long a seek lasts that nobody renews, because its node or its line is gone.
pub const SEEK_LIFETIME: Duration = Duration::from_secs(10);

/// How often a socket renews its seek.
pub const SEEK_RENEWAL: Duration = Duration::from_secs(3);

/// How often an opponent is looked for in a row who is still there.
pub const SEEK_TRIES: usize = 5;

/// How often the lobby's list is looked at where somebody follows it.
pub const LOBBY_PERIOD: Duration = Duration::from_secs(1);

/// Changes of the lobby's list that wait for a socket; more means that it gets the list again.
pub const LOBBY_QUEUE: usize = 8;
