//! The one task that writes. It commits what waits in one transaction, then publishes, then answers.

use std::fs::File;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use super::clock::{Moment, PlayClock, unix_now};
use super::{Shared, challenge, chat, due, log, number, playing, revoked};
use crate::health::Health;
use crate::limits::{CLOCK_SAVE_PERIOD, COMMIT_BATCH, SWEEP_PERIOD};
use crate::metrics::METRICS;
use crate::store::{Append, Appended, Challenge, Create, Feed, Line, Said, Seated, TakeSeat};

const SAVE_CLOCK: &str = "UPDATE clock SET play = ? WHERE id = 1";

/// Something to write, and where its answer goes. Dropping that answers `Unavailable`.
#[derive(Debug)]
pub(super) enum Write {
    Create(GameId, Create, oneshot::Sender<bool>),
    Append(GameId, Append, oneshot::Sender<Appended>),
    OpenChallenge(GameId, Challenge, oneshot::Sender<bool>),
    CloseChallenge(GameId, oneshot::Sender<bool>),
    TakeSeat(GameId, TakeSeat, oneshot::Sender<Seated>),
    Schedule(GameId, (Version, Option<Millis>), oneshot::Sender<()>),
    HandOut(oneshot::Sender<Option<GameId>>),
    Forget(GameId, Version, oneshot::Sender<()>),
    Say(GameId, Line, oneshot::Sender<u32>),
    NotePlaying(UserId, (GameId, Option<String>), oneshot::Sender<()>),
    Revoke(String, UnixMillis, oneshot::Sender<()>),
}

impl Write {
    fn is_awaited(&self) -> bool {
        !match self {
            Self::Create(.., reply) | Self::OpenChallenge(.., reply) => reply.is_closed(),
            Self::Append(.., reply) => reply.is_closed(),
            Self::CloseChallenge(_, reply) => reply.is_closed(),
            Self::TakeSeat(.., reply) => reply.is_closed(),
            Self::Schedule(.., reply)
            | Self::Forget(.., reply)
            | Self::NotePlaying(.., reply)
            | Self::Revoke(.., reply) => reply.is_closed(),
            Self::HandOut(reply) => reply.is_closed(),
            Self::Say(.., reply) => reply.is_closed(),
        }
    }
}

/// What is left to do for a write that is committed: publish, answer.
type Finish = Box<dyn FnOnce(&Shared) + Send>;

/// The owner of the connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    /// Of the connection.
    pub(super) options: SqliteConnectOptions,
    pub(super) queue: mpsc::Receiver<Write>,
    pub(super) clock: PlayClock,
    pub(super) shared: Shared,
    pub(super) shutdown: CancellationToken,
    /// Held, not used: the directory is ours for as long as somebody may write.
    pub(super) _lock: File,
}

impl Writer {
    /// Writes until it is told to stop; what is in the queue then is still written.
    pub(super) async fn run(mut self) {
        let mut save = interval(CLOCK_SAVE_PERIOD);
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sweep = interval(SWEEP_PERIOD);
        let mut batch = Vec::with_capacity(COMMIT_BATCH);
        loop {
            tokio::select! {
                count = self.queue.recv_many(&mut batch, COMMIT_BATCH) => {
                    if count == 0 {
                        break;
                    }
                }
                _ = save.tick() => {}
                _ = sweep.tick() => self.shared.sweep(),
                () = self.shutdown.cancelled(), if !self.queue.is_closed() => self.queue.close(),
            }
            self.commit(&mut batch).await;
        }
        self.commit(&mut batch).await;
        self.shared.health.send_replace(Health::Unavailable);
        if let Err(error) = self.connection.close().await {
            error!("the embedded store was not closed cleanly: {error}");
        }
    }

    /// Commits a batch and the play clock; an empty one saves the clock alone.
    async fn commit(&mut self, batch: &mut Vec<Write>) {
        let written = write_all(
            &mut self.connection,
            mem::take(batch),
            (&self.clock, &self.shared),
        )
        .await;
        let health = match written {
            Ok((all, earliest)) => {
                set(&self.shared.earliest, earliest);
                for finish in all {
                    finish(&self.shared);
                }
                Health::Ok
            }
            Err(error) => {
                if *self.shared.health.borrow() == Health::Ok {
                    error!("the embedded store could not write: {error}");
                }
                // The database has ended a transaction by itself, as on a full disk, and the driver does not know.
                if let sqlx::Error::InvalidSavePointStatement = error {
                    self.connect_again().await;
                }
                Health::Unavailable
            }
        };
        METRICS
            .silent_buckets
            .set(if health == Health::Ok { 0 } else { 256 });
        set(&self.shared.health, health);
    }

