//! Keeps the cores of this machine awake while something is measured. A core that sleeps between two moves takes long to
//! wake up, on a virtual machine above all, and what wakes it is charged for that: whoever needs less of the cores would
//! seem to take more of them for each move. So a loop runs on each, of a priority that gives way to everything else at once.
//! Whoever shares the machine gives way less often then, so that it is for figures at little load, not for the most that can
//! be done; and where a container has a quota of CPU time, it counts against that.

use std::hint::black_box;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::process::{Child, Command, Stdio};
use std::thread::{available_parallelism, spawn};

use anyhow::Context as _;

/// The command that is run in a process of its own, so that its time is not the load tool's.
const COMMAND: &str = "keep-awake";

/// What to do where it does not start.
const ADVICE: &str = "run chrt (Debian: util-linux), or let cores sleep: --let-cores-sleep";

/// Whether cores are kept awake. The doc comments are the text of `--help`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct SleepArgs {
    /// Lets cores sleep between moves at the rates: then waking them up is a part of what is measured
    #[arg(long)]
    let_cores_sleep: bool,
}

/// The cores stay awake while this is there.
#[derive(Debug)]
pub(crate) struct Awake(Option<Child>);

impl Awake {
    /// # Errors
    /// `chrt` of util-linux is not installed, or may not do it.
    pub(crate) fn start(args: SleepArgs) -> anyhow::Result<Self> {
        if args.let_cores_sleep {
            return Ok(Self(None));
        }
        // The priority's name is SCHED_IDLE. It ends with its stdin, so with us in any case.
        let mut child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(std::env::current_exe()?)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context(ADVICE)?;
        let says = child.stdout.take();
        let awake = Self(Some(child));
        let begun = says.context("no stdout")?.read_exact(&mut [0]);
        begun.context(ADVICE)?;
        Ok(awake)
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
/// It is not known how many cores there are, or nobody hears that it runs.
pub(crate) fn run() -> anyhow::Result<()> {
    for _ in 0..available_parallelism()?.get() {
        spawn(|| {
            loop {
                black_box(());
            }
        });
    }
    // Whoever waits for this knows that it runs.
    stdout().write_all(b".")?;
    stdout().flush()?;
    // Whatever comes, and if it cannot be read: that is the end.
    let _ = stdin().read(&mut [0]);
    Ok(())
}
