//! The embedded store: a SQLite file in WAL mode and channels in this process. For one process, which locks the
//! directory.
//!
//! One task writes, with one commit for all that waits; a few connections read. What was acknowledged survives the
//! death of the process, and with [`Sync::Full`] the loss of power.

mod challenge;
mod chat;
mod clock;
mod due;
mod log;
mod playing;
mod presence;
mod requests;
mod revoked;
mod schema;
mod seeks;
mod writer;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeitnot_game::time::PlayTime;

use self::clock::{PlayClock, unix_now};
use self::presence::Presence;
use self::revoked::Revoked;
use self::seeks::Seeks;
use self::writer::{Write, Writer};
use super::Roster;
use super::channels::{GameChannels, UserChannels};
use crate::health::Health;
use crate::limits::{READ_CONNECTIONS, STORE_TIMEOUT, WRITE_QUEUE};

const LOCK_FILE: &str = "zeitnot.lock";
const DATABASE_FILE: &str = "zeitnot.db";

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// The death of the process.
    Normal,
    /// The loss of power too: each commit waits for the disk.
    Full,
}

/// Games in a file, for one process.
#[derive(Debug)]
pub struct EmbeddedStore {
    queue: mpsc::Sender<Write>,
    reads: SqlitePool,
    clock: PlayClock,
    opened: Instant,
    shared: Shared,
    roster: Arc<Roster>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// What the writer changes once it has committed, and everybody else reads.
#[derive(Debug, Clone)]
struct Shared {
    games: GameChannels,
    users: UserChannels,
    revoked: Revoked,
    seeks: Seeks,
    presence: Presence,
    /// The earliest moment at which a game is due.
    earliest: watch::Sender<Option<PlayTime>>,
    health: watch::Sender<Health>,
}

impl Shared {
    fn new(revoked: Revoked) -> Self {
        Self {
            games: GameChannels::default(),
            users: UserChannels::default(),
            revoked,
            seeks: Seeks::default(),
            presence: Presence::default(),
            earliest: watch::Sender::new(None),
            health: watch::Sender::new(Health::Ok),
        }
    }

    /// Forgets what nobody follows any more, and what has expired.
    fn sweep(&self) {
        self.games.sweep();
        self.users.sweep();
        self.revoked.sweep(unix_now());
        self.seeks.sweep(Instant::now());
        self.presence.sweep(Instant::now());
    }
}

/// Why the embedded store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or its lock could not be made.
    #[error("the data directory {dir} cannot be used")]
    Directory {
        /// Which one.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two processes would each see half of the games.
    #[error("the data directory {dir} is in use by another zeitnot: end it, or set --data-dir")]
    InUse {
        /// Which one.
        dir: PathBuf,
    },
    /// A later build has written it.
    #[error("the database has version {found}, which this build does not know: start a newer one")]
    UnknownVersion {
        /// Its `PRAGMA user_version`.
        found: i64,
    },
    /// The file is no database, or cannot be read.
    #[error("the database cannot be opened")]
    Database(#[from] sqlx::Error),
}

impl EmbeddedStore {
    /// Opens the store in `data_dir`, which is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError::InUse`] while another process has it open.
    pub async fn open(data_dir: &Path, sync: Sync) -> Result<Self, OpenError> {
        let lock = lock(data_dir)?;
        let options = options(&data_dir.join(DATABASE_FILE), sync);
        let mut connection: SqliteConnection = options.connect().await?;
        let saved = schema::prepare(&mut connection).await?;
        let clock = PlayClock::resume(saved, Instant::now());
        let shared = Shared::new(Revoked::load(&mut connection, unix_now()).await?);
        let reads = SqlitePoolOptions::new()
            .max_connections(READ_CONNECTIONS)
            .acquire_timeout(STORE_TIMEOUT)
            .connect_with(options.clone().read_only(true))
            .await?;
        let (queue, writes) = mpsc::channel(WRITE_QUEUE);
        let shutdown = CancellationToken::new();
        let writer = Writer {
            connection,
            options,
            queue: writes,
            clock: clock.clone(),
            shared: shared.clone(),
            shutdown: shutdown.clone(),
            _lock: lock,
        };
        let tasks = TaskTracker::new();
        tasks.spawn(writer.run());
        Ok(Self {
            queue,
            reads,
            clock,
            opened: Instant::now(),
            shared,
            roster: Arc::default(),
            shutdown,
            tasks,
        })
    }

    /// Whether the directory, which is there, can be used, and nobody does.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn check(data_dir: &Path) -> Result<(), OpenError> {
        lock(data_dir).map(drop)
    }

    /// Writes what waits, saves the play clock, closes the file and frees the directory. Whatever is asked afterwards
    /// is unavailable.
    pub async fn close(&self) {
        self.reads.close().await;
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn lock(data_dir: &Path) -> Result<File, OpenError> {
    let unusable = |source| OpenError::Directory {
        dir: data_dir.to_owned(),
        source,
    };
    fs::create_dir_all(data_dir).map_err(unusable)?;
    let file = File::create(data_dir.join(LOCK_FILE)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            dir: data_dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

fn options(file: &Path, sync: Sync) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match sync {
            Sync::Normal => SqliteSynchronous::Normal,
            Sync::Full => SqliteSynchronous::Full,
        })
        // The lock file keeps other processes away; only our own connections meet, and only for moments.
        .busy_timeout(STORE_TIMEOUT)
        .disable_statement_logging()
}

/// A number as SQLite has it: signed. Ours are milliseconds since 1970.
fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
