//! `open`: games that a node has never seen are opened there, one after the other on an open schedule, and then once more
//! by others, when the node has them.
//!
//! One game is played; the others are copies of its log, made by the store itself, since it is the length that counts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use zeitnot_loadtest::deployment::{RedisServer, Reply};

use crate::client::Client;
use crate::drive::Course;
use crate::entrance::Entrance;
use crate::failures::{Failures, Kind};
use crate::findings::{self, Findings, OutputArgs};
use crate::guests::{AT_ONCE, tokens};
use crate::latencies::Latencies;
use crate::oracle;
use crate::report::{progress, update};
use crate::sampler::Sampler;
use crate::schedule::Alarm;
use crate::score::{Score, whole_scores};
use crate::side::Side;
use crate::site::{Site, SiteArgs, Work};
use crate::table::HEARTBEAT;

/// Games that one socket opens: within what it may watch, and may send in 20 s.
const GAMES_A_SOCKET: usize = 50;

/// Copies that are asked for at a time.
const COPIES_AT_ONCE: usize = 500;

/// From the end of the set-up to the first one.
const PAUSE: Duration = Duration::from_millis(200);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Buckets of the store, over which games are spread by FNV-1a of their ids.
const BUCKETS: u32 = 256;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Games that are opened in a second
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// How long games are opened
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=25))]
    seconds: u32,
    /// Plies that each has
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=130))]
    plies: u16,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// What must be shown.
struct Expected {
    v: usize,
    moves: String,
}

/// What all sockets of a pass have seen.
struct Seen {
    latencies: Latencies,
    failures: Failures,
}

#[derive(Debug, Deserialize)]
struct Frame<'a> {
    t: &'a str,
    re: Option<usize>,
    v: Option<usize>,
    moves: Option<&'a str>,
}

/// Measures and prints it.
///
/// # Errors
/// Something does not start, or another game is shown than was played.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = args.site.open(2)?;
    let findings = runtime.block_on(open(args, &site))?;
    progress("")?;
    findings::publish(&[findings], &args.output, &[])
}

async fn open(args: &Args, site: &Site) -> anyhow::Result<Findings> {
    let redis = site.redis();
    let redis = redis.context("games are copied in a Redis of our own: leave --url away")?;
    progress("a game is played")?;
    let score = score(args.plies.into())?;
    let original = play(site, &score).await?;
    let games = copy(redis, &original, usize::try_from(args.rate * args.seconds)?)?;
    let expected = Arc::new(Expected {
        v: score.len() + 1,
        moves: score.join(" "),
    });

    let load = format!(
        "{} games of {} plies, {} a second",
        games.len(),
        args.plies,
        args.rate
    );
    let mut findings = Findings::new("open", load, Side::Zeitnot);
    let sampler = Sampler::start(site.parts(), Instant::now());
    // Who opened them first stays until the end, and the node has them for so long.
    let mut stay = JoinSet::new();
    for (name, cpu, redis_cpu) in [
        (
            "the node has never seen it",
            "CPU of the nodes each, never seen",
            "CPU of Redis each, never seen",
        ),
        (
            "the node has it",
            "CPU of the nodes each, the node has it",
            "CPU of Redis each, the node has it",
        ),
    ] {
        progress(&format!("games are opened: {name}"))?;
        let (seen, work) = pass(args, site, (&games, &expected), &mut stay).await?;
        let each = |work: Duration| work.as_secs_f64() * 1e6 / games.len() as f64;
        findings.number(cpu, each(work.nodes), "µs");
        findings.number(redis_cpu, each(work.redis), "µs");
        findings.latencies.push(seen.latencies.distribution(name));
        findings.failures.merge(seen.failures);
    }
    findings.processes = sampler.finish().await;
    Ok(findings)
}

/// A game that is long enough, as far as it is played.
fn score(plies: usize) -> anyhow::Result<Score> {
    let long = whole_scores()?
        .into_iter()
        .find(|score| score.len() > plies);
    let mut score = long.context("no game is so long")?;
    score.truncate(plies);
    Ok(score)
}

