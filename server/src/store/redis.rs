//! The Redis store, for many nodes: a list and a sharded channel a game, a script a request.
//!
//! Only the files here know Redis and its driver.

mod driver;
mod keys;
mod scripts;
mod subscriptions;
mod time;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use fred::clients::{Client, SubscriberClient};
use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::Value;
use fred::types::scripts::Script;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeitnot_game::color::Color;
use zeitnot_game::id::{GameId, Tag, Version};
use zeitnot_game::time::PlayTime;

use self::scripts::Scripts;
use self::subscriptions::Subscriptions;
use self::time::Estimate;
use super::channels::Follow;
use super::{Append, Appended, Challenge, CreateError, Seated, Store, Tail, TakeSeat, Unavailable};
use crate::limits::STORE_TIMEOUT;

/// Games in a Redis server.
pub struct RedisStore {
    client: Client,
    subscriber: SubscriberClient,
    scripts: Scripts,
    subscriptions: Subscriptions,
    time: Arc<Estimate>,
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
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        // Before the connection, so that no event comes before its receiver.
        let (messages, reconnects) = (subscriber.message_rx(), subscriber.reconnect_rx());
        let scripts = Scripts::new();
        let time = match prepare(&client, &subscriber, &scripts).await {
            Ok(time) => Arc::new(time),
            Err(error) => {
                quit(&client).await;
                quit(&subscriber).await;
                return Err(error);
            }
        };
        let subscriptions = Subscriptions::new(subscriber.clone());
        let store = Self {
            client,
            subscriber,
            scripts,
            subscriptions,
            time,
            shutdown,
            tasks,
        };
        store.spawn(store.subscriptions.clone().deliver(messages));
        store.spawn(store.subscriptions.clone().keep(reconnects));
        let (time, client) = (store.time.clone(), store.client.clone());
        store.spawn(async move { time.keep(&client).await });
        Ok(store)
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

    async fn run<T>(
        &self,
        script: &Script,
        (keys, args): (Vec<String>, Vec<Value>),
        read: impl FnOnce(Value) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let reply = scripts::run(&self.client, script, keys, args).await;
        reply.and_then(read).map_err(unavailable)
    }
}

async fn prepare(
    client: &Client,
    subscriber: &SubscriberClient,
    scripts: &Scripts,
) -> Result<Estimate, ConnectError> {
    client.init().await?;
    subscriber.init().await?;
    driver::check(client).await?;
    scripts.load(client).await?;
    Ok(Estimate::begin(client).await?)
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

fn unavailable(error: Error) -> Unavailable {
    Unavailable(Box::new(error))
}

fn text(s: &str) -> Value {
    Value::from(s)
}

fn created(is_ours: bool) -> Result<(), CreateError> {
    if is_ours {
        Ok(())
    } else {
        Err(CreateError::Exists)
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn create(&self, id: GameId, body: &str, tag: Tag) -> Result<(), CreateError> {
        let keys = vec![keys::log(id), keys::challenge(id)];
        let args = vec![text(body), text(tag.as_str())];
        created(
            self.run(&self.scripts.create, (keys, args), Value::convert)
                .await?,
        )
    }

    async fn append(&self, id: GameId, append: &Append) -> Result<Appended, Unavailable> {
        let not_before = append.not_before.map(|moment| moment.0.to_string());
        let mut args = vec![
            text(&append.after.version.to_string()),
            text(append.after.tag.as_str()),
            text(append.tag.as_str()),
            text(&append.origin.0.to_string()),
            text(&not_before.unwrap_or_default()),
        ];
        args.extend(append.bodies.iter().map(|body| text(body)));
        let keys = vec![keys::log(id)];
        self.run(&self.scripts.append, (keys, args), scripts::appended)
            .await
    }

    async fn read(&self, id: GameId, since: Version) -> Result<Tail, Unavailable> {
        let request = (vec![keys::log(id)], vec![text(&since.to_string())]);
        self.run(&self.scripts.read, request, scripts::tail).await
    }

    async fn follow(&self, id: GameId) -> Result<Follow, Unavailable> {
        self.subscriptions.follow(id).await.map_err(unavailable)
    }

    async fn open_challenge(&self, id: GameId, challenge: &Challenge) -> Result<(), CreateError> {
        let keys = vec![keys::challenge(id), keys::log(id)];
        let mut args = vec![
            text(&challenge.expires.0.to_string()),
            text(&challenge.terms),
        ];
        for color in Color::ALL {
            if let Some(player) = &challenge.seats[color] {
                args.extend([text(color.as_str()), text(player)]);
            }
        }
        created(
            self.run(&self.scripts.open_challenge, (keys, args), Value::convert)
                .await?,
        )
    }

    async fn challenge(&self, id: GameId) -> Result<Option<Challenge>, Unavailable> {
        let request = (vec![keys::challenge(id)], Vec::new());
        self.run(&self.scripts.challenge, request, scripts::challenge)
            .await
    }

    async fn take_seat(&self, id: GameId, seat: &TakeSeat) -> Result<Seated, Unavailable> {
        let keys = vec![keys::challenge(id), keys::log(id)];
        let args = vec![
            text(&seat.player),
            text(seat.color.as_str()),
            text(if seat.or_other { "1" } else { "0" }),
            text(seat.tag.as_str()),
        ];
        self.run(&self.scripts.take_seat, (keys, args), scripts::seated)
            .await
    }

    fn play_time(&self, _: GameId) -> PlayTime {
        self.time.at(Instant::now())
    }
}
