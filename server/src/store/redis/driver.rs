//! The driver's settings, each on purpose, and the check at start that a server is fit to keep games.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, Server, ServerConfig, TcpConfig,
    UnresponsiveConfig,
};
use fred::types::{Builder, ClusterHash, CustomCommand, InfoKind, RespVersion};
use tokio::time::timeout;

use super::{ConnectError, tls};
use crate::limits::{
    MAX_RECONNECT_DELAY_MS, MIN_RECONNECT_DELAY_MS, RECONNECT_JITTER_MS, REDIS_PUSH_QUEUE,
    REDIS_WELCOME, STORE_TIMEOUT,
};

/// Sharded channels came with it.
const MIN_MAJOR_VERSION: u32 = 7;

/// Which servers there are.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// One takes all writes. It may be found by asking sentinels.
    Single(Access),
    /// Several share the slots; some of them are known, and how to reach any.
    Cluster { seeds: Vec<Server>, access: Access },
}

impl Layout {
    /// Reads `redis://…`, `rediss://…`, `redis+unix://…`, `redis-sentinel://…` or `redis-cluster://…`.
    pub(super) fn parse(url: &str, authorities: Option<&Path>) -> Result<Self, ConnectError> {
        let mut config = match authorities {
            None => Config::from_url(url).map_err(ConnectError::Url)?,
            Some(file) => {
                // Without the second `s` the driver does not look for the system's certificates, which may be none.
                let rest = url.strip_prefix("rediss").ok_or(ConnectError::NoTls)?;
                let plain = format!("redis{rest}");
                let mut config = Config::from_url(&plain).map_err(ConnectError::Url)?;
                config.tls =
                    Some(
                        tls::trusting(file).map_err(|source| ConnectError::Authorities {
                            file: file.to_owned(),
                            source,
                        })?,
                    );
                config
            }
        };
        // What our scripts reply has the same shape in both, and the driver was measured with this one.
        config.version = RespVersion::RESP2;
        config.fail_fast = false;
        let seeds = match &config.server {
            ServerConfig::Clustered { hosts, .. } => hosts.clone(),
            _ => return Ok(Self::Single(Access(config))),
        };
        // The driver's own cluster client has one task for all masters, and waits there for a dead one: so each master
        // gets clients of its own.
        config.server = ServerConfig::new_centralized("", 0);
        let access = Access(config);
        Ok(Self::Cluster { seeds, access })
    }

    /// What should be better about the way there.
    pub(super) fn advice(&self) -> Option<&'static str> {
        let (servers, Access(config)) = match self {
            Self::Single(access) if access.0.server.is_unix_socket() => return None,
            Self::Single(access) => (access.0.server.hosts(), access),
            Self::Cluster { seeds, access } => (seeds.clone(), access),
        };
        let is_here = |server: &Server| {
            let ip: Result<IpAddr, _> = server.host.parse();
            &*server.host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        };
        match (&config.password, &config.tls) {
            _ if servers.iter().all(is_here) => None,
            (None, _) => Some(
                "Redis lets in whoever reaches it over the network: give it a user with a password \
                 (deploy/redis-users.acl)",
            ),
            (Some(_), None) => {
                Some("the password and all games go to Redis in the clear: use rediss://")
            }
            (Some(_), Some(_)) => None,
        }
    }
}

/// How to reach one server.
#[derive(Debug, Clone)]
pub(super) struct Access(Config);

impl Access {
    /// The same for another server.
    pub(super) fn to(&self, server: &Server) -> Self {
        let mut config = self.0.clone();
        config.server = ServerConfig::Centralized {
            server: server.clone(),
        };
        Self(config)
    }

    /// Whether sentinels tell where it is.
    pub(super) const fn is_told(&self) -> bool {
        matches!(self.0.server, ServerConfig::Sentinel { .. })
    }

