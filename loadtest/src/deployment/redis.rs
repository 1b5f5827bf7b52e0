//! A real Redis server in a directory of its own: on a Unix socket, and on a port where something needs one.

pub(super) mod cluster;
pub(super) mod sentinel;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use super::disk::SmallDisk;
use super::port::Port;
use super::process::Process;
use super::resp::{self, Reply};
use super::wait::{PATIENCE, until};

/// In the server's directory, which its data need not be in.
const SOCKET: &str = "redis.sock";
const LOG: &str = "redis.log";
const CONFIG: &str = "redis.conf";

/// A server that ends with its value.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    options: Options,
    port: Option<Port>,
    dir: TempDir,
}

/// What a server on a port shows of itself to who connects.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// In PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// What it was started with, and is started with again.
#[derive(Debug)]
struct Options {
    words: Vec<String>,
    variables: Vec<(OsString, OsString)>,
    /// With one, the port speaks TLS only.
    certificate: Option<Box<Certificate>>,
    /// Whether there is a file with more, which the server itself may change.
    has_file: bool,
    /// What stands before its own command.
    launcher: Vec<OsString>,
}

impl RedisServer {
    /// Starts a server on a socket only, and waits until it answers.
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
        Self::launch(None, (options, variables), None)
    }

    /// The same with its data on a disk that may be full.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_on_disk(disk: &SmallDisk, options: &[&str]) -> anyhow::Result<Self> {
        let dir = disk
            .path()
            .to_str()
            .context("the disk's name is not UTF-8")?;
        let words = [&["--dir", dir], options].concat();
        let options = Options {
            words: words.into_iter().map(str::to_owned).collect(),
            variables: Vec::new(),
            certificate: None,
            has_file: false,
            launcher: disk.launcher(),
        };
        Self::launch_in(tempfile::tempdir()?, None, options)
    }

    /// The same on a port too, which stays its own over a restart.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_on_port(options: &[&str]) -> anyhow::Result<Self> {
        Self::launch(Some(Port::reserve()?), (options, &[]), None)
    }

    /// The same with TLS on its port, which shows this certificate.
    ///
    /// # Errors
    /// As [`RedisServer::start`], or Redis was built without TLS.
    pub fn start_with_tls(certificate: Certificate, options: &[&str]) -> anyhow::Result<Self> {
        Self::launch(Some(Port::reserve()?), (options, &[]), Some(certificate))
    }

    /// A replica of a server that has a port; returns when it has all data.
    ///
    /// # Errors
    /// As [`RedisServer::start`], or that server has no port.
    pub fn start_replica_of(master: &Self, options: &[&str]) -> anyhow::Result<Self> {
        let port = master.port()?.to_string();
        let of = ["--replicaof", "127.0.0.1", &port];
        let replica = Self::start_on_port(&[&of, options].concat())?;
        replica.wait_for_master()?;
        Ok(replica)
    }

    /// A sentinel that watches over what the file says.
    fn start_sentinel(file: &str) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join(CONFIG), file).context("write what a sentinel watches over")?;
        let options = Options {
            words: vec!["--sentinel".to_owned()],
            variables: Vec::new(),
            certificate: None,
            has_file: true,
            launcher: Vec::new(),
        };
        Self::launch_in(dir, Some(Port::reserve()?), options)
    }

    fn launch(
        port: Option<Port>,
        (options, variables): (&[&str], &[(OsString, OsString)]),
        certificate: Option<Certificate>,
    ) -> anyhow::Result<Self> {
        let options = Options {
            words: options.iter().map(|&option| option.to_owned()).collect(),
            variables: variables.to_vec(),
            certificate: certificate.map(Box::new),
            has_file: false,
            launcher: Vec::new(),
        };
        Self::launch_in(tempfile::tempdir()?, port, options)
    }

    fn launch_in(dir: TempDir, port: Option<Port>, options: Options) -> anyhow::Result<Self> {
        let mut server = Self {
            process: spawn(dir.path(), (port.as_ref(), &options))?,
            options,
            port,
            dir,
        };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    /// Ends the server at once, if it has not ended yet, and starts it again in its place: with what its options made it
    /// keep, which by default is nothing.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.start_again()
    }

    /// Ends it at once, as `kill -9` does.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    /// Starts a server that has ended, as [`RedisServer::restart`] does.
    ///
    /// # Errors
    /// As [`RedisServer::start`], or it still runs.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        ensure!(!self.is_running(), "redis-server still runs");
        self.process = spawn(self.dir.path(), (self.port.as_ref(), &self.options))?;
        self.wait_until_it_answers()
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

    /// Makes a replica a master, as after the death of the one it had.
    ///
    /// # Errors
    /// It does not answer.
    pub fn promote(&self) -> anyhow::Result<()> {
        self.call(&["REPLICAOF", "NO", "ONE"])?;
        Ok(())
    }

    /// From now on this replica hears nothing of its master, and does not know it again. Nobody is stopped for that: what a
    /// stopped process has not read yet is not lost.
    ///
    /// # Errors
    /// One of them does not answer.
    pub fn lose(&self, master: &Self) -> anyhow::Result<()> {
        // No master here has a password: who comes with one is refused.
        self.call(&["CONFIG", "SET", "masterauth", "none"])?;
        master.call(&["CLIENT", "KILL", "TYPE", "replica"])?;
        until("a replica has lost its master", || {
            let info = self.call(&["INFO", "replication"])?;
            let info = info.text().unwrap_or_default();
            Ok(info.contains("master_link_status:down"))
        })
    }

    /// Returns when this replica has all data of its master.
    ///
    /// # Errors
    /// It does not answer, or does not get them in time.
    pub fn wait_for_master(&self) -> anyhow::Result<()> {
        until("a replica has its master's data", || {
            let info = self.call(&["INFO", "replication"])?;
            let info = info.text().unwrap_or_default();
            Ok(info.contains("master_link_status:up"))
        })
    }

    /// Its address in fred's form, `redis://127.0.0.1:40123`, `rediss://…` with TLS, or `redis+unix:///path` without a port.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.port {
            Some(port) if self.options.certificate.is_some() => {
                format!("rediss://{}", port.address())
            }
            Some(port) => format!("redis://{}", port.address()),
            None => format!("redis+unix://{}", self.socket().display()),
        }
    }

    /// Its port.
    ///
    /// # Errors
    /// It was started without one.
    pub fn port(&self) -> anyhow::Result<u16> {
        let port = self.port.as_ref().context("this server has no port")?;
        Ok(port.address().port())
    }

    /// Its socket, which every server has.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join(SOCKET)
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.path().join(LOG)
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it has not ended by itself or by another's hand.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Runs a command whose reply is one line, and returns it as it was sent: `:7`.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn command(&self, command: &str) -> anyhow::Result<String> {
        let mut connection = self.connect()?;
        connection.send(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(connection.stream).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Runs a command given as its words.
    ///
    /// # Errors
    /// The server does not answer, or with an error.
    pub fn call(&self, words: &[&str]) -> anyhow::Result<Reply> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        match self.ask(&words)? {
            Reply::Error(error) => bail!("{}: {error}", String::from_utf8_lossy(words[0])),
            reply => Ok(reply),
        }
    }

    /// A connection that stays.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn connect(&self) -> anyhow::Result<RedisConnection> {
        let stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(RedisConnection {
            stream,
            unread: Vec::new(),
        })
    }

    fn ask(&self, words: &[&[u8]]) -> anyhow::Result<Reply> {
        let mut connection = self.connect()?;
        connection.send(&resp::command(words))?;
        connection.reply()
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        until("redis-server answers", || {
            if !self.process.is_running() {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                bail!("redis-server has ended: {log}");
            }
            // It does not listen yet, or reads its data.
            Ok(match self.ask(&[b"PING"]) {
                Ok(Reply::Simple(_)) => true,
                // Only who has a name may ask for more.
                Ok(Reply::Error(error)) => error.starts_with("NOAUTH"),
                _ => false,
            })
        })
    }
}

