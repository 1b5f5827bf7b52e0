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
mod revoked;
mod schema;
mod seeks;
mod writer;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use self::clock::{PlayClock, unix_now};
use self::presence::Presence;
use self::revoked::Revoked;
use self::seeks::Seeks;
use self::writer::{Write, Writer};
use super::channels::{Follow, GameChannels, UserChannels, UserFollow};
use super::{
    Append, Appended, Challenge, Create, CreateError, Feed, Heal, Healed, Here, Line, Roster, Said,
    Seated, Seats, Seeker, Store, Tail, TakeSeat, Unavailable, UserFeed,
};
use crate::health::Health;
use crate::limits::{
    FLAG_PAUSE_AFTER_LOSS, Quota, READ_CONNECTIONS, STORE_RETRY_PAUSE, STORE_TIMEOUT, WRITE_QUEUE,
};

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

    async fn write<T>(
        &self,
        write: impl FnOnce(oneshot::Sender<T>) -> Write,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let written = async {
            self.queue.send(write(reply)).await.map_err(unavailable)?;
            answer.await.map_err(unavailable)
        };
        timeout(STORE_TIMEOUT, written).await.map_err(unavailable)?
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

fn unavailable(error: impl std::error::Error + Send + std::marker::Sync + 'static) -> Unavailable {
    Unavailable(Box::new(error))
}

fn created(is_ours: bool) -> Result<(), CreateError> {
    if is_ours {
        Ok(())
    } else {
        Err(CreateError::Exists)
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn create(&self, id: GameId, create: &Create) -> Result<(), CreateError> {
        let create = create.clone();
        created(self.write(|reply| Write::Create(id, create, reply)).await?)
    }

    async fn append(&self, id: GameId, append: &Append) -> Result<Appended, Unavailable> {
        let append = append.clone();
        self.write(|reply| Write::Append(id, append, reply)).await
    }

    async fn read(&self, id: GameId, since: Version) -> Result<Tail, Unavailable> {
        log::read(&self.reads, id, since).await.map_err(unavailable)
    }

    async fn follow(&self, id: GameId) -> Result<Follow, Unavailable> {
        Ok(self.shared.games.follow(&id))
    }

    async fn open_challenge(&self, id: GameId, challenge: &Challenge) -> Result<(), CreateError> {
        let challenge = challenge.clone();
        let is_ours = self
            .write(|reply| Write::OpenChallenge(id, challenge, reply))
            .await?;
        created(is_ours)
    }

    async fn challenge(&self, id: GameId) -> Result<Option<Challenge>, Unavailable> {
        challenge::get(&self.reads, id, unix_now())
            .await
            .map_err(unavailable)
    }

    async fn take_seat(&self, id: GameId, seat: &TakeSeat) -> Result<Seated, Unavailable> {
        let seat = seat.clone();
        self.write(|reply| Write::TakeSeat(id, seat, reply)).await
    }

    async fn close_challenge(&self, id: GameId) -> Result<bool, Unavailable> {
        self.write(|reply| Write::CloseChallenge(id, reply)).await
    }

    async fn meet(&self, pool: &str, seeker: &Seeker) -> Result<Option<Seeker>, Unavailable> {
        Ok(self.shared.seeks.meet(pool, (seeker, Instant::now())))
    }

    async fn leave_pool(&self, pool: &str, seeker: &Seeker) -> Result<(), Unavailable> {
        self.shared.seeks.leave(pool, seeker);
        Ok(())
    }

    async fn note_seek(
        &self,
        user: &UserId,
        note: Option<&str>,
    ) -> Result<Option<String>, Unavailable> {
        Ok(self.shared.seeks.note(user, (note, Instant::now())))
    }

    async fn noted_seek(&self, user: &UserId) -> Result<Option<String>, Unavailable> {
        Ok(self.shared.seeks.noted(user, Instant::now()))
    }

    async fn show_seek(&self, shown: &str, is_open: bool) -> Result<(), Unavailable> {
        self.shared.seeks.show(shown, (is_open, Instant::now()));
        Ok(())
    }

    async fn shown_seeks(&self) -> Result<Vec<String>, Unavailable> {
        Ok(self.shared.seeks.shown(Instant::now()))
    }

    async fn schedule(
        &self,
        id: GameId,
        length: Version,
        due_in: Option<Millis>,
    ) -> Result<(), Unavailable> {
        self.write(|reply| Write::Schedule(id, (length, due_in), reply))
            .await
    }

    async fn due(&self) -> GameId {
        let mut earliest = self.shared.earliest.subscribe();
        loop {
            let at = *earliest.borrow_and_update();
            let wait = at.map(|at| due::until_handed_out(at, self.clock.at(Instant::now())));
            if wait == Some(Duration::ZERO) {
                match self.write(Write::HandOut).await {
                    Ok(Some(id)) => return id,
                    // Somebody else has it, it was put off just now, or it is not due by the clock of the commit.
                    Ok(None) | Err(_) => sleep(STORE_RETRY_PAUSE).await,
                }
                continue;
            }
            tokio::select! {
                // The sender lives as long as this store.
                _ = earliest.changed() => {}
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// A file loses no tail: what is in it was committed, and what was not was never acknowledged.
    async fn heal(&self, _: GameId, _: &Heal) -> Result<Healed, Unavailable> {
        Ok(Healed::Refused)
    }

    async fn forget(&self, id: GameId, length: Version) -> Result<(), Unavailable> {
        self.shared.presence.forget(id);
        self.write(|reply| Write::Forget(id, length, reply)).await
    }

    async fn say(&self, id: GameId, line: &Line) -> Result<u32, Unavailable> {
        let line = line.clone();
        self.write(|reply| Write::Say(id, line, reply)).await
    }

    async fn chat(&self, id: GameId) -> Result<Vec<Said>, Unavailable> {
        chat::all(&self.reads, id).await.map_err(unavailable)
    }

    async fn sit(&self, id: GameId, here: &Here) -> Result<Seats, Unavailable> {
        let now = Instant::now();
        let games = &self.shared.games;
        let tell = |seats| games.send(&id, Feed::Seats(seats));
        let moment = (self.clock.at(now), now);
        Ok(self
            .shared
            .presence
            .sit((id, here), moment, |seats| tell(Arc::new(seats))))
    }

    async fn note_playing(
        &self,
        user: &UserId,
        game: GameId,
        note: Option<&str>,
    ) -> Result<(), Unavailable> {
        let note = (game, note.map(str::to_owned));
        self.write(|reply| Write::NotePlaying(user.clone(), note, reply))
            .await
    }

    async fn playing(&self, user: &UserId) -> Result<Vec<(GameId, String)>, Unavailable> {
        playing::all(&self.reads, user).await.map_err(unavailable)
    }

    async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Unavailable> {
        Ok(self.shared.users.follow(user))
    }

    async fn tell_user(&self, user: &UserId, text: &str) -> Result<(), Unavailable> {
        self.shared.users.send(user, UserFeed::Told(text.into()));
        Ok(())
    }

    async fn revoke(&self, jti: &str, until: UnixMillis) -> Result<(), Unavailable> {
        let jti = jti.to_owned();
        self.write(|reply| Write::Revoke(jti, until, reply)).await
    }

    fn is_revoked(&self, jti: &str) -> bool {
        self.shared.revoked.contains(jti, unix_now())
    }

    async fn take(&self, _: &str, _: Quota) -> Result<Option<Millis>, Unavailable> {
        Ok(None)
    }

    fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster)
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }

    fn answers_for(&self, _: GameId) -> bool {
        *self.shared.health.borrow() == Health::Ok
    }

    fn replication(&self, _: GameId) -> Option<BoxFuture<'static, bool>> {
        None
    }

    fn flags_from(&self, _: GameId) -> Instant {
        self.opened + FLAG_PAUSE_AFTER_LOSS
    }

    fn wall_time(&self) -> UnixMillis {
        unix_now()
    }

    fn play_time(&self, _: GameId) -> PlayTime {
        self.clock.at(Instant::now())
    }
}
