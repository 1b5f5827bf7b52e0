//! What was seen from outside: each try of a command, each frame with a version, each fault, with their moments. It
//! judges nothing.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::faults::Kind;

/// Microseconds since the run began, on the one clock of this process.
pub(super) type Moment = u64;

/// A command of a game as its sender means it, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Command {
    /// `move`, `resign`, `draw`, `takeback`, `rematch`; `seat`, which is asked for over HTTP.
    pub(super) t: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uci: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ply: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "do")]
    pub(super) act: Option<&'static str>,
    /// The version that its sender had seen.
    pub(super) v: u32,
}

impl Command {
    pub(super) fn play(uci: String, ply: u16, v: u32) -> Self {
        Self {
            t: "move",
            uci: Some(uci),
            ply: Some(ply),
            act: None,
            v,
        }
    }

    pub(super) const fn plain(t: &'static str, act: Option<&'static str>, v: u32) -> Self {
        Self {
            t,
            uci: None,
            ply: None,
            act,
            v,
        }
    }

    /// The message that asks for it.
    pub(super) fn message(&self, game: &str, id: u64) -> String {
        let mut message = json!(self);
        message["game"] = json!(game);
        message["id"] = json!(id);
        message.to_string()
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Committed at this version.
    Ok(u32),
    /// The game is as it was, says the server.
    Refused(String),
    /// Nobody knows: `unavailable`, a socket that ended, or nothing in time.
    Unknown(&'static str),
}

/// One try of a command.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Try {
    pub(super) who: Arc<str>,
    pub(super) game: Arc<str>,
    /// White 0, Black 1.
    pub(super) seat: Option<usize>,
    /// Equal for tries of the same command.
    pub(super) op: u64,
    pub(super) command: Command,
    /// Where the socket went.
    pub(super) entrance: String,
    pub(super) sent: Moment,
    pub(super) done: Moment,
    pub(super) answer: Answer,
}

/// A frame with a version, or a snapshot.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Told {
    pub(super) who: Arc<str>,
    pub(super) game: Arc<str>,
    pub(super) entrance: String,
    pub(super) at: Moment,
    /// The version that was asked for: this is the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<u32>,
    pub(super) frame: Value,
}

/// One fault, from its beginning until all is as it was.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) what: String,
    pub(super) begin: Moment,
    pub(super) end: Moment,
    /// Commands that had been sent and had no answer when it began.
    pub(super) in_flight: usize,
    /// While nothing could be committed for certain, by anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outage: Option<(Moment, Moment)>,
    /// What was acknowledged just before is lost for good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) lost: bool,
}

#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Record<'a> {
    Try(&'a Try),
    Told(&'a Told),
    Fault(&'a Fault),
}

/// All records by their kind, each kind in the order of its moments.
#[derive(Debug, Default, Clone)]
pub(super) struct Records {
    pub(super) tries: Vec<Try>,
    pub(super) told: Vec<Told>,
    pub(super) faults: Vec<Fault>,
}

/// Where everybody writes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct History {
    start: Instant,
    records: Arc<Mutex<Records>>,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            records: Arc::default(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.moment(Instant::now())
    }

    pub(super) fn moment(&self, at: Instant) -> Moment {
        let micros = at.saturating_duration_since(self.start).as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX)
    }

    pub(super) fn tried(&self, tried: Try) {
        self.lock().tries.push(tried);
    }

    pub(super) fn told(&self, told: Told) {
        self.lock().told.push(told);
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Commands that got `ok` until now.
    pub(super) fn acknowledged(&self) -> usize {
        let records = self.lock();
        let is_ok = |tried: &&Try| matches!(tried.answer, Answer::Ok(_));
        records.tries.iter().filter(is_ok).count()
    }

    pub(super) fn records(&self) -> Records {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// A line of JSON each.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let file = std::fs::File::create(path);
        let file = file.with_context(|| format!("write {}", path.display()))?;
        let mut file = std::io::BufWriter::new(file);
        let faults = self.faults.iter().map(Record::Fault);
        let told = self.told.iter().map(Record::Told);
        let tries = self.tries.iter().map(Record::Try);
        for record in faults.chain(tries).chain(told) {
            serde_json::to_writer(&mut file, &record)?;
            file.write_all(b"\n")?;
        }
        Ok(file.flush()?)
    }
}
