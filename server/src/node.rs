//! One node: opens the store, listens, serves until it is told to stop, and closes what it opened.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use zeitnot_game::time::Millis;

use crate::auth::{Auth, random_base36};
use crate::config::{Config, EmbeddedSync};
use crate::limits::MAX_NODE_NAME;
use crate::lobby::Lobby;
use crate::monitor::{Monitor, Serving};
use crate::quota::Quotas;
use crate::room::Rooms;
use crate::serve::{Peers, serve};
use crate::shutdown::{Shutdown, signaled};
use crate::sockets::Sockets;
use crate::store::Store;
use crate::store::embedded::{self, EmbeddedStore};
use crate::store::redis::{self, RedisStore};
use crate::{App, Parts, deadlines, http, reload, router};

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The embedded store does not open.
    #[error("cannot open the embedded store")]
    Embedded(#[from] embedded::OpenError),
    /// Redis cannot be used.
    #[error("cannot use Redis")]
    Redis(#[from] redis::ConnectError),
    /// The embedded store has none.
    #[error("--redis-wait-replicas needs --redis-url: the embedded store has no replicas")]
    NoReplicas,
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: end what has it, or set --listen or --internal-listen")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system does not say where we listen, or gives us no signals.
    #[error("start")]
    System(#[from] io::Error),
}

/// Serves until SIGTERM or SIGINT. The first lines on stdout say where: `listening on http://127.0.0.1:8080`, then
/// `internal on http://127.0.0.1:9090`.
///
/// # Errors
/// It could not start. Once it has started it ends well.
pub async fn run(mut config: Config, auth: Auth) -> Result<(), StartError> {
    // From here on it does not end the process.
    let hangups = signal(SignalKind::hangup())?;
    let shutdown = Shutdown::default();
    let tasks = &shutdown.tasks;
    let monitor = Monitor::new(shutdown.clone());
    // Before anything that takes time, so that who watches is told that the node starts.
    let internal = listen(config.internal_listen).await?;
    let watched_at = internal.local_addr()?;
    tasks.spawn(serve(
        internal,
        (http::health::router(monitor.clone()), Peers::new(&config)),
        (shutdown.stopping.clone(), tasks.clone()),
    ));
    let opened = Opened::open(&config).await?;
    let public = listen(config.listen).await?;
    // Without another node there is nowhere to go: the sockets had better come back soon.
    if let Opened::Embedded(_) = opened {
        config.drain_window = Duration::ZERO;
    }
    let window = config.drain_window;
    let name = name(&config);
    let serving = Serving {
        node: name.clone(),
        store: opened.kind(),
        max_sockets: config.max_sockets,
        watched_at: watched_at.to_string(),
    };
    monitor.begin(serving, opened.store().roster());
    announce(public.local_addr()?, watched_at);
    let app = App::from(Parts {
        rooms: Rooms::new(opened.store(), millis(config.keep_finished)),
        store: opened.store(),
        auth,
        node: name.into(),
        quotas: Quotas::new(opened.store(), &config),
        sockets: Sockets::new(&config),
        config: Arc::new(config),
        shutdown: shutdown.clone(),
        lobby: Lobby::default(),
    });
    let peers = Peers::new(&app.config);
    let lobby = app.lobby.clone();
    let rooms = app.rooms.clone();
    let (config, auth, stop) = (
        app.config.clone(),
        app.auth.clone(),
        shutdown.stopping.clone(),
    );
    tasks.spawn(async move { reload::keys(&config, &auth, (hangups, stop)).await });
    tasks.spawn(monitor.run(opened.store().health()));
    tasks.spawn(serve(
        public,
        (router(app), peers),
        (shutdown.draining.clone(), tasks.clone()),
    ));
    tasks.spawn(deadlines::serve(
        opened.store(),
        rooms.clone(),
        shutdown.stopping.clone(),
    ));
    tasks.spawn(lobby.serve(opened.store(), shutdown.stopping.clone()));
    info!("ready");

    signaled().await?;
    info!("ending within {window:?}");
    shutdown.run(window, hurry()).await;
    rooms.close().await;
    opened.close().await;
    info!("ended");
    Ok(())
}

/// Tells whoever started this node where it listens. Who reads only the first line, or none, harms nobody.
fn announce(public: SocketAddr, internal: SocketAddr) {
    let text = format!("listening on http://{public}\ninternal on http://{internal}\n");
    let mut stdout = io::stdout();
    // Nobody may be there to read it: the node serves all the same.
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// The name that was set, else the machine's and something random, so that no two nodes share one.
#[must_use]
pub fn name(config: &Config) -> String {
    let machine = || {
        let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let name: String = name.trim().chars().take(MAX_NODE_NAME).collect();
        format!("{name}-{}", random_base36::<4>())
    };
    config.node_name.clone().unwrap_or_else(machine)
}

fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// A second signal.
async fn hurry() {
    if let Err(error) = signaled().await {
        warn!(%error, "no second signal can be noticed");
        std::future::pending::<()>().await;
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| StartError::Listen { address, source })
}

/// The store that the settings ask for.
enum Opened {
    Embedded(Arc<EmbeddedStore>),
    Redis(Arc<RedisStore>),
}

impl Opened {
    async fn open(config: &Config) -> Result<Self, StartError> {
        if let Some(url) = &config.redis_url {
            let options = redis::Options {
                authorities: config.redis_ca.as_deref(),
                replicas: config.redis_wait_replicas,
            };
            let store = RedisStore::connect_with(url.as_str(), options).await?;
            return Ok(Self::Redis(Arc::new(store)));
        }
        if config.redis_wait_replicas > 0 {
            return Err(StartError::NoReplicas);
        }
        let sync = match config.embedded_sync {
            EmbeddedSync::Normal => embedded::Sync::Normal,
            EmbeddedSync::Full => embedded::Sync::Full,
        };
        let store = EmbeddedStore::open(&config.data_dir, sync).await?;
        Ok(Self::Embedded(Arc::new(store)))
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "embedded",
            Self::Redis(_) => "redis",
        }
    }

    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Redis(store) => store.clone(),
        }
    }

    async fn close(&self) {
        match self {
            Self::Embedded(store) => store.close().await,
            Self::Redis(store) => store.close().await,
        }
    }
}
