//! The tools around Zeitnot: runs what the command says.

mod awake;
mod binary;
mod chaos;
mod client;
mod clocks;
mod cluster;
mod compare;
mod drive;
mod entrance;
mod failures;
mod fan;
mod findings;
mod floor;
mod framing;
mod growth;
mod guests;
mod idle;
mod latencies;
mod line;
mod lobby;
mod open;
mod oracle;
mod peer;
mod plan;
mod play;
mod redis_cost;
mod relay;
mod report;
mod sampler;
mod schedule;
mod score;
mod seating;
mod sequence;
mod share;
mod side;
mod site;
mod steps;
mod storm;
mod table;
mod tally;
mod tls;
mod url;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
    /// Hurts a deployment all the time, and proves that it keeps its promises
    Chaos(chaos::Args),
    /// Measures how long moves take to the opponent, beside the same way without logic
    Relay(relay::Args),
    /// Measures what Redis does for games, and when nothing happens
    RedisCost(redis_cost::Args),
    /// Measures one game with very many spectators, beside the same frames written without logic
    Watch(watch::Args),
    /// Plays many games at once over any number of nodes, and replays each
    Play(play::Args),
    /// Measures what a connection takes while nothing happens
    Idle(idle::Args),
    /// Cuts all connections at once, and measures how they come back
    Storm(storm::Args),
    /// Measures how long it takes to find somebody to play
    Lobby(lobby::Args),
    /// Measures how long it takes until a game is shown by a node that has never seen it
    Open(open::Args),
    /// Raises the load until moves come too late
    Steps(steps::Args),
    /// Measures what others made beside ours, at the same load, one after the other
    Compare(compare::Args),
    /// Measures what a move costs while games, spectators, nodes, masters or logs grow
    Growth(growth::Args),
    /// Says what so many players need, by costs that were measured
    Plan(plan::Args),
    /// Runs one node of the relay without logic
    #[command(hide = true)]
    FloorNode(floor::Args),
    /// Runs a node that writes to many sockets without logic
    #[command(hide = true)]
    FanNode(fan::Args),
    /// Has a part of a load that needs more open files than one process has
    #[command(hide = true)]
    Share,
    /// Keeps all cores busy until its input ends
    #[command(hide = true)]
    KeepAwake,
}

/// As many open files as the system lets us have: each socket is one. What is started inherits it.
fn allow_sockets() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most).context("raise the limit of open files")
}

fn main() -> ExitCode {
    if let Err(error) = allow_sockets() {
        let _ = writeln!(std::io::stderr(), "zeitnot-loadtest: {error:#}");
    }
    let done = match Cli::parse().command {
        Command::Cluster(args) => cluster::run(&args),
        Command::Chaos(args) => chaos::run(&args),
        Command::Relay(args) => relay::run(&args),
        Command::RedisCost(args) => redis_cost::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Play(args) => play::run(&args),
        Command::Idle(args) => idle::run(&args),
        Command::Storm(args) => storm::run(&args),
        Command::Lobby(args) => lobby::run(&args),
        Command::Open(args) => open::run(&args),
        Command::Steps(args) => steps::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Growth(args) => growth::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::FloorNode(args) => floor::run(&args),
        Command::FanNode(args) => fan::run(&args),
        Command::Share => share::run(),
        Command::KeepAwake => awake::run(),
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
