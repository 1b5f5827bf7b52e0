//! The Redis store, for many nodes: a list and a sharded channel a game, a script a request.
//!
//! Only the files here know Redis and its driver.

mod chat;
mod clocks;
mod driver;
mod keys;
mod requests;
mod revoked;
mod scripts;
mod subscriptions;
mod ticker;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use fred::clients::{Client, SubscriberClient};
use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::config::Server;
use tokio::sync::broadcast::Receiver;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeitnot_game::id::GameId;

use self::keys::Topic;
use self::revoked::Revoked;
use self::scripts::Scripts;
use self::subscriptions::Subscriptions;
use self::ticker::Ticker;
use crate::limits::{DUE_QUEUE, STORE_TIMEOUT};

/// Games in a Redis server.
pub struct RedisStore {
    client: Client,
    subscriber: SubscriberClient,
    scripts: Scripts,
    subscriptions: Subscriptions,
    ticker: Arc<Ticker>,
    /// Overdue games that the ticks brought.
    due: Mutex<mpsc::Receiver<GameId>>,
    revoked: Revoked,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// Why the Redis store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address has not the shape that the driver asks for.
    #[error("not the address of a Redis server")]
    Url(#[source] Error),
    /// Not in this build.
    #[error("a Redis cluster is not supported yet")]
    Cluster,
    /// There is no Redis server, or it does not let us in.
    #[error("the Redis server did not answer")]
    Unreachable(#[from] Error),
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

impl RedisStore {
    /// Connects to `redis://host:port`, `rediss://host:port` or `redis+unix:///path`.
    ///
    /// # Errors
    /// The server cannot be reached now, or is not fit to keep games.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let (client, subscriber) = driver::clients(url)?;
        // Before the connection, so that no message comes before its receiver.
        let messages = subscriber.message_rx();
        let store = Self::new(client, subscriber);
        let reconnects = match store.prepare().await {
            Ok(reconnects) => reconnects,
            Err(error) => {
                store.close().await;
                return Err(error);
            }
        };
        let subscriptions = &store.subscriptions;
        store.spawn(subscriptions.clone().deliver(messages));
        store.spawn(subscriptions.clone().keep(reconnects));
        store.spawn(store.ticker.clone().keep(subscriptions.games.clone()));
        store.spawn(store.ticker.clone().watch());
        let ticker = store.ticker.clone();
        let wall_time = move || ticker.clocks.wall_time(Instant::now());
        store.spawn(store.revoked.clone().keep(wall_time));
        Ok(store)
    }

    fn new(client: Client, subscriber: SubscriberClient) -> Self {
        let scripts = Scripts::new();
        let (overdue, due) = mpsc::channel(DUE_QUEUE);
        let ticker = Ticker::new(client.clone(), scripts.tick.clone(), overdue);
        let revoked = Revoked::new(client.clone(), scripts.revoke.clone());
        Self {
            subscriptions: Subscriptions::new(subscriber.clone(), revoked.clone()),
            client,
            subscriber,
            scripts,
            ticker: Arc::new(ticker),
            due: Mutex::new(due),
            revoked,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Connects, and learns what a node must know before it serves: the time, and which tokens are revoked. Returns
    /// what tells of each later connection of the subscriber.
    async fn prepare(&self) -> Result<Receiver<Server>, ConnectError> {
        self.client.init().await?;
        self.subscriber.init().await?;
        driver::check(&self.client).await?;
        self.scripts.load(&self.client).await?;
        self.ticker.tick_all().await?;
        // Once it has answered its first connection has been told of; a next one is told of, or the second time follows it.
        self.subscriptions.subscribe(&Topic::Revoked).await?;
        let reconnects = self.subscriber.reconnect_rx();
        self.subscriptions.subscribe(&Topic::Revoked).await?;
        let now = self.ticker.clocks.wall_time(Instant::now());
        self.revoked.catch_up(now).await?;
        Ok(reconnects)
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
        quit(&self.client).await;
        quit(&self.subscriber).await;
    }
}

async fn quit(client: &impl ClientLike) {
    // A server that does not answer is left as well.
    let _ = timeout(STORE_TIMEOUT, client.quit()).await;
}

impl Drop for RedisStore {
    /// The tasks end in any case.
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
