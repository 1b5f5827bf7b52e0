//! `storm`: all connections are cut at once while games go on. Everybody comes back at a moment of his own, and is there
//! when he has been shown all that was played meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::{interval_at, sleep_until, timeout};

use crate::client::Client;
use crate::failures::{Failures, Kind};
use crate::findings::{self, Findings, OutputArgs};
use crate::guests::{AT_ONCE, Begun, begin_games, tokens};
use crate::latencies::Latencies;
use crate::line::Line;
use crate::oracle::{self, Played};
use crate::report::{progress, update};
use crate::sampler::Sampler;
use crate::seating::open_lines;
use crate::sequence::FIRST_VERSION;
use crate::side::Side;
use crate::site::{Site, SiteArgs};
use crate::table::HEARTBEAT;

/// How long anybody may take to come back, refusals included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Until somebody who was refused tries again, at most.
const RETRY: Duration = Duration::from_secs(1);

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sockets that are cut
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u16).range(1..=19_000))]
    sockets: u16,
    /// Games that they follow, one each
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    games: u16,
    /// Within how long they come back, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(0..=600_000))]
    jitter: u32,
    /// How often all are cut
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=50))]
    rounds: u16,
    /// Who comes back when
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// Somebody who follows a game.
#[derive(Debug, Clone)]
struct Follower {
    number: usize,
    token: String,
    game: String,
    /// The version that he has seen.
    head: u16,
}

/// What all of them have seen.
struct Seen {
    connected: Latencies,
    back: Latencies,
    refused: u64,
    failures: Failures,
}

/// Those who are connected; they are cut when it ends.
struct Crowd {
    sockets: JoinSet<()>,
    followers: Vec<Follower>,
}

#[derive(Debug, Deserialize)]
struct Frame<'a> {
    t: &'a str,
    game: Option<&'a str>,
    v: Option<u16>,
}

/// Cuts them as often as it was asked for, and prints how they came back.
///
/// # Errors
/// Something does not start, or somebody did not come back or was shown an old game.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = Arc::new(args.site.open(1)?);
    let findings = runtime.block_on(storm(args, &site))?;
    progress("")?;
    findings::publish(&[findings], &args.output, &[])
}

async fn storm(args: &Args, site: &Arc<Site>) -> anyhow::Result<Findings> {
    progress("guests and games")?;
    let lines = open_lines()?;
    let games = begin_games(site, args.games.into()).await?;
    let tokens = tokens(site, 0..args.sockets.into()).await?;
    let follower = |(number, token)| Follower {
        number,
        token,
        game: games[number % games.len()].game.clone(),
        head: FIRST_VERSION,
    };
    let followers = tokens.into_iter().enumerate().map(follower).collect();
    let began = Instant::now();
    let seen = Arc::new(Mutex::new(Seen {
        connected: Latencies::since(began),
        back: Latencies::since(began),
        refused: 0,
        failures: Failures::none(),
    }));
    let sampler = Sampler::start(site.parts(), began);
    progress(&format!("{} sockets open", args.sockets))?;
    let mut crowd = Crowd::gather(followers, (site, &seen)).await?;
    let (mut rng, mut took) = (StdRng::seed_from_u64(args.seed), Vec::new());
    for round in 1..=args.rounds {
        progress(&format!("cut {round} of {}", args.rounds))?;
        crowd.sockets.shutdown().await;
        advance(site, &games, (&lines[0], round)).await?;
        let head = FIRST_VERSION + round;
        took.push(crowd.come_back(args, head, (site, &seen, &mut rng)).await?);
    }
    crowd.sockets.shutdown().await;
    let mut findings = summary(args, &mut lock(&seen), &took);
    findings.processes = sampler.finish().await;
    Ok(findings)
}

fn summary(args: &Args, seen: &mut Seen, took: &[Duration]) -> Findings {
    let load = format!(
        "{} sockets that follow {} games, cut {} times, back within {} ms",
        args.sockets, args.games, args.rounds, args.jitter
    );
    let mut findings = Findings::new("storm", load, Side::Zeitnot);
    for took in took {
        findings.number(
            "until everybody was back at the head",
            took.as_secs_f64(),
            "s",
        );
    }
    findings.number("attempts that were refused", seen.refused as f64, "");
    findings.latencies = vec![
        seen.connected.distribution("connected again"),
        seen.back.distribution("back at the head"),
    ];
    findings.failures = std::mem::take(&mut seen.failures);
    findings
}

impl Crowd {
    /// Opens all sockets, some at a time.
    async fn gather(
        followers: Vec<Follower>,
        (site, seen): (&Arc<Site>, &Arc<Mutex<Seen>>),
    ) -> anyhow::Result<Self> {
        let mut sockets = JoinSet::new();
        let mut opening = stream::iter(&followers)
            .map(|follower| join(site, follower, follower.number))
            .buffer_unordered(AT_ONCE);
        while let Some(joined) = opening.next().await {
            let (client, _, _) = joined?;
            sockets.spawn(stay(client, Arc::clone(seen)));
            update((sockets.len(), followers.len()), "sockets are open")?;
        }
        drop(opening);
        Ok(Self { sockets, followers })
    }

