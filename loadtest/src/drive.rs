//! Has tables play: opens them, tells them when their moves are due, and waits until all is told.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::failures::Kind;
use crate::report::{SAY_EVERY, progress, update};
use crate::schedule::Alarm;
use crate::side::Side;
use crate::table::{Seated, Table};
use crate::tally::Tally;

/// Tables that are set up at a time.
const SETUPS_AT_ONCE: usize = 16;

/// Moves that wait at one table. One that is so far behind has failed.
const MAX_WAITING: usize = 256;

/// When moves are made, and of them those that count.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    pub(crate) start: Instant,
    pub(crate) window: Range<Instant>,
}

impl Course {
    /// It begins after a pause, and what is due after the warm-up counts.
    pub(crate) fn after(pause: Duration, warm_up: Duration, span: Duration) -> Self {
        let start = Instant::now() + pause;
        Self {
            start,
            window: start + warm_up..start + warm_up + span,
        }
    }
}

/// Tables at which everybody has been shown the game. They live, and wait for their moves.
#[derive(Debug)]
pub(crate) struct Tables {
    playing: JoinSet<anyhow::Result<()>>,
    told: Vec<mpsc::Sender<Instant>>,
}

impl Tables {
    /// Opens one for all who sit down together.
    pub(crate) async fn open<F>(
        side: Side,
        seats: impl Iterator<Item = F>,
        tally: &Arc<Mutex<Tally>>,
    ) -> anyhow::Result<Self>
    where
        F: Future<Output = anyhow::Result<Seated>>,
    {
        let mut opening = stream::iter(seats)
            .map(|seated| async { Table::open(side, seated.await?, Arc::clone(tally)).await })
            .buffered(SETUPS_AT_ONCE);
        let (mut playing, mut told) = (JoinSet::new(), Vec::new());
        while let Some(table) = opening.next().await {
            let table = table.with_context(|| format!("set table {} up", told.len()))?;
            let (tx, rx) = mpsc::channel(MAX_WAITING);
            playing.spawn(table.play(rx));
            told.push(tx);
        }
        drop(opening);
        Ok(Self { playing, told })
    }

    /// Plays from the course's start to its end; all that was seen is in the tally.
    ///
    /// # Errors
    /// Time cannot be told. What goes wrong at a table is in the tally.
    pub(crate) async fn play(
        mut self,
        dues: impl Iterator<Item = (Duration, usize)>,
        (course, tally): (&Course, &Arc<Mutex<Tally>>),
    ) -> anyhow::Result<()> {
        let lock = || tally.lock().unwrap_or_else(PoisonError::into_inner);
        lock().begin(course.window.clone());
        pace(dues, course, (&self.told, tally)).await?;
        self.told.clear();
        while let Some(ended) = self.playing.join_next().await {
            let played = ended.context("a table").and_then(|played| played);
            if let Err(error) = played {
                lock().failures.add(Kind::Socket, || format!("{error:#}"));
            }
        }
        Ok(())
    }
}

/// Tells the tables when their moves are due.
async fn pace(
    dues: impl Iterator<Item = (Duration, usize)>,
    course: &Course,
    (tables, tally): (&[mpsc::Sender<Instant>], &Mutex<Tally>),
) -> anyhow::Result<()> {
    let (alarm, mut said, mut offered) = (Alarm::new()?, Instant::now(), 0_u64);
    let lock = || tally.lock().unwrap_or_else(PoisonError::into_inner);
    for (due, table) in dues {
        let due = course.start + due;
        if due >= course.window.end {
            break;
        }
        alarm.wait_until(due).await?;
        if course.window.contains(&due) {
            if offered == 0 {
                progress("moves count from now on")?;
            }
            offered += 1;
        }
        if tables[table].try_send(due).is_err() {
            lock().failures.add(Kind::Late, || {
                format!("table {table} has ended, or is {MAX_WAITING} moves behind")
            });
        }
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            let arrived = lock().arrived;
            let whole = course.window.end.saturating_duration_since(course.start);
            let over = said.saturating_duration_since(course.start);
            let [over, of] = [over, whole].map(|span| usize::try_from(span.as_millis()));
            update((over?, of?), &format!("{arrived} moves have arrived"))?;
        }
    }
    lock().offered = offered;
    Ok(())
}
