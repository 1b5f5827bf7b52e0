//! The real nginx in front of nodes, with the configuration that we ship.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{self, Process};
use super::wait::until;

/// What operators use. Lines marked [`MARK`] and a [`Place`] are replaced by ours.
const SHIPPED: &str = include_str!("../../../deploy/nginx.conf");

const MARK: &str = "# here: ";

/// Where Debian puts it, which need not be on the path of who runs tests.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];

/// How a worker calls itself that takes nothing new.
const LEAVING: &str = "nginx: worker process is shutting down";

/// An nginx that ends with its value, its workers too.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    /// Ours, inherited by every nginx that we start: so nobody takes the port between two of them.
    listener: TcpListener,
    address: String,
    /// How often it was configured. Workers are known by it: each works in the folder of its generation.
    generation: u32,
    /// Configuration, log, temporary files.
    dir: TempDir,
}

/// A process that the master began.
#[derive(Debug)]
struct Worker {
    pid: u32,
    /// Not known yet where it was only just begun.
    generation: Option<u32>,
    is_leaving: bool,
}

impl Nginx {
    /// Starts nginx on a port that the system gives, in front of nodes at these addresses (`127.0.0.1:40123`).
    ///
    /// # Errors
    /// It is not installed, or does not take the configuration.
    pub fn start(nodes: &[&str]) -> anyhow::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), nodes)
    }

    /// The same at a given address.
    ///
    /// # Errors
    /// As [`Nginx::start`], or the address is taken.
    pub fn start_at(address: SocketAddr, nodes: &[&str]) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).with_context(|| format!("listen on {address}"))?;
        // nginx leaves an inherited socket as it is, and a worker must not wait for a connection that another one took.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        let dir = tempfile::tempdir()?;
        write(dir.path(), (&address, nodes, 1))?;
        let mut nginx = Self {
            process: spawn(dir.path(), &listener)?,
            listener,
            address,
            generation: 1,
            dir,
        };
        nginx.wait_for_workers()?;
        Ok(nginx)
    }

    /// Where it listens. Shape: `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The master process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where its errors stand.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("error.log")
    }

    /// Whether the master has not ended by itself or by another's hand.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Puts it in front of other nodes, as a reload does: returns when nothing new goes to the old ones. Requests and
    /// sockets that are open stay where they are.
    ///
    /// # Errors
    /// It has ended, or does not take the configuration.
    pub fn set_nodes(&mut self, nodes: &[&str]) -> anyhow::Result<()> {
        self.generation += 1;
        write(self.dir.path(), (&self.address, nodes, self.generation))?;
        self.process.signal(Signal::HUP)?;
        self.wait_for_workers()
    }

    /// Ends all its processes at once and starts it again at the same address. Who connects meanwhile waits.
    ///
    /// # Errors
    /// As [`Nginx::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.end()?;
        self.process = spawn(self.dir.path(), &self.listener)?;
        self.wait_for_workers()
    }

    /// Returns when a worker of this generation serves, and those before it take nothing any more.
    fn wait_for_workers(&mut self) -> anyhow::Result<()> {
        until("nginx serves", || {
            if !self.process.is_running() {
                let errors = fs::read_to_string(self.log()).unwrap_or_default();
                bail!("nginx has ended: {errors}");
            }
            let workers = self.workers()?;
            let (new, old): (Vec<_>, Vec<_>) = workers
                .iter()
                .partition(|worker| worker.generation == Some(self.generation));
            Ok(!new.is_empty() && old.iter().all(|worker| worker.is_leaving))
        })
    }

    /// All processes but the master, also when it has died before them.
    fn workers(&self) -> anyhow::Result<Vec<Worker>> {
        let here = fs::canonicalize(self.dir.path())?;
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let pid = path
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            // Any process may end while it is looked at, and others' are closed to us.
            let cwd = fs::read_link(path.join("cwd")).unwrap_or_default();
            let (Some(pid), Ok(folder)) = (pid, cwd.strip_prefix(&here)) else {
                continue;
            };
            let title = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
            if pid != self.pid() {
                found.push(Worker {
                    pid,
                    generation: folder.to_str().and_then(|name| name.parse().ok()),
                    is_leaving: title.starts_with(LEAVING),
                });
            }
        }
        Ok(found)
    }

    /// Ends the master, which ends its workers, and those that are left over then.
    fn end(&mut self) -> anyhow::Result<()> {
        let mut workers = self.workers()?;
        if self.process.is_running() {
            // It goes on from a stop first, or it would not hear that it should end.
            self.process.resume()?;
            // What does not end by itself is ended now.
            let _ = self.process.terminate();
        }
        self.process.kill()?;
        let left = self.workers()?;
        for worker in &left {
            // It may have ended since.
            let _ = process::kill(worker.pid, Signal::KILL);
        }
        workers.extend(left);
        // Not before that are their sockets closed.
        until("the workers of nginx have ended", || {
            Ok(workers.iter().all(|worker| process::has_ended(worker.pid)))
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.end();
    }
}

fn spawn(dir: &Path, listener: &TcpListener) -> anyhow::Result<Process> {
    let program = FOLDERS.iter().map(|folder| Path::new(folder).join("nginx"));
    let program = program.into_iter().find(|path| path.exists());
    let inherited = OwnedFd::from(listener.try_clone()?);
    let mut command = Command::new(program.unwrap_or_else(|| "nginx".into()));
    command
        .arg("-p")
        .arg(dir)
        .args(["-c", "nginx.conf", "-e", "error.log"])
        .args(["-g", "daemon off;"])
        // The descriptors that it inherits as listeners: its stdin.
        .env("NGINX", "0;")
        .current_dir(dir)
        .stdin(Stdio::from(inherited))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process::spawn(&mut command)
}

/// Writes the shipped configuration with our own lines in their places, and the generation.
fn write(dir: &Path, (address, nodes, generation): (&str, &[&str], u32)) -> anyhow::Result<()> {
    let folder = dir.join(generation.to_string());
    fs::create_dir_all(&folder)?;
    let adapted = adapt(SHIPPED, (address, nodes))?;
    let text = format!("working_directory {};\n{adapted}", folder.display());
    fs::write(dir.join("nginx.conf"), text).context("write the configuration of nginx")
}

fn adapt(shipped: &str, (address, nodes): (&str, &[&str])) -> anyhow::Result<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut replaced: Vec<&str> = Vec::new();
    let mut is_in_list = false;
    for line in shipped.lines() {
        let Some((directive, place)) = line.split_once(MARK).filter(|(line, _)| line.contains(';'))
        else {
            lines.push(line.to_owned());
            is_in_list = false;
            continue;
        };
        replaced.push(place);
        match place {
            // As root, nginx would give up its rights and could not enter our folder any more.
            "user" if rustix::process::geteuid().is_root() => lines.push("user root;".to_owned()),
            "user" => {}
            "pid" => lines.push("pid nginx.pid;".to_owned()),
            "errors" => lines.push("error_log error.log warn;".to_owned()),
            "access" => lines.push("access_log off;".to_owned()),
            "temp" => lines.extend(TEMP.map(|name| format!("{name}_temp_path {name};"))),
            "listen" => lines.push(format!("listen {address};")),
            "node" if is_in_list => {}
            // All nodes in the place of a list's first, each with what it says beside the address.
            "node" => {
                lines.extend(nodes.iter().map(|node| at(directive, node)));
                is_in_list = true;
            }
            _ => bail!("nginx.conf: nobody knows what stands for `{MARK}{place}`"),
        }
    }
    for place in PLACES {
        ensure!(replaced.contains(&place), "nginx.conf: no `{MARK}{place}`");
    }
    Ok(lines.join("\n"))
}

