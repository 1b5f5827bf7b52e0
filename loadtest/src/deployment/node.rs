//! A node: the built binary as a process of its own, on ports that stay its own over a restart.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::port::Port;
use super::process::Process;
use super::usage::{self, Memory};

/// How to start a node, as often as need be.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// The binary.
    pub binary: PathBuf,
    /// Its arguments before the addresses: they may begin with a command.
    pub args: Vec<OsString>,
    /// Variables of its environment, beside ours.
    pub variables: Vec<(OsString, OsString)>,
    /// Where its log goes, for people to read; without it, errors go to our stderr.
    pub log: Option<PathBuf>,
}

/// A node that ends with its value.
#[derive(Debug)]
pub struct Node {
    settings: NodeSettings,
    ports: Ports,
    addresses: [String; 2],
    process: Process,
    /// Held, not read: it is open as long as the node is, which may go on writing.
    _stdout: BufReader<ChildStdout>,
}

/// Where a node listens: for all, and for who watches it.
#[derive(Debug)]
struct Ports {
    public: Port,
    internal: Port,
}

impl Node {
    /// Starts a node, and waits until it listens.
    ///
    /// # Errors
    /// It does not start, or ends before it listens.
    pub fn start(settings: NodeSettings) -> anyhow::Result<Self> {
        let ports = Ports {
            public: Port::reserve()?,
            internal: Port::reserve()?,
        };
        let (process, stdout) = launch(&settings, &ports)?;
        Ok(Self {
            settings,
            addresses: [&ports.public, &ports.internal].map(|port| port.address().to_string()),
            ports,
            process,
            _stdout: stdout,
        })
    }

    /// Where it listens. Shape: `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// Where it answers those who watch it, `/readyz` for example.
    #[must_use]
    pub fn internal_address(&self) -> &str {
        &self.addresses[1]
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where its log goes, if not to our stderr.
    #[must_use]
    pub fn log(&self) -> Option<&PathBuf> {
        self.settings.log.as_ref()
    }

    /// Whether it has not ended by itself or by another's hand.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Ends it at once, as `kill -9` does.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    /// Asks it to end, as `kill` does, and waits until it has.
    ///
    /// # Errors
    /// The system does not let us, or it ended badly, or not in time.
    pub fn terminate(&mut self) -> anyhow::Result<()> {
        let ended = self.process.terminate()?;
        ensure!(ended.success(), "the node ended with {ended}");
        Ok(())
    }

    /// Ends it at once, if it has not ended yet, and starts it again in the same way on the same addresses.
    ///
    /// # Errors
    /// As [`Node::kill`] and [`Node::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        (self.process, self._stdout) = launch(&self.settings, &self.ports)?;
        Ok(())
    }

    /// The same with another build of the server.
    ///
    /// # Errors
    /// As [`Node::restart`].
    pub fn restart_as(&mut self, binary: &Path) -> anyhow::Result<()> {
        binary.clone_into(&mut self.settings.binary);
        self.restart()
    }

    /// Stops the process without ending it: its connections stay, and nothing answers.
    ///
    /// # Errors
    /// It has ended.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.process.pause()
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It has ended.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.process.resume()
    }

    /// The time that it was at work since it was last started: see [`usage::cpu_time`].
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        usage::cpu_time(self.pid())
    }

    /// The memory that it has now.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        usage::memory(self.pid())
    }
}

/// Starts the process, and waits until it says where it listens.
fn launch(
    settings: &NodeSettings,
    ports: &Ports,
) -> anyhow::Result<(Process, BufReader<ChildStdout>)> {
    let mut command = Command::new(&settings.binary);
    command
        .args(&settings.args)
        .args(["--listen", &ports.public.address().to_string()])
        .args(["--internal-listen", &ports.internal.address().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    match &settings.log {
        Some(path) => {
            let log = File::options().create(true).append(true).open(path);
            let log = log.with_context(|| format!("open {}", path.display()))?;
            command.args(["--log", "text"]).stderr(log);
        }
        None => {
            command.env("RUST_LOG", "zeitnot=error");
        }
    }
    command.envs(settings.variables.iter().cloned());
    let mut process = Process::spawn(&mut command)?;
    let stdout = process.child().stdout.take();
    let mut stdout = BufReader::new(stdout.context("its output is piped")?);
    let mut first = String::new();
    stdout
        .read_line(&mut first)
        .context("read where the node listens")?;
    let address = first.trim_end().strip_prefix("listening on http://");
    address.context("the node ended before it listened")?;
    Ok((process, stdout))
}
