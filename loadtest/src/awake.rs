//! Keeps the cores of this machine awake while something is measured. A core that sleeps between two moves takes long to
//! wake up, on a virtual machine above all, and what wakes it is charged for that: whoever needs less of the cores would
//! seem to take more of them for each move. So a loop runs on each, of a priority that gives way to everything at once.

use std::hint::black_box;
use std::io::{Read as _, stdin};
use std::process::{Child, Command, Stdio};
use std::thread::{available_parallelism, spawn};

use anyhow::Context as _;

/// The command that is run in a process of its own, so that its time is not the load tool's.
const COMMAND: &str = "keep-awake";

/// Whether cores are kept awake. The doc comments are the text of `--help`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct SleepArgs {
    /// Lets cores sleep when there is nothing to do: then waking them up is a part of what is measured
    #[arg(long)]
    let_cores_sleep: bool,
}

/// The cores stay awake while this is there.
#[derive(Debug)]
pub(crate) struct Awake(Option<Child>);

impl Awake {
    /// # Errors
    /// `chrt` of util-linux is not installed.
    pub(crate) fn start(args: SleepArgs) -> anyhow::Result<Self> {
        if args.let_cores_sleep {
            return Ok(Self(None));
        }
        // The priority's name is SCHED_IDLE. It ends with its stdin, so with us in any case.
        let child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(std::env::current_exe()?)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .spawn()
            .context("run chrt (Debian: util-linux), or let cores sleep: --let-cores-sleep")?;
        Ok(Self(Some(child)))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have been ended by somebody else.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Keeps a core busy with each thread until stdin ends.
///
/// # Errors
/// It is not known how many cores there are.
pub(crate) fn run() -> anyhow::Result<()> {
    for _ in 0..available_parallelism()?.get() {
        spawn(|| {
            loop {
                black_box(());
            }
        });
    }
    // Whatever comes, and if it cannot be read: that is the end.
    let _ = stdin().read(&mut [0]);
    Ok(())
}
