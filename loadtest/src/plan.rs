//! `plan`: how many nodes and masters so many players need, from what one of each thing was measured to cost.
//!
//! It says what it assumes. It measures nothing itself: the costs are in `plan/costs.rs`, each with its command.

mod costs;
mod model;

use std::fmt::Write as _;

use crate::report::say;
use model::{Load, Plan, predict};

/// Bytes of a GiB.
const GIB: f64 = (1_u64 << 30) as f64;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Players who play at once, two in each game
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100_000_000))]
    players: u32,
    /// Seconds that a player thinks over a move, so that a game has a move in each of them
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    think: u32,
    /// Spectators of each game, on the average
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    spectators: u32,
    /// Plies of a game
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(2..=600))]
    plies: u32,
    /// Seconds from one heartbeat of a socket to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    heartbeat: u32,
    /// Cores of a node
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=256))]
    cores: u32,
    /// How much of all cores, of a node's sockets and of a master's memory is to stay free, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=95))]
    headroom: u32,
    /// Nodes more than are needed, so that as many may die
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1000))]
    spare: u32,
    /// Days for which games that have ended stay in Redis
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=3650))]
    keep: u32,
    /// Sockets that a node takes at most
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    max_sockets: u32,
    /// Memory of a master, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    redis_memory: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Prints the plan.
///
/// # Errors
/// No number of nodes is enough, or nothing can be printed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let plan = predict(&Load::of(args))?;
    if args.json {
        let text = serde_json::to_string_pretty(&plan)?;
        return say(&format!("{text}\n"));
    }
    say(&text(&plan))
}

fn text(plan: &Plan) -> String {
    let Plan {
        load,
        nodes,
        node,
        redis,
        network,
        checks,
    } = plan;
    let mut text = format!("\n{} players\n\n", load.players);
    let mut line = |name: &str, value: f64, unit: &str| {
        // Writing to a string does not fail.
        let digits = usize::from(value.fract() > 0.0) * if value < 10.0 { 2 } else { 1 };
        let _ = writeln!(text, "{name:>44} {value:>10.digits$} {unit}");
    };
    line("nodes", f64::from(*nodes), "");
    line("  cores of each", f64::from(load.cores), "");
    line("  of them at work", node.cores, "");
    line("  sockets of each", node.sockets, "");
    line("  memory of each", node.memory / GIB, "GiB");
    line("masters of Redis", f64::from(redis.masters), "");
    line("  for their work", f64::from(redis.for_work), "");
    line("  for their memory", f64::from(redis.for_memory), "");
    line("  of the core of each at work", redis.cores, "");
    line("  memory of each", redis.memory / GIB, "GiB");
    line(
        "    for games that go on, of each",
        redis.running / GIB,
        "GiB",
    );
    line("to clients", network.to_clients * 8.0 / 1e6, "Mbit/s");
    line("from clients", network.from_clients * 8.0 / 1e6, "Mbit/s");
    line("nodes and Redis", network.inside * 8.0 / 1e6, "Mbit/s");
    text.push_str("\nAssumed:\n");
    for assumption in load.assumptions() {
        let _ = writeln!(text, "- {assumption}");
    }
    text.push_str("\nChecked against runs that it was not made of, µs of CPU a move:\n");
    for check in checks {
        let _ = writeln!(text, "- {check}");
    }
    text.push_str("\nThe costs are from:\n");
    for (command, what) in costs::SOURCES {
        let _ = writeln!(text, "- {command}: {what}");
    }
    text
}
