//! A real Redis server on a Unix socket in a directory of its own. No port, so there is none to be taken.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// How long a server may take until it answers, on a machine that is busy.
const START: Duration = Duration::from_secs(20);

/// A server that ends with its value.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    dir: TempDir,
}

impl RedisServer {
    /// Starts a server, and waits until it answers.
    ///
    /// # Errors
    /// `redis-server` is not installed, or does not answer in time.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// The same with further options, as on its command line.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        Self::start_with_env(options, &[])
    }

    /// The same with further variables of its environment.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_with_env(
        options: &[&str],
        variables: &[(OsString, OsString)],
    ) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let process = spawn(&dir, (options, variables))?;
        let server = Self { process, dir };
        server.wait()?;
        Ok(server)
    }

    /// Ends the server at once and starts another one in its place, without its data.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.process = spawn(&self.dir, (&[], &[]))?;
        self.wait()
    }

    fn wait(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            ensure!(
                started.elapsed() < START,
                "redis-server did not start in time"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// Its address in fred's form, `redis+unix:///path`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Stops the process without ending it: its connections stay, and nothing answers.
    ///
    /// # Errors
    /// No signal can be sent.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// No signal can be sent.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let pid = self.process.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status()?;
        ensure!(status.success(), "kill {signal} {pid} failed");
        Ok(())
    }

    /// Runs a command whose reply is one line, and returns it.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn command(&self, command: &str) -> anyhow::Result<String> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

fn spawn(
    dir: &TempDir,
    (options, variables): (&[&str], &[(OsString, OsString)]),
) -> anyhow::Result<Child> {
    Command::new("redis-server")
        .args(["--port", "0", "--unixsocket", "redis.sock", "--save", ""])
        .args(options)
        .envs(variables.iter().cloned())
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("start redis-server: is it installed?")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
