//! Every setting: its flag, its variable, its unit and its default. Read once, by `main`.
//!
//! A flag wins over its variable, `ZEITNOT_` and the flag's name in capitals; that over the line of the same name in
//! `zeitnot.toml`; that over the default. All three are read by one parser, so they take the same values and fail
//! with the same words.

mod file;
mod value;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use zeitnot_game::id::UserId;
use zeitnot_game::setup::{DEFAULT_CLAIM_AFTER, DEFAULT_FIRST_MOVE};
use zeitnot_game::time::Millis;

pub use value::{Network, Origin, Secret};

/// The file that is read when none is named; it need not exist.
const DEFAULT_FILE: &str = "zeitnot.toml";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "zeitnot", version, about, args_override_self = true)]
pub struct Cli {
    /// The settings.
    #[command(flatten)]
    pub config: Config,
    /// What to do; without it, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the binary can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serves games until it is told to stop
    Serve,
    /// Says whether a node would start with these settings, and what to do if not
    Check,
    /// Makes keys for signing tokens
    Keys {
        /// What about them.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Prints a token for a user, for scripts and tests
    Token(TokenArgs),
}

/// What can be done about keys.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum KeysCommand {
    /// Prints a JWK Set with a fresh Ed25519 key
    New,
}

/// Whose token, and for how long.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// The user's id, in lower case
    #[arg(long, value_name = "NAME")]
    pub user: UserId,
    /// The name to show; without it, the id
    #[arg(long, value_name = "DISPLAY")]
    pub name: Option<String>,
    /// How long it is good, at most 365d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = value::token_span)]
    pub ttl: Duration,
    /// A scope to write into it, for whoever else reads it: here none is asked for; repeatable
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,
}

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address for HTTP and WebSocket; port 0 picks one
    #[arg(
        long,
        env = "ZEITNOT_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        global = true
    )]
    pub listen: SocketAddr,
    /// Address for the operator's page, metrics and health checks, not for the public
    #[arg(
        long,
        env = "ZEITNOT_INTERNAL_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:9090",
        global = true
    )]
    pub internal_listen: SocketAddr,
    /// Redis to share games with other nodes; without it, they are kept in the data directory
    #[arg(
        long,
        env = "ZEITNOT_REDIS_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    pub redis_url: Option<Secret>,
    /// Certificates in PEM that vouch for a rediss:// server; without it, those that the system trusts
    #[arg(long, env = "ZEITNOT_REDIS_CA", value_name = "FILE", global = true)]
    pub redis_ca: Option<PathBuf>,
    /// Replicas that must have a move before it is answered; what they do not confirm in 250 ms is marked in its answer
    #[arg(
        long,
        env = "ZEITNOT_REDIS_WAIT_REPLICAS",
        value_name = "N",
        default_value_t = 0,
        global = true
    )]
    pub redis_wait_replicas: u32,
    /// What the embedded store survives: a crash of the process (normal) or of the machine (full)
    #[arg(
        long,
        env = "ZEITNOT_EMBEDDED_SYNC",
        value_name = "MODE",
        default_value = "normal",
        global = true
    )]
    pub embedded_sync: EmbeddedSync,
    /// Directory of the embedded store and the generated keys
    #[arg(
        long,
        env = "ZEITNOT_DATA_DIR",
        value_name = "DIR",
        default_value = "./data",
        global = true
    )]
    pub data_dir: PathBuf,
    /// Where people reach this server, for links; without it, what they asked for
    #[arg(long, env = "ZEITNOT_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<Origin>,
    /// Open sockets before further ones are refused
    #[arg(
        long,
        env = "ZEITNOT_MAX_SOCKETS",
        value_name = "N",
        default_value_t = 20_000,
        global = true
    )]
    pub max_sockets: usize,
    /// How long each side has for its first move
    #[arg(long, env = "ZEITNOT_FIRST_MOVE", value_name = "TIME", default_value = "30s", value_parser = value::millis, global = true)]
    pub first_move: Millis,
    /// Base of the wait before the win may be claimed from a player who left
    #[arg(long, env = "ZEITNOT_CLAIM_AFTER", value_name = "TIME", default_value = "40s", value_parser = value::millis, global = true)]
    pub claim_after: Millis,
    /// Form of the log; without it, text on a terminal and json elsewhere
    #[arg(long, env = "ZEITNOT_LOG", value_name = "FORM", global = true)]
    pub log: Option<LogForm>,
    /// File with settings [default: zeitnot.toml, if it exists]
    #[arg(long, env = "ZEITNOT_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Name of this node; without it, the host's and some random letters
    #[arg(long, env = "ZEITNOT_NODE_NAME", value_name = "NAME", value_parser = value::node_name, global = true)]
    pub node_name: Option<String>,
    /// Origin whose pages may use cookies here, beside our own; repeatable
    #[arg(
        long,
        env = "ZEITNOT_ALLOWED_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        global = true
    )]
    pub allowed_origin: Vec<Origin>,
    /// JWK Set with the keys for tokens: the first private one signs, all verify
    #[arg(long, env = "ZEITNOT_JWT_KEYS", value_name = "FILE", global = true)]
    pub jwt_keys: Option<PathBuf>,
    /// JWK Set with the public keys of another issuer whose tokens are good here
    #[arg(
        long,
        env = "ZEITNOT_JWT_ISSUER_KEYS",
        value_name = "FILE",
        global = true
    )]
    pub jwt_issuer_keys: Option<PathBuf>,
    /// That issuer: `iss` of its tokens
    #[arg(long, env = "ZEITNOT_JWT_ISSUER", value_name = "TEXT", global = true)]
    pub jwt_issuer: Option<String>,
    /// Whom its tokens must be for: `aud`
    #[arg(long, env = "ZEITNOT_JWT_AUDIENCE", value_name = "TEXT", global = true)]
    pub jwt_audience: Option<String>,
    /// Address or network of a proxy whose X-Forwarded headers count; repeatable
    #[arg(
        long,
        env = "ZEITNOT_TRUSTED_PROXY",
        value_name = "ADDR[/BITS]",
        value_delimiter = ',',
        global = true
    )]
    pub trusted_proxy: Vec<Network>,
    /// Limits by address and by user; those of a single socket stay in any case
    #[arg(
        long,
        env = "ZEITNOT_RATE_LIMITS",
        value_name = "on|off",
        default_value = "on",
        hide_possible_values = true,
        global = true
    )]
    pub rate_limits: Switch,
    /// New guests that one address may make at once, and in an hour
    #[arg(long, env = "ZEITNOT_GUESTS_PER_ADDRESS", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000), global = true)]
    pub guests_per_address: u32,
    /// Sockets and streams that one address may have on this node
    #[arg(long, env = "ZEITNOT_SOCKETS_PER_ADDRESS", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), global = true)]
    pub sockets_per_address: u32,
    /// How long a finished game is kept
    #[arg(long, env = "ZEITNOT_KEEP_FINISHED", value_name = "TIME", default_value = "30d", value_parser = value::span, global = true)]
    pub keep_finished: Duration,
    /// Over how long sockets are closed after SIGTERM
    #[arg(long, env = "ZEITNOT_DRAIN_WINDOW", value_name = "TIME", default_value = "10s", value_parser = value::span, global = true)]
    pub drain_window: Duration,
}

