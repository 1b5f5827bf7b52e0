//! The Redis store, for many nodes: a list and a sharded channel a game, a script a request.
//!
//! Only the files here know Redis and its driver.

mod calls;
mod chat;
mod clocks;
mod driver;
mod hub;
mod keys;
mod master;
mod masters;
mod nodes;
mod presence;
mod quotas;
mod requests;
mod revoked;
mod scripts;
mod subscriptions;
mod ticker;
mod tls;
mod witness;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use fred::error::{Error, ErrorKind};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;
use zeitnot_game::id::GameId;

use self::driver::Layout;
use self::hub::Hub;
use self::keys::Bucket;
use self::masters::Masters;
use crate::limits::{DUE_QUEUE, REVOKED_PERIOD};

/// What a connection may be told beside where the store is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// A file of certificates that vouch for a server at `rediss://…`, and nobody else does; without it, those that the
    /// system trusts.
    pub authorities: Option<&'a Path>,
    /// For how many replicas answers wait.
    pub replicas: u32,
}

/// Games in one Redis server, or in those of a cluster.
pub struct RedisStore {
    masters: Masters,
    /// Overdue games that the ticks brought.
    due: Mutex<mpsc::Receiver<GameId>>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// Why the Redis store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address has not the shape that the driver asks for.
    #[error("not the address of a Redis server")]
    Url(#[source] Error),
    /// The cluster is not whole.
    #[error("no master of the Redis cluster has slot {slot}, or it cannot be reached")]
    NoMaster {
        /// The first such slot.
        slot: u16,
    },
    /// There is no Redis server.
    #[error("it does not answer; is it running, and is --redis-url right")]
    Unreachable(#[source] Error),
    /// It does not know us.
    #[error("it does not let us in: look at the user and the password in --redis-url")]
    Denied(#[source] Error),
    /// It knows us, and does not let us do what a node has to.
    #[error("its user may not do what a node does: give it the rules of deploy/redis-users.acl")]
    Forbidden(#[source] Error),
    /// Nobody whom we trust vouches for it.
    #[error(
        "its certificate is not vouched for by whom this node trusts (--redis-ca, or the system's list)"
    )]
    Distrusted(#[source] Error),
    /// What vouches for it cannot be used.
    #[error("the certificates in {}", file.display())]
    Authorities {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        source: tls::AuthoritiesError,
    },
    /// There is nobody to vouch for.
    #[error("--redis-ca goes with an address that begins with rediss")]
    NoTls,
    /// Sharded channels are missing.
    #[error("Redis {version} is too old: 7.0 is needed")]
    TooOld {
        /// What it says.
        version: String,
    },
    /// Redis would throw games away when its memory is full.
    #[error("Redis must not evict: set its maxmemory-policy to noeviction, not {policy}")]
    Evicts {
        /// What is set.
        policy: String,
    },
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        let details = error.details();
        if *error.kind() == ErrorKind::Auth || details.starts_with("NOAUTH") {
            Self::Denied(error)
        } else if details.starts_with("NOPERM") {
            Self::Forbidden(error)
        } else if *error.kind() == ErrorKind::Tls || details.contains("InvalidCertificate") {
            Self::Distrusted(error)
        } else {
            Self::Unreachable(error)
        }
    }
}

impl RedisStore {
    /// Connects to `redis://host:port`, `rediss://host:port`, `redis+unix:///path`,
    /// `redis-sentinel://host:port?sentinelServiceName=name&node=host:port` or
    /// `redis-cluster://host:port?node=host:port&node=host:port`, and learns what a node must know before it serves:
    /// the time, and which tokens are revoked.
    ///
    /// # Errors
    /// The server cannot be reached now, or is not fit to keep games.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, Options::default()).await
    }

    /// The same, other than by default.
    ///
    /// # Errors
    /// As [`RedisStore::connect`], or a file cannot be used.
    pub async fn connect_with(url: &str, options: Options<'_>) -> Result<Self, ConnectError> {
        let (overdue, due) = mpsc::channel(DUE_QUEUE);
        let hub = Arc::new(Hub::new(overdue, options.replicas));
        let masters = Masters::connect(Layout::parse(url, options.authorities)?, hub).await?;
        let store = Self {
            masters: masters.clone(),
            due: Mutex::new(due),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        if let Err(error) = catch_up_revoked(&masters).await {
            store.close().await;
            return Err(error.into());
        }
        store.spawn(masters.clone().keep());
        store.spawn(masters.clone().keep_sweeping());
        store.spawn(keep_revoked(masters));
        Ok(store)
    }

    /// What should be better about Redis, though a node starts.
    ///
    /// # Errors
    /// It is not fit any more, or does not answer.
    pub async fn advice(&self) -> Result<Vec<String>, ConnectError> {
        self.masters.advice().await
    }

    /// The master that the sentinels name now, where they are asked. Shape: `10.0.0.7:6379`.
    #[must_use]
    pub fn found(&self) -> Option<String> {
        self.masters.found()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            // Cancelled or ended by itself: there is nothing to clean up.
            let _ = shutdown.run_until_cancelled(task).await;
        });
    }

    /// Ends the tasks and the connections. Whatever is asked afterwards is unavailable.
    pub async fn close(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.masters.close().await;
    }
}

/// Reads the revoked tokens that this node has not heard of.
async fn catch_up_revoked(masters: &Masters) -> Result<(), Error> {
    let master = masters.of(Bucket::SHARED)?;
    let hub = masters.hub();
    let now = hub.clocks.wall_time(Instant::now());
    hub.revoked.catch_up(&master, now).await
}

/// Does so every few seconds and whenever something may have been missed, for ever.
async fn keep_revoked(masters: Masters) {
    loop {
        // Whether woken or not.
        let _ = timeout(REVOKED_PERIOD, masters.hub().revoked.wake.notified()).await;
        if let Err(error) = catch_up_revoked(&masters).await {
            debug!("the revoked tokens are not read: {error}");
        }
    }
}

impl Drop for RedisStore {
    /// The tasks end in any case.
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.masters.end();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}
