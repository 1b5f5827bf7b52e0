//! `idle`: what a connection takes of a node's memory and time while nothing happens but heartbeats.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::{StreamExt as _, stream};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::interval_at;

use crate::client::Client;
use crate::failures::{Failures, Kind};
use crate::findings::{self, Findings, OutputArgs};
use crate::guests::{AT_ONCE, begin_games, tokens};
use crate::latencies::{self, Latencies};
use crate::oracle;
use crate::report::{progress, update, wait};
use crate::sampler::{Sampler, Usage};
use crate::share::{self, Asker, Moment, Share, Spread};
use crate::side::Side;
use crate::site::{Elsewhere, Site, SiteArgs, Work, nodes_for};
use crate::table::HEARTBEAT;

/// Opened sockets after which it is said how many there are.
const SAY_EVERY: usize = 100;

/// What is looked for.
pub(crate) const MEMORY_A_SOCKET: &str =
    "resident memory a socket, from the first step to the last";
pub(crate) const CPU_A_SOCKET: &str = "CPU of the node a socket and second";

/// Failures with which it is over: the figures would mean nothing.
const MAX_FAILURES: u64 = 100;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    hold: Hold,
    #[command(flatten)]
    spread: Spread,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// How many there are, and for how long.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Hold {
    /// Sockets in the end; a node is started for each 19,000 of them unless it is said how many
    #[arg(long, value_name = "N", default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(2..=200_000))]
    pub(crate) sockets: u32,
    /// Sockets that are opened at a time; memory is looked at after each step
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) step: u32,
    /// How long each step is held, in seconds
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) hold: u16,
    /// Games that they follow, one each; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) games: u16,
}

/// What another process is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    at: Elsewhere,
    /// Those that are followed.
    games: Vec<String>,
    began: Moment,
}

/// What it is asked.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    /// To open sockets of these numbers.
    Open(Range<usize>),
    /// What was seen at all of them, until now.
    Seen,
}

/// What all sockets have seen.
struct Seen {
    pongs: Latencies,
    failures: Failures,
}

/// The same for another process.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    pongs: latencies::Part,
    failures: Failures,
}

/// The end of one step.
struct Step {
    sockets: usize,
    /// Bytes of the node.
    resident: f64,
    /// While it was held.
    work: Work,
    /// How long the sockets took to open, and how many they were.
    opened: (usize, Duration),
}

/// Opens sockets step by step, and prints what they take.
///
/// # Errors
/// Something does not start, or a socket ended.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = args.site.open(nodes_for(args.hold.sockets))?;
    let findings = runtime.block_on(hold(&args.hold, (&site, &args.spread)))?;
    progress("")?;
    findings::publish(&[findings], &args.output, &[])
}

/// Holds them.
///
/// # Errors
/// A socket cannot be opened, or too many ended.
pub(crate) async fn hold(
    args: &Hold,
    (site, spread): (&Site, &Spread),
) -> anyhow::Result<Findings> {
    ensure!(args.step < args.sockets, "a slope needs two steps");
    let games = begin_games(site, args.games.into()).await?;
    let games: Vec<String> = games.into_iter().map(|begun| begun.game).collect();
    let began = Instant::now();
    let last = usize::try_from(args.sockets)?;
    let job = |process| Job {
        at: spread.view(site, process),
        games: games.clone(),
        began: Moment::of(began),
    };
    let shares = spread.start(last, |process| share::Job::Hold(job(process)));
    let shares = shares.await?;
    let parts = Share::parts(&shares);
    let mut holders = if shares.is_empty() {
        Holders::Here(Box::new(Holder::of(job(0))))
    } else {
        Holders::There(shares)
    };
    let sampler = Sampler::start([site.parts(), parts.clone()].concat(), began);
    let mut steps = Vec::new();
    let mut from = 0;
    while from < last {
        let to = last.min(from + usize::try_from(args.step)?);
        progress(&format!("{to} sockets are opened"))?;
        let took = holders.open(from..to).await?;
        progress(&format!("{to} sockets are held"))?;
        let before = site.work(&parts)?;
        let now = Instant::now();
        let held = now..now + Duration::from_secs(args.hold.into());
        wait(held, "sockets are held").await?;
        steps.push(Step {
            sockets: to,
            resident: site.resident()?.unwrap_or_default(),
            work: site.work(&parts)?.since(before),
            opened: (to - from, took),
        });
        let failures = holders.seen(began).await?.failures;
        ensure!(
            failures.total() < MAX_FAILURES,
            "too many sockets failed: {failures:?}"
        );
        from = to;
    }
    let usage = sampler.finish().await;
    let seen = holders.seen(began).await?;
    Ok(summary((args, site.side()), &steps, seen, usage))
}

/// Does the same in a process of its own.
///
/// # Errors
/// What it is asked makes no sense.
pub(crate) async fn share(job: Job, asker: &mut Asker) -> anyhow::Result<()> {
    let mut holder = Holder::of(job);
    while let Some(question) = asker.next().await? {
        match question {
            Question::Open(numbers) => asker.answer(holder.open(numbers).await)?,
            Question::Seen => asker.answer(Ok(holder.seen()))?,
        }
    }
    Ok(())
}

/// Who has the sockets.
enum Holders {
    Here(Box<Holder>),
    There(Vec<Share>),
}

