//! `compare`: the same work on what somebody would take instead of us, at the same load on the same machine, one after the
//! other. Whoever is compared is told by the same oracle what is wrong.

mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::runtime::Runtime;

use crate::awake::{Awake, SleepArgs};
use crate::findings::{self, Findings, OutputArgs};
use crate::idle::{self, Hold};
use crate::peer::{self, Peer};
use crate::report::{progress, say};
use crate::share::Spread;
use crate::side::Side;
use crate::site::Site;
use crate::steps::Climb;
use crate::watch::{self, Place, Show};
use crate::{binary, steps};
use table::Table;

/// Processes of each, on one Redis: White is at one, Black at the other.
const NODES: usize = 2;

/// Games that idle sockets follow, in turn: some peers have no socket without a game.
const IDLE_GAMES: u16 = 100;

/// From one move to the next of the game that is watched, in milliseconds.
const PACE: u32 = 1000;

/// How long a side has after the one before has ended: the system takes thousands of sockets back.
const REST: Duration = Duration::from_secs(2);

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who is measured, in this order: ws, socketio, socketioxide, colyseus, zeitnot, floor, storing-floor
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = side, default_value = "ws,socketio,socketioxide,colyseus,zeitnot,floor,storing-floor")]
    peers: Vec<Side>,
    /// Moves a second at which latencies are compared; repeatable
    #[arg(long, value_name = "N", default_values_t = [200, 1000], value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: Vec<u32>,
    /// How often the rates and the idle sockets are run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    repeat: u8,
    /// The steps, and how the rates are played; `--to 0` for no steps
    #[command(flatten)]
    climb: Climb,
    /// Idle sockets; 0 for none
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u16).range(0..=19_000))]
    sockets: u16,
    /// How long idle sockets are held, half of them first and then all, in seconds
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=3600))]
    hold: u16,
    /// Spectators of one game; 0 for none
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u16).range(0..=19_000))]
    spectators: u16,
    /// Moves of that game, one a second
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=90))]
    moves: u16,
    /// Threads of each process that may have several, but for the game with spectators; with 1, two processes have as many
    /// as two cores, and what runs in Node has no more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    node_threads: u8,
    /// The folder of the peers
    #[arg(long, value_name = "DIR", default_value = "loadtest/peers")]
    peers_in: PathBuf,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    #[command(flatten)]
    sleep: SleepArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What was measured in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Latencies at so many moves a second.
    Rate(u32),
    /// A step; whether it is the knee.
    Step(bool),
    Idle,
    Watch,
}

/// One run.
#[derive(Debug)]
struct Run {
    side: Side,
    measure: Measure,
    findings: Findings,
}

/// A side by its name.
fn side(name: &str) -> anyhow::Result<Side> {
    let peer = Peer::ALL.into_iter().find(|peer| peer.name() == name);
    Ok(match (name, peer) {
        (_, Some(peer)) => Side::Peer(peer),
        ("zeitnot", None) => Side::Zeitnot,
        ("floor", None) => Side::Floor,
        ("storing-floor", None) => Side::StoringFloor,
        (_, None) => bail!("nobody of that name is known"),
    })
}

/// Installs what is missing, measures, and prints one table.
///
/// # Errors
/// Something is not installed or does not start, or somebody was told something wrong, late or not at all.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    args.climb.fits()?;
    if args.climb.to > 0 {
        args.climb.has_steps()?;
    }
    let binary = binary::find(args.binary.as_deref())?;
    let folder = peer::folder(&args.peers_in)?;
    let compared = Compared {
        args,
        open: &|side, threads| Site::over_redis(side, (NODES, threads), (&binary, folder)),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        spectators: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?,
    };
    for side in &args.peers {
        if let Side::Peer(peer) = side {
            peer::install(*peer, folder).with_context(|| format!("install {side}"))?;
        }
    }
    let mut runs = Vec::new();
    let measured = compared.all(&mut runs);
    progress("")?;
    let table = Table::of(&args.peers, &runs);
    let runs: Vec<Findings> = runs.into_iter().map(|run| run.findings).collect();
    findings::keep(&runs, &args.output, &table.html())?;
    say(&table.text())?;
    let complained = findings::complain(&runs);
    measured?;
    complained
}

/// How each of them is measured.
struct Compared<'a> {
    args: &'a Args,
    open: &'a dyn Fn(Side, Option<u8>) -> anyhow::Result<Site>,
    runtime: Runtime,
    /// Of those who watch.
    spectators: Runtime,
}

