//! `play`: many games at once over any number of nodes, with spectators, at the pace of people in a hurry. Whatever
//! anybody is told is compared with the rules and with clocks that are added up again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::drive::{Course, Tables};
use crate::findings::{self, Findings, OutputArgs};
use crate::line::Line;
use crate::report::progress;
use crate::sampler::{Sampler, Usage};
use crate::schedule::Thinking;
use crate::seating::{gather, whole_lines};
use crate::side::Side;
use crate::site::{Site, SiteArgs, Work};
use crate::tally::Tally;

/// Nodes that are started unless it is said how many.
const NODES: u8 = 2;

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// How long games go on before moves count.
const WARM_UP: Duration = Duration::from_secs(2);

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Games at once
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) games: u16,
    /// Spectators of each game
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) spectators: u8,
    /// How long a move takes its player on the average, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(200..=60_000))]
    pub(crate) think: u32,
    /// How long moves count, after a warm-up of 2
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) seconds: u16,
    /// What people think, and who plays what
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
}

/// Plays, and prints what was seen.
///
/// # Errors
/// Something does not start, or somebody was told something wrong, late or not at all.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = args.site.open(NODES)?;
    let findings = runtime.block_on(play(args, &site))?;
    progress("")?;
    findings::publish(&[findings], &args.output, &[])
}

/// Plays at a site, which may be another than that of the settings.
///
/// # Errors
/// People cannot be seated. What goes wrong later is in the findings.
pub(crate) async fn play(args: &Args, site: &Site) -> anyhow::Result<Findings> {
    let lines = whole_lines()?;
    let of_table = |table: usize| {
        let mut lines: VecDeque<Arc<Line>> = lines.iter().cloned().collect();
        lines.rotate_left(table % lines.len());
        lines
    };
    let games = usize::from(args.games);
    let plies = |table| of_table(table).iter().map(|line| line.plies()).collect();
    let think = Duration::from_millis(args.think.into());
    let dues = Thinking::new(think, (0..games).map(plies).collect(), args.seed);

    progress(&format!("{games} games begin"))?;
    let tally = Arc::new(Mutex::new(Tally::new()));
    let spectators = usize::from(args.spectators);
    let seats = (0..games).map(|table| gather(site, table, (spectators, of_table(table))));
    let tables = Tables::open(Side::Zeitnot, seats, &tally).await?;
    let course = Course::after(PAUSE, WARM_UP, Duration::from_secs(args.seconds.into()));
    let sampler = Sampler::start(site.parts(), course.window.start);
    progress(&format!("{games} games are played"))?;
    let (played, work) = tokio::join!(
        tables.play(dues, (&course, &tally)),
        site.work_within(&course.window)
    );
    played?;
    let tally = Tally::taken(&tally);
    Ok(summary(args, tally, (work?, sampler.finish().await)))
}

fn summary(args: &Args, tally: Tally, (work, usage): (Work, Vec<Usage>)) -> Findings {
    let load = format!(
        "{} games at once, {} spectators each, a move every {} ms, {} s",
        args.games, args.spectators, args.think, args.seconds
    );
    let mut findings = Findings::new("play", load, Side::Zeitnot);
    let seconds = f64::from(args.seconds);
    let a_move = |work: Duration| work.as_secs_f64() * 1e6 / tally.arrived.max(1) as f64;
    findings.number("moves due", tally.offered as f64 / seconds, "moves/s");
    findings.number(
        "moves that arrived",
        tally.arrived as f64 / seconds,
        "moves/s",
    );
    findings.number("games played to their end", tally.games as f64, "");
    findings.number(
        "versions that a snapshot stood for",
        tally.skipped as f64,
        "",
    );
    if work.nodes > Duration::ZERO {
        findings.number("CPU of all nodes a move", a_move(work.nodes), "µs");
        findings.number("CPU of Redis a move", a_move(work.redis), "µs");
    }
    findings.number("CPU of the load tool a move", a_move(work.clients), "µs");
    findings.latencies = vec![
        tally.own.distribution("own answer"),
        tally.opponent.distribution("opponent has it"),
        tally.spectator.distribution("a spectator has it"),
        tally.start.distribution("of it before it is sent"),
    ];
    findings.failures = tally.failures;
    findings.processes = usage;
    findings
}
