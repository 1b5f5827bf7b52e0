//! A node: the built binary as a process of its own, on ports that the system gave.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context as _;

/// How to start a node, as often as need be.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// The binary.
    pub binary: PathBuf,
    /// Its arguments, beside the addresses.
    pub args: Vec<OsString>,
    /// Variables of its environment, beside ours.
    pub variables: Vec<(OsString, OsString)>,
}

/// A node that ends with its value.
#[derive(Debug)]
pub struct Node {
    settings: NodeSettings,
    process: Child,
    address: String,
    /// Held, not read: it is open as long as the node is, which may go on writing.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl Node {
    /// Starts a node, and waits until it listens. Its errors go to our stderr.
    ///
    /// # Errors
    /// It does not start, or ends before it listens.
    pub fn start(settings: NodeSettings) -> anyhow::Result<Self> {
        let process = Command::new(&settings.binary)
            .args(["--listen", "127.0.0.1:0"])
            .args(["--internal-listen", "127.0.0.1:0"])
            .args(&settings.args)
            .env("RUST_LOG", "zeitnot=error")
            .envs(settings.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", settings.binary.display()))?;
        // From here on dropping it ends the process.
        let mut node = Self {
            settings,
            process,
            address: String::new(),
            _stdout: None,
        };
        let stdout = node.process.stdout.take().context("its output is piped")?;
        let mut stdout = BufReader::new(stdout);
        let mut first = String::new();
        stdout
            .read_line(&mut first)
            .context("read where the node listens")?;
        let address = first.trim_end().strip_prefix("listening on http://");
        node.address = address
            .context("the node ended before it listened")?
            .to_owned();
        node._stdout = Some(stdout);
        Ok(node)
    }

    /// Where it listens. Shape: `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it at once, as `kill -9` does.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Ends it at once and starts it again in the same way, on another port.
    ///
    /// # Errors
    /// As [`Node::kill`] and [`Node::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        *self = Self::start(self.settings.clone())?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
