//! A process that ends with its value.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::wait::until;

/// A process of ours.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Whether its end was noticed: from then on its id may be another's.
    has_ended: bool,
}

impl Process {
    /// Starts it.
    pub(super) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| {
            let program = Path::new(command.get_program());
            format!("start {}: is it installed?", program.display())
        })?;
        Ok(Self {
            child,
            has_ended: false,
        })
    }

    /// Its id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The pipes that were asked for.
    pub(super) const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether it has not ended by itself or by another's hand.
    pub(super) fn is_running(&mut self) -> bool {
        let ended = self.child.try_wait();
        self.has_ended |= !matches!(ended, Ok(None));
        !self.has_ended
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// The process has ended.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        ensure!(!self.has_ended, "process {} has ended", self.pid());
        kill(self.pid(), signal)
    }

    /// Stops it without ending it: its connections stay, and nothing answers. Returns when all of it stands still.
    pub(super) fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)?;
        until("a process stands still that was stopped", || {
            stands_still(self.pid())
        })
    }

    /// Lets it go on.
    pub(super) fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends it at once, as `kill -9` does. It may have ended already.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.has_ended = true;
        Ok(())
    }

    /// Asks it to end, as `kill` does, and waits until it has.
    pub(super) fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let mut status = None;
        until("a process has ended that was asked to", || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        self.has_ended = true;
        status.context("it has ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

/// Sends a signal to any process.
pub(super) fn kill(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let id = id.context("no such process")?;
    kill_process(id, signal).with_context(|| format!("send {signal:?} to {pid}"))
}

/// Whether there is no such process any more, but perhaps its record: whoever started it may not have read that.
pub(super) fn has_ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state(&stat).is_none_or(|state| "ZX".contains(state))
}

/// Whether each thread of a process is stopped: a signal takes a moment to reach those that run.
fn stands_still(pid: u32) -> anyhow::Result<bool> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // It may have ended meanwhile.
        let stat = fs::read_to_string(task?.path().join("stat")).unwrap_or_default();
        if state(&stat).is_some_and(|state| !"TZX".contains(state)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Behind the name, in parentheses, comes the state: proc(5).
fn state(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next()
}