    /// Everybody comes back at a moment of his own, to the next node; how long it took until all were at the head.
    async fn come_back(
        &mut self,
        args: &Args,
        head: u16,
        (site, seen, rng): (&Arc<Site>, &Arc<Mutex<Seen>>, &mut StdRng),
    ) -> anyhow::Result<Duration> {
        let start = Instant::now();
        let mut coming = JoinSet::new();
        for follower in &mut self.followers {
            let due = start + Duration::from_millis(rng.random_range(0..=args.jitter).into());
            let returning = Returning {
                follower: follower.clone(),
                node: follower.number + usize::from(head),
                due,
                head,
            };
            follower.head = head;
            coming.spawn(returning.come(Arc::clone(site), Arc::clone(seen)));
        }
        let mut last = start;
        while let Some(came) = coming.join_next().await {
            if let Some((client, at)) = came? {
                last = last.max(at);
                self.sockets.spawn(stay(client, Arc::clone(seen)));
            }
            update((self.sockets.len(), self.followers.len()), "are back")?;
        }
        Ok(last - start)
    }
}

/// Somebody who comes back.
struct Returning {
    follower: Follower,
    node: usize,
    due: Instant,
    /// What he must be shown at least.
    head: u16,
}

impl Returning {
    /// Tries until he is back, or for as long as that may take.
    async fn come(self, site: Arc<Site>, seen: Arc<Mutex<Seen>>) -> Option<(Client, Instant)> {
        sleep_until(self.due.into()).await;
        loop {
            match join(&site, &self.follower, self.node).await {
                Ok((client, (connected, shown), version)) => {
                    let mut seen = lock(&seen);
                    seen.connected.record(self.due, connected);
                    seen.back.record(self.due, shown);
                    if version < self.head {
                        let head = self.head;
                        seen.failures.add(Kind::Lost, || {
                            format!("was shown version {version}, but {head} was answered before")
                        });
                    }
                    return Some((client, shown));
                }
                Err(error) if self.due.elapsed() > PATIENCE => {
                    lock(&seen)
                        .failures
                        .add(Kind::Late, || format!("{error:#}"));
                    return None;
                }
                Err(_) => {
                    lock(&seen).refused += 1;
                    let pause = RETRY.mul_f64(rand::rng().random_range(0.0..1.0));
                    sleep_until((Instant::now() + pause).into()).await;
                }
            }
        }
    }
}

/// Connects and is shown the game; when each of both was, and which version it has.
async fn join(
    site: &Site,
    follower: &Follower,
    node: usize,
) -> anyhow::Result<(Client, (Instant, Instant), u16)> {
    let address = site.address(node);
    let mut client = Client::connect(address, "/ws", Some(&follower.token)).await?;
    let connected = Instant::now();
    let (game, head) = (&follower.game, follower.head);
    client
        .send(format!(
            r#"{{"t":"watch","id":1,"game":"{game}","v":{head}}}"#
        ))
        .await?;
    let shown = async {
        loop {
            let (text, at) = client.next().await?;
            let frame: Frame<'_> = serde_json::from_str(&text).context("a frame")?;
            ensure!(frame.t != "error", "{text}");
            if frame.t == "game" && frame.game == Some(game) {
                return Ok((at, frame.v.context("no version")?));
            }
        }
    };
    let (at, version) = timeout(PATIENCE, shown)
        .await
        .context("no snapshot in time")??;
    Ok((client, (connected, at), version))
}

/// Stays until the socket is cut.
async fn stay(mut client: Client, seen: Arc<Mutex<Seen>>) {
    let mut heartbeat = interval_at((Instant::now() + HEARTBEAT).into(), HEARTBEAT);
    let ended = loop {
        tokio::select! {
            frame = client.next() => if let Err(error) = frame {
                break error;
            },
            _ = heartbeat.tick() => if let Err(error) = client.send(oracle::PING.to_owned()).await {
                break error;
            },
        }
    };
    lock(&seen)
        .failures
        .add(Kind::Socket, || format!("{ended:#}"));
}

/// One move in every game, by a player who comes for it and leaves again.
async fn advance(
    site: &Site,
    games: &[Begun],
    (line, plies): (&Arc<Line>, u16),
) -> anyhow::Result<()> {
    stream::iter(games.iter().enumerate())
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |(number, begun)| async move {
            let ply = plies - 1;
            let token = &begun.tokens[usize::from(ply % 2)];
            let address = site.address(number);
            let mut client = Client::connect(address, "/ws", Some(token)).await?;
            let played = Played {
                game: &begun.game,
                line,
                sent: plies,
            };
            client.send(oracle::play(played, ply)).await?;
            loop {
                let (text, _) = client.next().await?;
                ensure!(!text.contains(r#""t":"error""#), "{text}");
                if text.contains(r#""t":"ok""#) {
                    return Ok(());
                }
            }
        })
        .await
        .context("play a move")
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // What is inside is whole even if a holder panicked.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