/// What must be replaced.
const PLACES: [&str; 7] = ["user", "pid", "errors", "access", "temp", "listen", "node"];

/// Temporary files that nginx wants a folder for, whether it makes any or not.
const TEMP: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// A line like `server 127.0.0.1:8081 max_fails=1;` with another address.
fn at(directive: &str, node: &str) -> String {
    let rest = directive.split_whitespace().skip(2);
    let rest: String = rest.map(|word| format!(" {word}")).collect();
    format!("server {node}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_lines_of_the_shipped_configuration_are_replaced() {
        let nodes = ["127.0.0.1:1", "127.0.0.1:2"];
        let adapted = adapt(SHIPPED, ("127.0.0.1:3", &nodes)).unwrap();
        for line in SHIPPED.lines().filter(|line| !line.contains(MARK)) {
            assert!(adapted.lines().any(|other| other == line), "{line}");
        }
        for server in [
            "server 127.0.0.1:2 max_fails=1 fail_timeout=1s;",
            "server 127.0.0.1:2 max_fails=0;",
        ] {
            assert_eq!(adapted.matches(server).count(), 1, "{server}");
        }
        assert!(adapted.contains("listen 127.0.0.1:3;"));
        assert!(!adapted.contains("127.0.0.1:8081") && !adapted.contains("www-data"));
    }

    #[test]
    fn a_mark_that_nobody_knows_is_an_error() {
        let shipped = format!("{SHIPPED}\nuser nobody; {MARK}something");
        assert!(adapt(&shipped, ("127.0.0.1:3", &[])).is_err());
        assert!(adapt("", ("127.0.0.1:3", &[])).is_err());
    }
}
