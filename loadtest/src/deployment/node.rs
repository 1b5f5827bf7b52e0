//! A node: the built binary as a process of its own, on ports that the system gave.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context as _;

/// A node that ends with its value.
#[derive(Debug)]
pub struct Node {
    process: Child,
    address: String,
    /// Open as long as the node is: it goes on writing.
    _stdout: BufReader<ChildStdout>,
}

impl Node {
    /// Starts a node, and waits until it listens. Its warnings go to our stderr.
    ///
    /// # Errors
    /// It does not start, or ends before it listens.
    pub fn start(binary: &Path, args: &[&OsStr]) -> anyhow::Result<Self> {
        let mut process = Command::new(binary)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--internal-listen",
                "127.0.0.1:0",
            ])
            .args(args)
            .env("RUST_LOG", "zeitnot=error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let stdout = process.stdout.take().context("its output is piped")?;
        let mut stdout = BufReader::new(stdout);
        let mut first = String::new();
        let read = stdout.read_line(&mut first);
        let mut node = Self {
            process,
            address: String::new(),
            _stdout: stdout,
        };
        read.context("read where the node listens")?;
        let address = first.trim_end().strip_prefix("listening on http://");
        node.address = address
            .context("the node ended before it listened")?
            .to_owned();
        Ok(node)
    }

    /// Where it listens. Shape: `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