/// What the embedded store survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EmbeddedSync {
    /// The death of the process loses nothing; that of the machine may lose what was last written.
    Normal,
    /// Nor does the death of the machine.
    Full,
}

/// What is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// Why the settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line or a variable is wrong, or help was asked for: clap knows what to print and how to exit.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The file is.
    #[error("{}: {reason}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Cli {
    /// Reads the command line, the environment and the file.
    ///
    /// # Errors
    /// A value is not what its setting takes, a key in the file is unknown, or the file cannot be read.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, ConfigError> {
        let mut args: Vec<OsString> = args.into_iter().collect();
        let matches = Self::command().try_get_matches_from(&args)?;
        let cli = Self::from_arg_matches(&matches)?;
        let named = cli.config.config;
        let path = named.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let fails = |reason| ConfigError::File {
            file: path.to_owned(),
            reason,
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if named.is_none() && e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(fails(e.to_string())),
        };
        let flags = file::flags(
            &text,
            &Config::augment_args(clap::Command::new("")),
            &matches,
        )
        .map_err(fails)?;
        if flags.is_empty() {
            return Ok(Self::from_arg_matches(&matches)?);
        }
        args.extend(flags);
        let matches = Self::command()
            .try_get_matches_from(&args)
            .map_err(|e| fails(file::reason(&e)))?;
        Ok(Self::from_arg_matches(&matches)?)
    }
}

impl Default for Config {
    /// What stands without any flag, variable or file; for tests.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            redis_url: None,
            redis_ca: None,
            redis_wait_replicas: 0,
            embedded_sync: EmbeddedSync::Normal,
            data_dir: "./data".into(),
            public_url: None,
            max_sockets: 20_000,
            first_move: DEFAULT_FIRST_MOVE,
            claim_after: DEFAULT_CLAIM_AFTER,
            log: None,
            config: None,
            node_name: None,
            allowed_origin: Vec::new(),
            jwt_keys: None,
            jwt_issuer_keys: None,
            jwt_issuer: None,
            jwt_audience: None,
            trusted_proxy: Vec::new(),
            rate_limits: Switch::On,
            guests_per_address: 100,
            sockets_per_address: 100,
            keep_finished: Duration::from_secs(30 * 86_400),
            drain_window: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests;