/// Plays it at the first node; its id.
async fn play(site: &Site, score: &Score) -> anyhow::Result<String> {
    let address = site.address(0);
    let entrance = Entrance::at(address);
    let tokens = [entrance.guest().await?, entrance.guest().await?];
    let game = entrance.begin([&tokens[0], &tokens[1]]).await?;
    let mut players = [
        Client::connect(address, "/ws", Some(&tokens[0])).await?,
        Client::connect(address, "/ws", Some(&tokens[1])).await?,
    ];
    for (ply, uci) in score.iter().enumerate() {
        let player = &mut players[ply % 2];
        let message =
            format!(r#"{{"t":"move","id":{ply},"game":"{game}","uci":"{uci}","ply":{ply}}}"#);
        player.send(message).await?;
        let answer = timeout(PATIENCE, answer_to(player, ply)).await;
        let answer = answer.context("no answer to a move")??;
        ensure!(answer.contains(r#""t":"ok""#), "{uci}: {answer}");
    }
    Ok(game)
}

async fn answer_to(client: &mut Client, id: usize) -> anyhow::Result<String> {
    loop {
        let (text, _) = client.next().await?;
        let frame: Frame<'_> = serde_json::from_str(&text).context("a frame")?;
        if frame.re == Some(id) {
            return Ok(text.to_string());
        }
    }
}

/// The same log under so many ids.
fn copy(redis: &RedisServer, original: &str, count: usize) -> anyhow::Result<Vec<String>> {
    let keys = redis.call(&["KEYS", &format!("*:game:{original}")])?;
    let source = keys.items().first().and_then(Reply::text);
    let source = source.context("the game is not in the store")?;
    let games: Vec<String> = (0..count).map(|number| format!("c{number:07}")).collect();
    let mut connection = redis.connect()?;
    for some in games.chunks(COPIES_AT_ONCE) {
        let targets: Vec<String> = some.iter().map(|game| key(game)).collect();
        let commands = targets
            .iter()
            .map(|target| vec!["COPY", source, target])
            .collect::<Vec<_>>();
        let replies = connection.call_all(&commands)?;
        let all_done = replies.iter().all(|reply| *reply == Reply::Int(1));
        ensure!(all_done, "a copy was refused: {replies:?}");
    }
    Ok(games)
}

fn key(game: &str) -> String {
    let hash = game.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{{b:{}}}:game:{game}", hash % BUCKETS)
}

/// All games, each once, at the second node, by sockets of their own.
async fn pass(
    args: &Args,
    site: &Site,
    (games, expected): (&[String], &Arc<Expected>),
    stay: &mut JoinSet<()>,
) -> anyhow::Result<(Seen, Work)> {
    let count = games.len().div_ceil(GAMES_A_SOCKET);
    let tokens = tokens(site, 0..count).await?;
    let clients: Vec<Client> = stream::iter(&tokens)
        .map(|token| Client::connect(site.address(1), "/ws", Some(token)))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let span = Duration::from_secs(args.seconds.into());
    let course = Course::after(PAUSE, Duration::ZERO, span);
    let seen = Arc::new(Mutex::new(Seen {
        latencies: Latencies::since(course.start),
        failures: Failures::none(),
    }));
    let (ended, mut ends) = mpsc::channel(count);
    let mut told = Vec::new();
    for client in clients {
        let (tx, rx) = mpsc::channel(GAMES_A_SOCKET);
        let socket = Socket {
            client,
            expected: Arc::clone(expected),
            seen: Arc::clone(&seen),
            dues: Vec::new(),
            open: 0,
        };
        stay.spawn(socket.follow(rx, ended.clone()));
        told.push(tx);
    }
    drop(ended);
    let before = site.work(&[])?;
    let alarm = Alarm::new()?;
    for (number, game) in games.iter().enumerate() {
        let due = course.start + span.mul_f64(number as f64 / games.len() as f64);
        alarm.wait_until(due).await?;
        let socket = &told[number % told.len()];
        // One that has gone has said why.
        let _ = socket.try_send((due, game.clone()));
        if number.is_multiple_of(usize::try_from(args.rate)?) {
            update((number, games.len()), "games are opened")?;
        }
    }
    drop(told);
    let all = async { while ends.recv().await.is_some() {} };
    let in_time = timeout(PATIENCE, all).await.is_ok();
    let work = site.work(&[])?.since(before);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = seen.latencies.count();
    let missing = (games.len() as u64).saturating_sub(shown);
    let example = || format!("games that were not shown; all have ended: {in_time}");
    seen.failures.add_many(Kind::Lost, missing, example);
    let seen = Seen {
        latencies: std::mem::replace(&mut seen.latencies, Latencies::since(course.start)),
        failures: std::mem::take(&mut seen.failures),
    };
    Ok((seen, work))
}

/// Who opens some of them, and then goes on watching them.
struct Socket {
    client: Client,
    expected: Arc<Expected>,
    seen: Arc<Mutex<Seen>>,
    /// When each was due, by the id of its message.
    dues: Vec<Instant>,
    /// How many have not been answered.
    open: usize,
}

impl Socket {
    async fn follow(
        mut self,
        mut dues: mpsc::Receiver<(Instant, String)>,
        ended: mpsc::Sender<()>,
    ) {
        let mut ended = Some(ended);
        let mut heartbeat = interval(HEARTBEAT);
        let mut is_last = false;
        let error = loop {
            if is_last && self.open == 0 {
                ended = None;
            }
            let done = tokio::select! {
                frame = self.client.next() => frame.and_then(|(text, at)| self.on_frame(&text, at)),
                due = dues.recv(), if !is_last => match due {
                    Some((due, game)) => self.open_one(due, &game).await,
                    None => {
                        is_last = true;
                        Ok(())
                    }
                },
                _ = heartbeat.tick() => self.client.send(oracle::PING.to_owned()).await,
            };
            if let Err(error) = done {
                break error;
            }
        };
        // Behind the end of a pass nobody asks any more.
        if ended.is_some() {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.failures.add(Kind::Socket, || format!("{error:#}"));
        }
    }

    async fn open_one(&mut self, due: Instant, game: &str) -> anyhow::Result<()> {
        let id = self.dues.len();
        self.dues.push(due);
        self.open += 1;
        let message = format!(r#"{{"t":"watch","id":{id},"game":"{game}"}}"#);
        self.client.send(message).await
    }

    fn on_frame(&mut self, text: &str, at: Instant) -> anyhow::Result<()> {
        let frame: Frame<'_> = serde_json::from_str(text).context("a frame")?;
        let Some(due) = frame.re.and_then(|id| self.dues.get(id)) else {
            return Ok(());
        };
        self.open -= 1;
        let Expected { v, moves } = &*self.expected;
        let is_whole = (frame.t, frame.v, frame.moves) == ("game", Some(*v), Some(moves));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if is_whole {
            seen.latencies.record(*due, at);
        } else {
            seen.failures.add(Kind::Wrong, || text.to_owned());
        }
        Ok(())
    }
}
