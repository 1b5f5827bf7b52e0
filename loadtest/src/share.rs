//! Parts of a load in processes of their own, since each process has so many open files only. What a part shall do comes
//! over its stdin, and what came of it goes to its stdout, a line of JSON each.

use std::io::{Stdout, Write as _};
use std::net::IpAddr;
use std::ops::Range;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use futures_util::future::try_join_all;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::site::{Elsewhere, Part, Site};
use crate::{idle, play, watch};

/// Open files that a process needs beside its sockets.
const OTHER_FILES: usize = 500;

/// Processes that share a load.
const MAX_PROCESSES: u8 = 64;

/// Bytes of what a process says that are read when it has ended.
const MAX_SAID: u64 = 64 << 10;

/// Between two looks at one clock, the other is looked at: how far apart they may be, and how often that is tried.
const GLANCE: Duration = Duration::from_micros(20);
const GLANCES: usize = 100;

/// From where sockets are opened. The doc comments are the text of `--help`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Spread {
    /// Processes that share the sockets; without it, as many as their open files ask for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_PROCESSES)))]
    processes: Option<u8>,
    /// An address of this machine from which sockets are opened, for each process the next one; repeatable. It has ports for
    /// about 28,000
    #[arg(long, value_name = "ADDR")]
    source: Vec<IpAddr>,
}

/// What a part does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    Hold(idle::Job),
    Watch(watch::Job),
    Play(play::Job),
}

/// A process that has a part; it ends with this.
#[derive(Debug)]
pub(crate) struct Share {
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// The other end, in that process.
#[derive(Debug)]
pub(crate) struct Asker {
    questions: mpsc::Receiver<String>,
    answers: Stdout,
}

/// A moment as all processes of this machine know it: nanoseconds of the clock that they have in common.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(u64);

/// Sockets that this process may have.
pub(crate) fn most_sockets() -> usize {
    let files = getrlimit(Resource::Nofile).current;
    let files = files.and_then(|files| usize::try_from(files).ok());
    files.map_or(usize::MAX, |files| files.saturating_sub(OTHER_FILES).max(1))
}

impl Spread {
    /// How many processes share so many sockets.
    pub(crate) fn processes(&self, sockets: usize) -> usize {
        let asked = self.processes.map(usize::from);
        asked.unwrap_or_else(|| sockets.div_ceil(most_sockets()).max(1))
    }

    /// The site as the process of this number sees it.
    pub(crate) fn view(&self, site: &Site, process: usize) -> Elsewhere {
        let mut sources = self.source.iter().cycle();
        site.elsewhere(sources.nth(process % self.source.len().max(1)).copied())
    }

    /// Starts one process for each job. None for one alone, which is done by this process.
    pub(crate) async fn start(
        &self,
        sockets: usize,
        job: impl Fn(usize) -> Job,
    ) -> anyhow::Result<Vec<Share>> {
        let count = self.processes(sockets);
        ensure!(
            count <= MAX_PROCESSES.into(),
            "{sockets} sockets want {count} processes, {MAX_PROCESSES} at most: raise the limit of open files (ulimit -Hn)"
        );
        let jobs = (0..count).filter(|_| count > 1).map(job);
        try_join_all(jobs.map(async |job| Share::start(&job).await)).await
    }
}

impl Share {
    async fn start(job: &Job) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("share")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start a process for a part of the load")?;
        let questions = process.stdin.take().context("its stdin")?;
        let answers = process.stdout.take().context("its stdout")?;
        let mut share = Self {
            process,
            questions,
            answers: BufReader::new(answers).lines(),
        };
        share.tell(job).await?;
        Ok(share)
    }

    async fn tell(&mut self, what: &impl Serialize) -> anyhow::Result<()> {
        let line = format!("{}\n", serde_json::to_string(what)?);
        let told = self.questions.write_all(line.as_bytes()).await;
        told.context("tell a part of the load what to do")
    }

    /// Asks for something, and waits for the answer.
    ///
    /// # Errors
    /// It could not be done, or the process is gone.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &mut self,
        question: &impl Serialize,
    ) -> anyhow::Result<A> {
        self.tell(question).await?;
        let Some(line) = self.answers.next_line().await? else {
            return Err(self.end().await);
        };
        let answer: Result<A, String> = serde_json::from_str(&line)?;
        answer.map_err(|error| anyhow!("in a process with a part of the load: {error}"))
    }

    /// Why it has ended, as far as it said that.
    async fn end(&mut self) -> anyhow::Error {
        let mut said = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            // What cannot be read was not said.
            let _ = stderr.take(MAX_SAID).read_to_string(&mut said).await;
        }
        anyhow!(
            "a process with a part of the load has ended; it said: {}",
            said.trim()
        )
    }

    /// Asks all of them the same, at once.
    ///
    /// # Errors
    /// See [`ask`](Self::ask).
    pub(crate) async fn ask_all<A: DeserializeOwned, Q: Serialize>(
        shares: &mut [Self],
        question: impl Fn(usize) -> Q,
    ) -> anyhow::Result<Vec<A>> {
        let asked = shares
            .iter_mut()
            .enumerate()
            .map(async |(number, share)| share.ask(&question(number)).await);
        try_join_all(asked).await
    }

    /// The processes, as others of this machine are named.
    pub(crate) fn parts(shares: &[Self]) -> Vec<Part> {
        let named = shares.iter().enumerate().filter_map(|(number, share)| {
            Some(Part {
                name: format!("load tool {}", number + 2),
                pid: share.process.id()?,
            })
        });
        named.collect()
    }
}

