//! The one task that writes. It commits what waits in one transaction, then publishes, then answers.

use std::fs::File;
use std::mem;
use std::time::Instant;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::error;
use zeitnot_game::id::{GameId, Tag};

use super::clock::{Moment, PlayClock, unix_now};
use super::{challenge, log, number};
use crate::limits::{CLOCK_SAVE_PERIOD, COMMIT_BATCH, SWEEP_PERIOD};
use crate::store::channels::Channels;
use crate::store::{Append, Appended, Challenge, Seated, TakeSeat};

const SAVE_CLOCK: &str = "UPDATE clock SET play = ? WHERE id = 1";

/// Something to write, and where its answer goes. Dropping that answers `Unavailable`.
#[derive(Debug)]
pub(super) enum Write {
    Create(GameId, (String, Tag), oneshot::Sender<bool>),
    Append(GameId, Append, oneshot::Sender<Appended>),
    OpenChallenge(GameId, Challenge, oneshot::Sender<bool>),
    TakeSeat(GameId, TakeSeat, oneshot::Sender<Seated>),
}

/// What is left to do for a write that is committed: publish, answer.
type Finish = Box<dyn FnOnce(&Channels) + Send>;

/// The owner of the connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) queue: mpsc::Receiver<Write>,
    pub(super) clock: PlayClock,
    pub(super) channels: Channels,
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
                _ = sweep.tick() => { self.channels.sweep(); }
                () = self.shutdown.cancelled(), if !self.queue.is_closed() => self.queue.close(),
            }
            self.commit(&mut batch).await;
        }
        self.commit(&mut batch).await;
        if let Err(error) = self.connection.close().await {
            error!("the embedded store was not closed cleanly: {error}");
        }
    }

    /// Commits a batch and the play clock; an empty one saves the clock alone.
    async fn commit(&mut self, batch: &mut Vec<Write>) {
        let now = Moment {
            play: self.clock.at(Instant::now()),
            unix: unix_now(),
        };
        match write_all(&mut self.connection, mem::take(batch), now).await {
            Ok(all) => {
                for finish in all {
                    finish(&self.channels);
                }
            }
            Err(error) => error!("the embedded store could not write: {error}"),
        }
    }
}

/// All or none; what is still to be done for each, in the order of the batch.
async fn write_all(
    connection: &mut SqliteConnection,
    batch: Vec<Write>,
    now: Moment,
) -> sqlx::Result<Vec<Finish>> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut all = Vec::with_capacity(batch.len());
    for write in batch {
        all.push(write_one(&mut transaction, write, now).await?);
    }
    sqlx::query(SAVE_CLOCK)
        .bind(number(now.play.0))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(all)
}

async fn write_one(
    connection: &mut SqliteConnection,
    write: Write,
    now: Moment,
) -> sqlx::Result<Finish> {
    Ok(match write {
        Write::Create(id, (body, tag), reply) => {
            let is_ours = log::create(connection, id, (&body, tag), now).await?;
            answer(reply, is_ours)
        }
        Write::Append(id, append, reply) => {
            let (appended, published) = log::append(connection, id, &append, now).await?;
            Box::new(move |channels| {
                if let Some(published) = published {
                    channels.publish(id, published);
                }
                answer(reply, appended)(channels);
            })
        }
        Write::OpenChallenge(id, challenge, reply) => {
            let is_ours = challenge::open(connection, id, &challenge, now).await?;
            answer(reply, is_ours)
        }
        Write::TakeSeat(id, wish, reply) => {
            let seated = challenge::take_seat(connection, id, &wish, now).await?;
            answer(reply, seated)
        }
    })
}

fn answer<T: Send + 'static>(reply: oneshot::Sender<T>, value: T) -> Finish {
    Box::new(move |_| {
        // Whoever asked may have given up: it will ask again.
        let _ = reply.send(value);
    })
}
