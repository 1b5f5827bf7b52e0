//! `steps`: more and more moves a second, until they come too late twice: where the knee is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::drive::{Course, Tables};
use crate::findings::{self, Findings, OutputArgs};
use crate::latencies::Latencies;
use crate::report::progress;
use crate::sampler::Sampler;
use crate::schedule::Schedule;
use crate::seating::{gather, open_lines};
use crate::share::most_sockets;
use crate::side::Side;
use crate::site::{Site, SiteArgs, Work};
use crate::tally::Tally;

/// Nodes that are started unless it is said how many.
const NODES: u8 = 2;

/// What is looked for in each step.
pub(crate) const RATE: &str = "moves due";
pub(crate) const CPU_OF_NODES: &str = "CPU of all nodes a move";
pub(crate) const CPU_OF_REDIS: &str = "CPU of Redis a move";
pub(crate) const OPPONENT: &str = "opponent has it";
pub(crate) const OWN: &str = "own answer";

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the same moves are played before they count.
const WARM_UP: Duration = Duration::from_secs(2);

/// Of the moves that are due in a step, those that must arrive at all.
const MIN_SHARE: f64 = 0.95;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    climb: Climb,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// How it goes up.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Climb {
    /// Moves a second in the first step
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) from: u32,
    /// How many times those of the step before each step has, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 150, value_parser = clap::value_parser!(u32).range(101..=1000))]
    pub(crate) factor: u32,
    /// Moves a second above which there is no step in any case
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) to: u32,
    /// What p99 of the opponent may be, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// How long a step counts, after a warm-up of 2
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) seconds: u16,
    /// Moves that are made in each game in a second: 2 are about what bullet players do, more load many moves on few sockets
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(crate) beat: u32,
    /// How long a step waits until the nodes are done with the thousands who have left the one before, in seconds: players
    /// who do not come back are given up after a while, all of them at the same moment
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub(crate) rest: u16,
    /// Where the moves of the tables fall within their beat
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Steps up, and prints each step and the last one that was within the limit.
///
/// # Errors
/// Something does not start, the first step is too much already, or a later one could not be taken; those before it are
/// printed all the same.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    args.climb.has_steps()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = args.site.open(NODES)?;
    let mut runs = Vec::new();
    let climbed = args.climb.run(&site, &runtime, &mut runs);
    progress("")?;
    let published = match runs[..] {
        [] => Ok(()),
        _ => findings::publish(&runs, &args.output, &[]),
    };
    climbed?.context("the first step was too much already")?;
    published
}

impl Climb {
    /// Refuses to end before it begins.
    ///
    /// # Errors
    /// It would.
    pub(crate) fn has_steps(&self) -> anyhow::Result<()> {
        let (from, to) = (self.from, self.to);
        ensure!(from <= to, "there is no step: --from {from}, --to {to}");
        Ok(())
    }

    /// Refuses what games of which each is played once are too short for.
    ///
    /// # Errors
    /// They are.
    pub(crate) fn fits(&self) -> anyhow::Result<()> {
        let lines = open_lines()?;
        let plies = lines.iter().map(|line| line.plies()).min().unwrap_or(0);
        let seconds = WARM_UP.as_secs() + u64::from(self.seconds);
        ensure!(
            seconds * u64::from(self.beat) < plies.into(),
            "a game of {plies} plies does not last for {seconds} s with {} moves a second: fewer --seconds, or a smaller --beat",
            self.beat
        );
        Ok(())
    }

    /// The last rate that was within the limit. Each step is added to the runs when it is over.
    ///
    /// # Errors
    /// Nobody can be seated, or time cannot be told.
    pub(crate) fn run(
        &self,
        site: &Site,
        runtime: &Runtime,
        runs: &mut Vec<Findings>,
    ) -> anyhow::Result<Option<u32>> {
        let (mut knee, mut rate) = (None, self.from);
        let mut is_second_try = false;
        while rate <= self.to {
            if !runs.is_empty() {
                runtime.block_on(async { sleep(Duration::from_secs(self.rest.into())).await });
            }
            progress(&format!("{}: {rate} moves/s", site.side()))?;
            let step = runtime.block_on(self.step(site, rate));
            let (mut findings, is_within) = step.with_context(|| format!("{rate} moves/s"))?;
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
                rate = u32::try_from(u64::from(rate) * u64::from(self.factor) / 100)?;
            }
        }
        Ok(knee)
    }

    /// One rate; whether it was within the limit.
    ///
    /// # Errors
    /// It wants too many sockets, nobody can be seated, or time cannot be told.
    pub(crate) async fn step(&self, site: &Site, rate: u32) -> anyhow::Result<(Findings, bool)> {
        let tables = usize::try_from(rate / self.beat)?.max(1);
        ensure!(
            2 * tables <= most_sockets(),
            "{} sockets are more than a process can have: raise the limit of open files (ulimit -Hn), or --beat",
            2 * tables
        );
        let schedule = Schedule::new(rate, tables, self.seed);
        let lines = open_lines()?;
        let tally = Arc::new(Mutex::new(Tally::new()));
        let seats = (0..tables).map(|table| {
            let line = Arc::clone(&lines[table % lines.len()]);
            gather(site, table, (0, [line].into()))
        });
        let tables = Tables::open(site.side(), seats, &tally).await?;
        let course = Course::after(PAUSE, WARM_UP, Duration::from_secs(self.seconds.into()));
        let sampler = Sampler::start(site.parts(), course.window.start);
        let (played, work) = tokio::join!(
            tables.play(schedule.dues(), (&course, &tally)),
            site.work_within(&course.window, &[])
        );
        played?;
        let tally = Tally::taken(&tally);
        let p99 = |latencies: &Latencies| latencies.quantiles().map(|quantiles| quantiles.p99);
        let is_within = p99(&tally.opponent)
            .is_some_and(|micros| micros <= f64::from(self.limit) * 1e3)
            && tally.opponent.count() as f64 >= tally.offered as f64 * MIN_SHARE;
        let mut findings = self.summary(site.side(), (rate, tally), work?);
        findings.processes = sampler.finish().await;
        if !is_within {
            // It is what was looked for that moves come late; nothing else may go wrong.
            findings.failures.forgive_lateness();
        }
        Ok((findings, is_within))
    }

    fn summary(&self, side: Side, (rate, tally): (u32, Tally), work: Work) -> Findings {
        let load = format!(
            "{rate} moves/s, p99 within {} ms, {} s",
            self.limit, self.seconds
        );
        let mut findings = Findings::new("steps", load, side);
        let a_move = |work: Duration| work.as_secs_f64() * 1e6 / tally.arrived.max(1) as f64;
        let arrived = tally.arrived as f64 / f64::from(self.seconds);
        findings.number(RATE, rate.into(), "moves/s");
        findings.number("moves that arrived", arrived, "moves/s");
        if work.nodes > Duration::ZERO {
            findings.number(CPU_OF_NODES, a_move(work.nodes), "µs");
            findings.number(CPU_OF_REDIS, a_move(work.redis), "µs");
        }
        findings.number("CPU of the load tool a move", a_move(work.clients), "µs");
        findings.latencies = vec![
            tally.opponent.distribution(OPPONENT),
            tally.own.distribution(OWN),
        ];
        findings.failures = tally.failures;
        findings
    }
}