/// Does a part, until whoever wants it is gone.
///
/// # Errors
/// What it is told makes no sense. What cannot be done is an answer.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (heard, questions) = mpsc::channel(1);
    let mut asker = Asker {
        questions,
        answers: std::io::stdout(),
    };
    let listening = async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = lines.next_line().await? {
            heard.send(line).await?;
        }
        anyhow::Ok(())
    };
    let serving = async {
        match asker.next::<Job>().await? {
            None => Ok(()),
            Some(Job::Hold(job)) => idle::share(job, &mut asker).await,
            Some(Job::Watch(job)) => watch::share(job, &mut asker).await,
            Some(Job::Play(job)) => play::share(job, &mut asker).await,
        }
    };
    // Whatever it is at: its stdin ends with whoever wanted it.
    let served = runtime.block_on(async {
        tokio::select! {
            ended = listening => ended,
            served = serving => served,
        }
    });
    // Its stdin is read by a thread that nothing else would end.
    runtime.shutdown_background();
    served
}

impl Asker {
    /// The next question; none when nobody asks any more.
    pub(crate) async fn next<Q: DeserializeOwned>(&mut self) -> anyhow::Result<Option<Q>> {
        let line = self.questions.recv().await;
        line.map(|line| Ok(serde_json::from_str(&line)?))
            .transpose()
    }

    /// Answers it.
    pub(crate) fn answer<A: Serialize>(&mut self, answer: anyhow::Result<A>) -> anyhow::Result<()> {
        let answer = answer.map_err(|error| format!("{error:#}"));
        writeln!(self.answers, "{}", serde_json::to_string(&answer)?)?;
        Ok(self.answers.flush()?)
    }
}

impl Moment {
    pub(crate) fn of(moment: Instant) -> Self {
        let (now, shared) = Self::now();
        let ns = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(match moment.checked_duration_since(now) {
            Some(ahead) => shared.saturating_add(ns(ahead)),
            None => shared.saturating_sub(ns(now.duration_since(moment))),
        })
    }

    pub(crate) fn here(self) -> Instant {
        let (now, shared) = Self::now();
        let past = Duration::from_nanos(shared.saturating_sub(self.0));
        let earlier = now.checked_sub(past).unwrap_or(now);
        earlier + Duration::from_nanos(self.0.saturating_sub(shared))
    }

    /// The same moment by both clocks: they are looked at again where something else ran in between.
    fn now() -> (Instant, u64) {
        let glance = || {
            let before = Instant::now();
            let shared = clock_gettime(ClockId::Monotonic);
            let took = before.elapsed();
            let parts = [shared.tv_sec, shared.tv_nsec];
            let [secs, nanos] = parts.map(|part| u64::try_from(part).unwrap_or(0));
            (took, before + took / 2, secs * 1_000_000_000 + nanos)
        };
        let mut best = glance();
        for _ in 0..GLANCES {
            if best.0 <= GLANCE {
                break;
            }
            let again = glance();
            if again.0 < best.0 {
                best = again;
            }
        }
        (best.1, best.2)
    }
}

/// The part of a range that the share of this number has, of so many.
pub(crate) fn part(range: &Range<usize>, (number, of): (usize, usize)) -> Range<usize> {
    let at = |number: usize| range.start + range.len() * number / of;
    at(number)..at(number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole() {
        for (range, of) in [(0..10, 3), (5..5, 4), (7..9, 4), (0..200_000, 11)] {
            let parts: Vec<_> = (0..of).map(|number| part(&range, (number, of))).collect();
            assert_eq!(parts.first().map(|part| part.start), Some(range.start));
            assert_eq!(parts.last().map(|part| part.end), Some(range.end));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    #[test]
    fn a_moment_is_the_same_when_it_comes_back() {
        let now = Instant::now();
        for moment in [
            now,
            now + Duration::from_secs(5),
            now - Duration::from_millis(3),
        ] {
            let back = Moment::of(moment).here();
            let off = back.max(moment).duration_since(back.min(moment));
            // Anything may come between two looks at the clocks, however often it is tried.
            assert!(off < Duration::from_millis(100), "{off:?}");
        }
    }

    #[test]
    fn there_are_as_many_processes_as_their_files_ask_for() {
        let most = most_sockets();
        let spread = Spread::default();
        assert_eq!(spread.processes(0), 1);
        assert_eq!(spread.processes(most), 1);
        assert_eq!(spread.processes(most + 1), 2);
        let asked = Spread {
            processes: Some(3),
            ..spread
        };
        assert_eq!(asked.processes(1), 3);
    }
}
