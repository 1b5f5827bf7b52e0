//! A proxy that hurts what passes through it: before Redis, between a load balancer and a node, anywhere on TCP.
//!
//! It has a thread and a runtime of its own: whoever starts it may block, as tests do on theirs.

mod append;
mod connection;
mod faults;
mod observed;
mod push;
mod session;
mod swallow;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::faults::{Shared, Traffic};
use super::port::Port;
use super::redis::RedisServer;

pub use append::{is_append, is_commit};
pub use push::DroppedPushes;
pub use swallow::{Swallow, Swallowed};

/// Connections at a time; more are closed at once.
const MAX_CONNECTIONS: usize = 4096;

/// Connections that wait to be taken.
const BACKLOG: u32 = 1024;

/// The pause before it is tried again to listen or to take a connection.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// What stands behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Something on a port.
    Tcp(SocketAddr),
    /// Something on a Unix socket.
    Unix(PathBuf),
}

/// A proxy that ends with its value, and its connections with it.
pub struct FaultProxy {
    port: Port,
    shared: Arc<Shared>,
    /// Dropped, it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// A proxy for whatever two ends say to each other.
    ///
    /// # Errors
    /// The system gives no port or no thread.
    pub fn start(target: Target) -> anyhow::Result<Self> {
        Self::launch(Shared::new(target, false))
    }

    /// A proxy that understands RESP2, so that it can swallow replies and drop pushes. A connection on which something else
    /// is said is closed, also one with inline commands.
    ///
    /// # Errors
    /// As [`FaultProxy::start`].
    pub fn start_redis(server: &RedisServer) -> anyhow::Result<Self> {
        Self::launch(Shared::new(Target::Unix(server.socket()), true))
    }

    /// The same before a server that will be there when [`FaultProxy::set_target`] says where.
    ///
    /// # Errors
    /// As [`FaultProxy::start`].
    pub(super) fn reserve_redis() -> anyhow::Result<Self> {
        let nowhere = Target::Unix(PathBuf::new());
        Self::launch(Shared::new(nowhere, true))
    }

    fn launch(shared: Shared) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let (address, shared) = (port.address(), Arc::new(shared));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("fault-proxy".to_owned())
            .spawn(move || runtime.block_on(serve(address, of_thread, stopped)))
            .context("start a thread")?;
        let proxy = Self {
            port,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        };
        proxy.pass()?;
        Ok(proxy)
    }

    /// Where it listens, e.g. `127.0.0.1:40123`.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The same as the address of a Redis: `redis://127.0.0.1:40123`.
    #[must_use]
    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.open.read(|open| open.ids.len())
    }

    /// New connections go there from now on.
    pub fn set_target(&self, target: Target) {
        self.shared.change(|faults| faults.target = target);
    }

    /// From now on bytes are passed on so long after they came, in their order: latency, which takes no throughput.
    pub fn set_delay(&self, to_target: Duration, to_client: Duration) {
        self.shared.change(|faults| {
            faults.to_target = to_target;
            faults.to_client = to_client;
        });
    }

    /// Ends all connections; returns when they have ended. New ones are taken.
    ///
    /// # Errors
    /// They do not end in time.
    pub fn cut(&self) -> anyhow::Result<()> {
        let limit = self.shared.open.read(|open| open.next);
        self.shared.change(|faults| faults.cut_below = limit);
        let are_gone = |open: &faults::Open| open.ids.iter().all(|&id| id >= limit);
        self.shared
            .open
            .wait("the connections are cut", are_gone)
            .map(drop)
    }

    /// Connections stay open and nothing passes, not even their end; new ones are taken and hang. What came meanwhile
    /// passes when this is over, as after a network comes back.
    pub fn blackhole(&self) {
        self.shared
            .change(|faults| faults.traffic = Traffic::Blackhole);
    }

    /// New connections are refused, as where nobody listens; returns when they are. Open ones go on.
    ///
    /// # Errors
    /// It does not stop to listen in time.
    pub fn refuse(&self) -> anyhow::Result<()> {
        self.shared
            .change(|faults| faults.traffic = Traffic::Refused);
        self.shared.listens.wait("the proxy refuses", |&is| !is)
    }

    /// Ends [`FaultProxy::blackhole`] and [`FaultProxy::refuse`]; returns when connections are taken.
    ///
    /// # Errors
    /// It does not listen in time.
    pub fn pass(&self) -> anyhow::Result<()> {
        self.shared
            .change(|faults| faults.traffic = Traffic::Passes);
        self.shared.listens.wait("the proxy listens", |&is| is)
    }

    /// From now on, commands that match go to Redis and their replies do not come back, as `rule` says. Ends with the
    /// returned value.
    pub fn swallow(&self, rule: Swallow) -> Swallowed {
        Swallowed::begin(rule, &self.shared)
    }

    /// From now on, messages are dropped on whose channel the predicate holds. What confirms subscriptions passes. Ends
    /// with the returned value.
    pub fn drop_pushes(
        &self,
        channel: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    ) -> DroppedPushes {
        DroppedPushes::begin(Box::new(channel), &self.shared)
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, what waited for it has said so.
            let _ = thread.join();
        }
    }
}

/// Takes connections until `stopped`; then all of them end.
async fn serve(address: SocketAddr, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let take = async {
        let mut connections = JoinSet::new();
        let mut faults = shared.faults.subscribe();
        loop {
            let Ok(listener) = listen(address) else {
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            };
            shared.listens.change(|is| *is = true);
            tokio::select! {
                () = accept(listener, &shared, &mut connections) => {}
                // It fails when nobody can change anything any more: then all this ends.
                _ = faults.wait_for(|faults| faults.traffic == Traffic::Refused) => {}
            }
            shared.listens.change(|is| *is = false);
            let passes = faults.wait_for(|faults| faults.traffic != Traffic::Refused);
            if passes.await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = take => {}
        _ = stopped => {}
    }
}

/// On the reserved port, which is given to whoever names it and shares it.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())))?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>, connections: &mut JoinSet<()>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // No descriptors, perhaps: those who leave give theirs back.
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        if connections.len() < MAX_CONNECTIONS {
            connections.spawn(connect(client, Arc::clone(shared)));
        }
    }
}

async fn connect(client: TcpStream, shared: Arc<Shared>) {
    let ticket = shared.admit();
    connection::run(client, &shared, &ticket).await;
}
