//! The tools around Zeitnot: runs what the command says.

mod cluster;

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
}

fn main() -> ExitCode {
    let Command::Cluster(args) = Cli::parse().command;
    match cluster::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if stderr is gone.
            let _ = writeln!(std::io::stderr(), "zeitnot-loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}