impl Holders {
    /// Opens the sockets of these numbers; how long that took, in other processes with the tokens.
    async fn open(&mut self, numbers: Range<usize>) -> anyhow::Result<Duration> {
        match self {
            Self::Here(holder) => holder.open(numbers).await,
            Self::There(shares) => {
                let (of, start) = (shares.len(), Instant::now());
                let question = |number| Question::Open(share::part(&numbers, (number, of)));
                // They do not begin together: one may still have its tokens made.
                let _: Vec<Duration> = Share::ask_all(shares, question).await?;
                Ok(start.elapsed())
            }
        }
    }

    /// What was seen at all sockets until now.
    async fn seen(&mut self, began: Instant) -> anyhow::Result<Seen> {
        let parts: Vec<Part> = match self {
            Self::Here(holder) => vec![holder.seen()],
            Self::There(shares) => Share::ask_all(shares, |_| Question::Seen).await?,
        };
        let mut seen = Seen {
            pongs: Latencies::since(began),
            failures: Failures::none(),
        };
        for part in parts {
            seen.pongs.add(part.pongs);
            seen.failures.merge(part.failures);
        }
        Ok(seen)
    }
}

/// Sockets of this process. They end with this.
struct Holder {
    site: Site,
    games: Vec<String>,
    sockets: JoinSet<()>,
    seen: Arc<Mutex<Seen>>,
}

impl Holder {
    fn of(job: Job) -> Self {
        Self {
            site: Site::at(job.at),
            games: job.games,
            sockets: JoinSet::new(),
            seen: Arc::new(Mutex::new(Seen {
                pongs: Latencies::since(job.began.here()),
                failures: Failures::none(),
            })),
        }
    }

    async fn open(&mut self, numbers: Range<usize>) -> anyhow::Result<Duration> {
        let count = numbers.len();
        let tokens = tokens(&self.site, numbers.clone()).await?;
        let (start, mut opened) = (Instant::now(), 0);
        let mut opening = stream::iter(tokens.into_iter().zip(numbers))
            .map(|(token, number)| {
                let game = self.games.get(number % self.games.len().max(1));
                open(&self.site, number, (token, game.cloned()))
            })
            .buffer_unordered(AT_ONCE);
        while let Some(client) = opening.next().await {
            let has_pings = self.site.side().has_pings();
            let seen = Arc::clone(&self.seen);
            self.sockets.spawn(live(client?, has_pings, seen));
            opened += 1;
            if opened % SAY_EVERY == 0 {
                update((opened, count), "sockets are open")?;
            }
        }
        Ok(start.elapsed())
    }

    fn seen(&self) -> Part {
        let seen = lock(&self.seen);
        Part {
            pongs: seen.pongs.part(),
            failures: seen.failures.clone(),
        }
    }
}

fn summary((args, side): (&Hold, Side), steps: &[Step], seen: Seen, usage: Vec<Usage>) -> Findings {
    let what = match args.games {
        0 => "that follow nothing".to_owned(),
        games => format!("that follow one of {games} games each"),
    };
    let load = format!(
        "{} authenticated sockets {what}, {} at a time, each step held for {} s",
        args.sockets, args.step, args.hold
    );
    let mut findings = Findings::new("idle", load, side);
    let a_socket = |work: Duration, step: &Step| {
        work.as_secs_f64() * 1e6 / f64::from(args.hold) / step.sockets as f64
    };
    if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
        let grown = last.resident - first.resident;
        let slope = grown / (last.sockets - first.sockets).max(1) as f64;
        if last.resident > 0.0 {
            findings.number(MEMORY_A_SOCKET, slope, "bytes");
            findings.number(CPU_A_SOCKET, a_socket(last.work.nodes, last), "µs");
        }
        findings.number(
            "CPU of the load tool a socket and second",
            a_socket(last.work.clients, last),
            "µs",
        );
    }
    for step in steps {
        let (count, took) = step.opened;
        findings.number("sockets", step.sockets as f64, "");
        findings.number("  opened", count as f64 / took.as_secs_f64(), "sockets/s");
        if step.resident > 0.0 {
            findings.number(
                "  resident memory of the node",
                step.resident / f64::from(1 << 20),
                "MiB",
            );
        }
    }
    findings.latencies = vec![seen.pongs.distribution("a ping is answered")];
    findings.failures = seen.failures;
    findings.processes = usage;
    findings
}

async fn open(
    site: &Site,
    number: usize,
    (token, game): (String, Option<String>),
) -> anyhow::Result<Client> {
    let mut client = site.connect(number, Some(&token), game.as_deref()).await?;
    if let Some(game) = game {
        client.send(oracle::watch(&game)).await?;
        while !client.next().await?.0.contains(r#""t":"game""#) {}
    }
    Ok(client)
}

/// Says now and then that it lives, and counts how long the answer takes.
async fn live(mut client: Client, has_pings: bool, seen: Arc<Mutex<Seen>>) {
    let first = HEARTBEAT.mul_f64(rand::rng().random_range(0.0..1.0));
    let mut heartbeat = interval_at((Instant::now() + first).into(), HEARTBEAT);
    let mut asked = None;
    let ended = loop {
        tokio::select! {
            frame = client.next() => match frame {
                Ok((text, at)) if text.contains(r#""t":"pong""#) => {
                    if let Some(asked) = asked.take() {
                        lock(&seen).pongs.record(asked, at);
                    }
                }
                // Who else is here, and whether the store answers.
                Ok(_) => {}
                Err(error) => break error,
            },
            due = heartbeat.tick(), if has_pings => {
                asked = Some(due.into_std());
                if let Err(error) = client.send(oracle::PING.to_owned()).await {
                    break error;
                }
            }
        }
    };
    lock(&seen)
        .failures
        .add(Kind::Socket, || format!("{ended:#}"));
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // What is inside is whole even if a holder panicked.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
