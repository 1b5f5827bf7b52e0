//! The spectators of one game: each a socket that is told of every move, or of a snapshot in the place of some.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, stream};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{interval_at, sleep, timeout};

use crate::client::{Client, Text};
use crate::failures::{Failures, Kind};
use crate::oracle;
use crate::report::update;
use crate::sequence::{FIRST_VERSION, Sequence};
use crate::share::{self, Asker, Moment, Share, Spread};
use crate::side::Side;
use crate::site::{Elsewhere, Part};
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

/// Where spectators stand, and which of all they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(super) at: Elsewhere,
    pub(super) game: String,
    pub(super) numbers: Range<usize>,
}

/// What another process is asked.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    /// That its spectators come.
    Gather,
    /// To expect so many moves, from a moment on, each so many milliseconds after the one before.
    Expect(Moment, u64, u16),
    /// What they have seen, when all of them have heard of the last move.
    Finish,
}

/// Everybody who watches: in this process, or in some of their own.
#[derive(Debug)]
pub(super) enum Crowds {
    Here(Crowd),
    There(Vec<Share>),
}

/// What spectators have seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Sights {
    /// How many nanoseconds each move took to each spectator.
    pub(super) arrivals: Vec<Vec<u64>>,
    pub(super) frames: u64,
    /// Versions that a snapshot stood for.
    pub(super) skipped: u64,
    pub(super) failures: Failures,
}

/// Spectators that have all been shown the game, on a runtime of their own: where the players are, these would wait for all
/// of them to be read.
#[derive(Debug)]
pub(super) struct Crowd {
    numbers: Range<usize>,
    shared: Arc<Mutex<Shared>>,
    /// They end with this.
    tasks: JoinSet<()>,
}

/// What all of them were told.
#[derive(Debug)]
struct Shared {
    side: Side,
    /// None before there are moves.
    pace: Option<Pace>,
    sequences: Vec<Sequence>,
    sights: Sights,
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

impl Crowds {
    /// Has so many come, in as many processes as they want.
    pub(super) async fn gather(
        (at, game): (impl Fn(usize) -> Elsewhere, &str),
        (count, spread): (usize, &Spread),
        runtime: &Handle,
    ) -> anyhow::Result<Self> {
        let job = |process, of| Job {
            at: at(process),
            game: game.to_owned(),
            numbers: share::part(&(0..count), (process, of)),
        };
        let of = spread.processes(count);
        let shares = spread.start(count, |process| share::Job::Watch(job(process, of)));
        let mut shares = shares.await?;
        if shares.is_empty() {
            return Ok(Self::Here(Crowd::gather(job(0, 1), runtime).await?));
        }
        let _: Vec<()> = Share::ask_all(&mut shares, |_| Question::Gather).await?;
        Ok(Self::There(shares))
    }

    /// From now on they are told of moves.
    pub(super) async fn expect(&mut self, pace: Pace) -> anyhow::Result<()> {
        match self {
            Self::Here(crowd) => crowd.expect(pace),
            Self::There(shares) => {
                let period = u64::try_from(pace.period.as_millis())?;
                let question = |_| Question::Expect(Moment::of(pace.first), period, pace.moves);
                let _: Vec<()> = Share::ask_all(shares, question).await?;
            }
        }
        Ok(())
    }

    /// What they have seen, once everybody has heard of the last move, or cannot be waited for any longer.
    pub(super) async fn finish(&mut self) -> anyhow::Result<Sights> {
        match self {
            Self::Here(crowd) => Ok(crowd.finish().await),
            Self::There(shares) => {
                let parts: Vec<Sights> = Share::ask_all(shares, |_| Question::Finish).await?;
                Ok(parts.into_iter().fold(Sights::default(), Sights::with))
            }
        }
    }

    /// The processes that they are in, but for this one.
    pub(super) fn parts(&self) -> Vec<Part> {
        match self {
            Self::Here(_) => Vec::new(),
            Self::There(shares) => Share::parts(shares),
        }
    }
}

/// Has a part of them in a process of their own.
///
/// # Errors
/// What it is asked makes no sense.
pub(crate) async fn share(job: Job, asker: &mut Asker) -> anyhow::Result<()> {
    let runtime = Handle::current();
    let mut crowd = None;
    while let Some(question) = asker.next().await? {
        match (question, crowd.take()) {
            (Question::Gather, _) => match Crowd::gather(job.clone(), &runtime).await {
                Ok(gathered) => {
                    crowd = Some(gathered);
                    asker.answer(Ok(()))?;
                }
                Err(error) => asker.answer::<()>(Err(error))?,
            },
            (Question::Expect(first, period, moves), Some(gathered)) => {
                gathered.expect(Pace {
                    first: first.here(),
                    period: Duration::from_millis(period),
                    moves,
                });
                crowd = Some(gathered);
                asker.answer(Ok(()))?;
            }
            (Question::Finish, Some(mut gathered)) => asker.answer(Ok(gathered.finish().await))?,
            (Question::Expect(..) | Question::Finish, None) => bail!("nobody is here"),
        }
    }
    Ok(())
}

impl Crowd {
    /// Opens their sockets, some at a time.
    async fn gather(job: Job, runtime: &Handle) -> anyhow::Result<Self> {
        let numbers = job.numbers.clone();
        let shared = Arc::new(Mutex::new(Shared {
            side: job.at.side,
            pace: None,
            sequences: vec![Sequence::from(FIRST_VERSION); numbers.len()],
            sights: Sights::default(),
            last: None,
        }));
        let opened = runtime.spawn(open_all(job, Arc::clone(&shared)));
        Ok(Self {
            numbers,
            shared,
            tasks: opened.await??,
        })
    }

