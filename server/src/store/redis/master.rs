//! One Redis server that takes writes, with connections of its own: nothing here waits for any other server.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, EventInterface, LuaInterface};
use fred::types::config::Server;
use fred::types::scripts::Script;
use fred::types::{ClusterHash, CustomCommand, FromValue, Value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::driver::{Access, connected};
use super::hub::Hub;
use super::keys::Bucket;
use super::pulse::Pulse;
use super::scripts::{Scripts, is_unknown};
use super::witness::{self, Witness};
use crate::limits::{REDIS_WELCOME, STORE_TIMEOUT};

/// A server, and what this node knows of it.
pub(super) struct Master {
    /// For logs. Shape: `10.0.0.7:6379`.
    pub(super) name: String,
    pub(super) access: Access,
    pub(super) client: Client,
    /// For subscriptions alone.
    pub(super) subscriber: Client,
    /// Those of the process that was met last.
    scripts: Mutex<Arc<Scripts>>,
    /// One at a time gets to know a new process.
    meeting: tokio::sync::Mutex<()>,
    /// Which buckets are here.
    owned: [AtomicBool; Bucket::COUNT],
    /// How many of them one request may touch: in a cluster one, since each has a slot of its own.
    pub(super) buckets_a_request: usize,
    /// For how many more rounds each bucket ticks, though nothing is due there.
    pub(super) busy: [AtomicUsize; Bucket::COUNT],
    pub(super) pulse: Pulse,
    pub(super) hub: Arc<Hub>,
    /// Of its replicas.
    pub(super) witness: Witness,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Master {
    /// Meets the process that is there now. Connects beside that, and again for ever.
    ///
    /// # Errors
    /// There is no Redis, or it does not let us in.
    pub(super) async fn connect(
        (name, access): (String, &Access),
        buckets_a_request: usize,
        hub: &Arc<Hub>,
    ) -> Result<Arc<Self>, Error> {
        let scripts = Scripts::load(access).await?;
        let (client, subscriber) = access.clients()?;
        let (witness, questions) = Witness::new();
        let master = Arc::new(Self {
            name,
            access: access.clone(),
            client,
            subscriber,
            scripts: Mutex::new(Arc::new(scripts)),
            meeting: tokio::sync::Mutex::default(),
            owned: std::array::from_fn(|_| AtomicBool::new(false)),
            buckets_a_request,
            busy: std::array::from_fn(|_| AtomicUsize::new(0)),
            pulse: Pulse::new(),
            hub: Arc::clone(hub),
            witness,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        // Before the connections, so that nothing comes before its receiver.
        let messages = master.subscriber.message_rx();
        let commands = first_connection(&master.client);
        let channels = first_connection(&master.subscriber);
        let (commands, channels) = match tokio::try_join!(commands, channels) {
            Ok(reconnects) => reconnects,
            Err(error) => {
                master.close().await;
                return Err(error);
            }
        };
        master.spawn(Arc::clone(&master).deliver(messages));
        master.spawn(Arc::clone(&master).keep_subscribed(channels));
        master.spawn(Arc::clone(&master).keep_met(commands));
        master.spawn(Arc::clone(&master).keep_ticking());
        master.spawn(Arc::clone(&master).keep_looking());
        if access.is_told() {
            master.spawn(Arc::clone(&master).keep_told());
        }
        if hub.replicas > 0 {
            let of = (access.clone(), hub.replicas);
            master.spawn(witness::serve(of, questions));
        }
        Ok(master)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            // Cancelled or ended by itself: there is nothing to clean up.
            let _ = shutdown.run_until_cancelled(task).await;
        });
    }

    /// Ends the tasks and the connections.
    pub(super) async fn close(&self) {
        self.end();
        self.tasks.close();
        self.tasks.wait().await;
        quit(&self.client).await;
        quit(&self.subscriber).await;
    }

    /// Ends the tasks, without waiting for that.
    pub(super) fn end(&self) {
        self.shutdown.cancel();
    }

    /// The buckets that are here.
    pub(super) fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        Bucket::all().filter(|bucket| self.owns(*bucket))
    }

    pub(super) fn owns(&self, bucket: Bucket) -> bool {
        self.owned[bucket.index()].load(Ordering::Relaxed)
    }

    /// Takes a bucket, or gives it away; says whether that is news.
    pub(super) fn set_owned(&self, bucket: Bucket, is_here: bool) -> bool {
        self.owned[bucket.index()].swap(is_here, Ordering::Relaxed) != is_here
    }

    /// The scripts of the process that was met last.
    pub(super) fn scripts(&self) -> Arc<Scripts> {
        let scripts = self.scripts.lock();
        // What is inside is whole even if a holder panicked.
        Arc::clone(&scripts.unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a script that does not depend on the time, so that any process may.
    pub(super) async fn run(
        &self,
        pick: impl Fn(&Scripts) -> &Script,
        keys: Vec<String>,
        args: Vec<Value>,
    ) -> Result<Value, Error> {
        let scripts = self.scripts();
        let first = self
            .run_of(pick(&scripts), keys.clone(), args.clone())
            .await;
        match first {
            Err(error) if is_unknown(&error) => {
                // Seldom done, and large: in a box, so that all others are small.
                Box::pin(self.meet(&scripts)).await?;
                self.run_of(pick(&self.scripts()), keys, args).await
            }
            result => result,
        }
    }

    /// Runs a script as it was loaded into one process. Another one does not know it, and has not run it: see
    /// [`is_unknown`].
    pub(super) async fn run_of(
        &self,
        script: &Script,
        keys: Vec<String>,
        args: Vec<Value>,
    ) -> Result<Value, Error> {
        self.reach(&self.client).await?;
        let result = self.client.evalsha(script.sha1().clone(), keys, args);
        self.note(result.await)
    }

    /// Runs a plain command on one key, or on none.
    pub(super) async fn command<T: FromValue>(
        &self,
        name: &'static str,
        args: Vec<String>,
    ) -> Result<T, Error> {
        let command = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
        self.reach(&self.client).await?;
        let result = self.client.custom(command, args);
        self.note(result.await)
    }

    /// Waits for the connection; not at all where it has been away for long.
    pub(super) async fn reach(&self, client: &impl ClientLike) -> Result<(), Error> {
        if self.pulse.is_lost() && !client.is_connected() {
            return Err(Error::new(ErrorKind::Timeout, "not connected"));
        }
        connected(client).await
    }

    /// Has the map of the cluster looked at where an error says that it is old, and leaves a server that is no master
    /// any more.
    pub(super) fn note<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            let details = error.details();
            // A connection that breaks may be the end of its master.
            let is_of_map = matches!(error.kind(), ErrorKind::Cluster | ErrorKind::IO);
            if is_of_map || details.starts_with("CLUSTERDOWN") {
                self.hub.look_at_map.notify_one();
            } else if details.starts_with("READONLY") {
                self.hub.look_at_map.notify_one();
                self.pulse.is_replica.notify_one();
            }
        }
        result
    }

    /// Gets to know the process behind the connection, if it is another one than that of these scripts.
    pub(super) async fn meet(&self, known: &Arc<Scripts>) -> Result<(), Error> {
        let _meeting = self.meeting.lock().await;
        if !Arc::ptr_eq(known, &self.scripts()) {
            // Somebody else has.
            return Ok(());
        }
        let scripts = Arc::new(Scripts::load(&self.access).await?);
        if scripts.process != known.process {
            warn!(redis.server = %self.name, "another Redis process answers at {}", self.name);
        }
        *self.scripts.lock().unwrap_or_else(PoisonError::into_inner) = scripts;
        Ok(())
    }

    /// After each new connection for commands: looks whether another process answers, and at the time. For ever.
    async fn keep_met(self: Arc<Self>, mut reconnects: Receiver<Server>) {
        while !matches!(reconnects.recv().await, Err(RecvError::Closed)) {
            info!(redis.server = %self.name, "connected to Redis at {}", self.name);
            self.hub.look_at_map.notify_one();
            // Where it fails the next tick tries again.
            let _ = self.tick_all().await;
        }
    }
}

/// Connects, and for the first time waits for it; returns what tells of each later connection.
async fn first_connection(client: &impl EventInterface) -> Result<Receiver<Server>, Error> {
    let mut connections = client.reconnect_rx();
    client.connect();
    match timeout(REDIS_WELCOME, connections.recv()).await {
        Ok(Ok(_)) => Ok(connections),
        _ => Err(Error::new(ErrorKind::Timeout, "not connected in time")),
    }
}

async fn quit(client: &impl ClientLike) {
    // A server that does not answer is left as well.
    let _ = timeout(STORE_TIMEOUT, client.quit()).await;
}
