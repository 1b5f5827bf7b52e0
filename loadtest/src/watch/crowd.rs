//! The spectators of one game: each a socket that is told of every move, or of a snapshot in the place of some.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, stream};
use rand::Rng as _;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{interval_at, sleep, timeout};

use crate::client::{Client, Text};
use crate::failures::{Failures, Kind};
use crate::oracle;
use crate::report::update;
use crate::sequence::{FIRST_VERSION, Sequence};
use crate::side::Side;
use crate::table::HEARTBEAT;

/// Sockets that are opened at a time.
const OPENED_AT_ONCE: usize = 64;

/// Opened sockets after which it is said how many there are.
const SAY_EVERY: usize = 100;

/// How long the last frame may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The pause between two looks whether all have come.
const PAUSE: Duration = Duration::from_millis(20);

/// When which move is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) first: Instant,
    pub(super) period: Duration,
    pub(super) moves: u16,
}

impl Pace {
    /// The move that makes this version.
    pub(super) fn due(&self, version: u16) -> Instant {
        self.first + self.period * u32::from(version.saturating_sub(FIRST_VERSION + 1))
    }

    pub(super) fn last_version(&self) -> u16 {
        FIRST_VERSION + self.moves
    }
}

/// Where spectators stand.
#[derive(Debug, Clone)]
pub(super) struct Stand {
    pub(super) side: Side,
    pub(super) addresses: Vec<String>,
    pub(super) game: String,
}

/// Spectators that have all been shown the game, on a runtime of their own: where the players are, these would wait for all
/// of them to be read.
#[derive(Debug)]
pub(super) struct Crowd {
    shared: Arc<Mutex<Shared>>,
    count: usize,
    /// They end with this.
    tasks: JoinSet<()>,
}

/// What all of them were told.
#[derive(Debug)]
pub(super) struct Shared {
    side: Side,
    /// None before there are moves.
    pace: Option<Pace>,
    sequences: Vec<Sequence>,
    /// How long each move took to each spectator.
    pub(super) arrivals: Vec<Vec<Duration>>,
    pub(super) frames: u64,
    /// Versions that a snapshot stood for.
    pub(super) skipped: u64,
    pub(super) failures: Failures,
    /// All are sent the same: what the last frame meant.
    last: Option<(Text, Told)>,
}

#[derive(Debug, Clone, Copy)]
enum Told {
    Move(u16),
    Snapshot(u16),
    Nothing,
}

#[derive(Debug, Deserialize)]
struct Frame<'a> {
    t: &'a str,
    v: Option<u16>,
}

impl Crowd {
    /// Opens so many sockets, some at a time.
    pub(super) async fn gather(
        stand: Stand,
        count: usize,
        runtime: &Handle,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared {
            side: stand.side,
            pace: None,
            sequences: vec![Sequence::from(FIRST_VERSION); count],
            arrivals: Vec::new(),
            frames: 0,
            skipped: 0,
            failures: Failures::none(),
            last: None,
        }));
        let opened = runtime.spawn(open_all(stand, count, Arc::clone(&shared)));
        Ok(Self {
            shared,
            count,
            tasks: opened.await??,
        })
    }

    /// From now on they are told of moves.
    pub(super) fn expect(&self, pace: Pace) {
        let mut shared = lock(&self.shared);
        shared.pace = Some(pace);
        shared.arrivals = vec![Vec::with_capacity(self.count); pace.moves.into()];
    }

    /// Waits until everybody has heard of the last move, or for as long as that may take; then it is over.
    pub(super) async fn finish(mut self) -> Shared {
        let give_up = Instant::now() + PATIENCE;
        let is_complete = || {
            let shared = lock(&self.shared);
            shared
                .arrivals
                .last()
                .is_none_or(|last| last.len() >= self.count)
        };
        while !is_complete() && Instant::now() < give_up && !self.tasks.is_empty() {
            sleep(PAUSE).await;
        }
        self.tasks.shutdown().await;
        let ended = Shared {
            side: Side::Zeitnot,
            pace: None,
            sequences: Vec::new(),
            arrivals: Vec::new(),
            frames: 0,
            skipped: 0,
            failures: Failures::none(),
            last: None,
        };
        let mut ended = std::mem::replace(&mut *lock(&self.shared), ended);
        ended.end();
        ended
    }
}

impl Shared {
    fn end(&mut self) {
        let last = self.pace.map_or(FIRST_VERSION, |pace| pace.last_version());
        for sequence in std::mem::take(&mut self.sequences) {
            self.skipped += sequence.skipped();
            sequence.end(last, &mut self.failures);
        }
    }

