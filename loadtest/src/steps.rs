//! `steps`: more and more moves a second, until they come too late twice: where the knee is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::drive::{Course, Tables};
use crate::findings::{self, Findings, OutputArgs};
use crate::latencies::Latencies;
use crate::report::progress;
use crate::sampler::Sampler;
use crate::schedule::Schedule;
use crate::seating::{gather, open_lines};
use crate::side::Side;
use crate::site::{Site, SiteArgs, Work};
use crate::tally::Tally;

/// Nodes that are started unless it is said how many.
const NODES: u8 = 2;

/// Moves that a table makes in a second: about what bullet players do.
const BEAT: u32 = 2;

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the same moves are played before they count.
const WARM_UP: Duration = Duration::from_secs(2);

/// Of the moves that are due in a step, those that must arrive at all.
const MIN_SHARE: f64 = 0.95;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Moves a second in the first step
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    from: u32,
    /// How many times those of the step before each step has, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 150, value_parser = clap::value_parser!(u32).range(101..=1000))]
    factor: u32,
    /// Moves a second at which it is over in any case
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    to: u32,
    /// What p99 of the opponent may be, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// How long a step counts, after a warm-up of 2
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// Where the moves of the tables fall within their beat
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// Steps up, and prints each step and the last one that was within the limit.
///
/// # Errors
/// Something does not start, or the first step is too much already.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = args.site.open(NODES)?;
    let (mut runs, mut knee, mut rate) = (Vec::new(), None, args.from);
    let mut is_second_try = false;
    while rate <= args.to {
        progress(&format!("{rate} moves/s"))?;
        let (mut findings, is_within) = runtime.block_on(step(args, &site, rate))?;
        if is_within {
            knee = Some(rate);
        }
        findings.number(
            "last step within the limit",
            knee.unwrap_or(0).into(),
            "moves/s",
        );
        runs.push(findings);
        // Machines are shared: one step that is too much may be somebody else's.
        if !is_within && is_second_try {
            break;
        }
        is_second_try = !is_within;
        if is_within {
            rate = u32::try_from(u64::from(rate) * u64::from(args.factor) / 100)?;
        }
    }
    progress("")?;
    findings::publish(&runs, &args.output, &[])?;
    knee.map(|_| ())
        .ok_or_else(|| anyhow::anyhow!("the first step was too much already"))
}

/// One rate; whether it was within the limit.
async fn step(args: &Args, site: &Site, rate: u32) -> anyhow::Result<(Findings, bool)> {
    let tables = usize::try_from(rate / BEAT)?.max(1);
    let schedule = Schedule::new(rate, tables, args.seed);
    let lines = open_lines()?;
    let tally = Arc::new(Mutex::new(Tally::new()));
    let seats = (0..tables).map(|table| {
        let line = Arc::clone(&lines[table % lines.len()]);
        gather(site, table, (0, [line].into()))
    });
    let tables = Tables::open(Side::Zeitnot, seats, &tally).await?;
    let course = Course::after(PAUSE, WARM_UP, Duration::from_secs(args.seconds.into()));
    let sampler = Sampler::start(site.parts(), course.window.start);
    let (played, work) = tokio::join!(
        tables.play(schedule.dues(), (&course, &tally)),
        site.work_within(&course.window)
    );
    played?;
    let tally = Tally::taken(&tally);
    let p99 = |latencies: &Latencies| latencies.quantiles().map(|quantiles| quantiles.p99);
    let is_within = p99(&tally.opponent)
        .is_some_and(|micros| micros <= f64::from(args.limit) * 1e3)
        && tally.opponent.count() as f64 >= tally.offered as f64 * MIN_SHARE;
    let mut findings = summary(args, (rate, tally), work?);
    findings.processes = sampler.finish().await;
    if !is_within {
        // It is what was looked for that moves come late; nothing else may go wrong.
        findings.failures.forgive_lateness();
    }
    Ok((findings, is_within))
}

fn summary(args: &Args, (rate, tally): (u32, Tally), work: Work) -> Findings {
    let load = format!(
        "{rate} moves/s, p99 within {} ms, {} s",
        args.limit, args.seconds
    );
    let mut findings = Findings::new("steps", load, Side::Zeitnot);
    let a_move = |work: Duration| work.as_secs_f64() * 1e6 / tally.arrived.max(1) as f64;
    let arrived = tally.arrived as f64 / f64::from(args.seconds);
    findings.number("moves that arrived", arrived, "moves/s");
    if work.nodes > Duration::ZERO {
        findings.number("CPU of all nodes a move", a_move(work.nodes), "µs");
        findings.number("CPU of Redis a move", a_move(work.redis), "µs");
    }
    findings.number("CPU of the load tool a move", a_move(work.clients), "µs");
    findings.latencies = vec![
        tally.opponent.distribution("opponent has it"),
        tally.own.distribution("own answer"),
    ];
    findings.failures = tally.failures;
    findings
}