/// A connection to a server, for many commands at once.
#[derive(Debug)]
pub struct RedisConnection {
    stream: UnixStream,
    /// What came behind the last reply.
    unread: Vec<u8>,
}

impl RedisConnection {
    /// Sends commands, given as their words, without waiting in between; their replies, errors too, in the same order.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn call_all(&mut self, commands: &[Vec<impl AsRef<[u8]>>]) -> anyhow::Result<Vec<Reply>> {
        let mut bytes = Vec::new();
        for words in commands {
            let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
            bytes.extend(resp::command(&words));
        }
        self.send(&bytes)?;
        commands.iter().map(|_| self.reply()).collect()
    }

    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    fn reply(&mut self) -> anyhow::Result<Reply> {
        let mut some = [0; 64 * 1024];
        loop {
            if let Some((reply, length)) = Reply::parse(&self.unread)? {
                self.unread.drain(..length);
                return Ok(reply);
            }
            let count = self.stream.read(&mut some)?;
            ensure!(count > 0, "redis-server closed the connection");
            self.unread.extend(&some[..count]);
        }
    }
}

fn spawn(dir: &Path, (port, options): (Option<&Port>, &Options)) -> anyhow::Result<Process> {
    let port = port.map_or(0, |port| port.address().port()).to_string();
    let mut words = options.launcher.iter().cloned();
    let program = words.next().unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(program);
    if !options.launcher.is_empty() {
        command.args(words).arg("redis-server");
    }
    // It must come first.
    command.args(options.has_file.then(|| dir.join(CONFIG)));
    match &options.certificate {
        None => command.args(["--port", &port]),
        Some(shown) => command
            .args(["--port", "0", "--tls-port", &port])
            .args(["--tls-auth-clients", "no", "--tls-cert-file"])
            .arg(&shown.certificate)
            .arg("--tls-key-file")
            .arg(&shown.key),
    };
    command
        .args(["--bind", "127.0.0.1"])
        .arg("--unixsocket")
        .arg(dir.join(SOCKET))
        .arg("--logfile")
        .arg(dir.join(LOG))
        .args(["--save", ""])
        .args(&options.words)
        .envs(options.variables.iter().cloned())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Process::spawn(&mut command)
}