    fn hear(&mut self, number: usize, (text, at): (Text, Instant)) {
        let told = match &self.last {
            Some((last, told)) if *last == text => *told,
            _ => match told(self.side, &text) {
                Ok(told) => {
                    self.last = Some((text, told));
                    told
                }
                Err(error) => {
                    let example = || format!("{error:#}: {text}");
                    return self.failures.add(Kind::Unexpected, example);
                }
            },
        };
        let sequence = &mut self.sequences[number];
        let before = sequence.head();
        match told {
            Told::Nothing => return,
            Told::Move(version) => {
                sequence.take(version, &mut self.failures);
            }
            Told::Snapshot(version) => sequence.jump(version, &mut self.failures),
        }
        self.frames += 1;
        let after = sequence.head();
        for version in before + 1..=after {
            let due = self.pace.map_or(at, |pace| pace.due(version));
            let took = at.saturating_duration_since(due);
            match self
                .arrivals
                .get_mut(usize::from(version - FIRST_VERSION - 1))
            {
                Some(arrivals) => arrivals.push(took),
                None => self.failures.add(Kind::Unexpected, || {
                    format!("version {version} was never made")
                }),
            }
        }
    }
}

async fn open_all(
    stand: Stand,
    count: usize,
    shared: Arc<Mutex<Shared>>,
) -> anyhow::Result<JoinSet<()>> {
    let mut opening = stream::iter(0..count)
        .map(|number| open(&stand, number))
        .buffer_unordered(OPENED_AT_ONCE);
    let mut tasks = JoinSet::new();
    while let Some(client) = opening.next().await {
        let number = tasks.len();
        let client = client.with_context(|| format!("spectator {number}"))?;
        tasks.spawn(stand_by(client, number, Arc::clone(&shared)));
        if tasks.len().is_multiple_of(SAY_EVERY) {
            update(&format!("{} spectators of {count}", tasks.len()))?;
        }
    }
    drop(opening);
    Ok(tasks)
}

async fn open(stand: &Stand, number: usize) -> anyhow::Result<Client> {
    let address = &stand.addresses[number % stand.addresses.len()];
    if stand.side == Side::Floor {
        return Client::connect(address, "/watch", None).await;
    }
    let mut client = match stand.side {
        Side::Floor | Side::Zeitnot => Client::connect(address, "/ws", None).await?,
        Side::Peer(peer) => {
            Client::connect_to_peer(peer, address, (None, Some(&stand.game))).await?
        }
    };
    client.send(oracle::watch(&stand.game)).await?;
    let shown = async {
        loop {
            let (text, _) = client.next().await?;
            match told(stand.side, &text)? {
                Told::Nothing => {}
                Told::Snapshot(FIRST_VERSION) => return anyhow::Ok(()),
                Told::Snapshot(_) | Told::Move(_) => bail!("it has begun: {text}"),
            }
        }
    };
    timeout(PATIENCE, shown)
        .await
        .context("no snapshot in time")??;
    Ok(client)
}

/// Listens, and says now and then that it lives.
async fn stand_by(mut client: Client, number: usize, shared: Arc<Mutex<Shared>>) {
    let has_heartbeat = lock(&shared).side.has_pings();
    let first = HEARTBEAT.mul_f64(rand::rng().random_range(0.0..1.0));
    let mut heartbeat = interval_at((Instant::now() + first).into(), HEARTBEAT);
    let ended = loop {
        tokio::select! {
            frame = client.next() => match frame {
                Ok(frame) => lock(&shared).hear(number, frame),
                Err(error) => break error,
            },
            _ = heartbeat.tick(), if has_heartbeat => {
                if let Err(error) = client.send(oracle::PING.to_owned()).await {
                    break error;
                }
            }
        }
    };
    lock(&shared)
        .failures
        .add(Kind::Socket, || format!("{ended:#}"));
}

fn told(side: Side, text: &str) -> anyhow::Result<Told> {
    let frame: Frame<'_> = serde_json::from_str(text).context("a frame")?;
    let version = || frame.v.context("no version");
    Ok(match frame.t {
        // The floor passes on what the player sent, who had seen the version before.
        "move" if side == Side::Floor => Told::Move(version()? + 1),
        "move" => Told::Move(version()?),
        "game" => Told::Snapshot(version()?),
        "status" => {
            ensure!(text.contains(r#""store":"ok""#), "the store is away");
            Told::Nothing
        }
        "pong" | "presence" | "crowd" | "chat" => Told::Nothing,
        _ => bail!("nothing of that kind was expected"),
    })
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // What is inside is whole even if a holder panicked.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
