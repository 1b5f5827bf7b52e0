//! The driver's settings, each on purpose, and the check at start that the server is fit to keep games.

use fred::clients::{Client, SubscriberClient};
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, ServerConfig, TcpConfig,
    UnresponsiveConfig,
};
use fred::types::{Builder, ClusterHash, CustomCommand, InfoKind, RespVersion};
use tracing::warn;

use super::ConnectError;
use crate::limits::{
    MAX_RECONNECT_DELAY_MS, MIN_RECONNECT_DELAY_MS, RECONNECT_JITTER_MS, REDIS_PUSH_QUEUE,
    STORE_TIMEOUT,
};

/// Sharded channels came with it.
const MIN_MAJOR_VERSION: u32 = 7;

/// Waits for the connection, at most [`STORE_TIMEOUT`], before anything is handed to the driver: what is handed to it
/// while it is disconnected waits in a queue without a bound.
pub(super) async fn connected(client: &impl ClientLike) -> Result<(), Error> {
    if client.is_connected() {
        return Ok(());
    }
    let connect = client.wait_for_connect();
    match tokio::time::timeout(STORE_TIMEOUT, connect).await {
        Ok(connected) => connected,
        Err(_) => Err(Error::new(fred::error::ErrorKind::Timeout, "not connected")),
    }
}

/// One client for commands, and one that has nothing but subscriptions: replies and messages do not mix.
pub(super) fn clients(url: &str) -> Result<(Client, SubscriberClient), ConnectError> {
    let mut config = Config::from_url(url).map_err(ConnectError::Url)?;
    if matches!(config.server, ServerConfig::Clustered { .. }) {
        return Err(ConnectError::Cluster);
    }
    // A server that is not there at start is a mistake of the operator, who should hear of it at once.
    config.fail_fast = true;
    // What our scripts reply has the same shape in both, and the driver was measured with this one.
    config.version = RespVersion::RESP2;
    let mut builder = Builder::from_config(config);
    builder
        .set_policy(reconnect_policy())
        .set_connection_config(connection_config())
        .set_performance_config(performance_config());
    let client = builder.build().map_err(ConnectError::Url)?;
    let subscriber = builder
        .build_subscriber_client()
        .map_err(ConnectError::Url)?;
    Ok((client, subscriber))
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
        // finds dead it would send again. Commands have a timeout instead.
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
        ..ConnectionConfig::default()
    }
}

fn performance_config() -> PerformanceConfig {
    PerformanceConfig {
        default_command_timeout: STORE_TIMEOUT,
        // The default of 32 loses most of any burst.
        broadcast_channel_capacity: REDIS_PUSH_QUEUE,
        ..PerformanceConfig::default()
    }
}

/// Refuses a server that is too old or would throw games away, and warns of one that may lose them.
pub(super) async fn check(client: &Client) -> Result<(), ConnectError> {
    let info: String = client.info(Some(InfoKind::Default)).await?;
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')?.1.into())
    };
    let version = field("redis_version:").unwrap_or("unknown");
    let major = version.split('.').next().and_then(|word| word.parse().ok());
    if major.is_none_or(|major: u32| major < MIN_MAJOR_VERSION) {
        return Err(ConnectError::TooOld {
            version: version.to_owned(),
        });
    }
    if field("aof_enabled:") == Some("0") && field("connected_slaves:") == Some("0") {
        warn!(
            "Redis has neither an append-only file nor replicas: its end is the end of every game"
        );
    }
    check_policy(client).await
}

async fn check_policy(client: &Client) -> Result<(), ConnectError> {
    const NAME: &str = "maxmemory-policy";
    let command = CustomCommand::new_static("CONFIG", ClusterHash::Random, false);
    match client
        .custom::<Vec<String>, _>(command, vec!["GET", NAME])
        .await
        .as_deref()
    {
        Ok([_, policy]) if policy == "noeviction" => {}
        Ok([_, policy]) => {
            return Err(ConnectError::Evicts {
                policy: policy.clone(),
            });
        }
        // Managed servers forbid CONFIG.
        Ok(_) | Err(_) => warn!("Redis does not tell its {NAME}: see to it that it is noeviction"),
    }
    Ok(())
}
