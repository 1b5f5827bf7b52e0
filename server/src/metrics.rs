//! Every metric of a node: its name, what it says, its type. What counts takes a handle of [`METRICS`], each of which
//! is made once; to count is an atomic addition and allocates nothing.
//!
//! One set a process. No label carries an id, an address or a name, and every label has the values that stand here.

mod histogram;
mod labels;
mod process;

use std::sync::LazyLock;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use zeitnot_game::event::Command;
use zeitnot_game::wire::ErrorCode;

pub use prometheus_client::metrics::gauge::Gauge;

pub use histogram::{Buckets, Histogram};
pub use labels::{By, Label, Labels};
use process::Process;

/// What is printed before every name.
const PREFIX: &str = "zeitnot";

/// The media type of [`Metrics::print`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Those of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

/// The fields, each with its name behind the prefix and what it says. Counters are printed with `_total` behind that.
macro_rules! metrics {
    ($($field:ident: $type:ty = $name:literal, $says:literal;)*) => {
        /// What is counted.
        #[derive(Debug)]
        pub struct Metrics {
            $(#[doc = $says] pub $field: $type,)*
            registry: Registry,
        }

        impl Default for Metrics {
            fn default() -> Self {
                let mut registry = Registry::with_prefix(PREFIX);
                $(
                    let $field = <$type>::default();
                    registry.register($name, $says, $field.clone());
                )*
                registry.register_collector(Box::new(Process));
                Self { $($field,)* registry }
            }
        }
    };
}

metrics! {
    sockets: Gauge = "sockets", "WebSockets that are open";
    streams: Gauge = "streams", "HTTP requests that follow a game, as events or by long polling";
    rooms: Gauge = "rooms", "Games that this node has in memory, because somebody here follows or plays them";
    silent_buckets: Gauge = "store_silent_buckets", "Buckets of the store, of 256, whose master does not answer";
    draining: Gauge = "draining", "1 while the node leaves and takes nobody new";
    messages: Counter = "messages_received", "Text frames from clients";
    frames: Counter = "frames_sent", "Frames written to WebSockets";
    commands: By<(CommandKind, Answer), Counter> = "commands", "Commands of clients, by what became of them";
    command_seconds: By<CommandKind, Histogram> = "command_duration_seconds", "Time from a command's arrival to its answer";
    refusals: By<ErrorCode, Counter> = "refusals", "Messages and requests that were refused, by the code that they got";
    sockets_closed: By<CloseKind, Counter> = "sockets_closed", "WebSockets that ended, by the reason; too_slow is who did not read what was sent";
    sockets_refused: By<NoPlace, Counter> = "sockets_refused", "WebSockets and streams that found no place, by what was full: the node, what it leaves to those who have no token or play no running game, what an address or a user may have";
    over_quota: By<Limited, Counter> = "over_quota", "Requests and messages beyond what an address or a user may do in a time, by what they were";
    counted_alone: Counter = "quotas_counted_alone", "Times that the store did not say in time whether an address or a user may, so that this node's own count decided";
    connections: Counter = "connections_accepted", "Connections, to both listeners";
    connections_refused: Counter = "connections_refused", "Connections that were closed at once, because their address had enough";
    accept_failures: Counter = "connections_failed", "Connections that could not be accepted, mostly for want of file descriptors";
    tokens_refused: By<BadToken, Counter> = "tokens_refused", "Tokens that were refused, by what was wrong";
    key_reloads: By<Reload, Counter> = "key_reloads", "Times that the key files were read again after SIGHUP";
    appends: By<AppendKind, Counter> = "store_appends", "Appends that were sent to the store, by what became of them";
    append_seconds: Histogram = "store_append_duration_seconds", "Time until an append was answered or heard, or the store failed";
    unreplicated: Counter = "unreplicated_answers", "Commands that were answered though fewer replicas than --redis-wait-replicas had confirmed them in time";
    healed_entries: Counter = "healed_entries", "Log entries that this node gave back to a store that had lost them";
    resets: Counter = "replica_resets", "Games that began again here because the log of the store was another one";
    resyncs: Counter = "resyncs", "Games whose log was looked at because messages may have been missed";
    missed_entries: Counter = "missed_entries", "Log entries that this node found in the log of a game that it follows, and had not been told of";
    lost_probes: Counter = "store_probes_lost", "Probes of a subscription that did not come back in time";
    due: Counter = "due_games", "Games that the store handed to this node to look at";
    flag_delay_seconds: Histogram = "flag_delay_seconds", "Time between the end of a player's time and the stamp of the entry that says so; its count is the flags that this node called";
    skips: Counter = "spectator_skips", "Times that a spectator who read too slowly was given the latest snapshot instead";
}

impl Metrics {
    /// All of them as OpenMetrics text, which Prometheus reads.
    #[must_use]
    pub fn print(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("a string takes every text");
        out
    }
}

/// Adds to a gauge for as long as it lives.
#[derive(Debug)]
pub struct Counted(&'static Gauge);

impl Counted {
    /// One more.
    #[must_use]
    pub fn among(gauge: &'static Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A label: its name, and a word for each of its values.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident = $label:literal { $($variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the words say it")]
        pub enum $name { $($variant,)* }

        impl Label for $name {
            const NAME: &'static str = $label;
            const VALUES: &'static [&'static str] = &[$($value,)*];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label! {
    /// What a client wants.
    CommandKind = "kind" {
        Move = "move",
        Resign = "resign",
        Abort = "abort",
        Draw = "draw",
        Takeback = "takeback",
        Rematch = "rematch",
        GiveTime = "give_time",
        Claim = "claim",
        Watch = "watch",
        Say = "say",
    }
}

label! {
    /// What it gets.
    Answer = "result" {
        Ok = "ok",
        Refused = "refused",
        Unavailable = "unavailable",
    }
}

label! {
    /// What became of an append.
    AppendKind = "result" {
        Committed = "committed",
        Stale = "stale",
        Early = "early",
        Unavailable = "unavailable",
    }
}

label! {
    /// Why a socket ended.
    CloseKind = "reason" {
        Gone = "gone",
        Binary = "binary",
        Garbled = "garbled",
        TooLarge = "too_large",
        RateLimited = "rate_limited",
        Restart = "restart",
        TooSlow = "too_slow",
        CutOff = "cut_off",
        Expired = "expired",
        Silent = "silent",
    }
}

label! {
    /// What has no room for one more socket.
    NoPlace = "reason" {
        Node = "node",
        Reserved = "reserved",
        Address = "address",
        User = "user",
    }
}

label! {
    /// What an address or a user does.
    Limited = "what" {
        Guests = "guests",
        Anonymous = "anonymous",
        Requests = "requests",
        Upgrades = "upgrades",
        Challenges = "challenges",
        Seeks = "seeks",
        Chat = "chat",
    }
}

label! {
    /// What is wrong with a token.
    BadToken = "reason" {
        Malformed = "malformed",
        UnknownKey = "unknown_key",
        Forged = "forged",
        Claims = "claims",
        Early = "early",
        Expired = "expired",
        Revoked = "revoked",
    }
}

label! {
    /// What became of new key files.
    Reload = "result" {
        Taken = "taken",
        Refused = "refused",
    }
}

impl From<&Command> for CommandKind {
    fn from(command: &Command) -> Self {
        match command {
            Command::Play { .. } => Self::Move,
            Command::Resign => Self::Resign,
            Command::Abort => Self::Abort,
            Command::Draw(_) => Self::Draw,
            Command::Takeback(_) => Self::Takeback,
            Command::Rematch(..) => Self::Rematch,
            Command::GiveTime => Self::GiveTime,
            Command::Claim { .. } => Self::Claim,
        }
    }
}

impl Label for ErrorCode {
    const NAME: &'static str = "code";
    const VALUES: &'static [&'static str] = &[
        "bad_request",
        "unauthorized",
        "bad_credentials",
        "forbidden",
        "not_found",
        "name_taken",
        "conflict",
        "not_your_turn",
        "illegal_move",
        "stale",
        "game_over",
        "not_allowed",
        "too_large",
        "rate_limited",
        "unavailable",
    ];

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_printed_as_on_the_wire() {
        for (place, word) in ErrorCode::VALUES.iter().enumerate() {
            let code: ErrorCode = serde_json::from_value((*word).into()).unwrap();
            assert_eq!(code.index(), place, "{word}");
        }
    }

    #[test]
    fn every_value_of_a_label_is_printed_before_it_is_counted() {
        let metrics = Metrics::default();
        metrics
            .commands
            .at((CommandKind::Draw, Answer::Refused))
            .inc();
        let text = metrics.print();
        for line in [
            "zeitnot_commands_total{kind=\"draw\",result=\"refused\"} 1",
            "zeitnot_commands_total{kind=\"say\",result=\"ok\"} 0",
            "zeitnot_refusals_total{code=\"rate_limited\"} 0",
            "zeitnot_command_duration_seconds_bucket{le=\"+Inf\",kind=\"move\"} 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