    /// Leaves a connection on which no transaction begins any more.
    async fn connect_again(&mut self) {
        match self.options.connect().await {
            Ok(connection) => {
                let old = mem::replace(&mut self.connection, connection);
                if let Err(error) = old.close_hard().await {
                    debug!("a connection was not closed cleanly: {error}");
                }
            }
            Err(error) => debug!("the embedded store is not opened again: {error}"),
        }
    }
}

/// Wakes those who watch only if something is new.
fn set<T: PartialEq>(watched: &watch::Sender<T>, value: T) {
    watched.send_if_modified(|old| {
        let is_new = *old != value;
        *old = value;
        is_new
    });
}

/// All or none; what is still to be done for each, in the order of the batch, and when the next game is due then.
async fn write_all(
    connection: &mut SqliteConnection,
    batch: Vec<Write>,
    #[cfg_attr(
        not(feature = "breakages"),
        expect(unused_variables, reason = "only a breakage tells before the commit")
    )]
    (clock, shared): (&PlayClock, &Shared),
) -> sqlx::Result<(Vec<Finish>, Option<PlayTime>)> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // From here on nothing keeps us from writing.
    let began = Instant::now();
    let now = Moment {
        play: clock.next(began),
        unix: unix_now(),
    };
    let mut all = Vec::with_capacity(batch.len());
    // Who asked has given up, and asks again if need be: nothing is written late.
    for write in batch.into_iter().filter(Write::is_awaited) {
        all.push(write_one(&mut transaction, write, now).await?);
    }
    sqlx::query(SAVE_CLOCK)
        .bind(number(now.play.0))
        .execute(&mut *transaction)
        .await?;
    let earliest = due::earliest(&mut transaction).await?;
    #[cfg(feature = "breakages")]
    if crate::breakage::is_on("tell-before-commit") {
        mem::take(&mut all)
            .into_iter()
            .for_each(|finish| finish(shared));
    }
    transaction.commit().await?;
    clock.commit(began);
    Ok((all, earliest))
}

async fn write_one(
    connection: &mut SqliteConnection,
    write: Write,
    now: Moment,
) -> sqlx::Result<Finish> {
    Ok(match write {
        Write::Create(id, create, reply) => {
            let is_ours = log::create(connection, id, &create, now).await?;
            answer(reply, is_ours)
        }
        Write::Append(id, append, reply) => {
            let (appended, published) = log::append(connection, id, &append, now).await?;
            let feed = published.map(|published| Feed::Published(Arc::new(published)));
            publish((id, feed), answer(reply, appended))
        }
        Write::OpenChallenge(id, challenge, reply) => {
            let is_ours = challenge::open(connection, id, &challenge, now).await?;
            answer(reply, is_ours)
        }
        Write::CloseChallenge(id, reply) => answer(reply, challenge::close(connection, id).await?),
        Write::TakeSeat(id, wish, reply) => {
            let seated = challenge::take_seat(connection, id, &wish, now).await?;
            answer(reply, seated)
        }
        Write::Schedule(id, (length, due_in), reply) => {
            let at = due_in.map(|due_in| due::after(now.play, due_in));
            answer(reply, due::schedule(connection, id, (length, at)).await?)
        }
        Write::HandOut(reply) => answer(reply, due::hand_out(connection, now.play).await?),
        Write::Forget(id, length, reply) => {
            answer(reply, log::forget(connection, id, length).await?)
        }
        Write::Say(id, line, reply) => {
            let (n, is_new) = chat::say(connection, id, &line).await?;
            let feed = is_new.then(|| Feed::Said(Arc::new(Said { n, line })));
            publish((id, feed), answer(reply, n))
        }
        Write::NotePlaying(user, (game, note), reply) => {
            let note = (game, note.as_deref());
            answer(reply, playing::note(connection, &user, note).await?)
        }
        Write::Revoke(jti, until, reply) => {
            let has_room = revoked::put(connection, (&jti, until), now.unix).await?;
            Box::new(move |shared| {
                if has_room {
                    shared.revoked.insert(jti, until);
                    answer(reply, ())(shared);
                }
            })
        }
    })
}

/// First the followers, then whoever asked.
fn publish((id, feed): (GameId, Option<Feed>), answer: Finish) -> Finish {
    Box::new(move |shared| {
        if let Some(feed) = feed {
            shared.games.tell(&id, feed);
        }
        answer(shared);
    })
}

fn answer<T: Send + 'static>(reply: oneshot::Sender<T>, value: T) -> Finish {
    Box::new(move |_| {
        // Whoever asked may have given up: it will ask again.
        let _ = reply.send(value);
    })
}
