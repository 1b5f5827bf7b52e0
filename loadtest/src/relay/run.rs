//! One run: sits players down, has them play on schedule, and says what was seen.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep_until;

use super::target::Target;
use crate::drive::{Course, Tables};
use crate::latencies::Quantiles;
use crate::line::Line;
use crate::schedule::Schedule;
use crate::seating::{open_lines, sit_down, sit_down_at_floor};
use crate::side::Side;
use crate::site::Work;
use crate::table::Seated;
use crate::tally::Tally;

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the same moves are played before they count.
const WARM_UP: Duration = Duration::from_secs(3);

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
    let lines = open_lines()?;
    let tally = Arc::new(Mutex::new(Tally::new()));
    let seats = (0..load.tables).map(|table| seat(target, (table, plies), &lines));
    let tables = Tables::open(target.side(), seats, &tally).await?;
    let course = Course::after(PAUSE, WARM_UP, load.span);
    let (played, work) = tokio::join!(
        tables.play(schedule.dues(), (&course, &tally)),
        work_within(target, &course.window)
    );
    played?;
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(seen((target.side(), load), &tally, work?))
}

/// Two players at a table, each the first at every other one's node.
async fn seat(
    target: &Target,
    (table, plies): (usize, usize),
    lines: &[Arc<Line>],
) -> anyhow::Result<Seated> {
    let nodes = target.addresses();
    let line = &lines[table % lines.len()];
    if target.side() == Side::Zeitnot {
        return sit_down(nodes, line, plies).await;
    }
    let path = format!("/ws?game={table}");
    sit_down_at_floor(nodes.map(|node| (node, &*path)), line, &table.to_string()).await
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
    let failures = tally.failures.iter();
    let errors = failures.map(|(kind, seen)| {
        let (count, example) = (seen.count, &seen.example);
        format!("{kind:?} {count} ×, e.g. {example}")
    });
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
        errors: errors.collect(),
    }
}
