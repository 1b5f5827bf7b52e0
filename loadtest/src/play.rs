//! `play`: many games at once over any number of nodes, with spectators, at the pace of people in a hurry. Whatever
//! anybody is told is compared with the rules and with clocks that are added up again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::bail;
use serde::{Deserialize, Serialize};

use crate::drive::{Course, Tables};
use crate::findings::{self, Findings, OutputArgs};
use crate::line::Line;
use crate::report::{progress, wait};
use crate::sampler::{Sampler, Usage};
use crate::schedule::Thinking;
use crate::seating::{gather, whole_lines};
use crate::share::{self, Asker, Moment, Share, Spread};
use crate::side::Side;
use crate::site::{Elsewhere, Part, Site, SiteArgs, Work, nodes_for};
use crate::tally::{self, Tally};

/// Nodes that are started unless it is said how many.
const NODES: u8 = 2;

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// How long games go on before moves count.
const WARM_UP: Duration = Duration::from_secs(2);

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Games at once; a node is started for each 19,000 sockets unless it is said how many
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=50_000))]
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
    pub(crate) spread: Spread,
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
    let site = args.site.open(args.nodes())?;
    let findings = runtime.block_on(play(args, &site))?;
    progress("")?;
    findings::publish(&[findings], &args.output, &[])
}

/// What another process is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    at: Elsewhere,
    /// Which of all tables are its own.
    tables: Range<usize>,
    spectators: usize,
    think: Duration,
    seed: u64,
}

/// What it is asked.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    /// That everybody sits down.
    Gather,
    /// To play from a moment on, and what was seen between two others.
    Play([Moment; 3]),
}

/// Plays at a site, which may be another than that of the settings.
///
/// # Errors
/// People cannot be seated. What goes wrong later is in the findings.
pub(crate) async fn play(args: &Args, site: &Site) -> anyhow::Result<Findings> {
    progress(&format!("{} games begin", args.games))?;
    let parties = Parties::gather(args, site).await?;
    let parts = parties.parts();
    let course = Course::after(PAUSE, WARM_UP, Duration::from_secs(args.seconds.into()));
    let usage = [site.parts(), parts.clone()].concat();
    let sampler = Sampler::start(usage, course.window.start);
    progress(&format!("{} games are played", args.games))?;
    // Processes that share the games are there until nobody looks at them any more.
    let ((tally, _shares), work) = tokio::try_join!(
        parties.play(&course),
        site.work_within(&course.window, &parts)
    )?;
    Ok(summary(args, tally, (work, sampler.finish().await)))
}

/// Plays at some of the tables, in a process of its own.
///
/// # Errors
/// What it is asked makes no sense.
pub(crate) async fn share(job: Job, asker: &mut Asker) -> anyhow::Result<()> {
    let mut party = None;
    while let Some(question) = asker.next().await? {
        match (question, party.take()) {
            (Question::Gather, _) => {
                let gathered = Party::gather(&job).await;
                asker.answer(gathered.map(|gathered| party = Some(gathered)))?;
            }
            (Question::Play(moments), Some(gathered)) => {
                let [start, from, to] = moments.map(Moment::here);
                let window = from..to;
                let played = gathered.play(&Course { start, window }).await;
                asker.answer(played.map(Tally::part))?;
            }
            (Question::Play(..), None) => bail!("nobody sits there"),
        }
    }
    Ok(())
}

impl Args {
    fn sockets(&self) -> usize {
        usize::from(self.games) * (2 + usize::from(self.spectators))
    }

    /// How many are started where nobody says how many.
    pub(crate) fn nodes(&self) -> u8 {
        NODES.max(nodes_for(u32::try_from(self.sockets()).unwrap_or(u32::MAX)))
    }
}

/// Everybody who plays: in this process, or in some of their own.
enum Parties {
    Here(Box<Party>),
    There(Vec<Share>),
}

impl Parties {
    async fn gather(args: &Args, site: &Site) -> anyhow::Result<Self> {
        let spread = &args.spread;
        let of = spread.processes(args.sockets());
        let job = |process: usize| Job {
            at: spread.view(site, process),
            tables: share::part(&(0..args.games.into()), (process, of)),
            spectators: args.spectators.into(),
            think: Duration::from_millis(args.think.into()),
            seed: args.seed.wrapping_add(process as u64),
        };
        let shares = spread.start(args.sockets(), |process| share::Job::Play(job(process)));
        let mut shares = shares.await?;
        if shares.is_empty() {
            return Ok(Self::Here(Box::new(Party::gather(&job(0)).await?)));
        }
        let _: Vec<()> = Share::ask_all(&mut shares, |_| Question::Gather).await?;
        Ok(Self::There(shares))
    }

    /// What was seen, and who else has seen it.
    async fn play(self, course: &Course) -> anyhow::Result<(Tally, Vec<Share>)> {
        match self {
            Self::Here(party) => Ok((party.play(course).await?, Vec::new())),
            Self::There(mut shares) => {
                let Course { start, window } = course.clone();
                let moments = [start, window.start, window.end].map(Moment::of);
                let playing = Share::ask_all(&mut shares, |_| Question::Play(moments));
                let shown = wait(start..window.end, "games are played");
                let (parts, ()): (Vec<tally::Part>, ()) = tokio::try_join!(playing, shown)?;
                let mut all = Tally::new();
                all.begin(window);
                parts.into_iter().for_each(|part| all.add(part));
                Ok((all, shares))
            }
        }
    }

    /// The processes that they are in, but for this one.
    fn parts(&self) -> Vec<Part> {
        match self {
            Self::Here(_) => Vec::new(),
            Self::There(shares) => Share::parts(shares),
        }
    }
}

/// Tables of this process, at which everybody sits.
struct Party {
    tables: Tables,
    dues: Thinking,
    tally: Arc<Mutex<Tally>>,
}

impl Party {
    async fn gather(job: &Job) -> anyhow::Result<Self> {
        let lines = whole_lines()?;
        let of_table = |table: usize| {
            let mut lines: VecDeque<Arc<Line>> = lines.iter().cloned().collect();
            lines.rotate_left(table % lines.len());
            lines
        };
        let plies = |table| of_table(table).iter().map(|line| line.plies()).collect();
        let plies = job.tables.clone().map(plies).collect();
        let site = Site::at(job.at.clone());
        let tally = Arc::new(Mutex::new(Tally::new()));
        let seats = job.tables.clone();
        let seats = seats.map(|table| gather(&site, table, (job.spectators, of_table(table))));
        Ok(Self {
            tables: Tables::open(Side::Zeitnot, seats, &tally).await?,
            dues: Thinking::new(job.think, plies, job.seed),
            tally,
        })
    }

    async fn play(self, course: &Course) -> anyhow::Result<Tally> {
        self.tables.play(self.dues, (course, &self.tally)).await?;
        Ok(Tally::taken(&self.tally))
    }
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