    /// From now on they are told of moves.
    fn expect(&self, pace: Pace) {
        let mut shared = lock(&self.shared);
        shared.pace = Some(pace);
        let count = self.numbers.len();
        shared.sights.arrivals = vec![Vec::with_capacity(count); pace.moves.into()];
    }

    /// Waits until everybody has heard of the last move, or for as long as that may take; then it is over.
    async fn finish(&mut self) -> Sights {
        let wait_until = |pace: Pace| pace.due(pace.last_version()) + PATIENCE;
        let give_up = lock(&self.shared)
            .pace
            .map_or_else(Instant::now, wait_until);
        let is_complete = || {
            let shared = lock(&self.shared);
            let last = shared.sights.arrivals.last();
            last.is_none_or(|last| last.len() >= self.numbers.len())
        };
        while !is_complete() && Instant::now() < give_up && !self.tasks.is_empty() {
            sleep(PAUSE).await;
        }
        self.tasks.shutdown().await;
        lock(&self.shared).end()
    }
}

impl Sights {
    fn with(mut self, other: Self) -> Self {
        let moves = self.arrivals.len().max(other.arrivals.len());
        self.arrivals.resize_with(moves, Vec::new);
        for (all, more) in self.arrivals.iter_mut().zip(other.arrivals) {
            all.extend(more);
        }
        self.frames += other.frames;
        self.skipped += other.skipped;
        self.failures.merge(other.failures);
        self
    }
}

impl Shared {
    fn end(&mut self) -> Sights {
        let mut sights = std::mem::take(&mut self.sights);
        let last = self.pace.map_or(FIRST_VERSION, |pace| pace.last_version());
        for sequence in std::mem::take(&mut self.sequences) {
            sights.skipped += sequence.skipped();
            sequence.end(last, &mut sights.failures);
        }
        sights
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
                    return self.sights.failures.add(Kind::Unexpected, example);
                }
            },
        };
        let (sequence, sights) = (&mut self.sequences[number], &mut self.sights);
        let before = sequence.head();
        match told {
            Told::Nothing => return,
            Told::Move(version) => {
                sequence.take(version, &mut sights.failures);
            }
            Told::Snapshot(version) => sequence.jump(version, &mut sights.failures),
        }
        sights.frames += 1;
        let after = sequence.head();
        for version in before + 1..=after {
            let due = self.pace.map_or(at, |pace| pace.due(version));
            let took = at.saturating_duration_since(due);
            let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            let place = usize::from(version - FIRST_VERSION - 1);
            match sights.arrivals.get_mut(place) {
                Some(arrivals) => arrivals.push(took),
                None => sights.failures.add(Kind::Unexpected, || {
                    format!("version {version} was never made")
                }),
            }
        }
    }
}

async fn open_all(job: Job, shared: Arc<Mutex<Shared>>) -> anyhow::Result<JoinSet<()>> {
    let count = job.numbers.len();
    let mut opening = stream::iter(job.numbers.clone())
        .map(|number| open(&job, number))
        .buffer_unordered(OPENED_AT_ONCE);
    let mut tasks = JoinSet::new();
    while let Some(client) = opening.next().await {
        let number = tasks.len();
        let client = client.with_context(|| format!("spectator {}", job.numbers.start + number))?;
        tasks.spawn(stand_by(client, number, Arc::clone(&shared)));
        if tasks.len().is_multiple_of(SAY_EVERY) {
            update((tasks.len(), count), "spectators have come")?;
        }
    }
    drop(opening);
    Ok(tasks)
}

async fn open(job: &Job, number: usize) -> anyhow::Result<Client> {
    let Elsewhere {
        side,
        addresses,
        source,
    } = &job.at;
    let (side, source) = (*side, *source);
    let address = &addresses[number % addresses.len()];
    if side == Side::Floor {
        return Client::connect_from(source, address, ("/watch", None)).await;
    }
    let mut client = match side {
        Side::Floor | Side::StoringFloor | Side::Zeitnot => {
            Client::connect_from(source, address, ("/ws", None)).await?
        }
        Side::Peer(peer) => {
            let from = (source, address.as_str());
            Client::connect_to_peer(peer, from, (None, Some(&job.game))).await?
        }
    };
    client.send(oracle::watch(&job.game)).await?;
    let shown = async {
        loop {
            let (text, _) = client.next().await?;
            match told(side, &text)? {
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
        .sights
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
