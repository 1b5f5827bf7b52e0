//! `lobby`: people who look for a game, two at a time, and how long it takes until both have it. Each game is called off
//! at once, so that they may look again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rand::Rng as _;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{interval_at, sleep_until};

use crate::client::Client;
use crate::clocks;
use crate::drive::Course;
use crate::failures::{Failures, Kind};
use crate::findings::{self, Findings, OutputArgs};
use crate::guests::{AT_ONCE, tokens};
use crate::latencies::Latencies;
use crate::oracle;
use crate::report::{progress, update};
use crate::sampler::{Sampler, Usage};
use crate::schedule::Alarm;
use crate::side::Side;
use crate::site::{Site, SiteArgs, Work};
use crate::table::HEARTBEAT;

/// Seconds from one seek of a user to his next one, at least: a socket may send 30 lobby messages in 30 s.
const REST: u32 = 3;

/// Seeks that wait for one user.
const MAX_WAITING: usize = 16;

/// From the end of the set-up to the first seek.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the last ones may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The message that seeks, and the id of its answer.
const SEEK: &str = r#"{"t":"seek","id":1,"clock":{"limit":60,"increment":1}}"#;
const SEEK_ID: i64 = 1;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seeks a second, two at a time
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=4000))]
    rate: u32,
    /// People who look at the list of seeks
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    watchers: u16,
    /// How long there are seeks
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// What all have seen.
struct Seen {
    answered: Latencies,
    paired: Latencies,
    /// Who has which side of a game.
    games: HashMap<String, [Option<usize>; 2]>,
    /// Changes of the list, at all who look at it.
    lists: u64,
    failures: Failures,
}

type Shared = Arc<Mutex<Seen>>;

#[derive(Debug, Deserialize)]
struct Frame<'a> {
    t: &'a str,
    re: Option<i64>,
    game: Option<&'a str>,
    color: Option<clocks::Side>,
}

/// Has people seek, and prints how long it took.
///
/// # Errors
/// Something does not start, or somebody found nobody, or not the one who found him.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = args.site.open(1)?;
    let findings = runtime.block_on(seek(args, &site))?;
    progress("")?;
    findings::publish(&[findings], &args.output, &[])
}

async fn seek(args: &Args, site: &Site) -> anyhow::Result<Findings> {
    let users = usize::try_from(args.rate * REST)?.next_multiple_of(2);
    progress(&format!("{users} people come"))?;
    let clients = open(site, users).await?;
    let watchers = open(site, args.watchers.into()).await?;
    let span = Duration::from_secs(args.seconds.into());
    let course = Course::after(PAUSE, Duration::ZERO, span);
    let seen: Shared = Arc::new(Mutex::new(Seen {
        answered: Latencies::since(course.start),
        paired: Latencies::since(course.start),
        games: HashMap::new(),
        lists: 0,
        failures: Failures::none(),
    }));
    let (mut seeking, mut told) = (JoinSet::new(), Vec::new());
    for (number, client) in clients.into_iter().enumerate() {
        let (tx, rx) = mpsc::channel(MAX_WAITING);
        let user = User {
            number,
            client,
            seen: Arc::clone(&seen),
            give_up: course.window.end + PATIENCE,
            due: None,
            asked: None,
            game: None,
        };
        seeking.spawn(user.seek(rx));
        told.push(tx);
    }
    let mut looking = JoinSet::new();
    for client in watchers {
        looking.spawn(look(client, Arc::clone(&seen)));
    }
    let sampler = Sampler::start(site.parts(), course.start);
    let (sought, work) = tokio::join!(
        pace(args, &course, (told, &seen)),
        site.work_within(&course.window, &[])
    );
    let sought = sought?;
    while let Some(ended) = seeking.join_next().await {
        if let Err(error) = ended.context("a user").and_then(|ended| ended) {
            lock(&seen)
                .failures
                .add(Kind::Socket, || format!("{error:#}"));
        }
    }
    looking.shutdown().await;
    let usage = sampler.finish().await;
    Ok(summary(args, &mut lock(&seen), (sought, work?, usage)))
}

fn summary(
    args: &Args,
    seen: &mut Seen,
    (sought, work, usage): (u64, Work, Vec<Usage>),
) -> Findings {
    let load = format!(
        "{} seeks a second, {} look on, {} s",
        args.rate, args.watchers, args.seconds
    );
    let mut findings = Findings::new("lobby", load, Side::Zeitnot);
    let seconds = f64::from(args.seconds);
    let a_seek = |work: Duration| work.as_secs_f64() * 1e6 / sought.max(1) as f64;
    findings.number("seeks", sought as f64 / seconds, "seeks/s");
    findings.number("games", seen.games.len() as f64 / seconds, "games/s");
    findings.number("changes of the list that were shown", seen.lists as f64, "");
    if work.nodes > Duration::ZERO {
        findings.number("CPU of all nodes a seek", a_seek(work.nodes), "µs");
        findings.number("CPU of Redis a seek", a_seek(work.redis), "µs");
    }
    for (game, players) in &seen.games {
        if players.iter().any(Option::is_none) {
            let example = || format!("only one side was told of game {game}");
            seen.failures.add(Kind::Lost, example);
        }
    }
    let paired = seen.paired.count();
    let alone = sought.saturating_sub(paired);
    seen.failures
        .add_many(Kind::Lost, alone, || "a seek that found nobody".to_owned());
    findings.latencies = vec![
        seen.answered.distribution("seek is answered"),
        seen.paired.distribution("game has begun"),
    ];
    findings.failures = std::mem::take(&mut seen.failures);
    findings.processes = usage;
    findings
}