impl Compared<'_> {
    /// Everything. What was measured before an error is in the runs.
    fn all(&self, runs: &mut Vec<Run>) -> anyhow::Result<()> {
        let args = self.args;
        for repetition in 0..args.repeat {
            for &rate in &args.rate {
                self.each(Measure::Rate(rate), runs, |side| {
                    self.at_rate(side, rate, args.climb.seed + u64::from(repetition))
                })?;
            }
            if args.sockets > 1 {
                self.each(Measure::Idle, runs, |side| self.idle(side))?;
            }
        }
        if args.spectators > 0 {
            self.each(Measure::Watch, runs, |side| self.watch(side))?;
        }
        let mut all = Ok(());
        if args.climb.to > 0 {
            for &side in &args.peers {
                // Where one of them cannot go on, the others can.
                let climbed = self.climb(side, runs);
                all = all.and(climbed.with_context(|| format!("steps of {side}")));
            }
        }
        all
    }

    /// The same for all of them, each started for it; none where it cannot be done.
    fn each(
        &self,
        measure: Measure,
        runs: &mut Vec<Run>,
        run: impl Fn(Side) -> anyhow::Result<Option<Findings>>,
    ) -> anyhow::Result<()> {
        for &side in &self.args.peers {
            progress(&format!("{side}: {}", measure.name()))?;
            let found = run(side).with_context(|| format!("{side}: {}", measure.name()))?;
            runs.extend(found.map(|findings| Run {
                side,
                measure,
                findings,
            }));
            std::thread::sleep(REST);
        }
        Ok(())
    }

    fn at_rate(&self, side: Side, rate: u32, seed: u64) -> anyhow::Result<Option<Findings>> {
        let climb = Climb {
            seed,
            ..self.args.climb.clone()
        };
        let site = (self.open)(side, Some(self.args.node_threads))?;
        let _awake = Awake::start(self.args.sleep)?;
        // What comes too late at this rate stays a failure: nobody was looking for the knee.
        let (mut findings, _) = self.runtime.block_on(climb.step(&site, rate))?;
        findings.scenario = "compare";
        Ok(Some(findings))
    }

    fn climb(&self, side: Side, runs: &mut Vec<Run>) -> anyhow::Result<()> {
        let site = (self.open)(side, Some(self.args.node_threads))?;
        let mut steps = Vec::new();
        let climbed = self.args.climb.run(&site, &self.runtime, &mut steps);
        let knee = climbed.as_ref().ok().copied().flatten();
        let is_knee = |findings: &Findings| {
            knee.is_some() && findings.value(steps::RATE) == knee.map(f64::from)
        };
        runs.extend(steps.into_iter().map(|findings| Run {
            side,
            measure: Measure::Step(is_knee(&findings)),
            findings,
        }));
        drop(site);
        std::thread::sleep(REST);
        climbed.map(|_| ())
    }

    fn idle(&self, side: Side) -> anyhow::Result<Option<Findings>> {
        if side.is_floor() {
            return Ok(None);
        }
        let hold = Hold {
            sockets: self.args.sockets.into(),
            step: u32::from(self.args.sockets) / 2,
            hold: self.args.hold,
            games: IDLE_GAMES,
        };
        let site = (self.open)(side, Some(self.args.node_threads))?;
        let spread = Spread::default();
        let held = idle::hold(&hold, (&site, &spread));
        self.runtime.block_on(held).map(Some)
    }

    fn watch(&self, side: Side) -> anyhow::Result<Option<Findings>> {
        let show = Show {
            spectators: self.args.spectators.into(),
            moves: self.args.moves,
            pace: PACE,
            others: 0,
            seed: self.args.climb.seed,
        };
        let place = match side {
            Side::Floor => Place::fan()?,
            // It would be the same.
            Side::StoringFloor => return Ok(None),
            Side::Zeitnot | Side::Peer(_) => Place::Site((self.open)(side, None)?),
        };
        let spread = Spread::default();
        let shown = watch::one((&show, &spread), &place, self.spectators.handle());
        self.runtime.block_on(shown).map(Some)
    }
}

impl Measure {
    fn name(self) -> String {
        match self {
            Self::Rate(rate) => format!("{rate} moves/s"),
            Self::Step(_) => "steps".to_owned(),
            Self::Idle => "idle sockets".to_owned(),
            Self::Watch => "spectators".to_owned(),
        }
    }
}
