//! `relay`: how long a move takes to the opponent at another node, beside the same way without logic.
//!
//! Both are started afresh for each run, and run in turn: only what was run in the same minutes is compared.

mod run;
mod target;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::binary;
use crate::latencies::Quantiles;
use crate::report::{self, Figure, say};
use crate::side::Side;
use run::{Load, Seen};
use target::{Aof, Targets};

/// Moves that a table makes in a second unless the number of tables is given: about what bullet players do.
const BEAT: u32 = 2;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Moves a second; repeatable
    #[arg(long, value_name = "N", default_values_t = [200, 2000], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Vec<u32>,
    /// How long the moves of a run count, after a warm-up of 3
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// How often each is run
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    repeat: u8,
    /// What it is compared with
    #[arg(long, value_name = "SIDE")]
    against: Option<Side>,
    /// Tables with two players each; without it, half the rate
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    tables: Option<u16>,
    /// What Redis keeps on disk
    #[arg(long, value_name = "MODE", default_value = "everysec")]
    aof: Aof,
    /// Where the moves of the tables fall within their beat
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// File for all figures of all runs
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Further arguments of every node, behind `--`
    #[arg(last = true, value_name = "ARGS")]
    node_args: Vec<String>,
}

/// Runs all of it, and prints one table for each rate.
///
/// # Errors
/// Something does not start, or a move was lost, doubled, late beyond patience or not what was played.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let targets = Targets {
        binary: binary::find(args.binary.as_deref())?,
        aof: args.aof,
        node_args: args.node_args.clone(),
    };
    let sides: Vec<Side> = args.against.into_iter().chain([Side::Zeitnot]).collect();
    let runs = args.rate.len() * sides.len() * usize::from(args.repeat);
    let mut seen: Vec<Seen> = Vec::new();
    for repetition in 0..args.repeat {
        for &rate in &args.rate {
            let mut turn = sides.clone();
            // Neither is always the first.
            if repetition % 2 == 1 {
                turn.reverse();
            }
            for side in turn {
                let number = seen.len() + 1;
                report::progress(&format!("run {number} of {runs}: {side}, {rate} moves/s"))?;
                let load = Load {
                    rate,
                    tables: args.tables.map_or_else(|| tables(rate), usize::from),
                    span: Duration::from_secs(args.seconds.into()),
                    seed: args.seed + u64::from(repetition),
                };
                let target = targets.start(side)?;
                seen.push(run::run(&target, load).with_context(|| format!("run {number}"))?);
            }
        }
    }
    report::progress("")?;
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_string_pretty(&seen)?)
            .with_context(|| format!("write {}", path.display()))?;
    }
    for &rate in &args.rate {
        let of_rate: Vec<&Seen> = seen.iter().filter(|one| one.rate == rate).collect();
        say(&table(&of_rate))?;
    }
    complain(&seen)
}

fn tables(rate: u32) -> usize {
    usize::try_from(rate / BEAT).unwrap_or(usize::MAX).max(1)
}

fn complain(seen: &[Seen]) -> anyhow::Result<()> {
    let mut is_right = true;
    for one in seen {
        let (side, rate, count) = (one.side, one.rate, one.undelivered);
        if count > 0 {
            is_right = false;
            say(&format!(
                "{side} at {rate} moves/s: {count} moves were not delivered\n"
            ))?;
        }
        for error in &one.errors {
            is_right = false;
            say(&format!("{side} at {rate} moves/s: {error}\n"))?;
        }
    }
    ensure!(is_right, "some runs failed");
    Ok(())
}

/// Which number of a run, and how much of the floor's it may be.
type Row = (&'static str, fn(&Seen) -> Option<f64>, Option<f64>);

const fn opponent(seen: &Seen) -> Option<&Quantiles> {
    seen.opponent.as_ref()
}

const ROWS: [Row; 16] = [
    ("delivered, moves/s", |seen| Some(seen.delivered), None),
    (
        "opponent has it, p50 µs",
        |seen| Some(opponent(seen)?.p50),
        Some(1.25),
    ),
    ("p90", |seen| Some(opponent(seen)?.p90), None),
    ("p99", |seen| Some(opponent(seen)?.p99), Some(1.5)),
    ("p99.9", |seen| Some(opponent(seen)?.p999), None),
    ("max", |seen| Some(opponent(seen)?.max), None),
    ("own answer, p50 µs", |seen| Some(seen.own?.p50), None),
    ("p90", |seen| Some(seen.own?.p90), None),
    ("p99", |seen| Some(seen.own?.p99), None),
    ("p99.9", |seen| Some(seen.own?.p999), None),
    ("max", |seen| Some(seen.own?.max), None),
    (
        "of it before it is sent, p50 µs",
        |seen| Some(seen.start?.p50),
        None,
    ),
    ("p99", |seen| Some(seen.start?.p99), None),
    (
        "both nodes, µs of CPU a move",
        |seen| Some(seen.nodes_cpu),
        None,
    ),
    ("Redis, µs of CPU a move", |seen| Some(seen.redis_cpu), None),
    (
        "load tool, µs of CPU a move",
        |seen| Some(seen.clients_cpu),
        None,
    ),
];

/// All runs at one rate.
fn table(seen: &[&Seen]) -> String {
    let Some(first) = seen.first() else {
        return String::new();
    };
    let of = |side: Side| seen.iter().filter(move |one| one.side == side);
    let count = of(Side::Zeitnot).count();
    let head = format!(
        "\n{} moves/s at {} tables, {} s, {count} times each: medians, ratios run by run\n\n",
        first.rate, first.tables, first.seconds
    );
    let figures = ROWS.iter().map(|&(name, pick, budget)| Figure {
        name: name.to_owned(),
        floor: of(Side::Floor).filter_map(|one| pick(one)).collect(),
        ours: of(Side::Zeitnot).filter_map(|one| pick(one)).collect(),
        budget,
    });
    head + &report::table(&figures.collect::<Vec<_>>())
}
