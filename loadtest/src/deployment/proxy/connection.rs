//! One connection through a proxy: two directions, each with a reader, a bounded queue and a writer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::Target;
use super::faults::{Faults, Shared, Ticket, Traffic};
use super::session::{Session, Step};

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// Chunks on their way in one direction: so much passes within the delay.
const QUEUE: usize = 1024;

/// Bytes and the moment at which they go on.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

/// Relays until one end is gone or the connection is cut. Both sockets are closed then.
pub(super) async fn run(client: TcpStream, shared: &Shared, ticket: &Ticket) {
    let mut faults = shared.faults.subscribe();
    tokio::select! {
        // It fails when the proxy is gone: then this ends too.
        _ = faults.wait_for(|faults| faults.cut_below > ticket.id) => {}
        // None: the target could not be reached.
        _ = relay(client, shared) => {}
    }
}

async fn relay(client: TcpStream, shared: &Shared) -> Option<()> {
    let mut faults = shared.faults.subscribe();
    let target = passes(&mut faults).await?.target;
    let (from_target, to_target) = open(target).await.ok()?;
    client.set_nodelay(true).ok()?;
    let (from_client, to_client) = client.into_split();
    let line = Line {
        shared,
        session: shared.speaks_redis.then(Arc::default),
        has_left: watch::Sender::new(false),
    };
    let up = async {
        let (queue, queued) = mpsc::channel(QUEUE);
        let read = line.read_client(Box::new(from_client), queue);
        tokio::join!(read, write(queued, to_target, shared.faults.subscribe()));
        // The target has heard of it, and has the last word.
        std::future::pending::<()>().await;
    };
    let down = async {
        let (queue, queued) = mpsc::channel(QUEUE);
        let read = line.read_target(from_target, queue);
        let write = write(queued, Box::new(to_client), shared.faults.subscribe());
        tokio::join!(read, write);
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    Some(())
}

async fn open(target: Target) -> std::io::Result<(Reader, Writer)> {
    match target {
        Target::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = stream.into_split();
            Ok((Box::new(reader), Box::new(writer)))
        }
        Target::Unix(path) => {
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            Ok((Box::new(reader), Box::new(writer)))
        }
    }
}

/// What both directions know.
struct Line<'a> {
    shared: &'a Shared,
    /// On connections to Redis.
    session: Option<Arc<Mutex<Session>>>,
    /// Whether the client has closed its side.
    has_left: watch::Sender<bool>,
}

impl Line<'_> {
    /// Reads until the client's end, an error, or nonsense.
    async fn read_client(&self, mut reader: Reader, queue: mpsc::Sender<Chunk>) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            let bytes = buffer[..count].to_vec();
            let noted = self.with_session(|session| session.sent(&bytes, &self.shared.rules()));
            let is_nonsense = noted.is_some_and(|noted| noted.is_err());
            let delay = self.shared.faults.borrow().to_target;
            if is_nonsense || queue.send(Chunk::after(delay, bytes)).await.is_err() {
                break;
            }
        }
        self.has_left.send_replace(true);
    }

    /// Reads until the target's end, an error, nonsense, or a reply with which the connection is cut.
    async fn read_target(&self, mut reader: Reader, queue: mpsc::Sender<Chunk>) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            let bytes = &buffer[..count];
            let went_on = match self.with_session(|session| session.answered(bytes)) {
                None => self.pass(&queue, bytes.to_vec()).await,
                Some(()) => self.pass_replies(&queue).await,
            };
            if went_on.is_none() {
                return;
            }
        }
    }

    /// Passes on what is whole and may pass. None: the connection is to end.
    async fn pass_replies(&self, queue: &mpsc::Sender<Chunk>) -> Option<()> {
        let mut passing = Vec::new();
        loop {
            let rules = self.shared.rules();
            let next = self.with_session(|session| session.next(&rules))?;
            match next.ok()? {
                Some(Step::Pass(bytes)) => passing.extend(bytes),
                Some(Step::Drop) => {}
                Some(Step::Cut(trap)) => {
                    self.pass(queue, passing).await?;
                    trap.report();
                    return None;
                }
                Some(Step::Hold(trap, bytes)) => {
                    self.pass(queue, std::mem::take(&mut passing)).await?;
                    let (mut releases, mut has_left) = (trap.releases(), self.has_left.subscribe());
                    trap.report();
                    tokio::select! {
                        released = releases.changed() => released.ok()?,
                        _ = has_left.wait_for(|has| *has) => return None,
                    }
                    passing = bytes;
                }
                None => return self.pass(queue, passing).await,
            }
        }
    }

    async fn pass(&self, queue: &mpsc::Sender<Chunk>, bytes: Vec<u8>) -> Option<()> {
        if bytes.is_empty() {
            return Some(());
        }
        let delay = self.shared.faults.borrow().to_client;
        queue.send(Chunk::after(delay, bytes)).await.ok()
    }

    fn with_session<R>(&self, call: impl FnOnce(&mut Session) -> R) -> Option<R> {
        let session = self.session.as_ref()?;
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        Some(call(&mut session))
    }
}

impl Chunk {
    fn after(delay: Duration, bytes: Vec<u8>) -> Self {
        Self {
            due: Instant::now() + delay,
            bytes,
        }
    }
}

/// Writes what is queued, each when it is due and the line is open, and at last the end.
async fn write(
    mut queued: mpsc::Receiver<Chunk>,
    mut writer: impl AsyncWrite + Unpin,
    mut faults: watch::Receiver<Faults>,
) {
    while let Some(chunk) = queued.recv().await {
        sleep_until(chunk.due).await;
        if passes(&mut faults).await.is_none() || writer.write_all(&chunk.bytes).await.is_err() {
            return;
        }
    }
    if passes(&mut faults).await.is_some() {
        // Who is gone already need not be told.
        let _ = writer.shutdown().await;
    }
}

/// Waits until bytes pass. None: the proxy is gone.
async fn passes(faults: &mut watch::Receiver<Faults>) -> Option<Faults> {
    let passes = faults.wait_for(|faults| faults.traffic != Traffic::Blackhole);
    passes.await.ok().map(|faults| faults.clone())
}
