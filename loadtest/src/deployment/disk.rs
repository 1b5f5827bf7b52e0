//! A disk that is small: a file system in memory, in a namespace of its own, so that nobody has to be root to make it and
//! nothing else can be filled.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use super::process::Process;

/// What takes all the room that is left.
const BALLAST: &str = "ballast";

/// Bytes of it that are written at once.
const CHUNK: [u8; 4096] = [0; 4096];

/// A disk that ends with its value. Only processes that are started by way of [`SmallDisk::launcher`] see it.
#[derive(Debug)]
pub struct SmallDisk {
    /// It keeps the namespace, and does nothing.
    holder: Process,
    dir: TempDir,
}

impl SmallDisk {
    /// One with so many KiB.
    ///
    /// # Errors
    /// The system lets nobody have a file system of his own.
    pub fn new(kib: u32) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut holder = Process::spawn(
            Command::new("unshare")
                .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
                .arg(format!(
                    "mount -t tmpfs -o size={kib}k none \"$0\" && echo mounted && exec cat"
                ))
                .arg(dir.path())
                // It ends when nobody holds the other end.
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        let told = holder
            .child()
            .stdout
            .take()
            .context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line)?;
        ensure!(line == "mounted\n", "no file system of our own was made");
        Ok(Self { holder, dir })
    }

    /// Where it is, for who sees it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// What stands before a command of which the process sees this disk.
    #[must_use]
    pub fn launcher(&self) -> Vec<OsString> {
        let holder = self.holder.pid().to_string();
        let words = ["nsenter", "--target", &holder, "--user", "--mount"];
        let words = words.into_iter().chain(["--preserve-credentials"]);
        words.map(OsString::from).collect()
    }

    /// Takes all room that is left.
    ///
    /// # Errors
    /// It cannot be written to, and not because it is full.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())?;
        loop {
            match ballast.write_all(&CHUNK) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("fill the disk"),
            }
        }
    }

    /// Gives it back.
    ///
    /// # Errors
    /// It was not taken.
    pub fn free(&self) -> anyhow::Result<()> {
        fs::remove_file(self.ballast()).context("free the disk")
    }

    /// As it is seen from outside.
    fn ballast(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.pid()));
        let inside = self.path().strip_prefix("/").unwrap_or(self.path());
        root.join(inside).join(BALLAST)
    }
}