    /// For logs. Shape: `10.0.0.7:6379`.
    pub(super) fn name(&self) -> String {
        match &self.0.server {
            ServerConfig::Unix { path } => path.display().to_string(),
            ServerConfig::Sentinel { service_name, .. } => service_name.clone(),
            other => other
                .hosts()
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }

    /// One client for commands, and one that has nothing but subscriptions: replies and messages do not mix. Neither
    /// connects yet; once they do they never give up. The driver's own client for subscriptions would only keep a second
    /// list of them.
    pub(super) fn clients(&self) -> Result<(Client, Client), Error> {
        let mut builder = Builder::from_config(self.0.clone());
        builder
            .set_policy(reconnect_policy())
            .set_connection_config(connection_config())
            .set_performance_config(performance_config());
        let client = builder.build()?;
        // The driver makes the queue of every client at once, at its full length and nine times over.
        builder.with_performance_config(|config| {
            config.broadcast_channel_capacity = REDIS_PUSH_QUEUE;
        });
        Ok((client, builder.build()?))
    }

    /// One connection, made now or refused at once, and never made again: all that is asked on it is asked of the same
    /// process.
    pub(super) async fn visit(&self) -> Result<Client, Error> {
        let mut config = self.0.clone();
        config.fail_fast = true;
        let mut builder = Builder::from_config(config);
        let (mut connection, mut performance) = (connection_config(), performance_config());
        connection.connection_timeout = REDIS_WELCOME;
        connection.internal_command_timeout = REDIS_WELCOME;
        performance.default_command_timeout = REDIS_WELCOME;
        builder
            .set_connection_config(connection)
            .set_performance_config(performance);
        let client = builder.build()?;
        match timeout(REDIS_WELCOME, client.init()).await {
            Ok(connected) => connected.map(|_| client),
            Err(_) => Err(Error::new(ErrorKind::Timeout, "not connected in time")),
        }
    }
}

/// Waits for the connection, at most [`STORE_TIMEOUT`], before anything is handed to the driver: what is handed to it
/// while it is disconnected waits in a queue without a bound.
pub(super) async fn connected(client: &impl ClientLike) -> Result<(), Error> {
    if client.is_connected() {
        return Ok(());
    }
    match timeout(STORE_TIMEOUT, client.wait_for_connect()).await {
        Ok(connected) => connected,
        Err(_) => Err(Error::new(ErrorKind::Timeout, "not connected")),
    }
}

fn reconnect_policy() -> ReconnectPolicy {
    // Without a policy the driver never connects again; 0 attempts means for ever.
    let mut policy =
        ReconnectPolicy::new_exponential(0, MIN_RECONNECT_DELAY_MS, MAX_RECONNECT_DELAY_MS, 2);
    policy.set_jitter(RECONNECT_JITTER_MS);
    policy
}

fn connection_config() -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: STORE_TIMEOUT,
        internal_command_timeout: STORE_TIMEOUT,
        // Nothing is sent twice but by the caller, who marks it: a command whose connection broke may have been done.
        max_command_attempts: 1,
        max_redirections: 1,
        // It looks at writes only, so it does not see a dead connection that has only subscriptions, and what it
        // finds dead it would send again. Commands have a timeout instead, and the ticks find what is dead.
        unresponsive: UnresponsiveConfig {
            max_timeout: None,
            ..UnresponsiveConfig::default()
        },
        reconnect_on_auth_error: true,
        // Without a bound, since a full queue would refuse the driver's own order to connect again: `connected`
        // bounds it.
        max_command_buffer_len: 0,
        tcp: TcpConfig {
            nodelay: Some(true),
            ..TcpConfig::default()
        },
        // Names on connections would cost a command at each.
        auto_client_setname: false,
        // For the driver's cluster client, which is not used.
        cluster_cache_update_delay: Duration::ZERO,
        disable_cluster_health_check: true,
    }
}

fn performance_config() -> PerformanceConfig {
    PerformanceConfig {
        default_command_timeout: STORE_TIMEOUT,
        // Commands that are written before the socket is flushed, where many wait.
        max_feed_count: 200,
        ..PerformanceConfig::default()
    }
}

/// Refuses a server that is too old or would throw games away; the answer is what should be better where one may lose them.
/// Answers are to wait for `wanted` replicas.
pub(super) async fn check(client: &Client, wanted: u32) -> Result<Vec<String>, ConnectError> {
    let mut advice = Vec::new();
    let info: String = client.info(Some(InfoKind::Default)).await?;
    let version = info_field(&info, "redis_version").unwrap_or("unknown");
    let major = version.split('.').next().and_then(|word| word.parse().ok());
    if major.is_none_or(|major: u32| major < MIN_MAJOR_VERSION) {
        return Err(ConnectError::TooOld {
            version: version.to_owned(),
        });
    }
    let has_file = info_field(&info, "aof_enabled") != Some("0");
    let replicas = info_field(&info, "connected_slaves").and_then(|count| count.parse().ok());
    let has_replicas = replicas != Some(0);
    if let Some(replicas) = replicas.filter(|&replicas: &u32| replicas < wanted) {
        advice.push(format!(
            "Redis has {replicas} replicas, and answers are to wait for {wanted}: each waits in vain, and says so \
             (--redis-wait-replicas)"
        ));
    }
    if !has_file && !has_replicas {
        let lone = "Redis has neither an append-only file nor replicas: its end is the end of every game (appendonly)";
        advice.push(lone.to_owned());
    }
    advice.extend(check_policy(client, &info).await?);
    if has_replicas {
        advice.extend(advice_on_lone_writes(client).await);
    }
    Ok(advice)
}

/// A line of what `INFO` tells.
pub(super) fn info_field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

async fn check_policy(client: &Client, info: &str) -> Result<Option<String>, ConnectError> {
    const NAME: &str = "maxmemory-policy";
    // Whoever may run nothing but what a node needs is not told settings.
    let policy = match info_field(info, "maxmemory_policy") {
        Some(policy) => Some(policy.to_owned()),
        None => setting(client, NAME).await,
    };
    match policy.as_deref() {
        Some("noeviction") => Ok(None),
        Some(policy) => Err(ConnectError::Evicts {
            policy: policy.to_owned(),
        }),
        None => Ok(Some(format!(
            "Redis does not tell its {NAME}: see to it that it is noeviction"
        ))),
    }
}

async fn advice_on_lone_writes(client: &Client) -> Option<String> {
    let least = setting(client, "min-replicas-to-write").await;
    (least.as_deref() == Some("0")).then(|| {
        "Redis writes while none of its replicas can be reached: what it takes then is lost if one of them replaces \
         it (min-replicas-to-write)"
            .to_owned()
    })
}

/// A setting of the server; managed ones tell none.
async fn setting(client: &Client, name: &str) -> Option<String> {
    let command = CustomCommand::new_static("CONFIG", ClusterHash::Random, false);
    let told: Result<Vec<String>, _> = client.custom(command, vec!["GET", name]).await;
    told.ok()?.pop()
}
