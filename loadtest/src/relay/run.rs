//! One run: sits players down, has them play on schedule, and says what was seen.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::oracle;
use super::table::Table;
use super::tally::{Quantiles, Tally};
use super::target::{Side, Target, Work};
use crate::client::Client;
use crate::entrance::Entrance;
use crate::schedule::{Alarm, Schedule};
use crate::score::{Score, scores};

/// Tables that are set up at a time.
const SETUPS_AT_ONCE: usize = 16;

/// Moves that wait at one table. One that is so far behind has failed.
const MAX_WAITING: usize = 256;

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the same moves are played before they count.
const WARM_UP: Duration = Duration::from_secs(3);

/// Errors that are shown.
const MAX_ERRORS: usize = 5;

/// What is played in one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Moves a second, at all tables together.
    pub(crate) rate: u32,
    pub(crate) tables: usize,
    pub(crate) span: Duration,
    pub(crate) seed: u64,
}

/// What was seen. Rates are moves a second, times microseconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seen {
    pub(crate) side: Side,
    pub(crate) rate: u32,
    pub(crate) tables: usize,
    pub(crate) seconds: f64,
    pub(crate) offered: f64,
    pub(crate) delivered: f64,
    /// From when a move was due until the opponent had it.
    pub(crate) opponent: Option<Quantiles>,
    /// Until its player had the answer; the floor gives none.
    pub(crate) own: Option<Quantiles>,
    /// Until it was written: what the load tool itself, and waiting for the move before, took.
    pub(crate) start: Option<Quantiles>,
    /// Of work for each move that was delivered.
    pub(crate) nodes_cpu: f64,
    pub(crate) redis_cpu: f64,
    pub(crate) clients_cpu: f64,
    /// Moves that were due and of which the opponent never heard.
    pub(crate) undelivered: u64,
    pub(crate) errors: Vec<String>,
}

/// Plays on a target that has just been started.
///
/// # Errors
/// The players cannot be seated. What goes wrong later is in what was [`Seen`].
pub(crate) fn run(target: &Target, load: Load) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(drive(target, load))
}

async fn drive(target: &Target, load: Load) -> anyhow::Result<Seen> {
    let schedule = Schedule::new(load.rate, load.tables, load.seed);
    let plies = (WARM_UP + load.span).as_nanos() / schedule.period().as_nanos();
    let plies = usize::try_from(plies)?;
    let seated: Vec<_> = stream::iter(0..load.tables)
        .map(|number| sit_down(target, number, plies))
        .buffered(SETUPS_AT_ONCE)
        .try_collect()
        .await
        .context("set the tables up")?;

    let start = Instant::now() + PAUSE;
    let window = start + WARM_UP..start + WARM_UP + load.span;
    let tally = Arc::new(Mutex::new(Tally::new()));
    let mut playing = JoinSet::new();
    let mut tables = Vec::new();
    for (players, games) in seated {
        let (tx, rx) = mpsc::channel(MAX_WAITING);
        let counted = (window.clone(), Arc::clone(&tally));
        let table = Table::new(target.side(), players, games, counted);
        playing.spawn(table.play(rx));
        tables.push(tx);
    }
    let (paced, work) = tokio::join!(
        pace((&schedule, start), &window, tables),
        work_within(target, &window)
    );
    let (offered, mut late) = paced?;
    let mut errors = Vec::new();
    while let Some(ended) = playing.join_next().await {
        if let Err(error) = ended.context("a table").and_then(|played| played) {
            errors.push(format!("{error:#}"));
        }
    }
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.offered = offered;
    tally.errors.append(&mut errors);
    tally.errors.append(&mut late);
    Ok(seen((target.side(), load), &tally, work?))
}

/// Two players at a table, with the games that they will need.
async fn sit_down(
    target: &Target,
    number: usize,
    plies: usize,
) -> anyhow::Result<([Client; 2], (VecDeque<String>, Score))> {
    let [white, black] = target.addresses();
    let mut scores = scores()?;
    let score = scores.swap_remove(number % scores.len());
    if target.side() == Side::Floor {
        let path = format!("/ws?game={number}");
        let players = [
            Client::connect(white, &path, None).await?,
            Client::connect(black, &path, None).await?,
        ];
        return Ok((players, (VecDeque::from([number.to_string()]), score)));
    }
    let entrance = Entrance::at(if number.is_multiple_of(2) {
        white
    } else {
        black
    });
    let tokens = [entrance.guest().await?, entrance.guest().await?];
    let mut games = VecDeque::new();
    for _ in 0..=plies / score.len() + 1 {
        games.push_back(entrance.begin([&tokens[0], &tokens[1]]).await?);
    }
    let mut players = [
        Client::connect(white, "/ws", Some(&tokens[0])).await?,
        Client::connect(black, "/ws", Some(&tokens[1])).await?,
    ];
    for player in &mut players {
        player.send(oracle::watch(&games[0])).await?;
        while !player.next().await?.0.contains(r#""t":"game""#) {}
    }
    Ok((players, (games, score)))
}

/// Tells the tables when their moves are due; how many were within the window, and what went wrong.
async fn pace(
    (schedule, start): (&Schedule, Instant),
    window: &Range<Instant>,
    tables: Vec<mpsc::Sender<Instant>>,
) -> anyhow::Result<(u64, Vec<String>)> {
    let (alarm, mut offered, mut errors) = (Alarm::new()?, 0, Vec::new());
    for (due, table) in schedule.dues() {
        let due = start + due;
        if due >= window.end {
            break;
        }
        alarm.wait_until(due).await?;
        offered += u64::from(window.contains(&due));
        if tables[table].try_send(due).is_err() {
            let error = format!("table {table} has ended, or is {MAX_WAITING} moves behind");
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    Ok((offered, errors))
}

async fn work_within(target: &Target, window: &Range<Instant>) -> anyhow::Result<Work> {
    sleep_until(window.start.into()).await;
    let before = target.work()?;
    sleep_until(window.end.into()).await;
    Ok(target.work()?.since(before))
}

fn seen((side, load): (Side, Load), tally: &Tally, work: Work) -> Seen {
    let seconds = load.span.as_secs_f64();
    let a_move = |work: Duration| work.as_secs_f64() * 1e6 / tally.arrived.max(1) as f64;
    let mut errors: Vec<String> = tally.errors.iter().take(MAX_ERRORS).cloned().collect();
    if tally.errors.len() > MAX_ERRORS {
        errors.push(format!("and {} more", tally.errors.len() - MAX_ERRORS));
    }
    Seen {
        side,
        rate: load.rate,
        tables: load.tables,
        seconds,
        offered: tally.offered as f64 / seconds,
        delivered: tally.arrived as f64 / seconds,
        opponent: tally.opponent.quantiles(),
        own: tally.own.quantiles(),
        start: tally.start.quantiles(),
        nodes_cpu: a_move(work.nodes),
        redis_cpu: a_move(work.redis),
        clients_cpu: a_move(work.clients),
        undelivered: tally.offered.saturating_sub(tally.opponent.count()),
        errors,
    }
}