async fn open(site: &Site, count: usize) -> anyhow::Result<Vec<Client>> {
    let tokens = tokens(site, 0..count).await?;
    stream::iter(tokens.iter().enumerate())
        .map(|(number, token)| Client::connect(site.address(number), "/ws", Some(token)))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Tells two users at a time to seek, each pair in its turn; how many seeks that were.
async fn pace(
    args: &Args,
    course: &Course,
    (users, seen): (Vec<mpsc::Sender<Instant>>, &Shared),
) -> anyhow::Result<u64> {
    let (alarm, mut sought) = (Alarm::new()?, 0);
    let pairs = args.rate * u32::from(args.seconds) / 2;
    let period = Duration::from_secs(2) / args.rate;
    for (pair, users) in (0..pairs).zip(users.chunks_exact(2).cycle()) {
        let due = course.start + period * pair;
        alarm.wait_until(due).await?;
        for user in users {
            sought += 1;
            if user.try_send(due).is_err() {
                let example = || "a user has gone, or waits for too many games".to_owned();
                lock(seen).failures.add(Kind::Late, example);
            }
        }
        if pair.is_multiple_of(args.rate.div_ceil(2)) {
            let [pair, pairs] = [pair, pairs].map(usize::try_from);
            update((pair?, pairs?), &format!("{sought} seeks"))?;
        }
    }
    Ok(sought)
}

/// Somebody who seeks one game after the other.
struct User {
    number: usize,
    client: Client,
    seen: Shared,
    give_up: Instant,
    /// When the seek was due that has found nobody yet.
    due: Option<Instant>,
    /// The same of the seek that has not been answered.
    asked: Option<Instant>,
    /// The game that is to be called off.
    game: Option<String>,
}

impl User {
    async fn seek(mut self, mut dues: mpsc::Receiver<Instant>) -> anyhow::Result<()> {
        let first = HEARTBEAT.mul_f64(rand::rng().random_range(0.0..1.0));
        let mut heartbeat = interval_at((Instant::now() + first).into(), HEARTBEAT);
        let mut is_last = false;
        while !is_last || self.is_busy() {
            tokio::select! {
                frame = self.client.next() => {
                    let (text, at) = frame?;
                    self.on_frame(&text, at).await?;
                }
                due = dues.recv(), if !is_last && !self.is_busy() => match due {
                    Some(due) => {
                        self.due = Some(due);
                        self.asked = Some(due);
                        self.client.send(SEEK.to_owned()).await?;
                    }
                    None => is_last = true,
                },
                _ = heartbeat.tick() => self.client.send(oracle::PING.to_owned()).await?,
                () = sleep_until(self.give_up.into()) => {
                    let waits = (self.due, self.asked, &self.game);
                    bail!("still waiting for an opponent, an answer or an end: {waits:?}")
                }
            }
        }
        Ok(())
    }

    const fn is_busy(&self) -> bool {
        self.due.is_some() || self.asked.is_some() || self.game.is_some()
    }

    async fn on_frame(&mut self, text: &str, at: Instant) -> anyhow::Result<()> {
        let frame: Frame<'_> = serde_json::from_str(text).context("a frame")?;
        match frame.t {
            "ok" if frame.re == Some(SEEK_ID) => {
                if let Some(due) = self.asked.take() {
                    lock(&self.seen).answered.record(due, at);
                }
            }
            // The game has been called off, by either.
            "ok" | "error" if frame.re != Some(SEEK_ID) => self.game = None,
            "error" => {
                (self.due, self.asked) = (None, None);
                let mut seen = lock(&self.seen);
                seen.failures.add(Kind::Refused, || text.to_owned());
            }
            "game_start" => return self.on_start(&frame, at).await,
            _ => {}
        }
        Ok(())
    }

    async fn on_start(&mut self, frame: &Frame<'_>, at: Instant) -> anyhow::Result<()> {
        let game = frame.game.context("no game")?;
        let side = usize::from(frame.color == Some(clocks::Side::Black));
        {
            let mut seen = lock(&self.seen);
            let seen = &mut *seen;
            let players = seen.games.entry(game.to_owned()).or_default();
            match players[side] {
                // It may be told again.
                Some(other) if other == self.number => return Ok(()),
                Some(_) => seen
                    .failures
                    .add(Kind::Wrong, || format!("two have one side of game {game}")),
                None => players[side] = Some(self.number),
            }
            match self.due.take() {
                Some(due) => seen.paired.record(due, at),
                None => seen
                    .failures
                    .add(Kind::Unexpected, || format!("game {game} without a seek")),
            }
        }
        self.game = Some(game.to_owned());
        let abort = format!(r#"{{"t":"abort","id":2,"game":"{game}","v":1}}"#);
        self.client.send(abort).await
    }
}

/// Looks at the list until it is over.
async fn look(mut client: Client, seen: Shared) {
    let mut heartbeat = interval_at((Instant::now() + HEARTBEAT).into(), HEARTBEAT);
    let mut sent = client.send(r#"{"t":"lobby","id":1}"#.to_owned()).await;
    while sent.is_ok() {
        tokio::select! {
            frame = client.next() => match frame {
                Ok((text, _)) => lock(&seen).lists += u64::from(text.contains(r#""t":"seeks""#)),
                Err(error) => sent = Err(error),
            },
            _ = heartbeat.tick() => sent = client.send(oracle::PING.to_owned()).await,
        }
    }
    if let Err(error) = sent {
        lock(&seen)
            .failures
            .add(Kind::Socket, || format!("{error:#}"));
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // What is inside is whole even if a holder panicked.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
