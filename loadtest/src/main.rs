//! The tools around Zeitnot: runs what the command says.

mod binary;
mod client;
mod cluster;
mod entrance;
mod floor;
mod redis_cost;
mod relay;
mod report;
mod schedule;
mod score;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs real deployments of Zeitnot on this machine
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs several nodes behind nginx on one Redis, and starts again whatever dies
    Cluster(cluster::Args),
    /// Measures how long moves take to the opponent, beside the same way without logic
    Relay(relay::Args),
    /// Measures what Redis does for games, and when nothing happens
    RedisCost(redis_cost::Args),
    /// Runs one node of the relay without logic
    FloorNode(floor::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Cluster(args) => cluster::run(&args),
        Command::Relay(args) => relay::run(&args),
        Command::RedisCost(args) => redis_cost::run(&args),
        Command::FloorNode(args) => floor::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if stderr is gone.
            let _ = writeln!(std::io::stderr(), "zeitnot-loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}
