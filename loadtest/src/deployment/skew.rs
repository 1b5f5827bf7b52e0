//! A wall clock of one's own: the shim of `loadtest/shim`, built for this run and preloaded into a process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// A clock that can be set while processes run by it.
#[derive(Debug)]
pub struct SkewedClock {
    dir: TempDir,
}

impl SkewedClock {
    /// Builds the shim; the clock is right at first.
    ///
    /// # Errors
    /// There is no C compiler.
    pub fn new() -> anyhow::Result<Self> {
        let clock = Self {
            dir: tempfile::tempdir()?,
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/skew.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([clock.library(), source])
            .status()
            .context("run cc: is a C compiler installed?")?;
        ensure!(built.success(), "the clock shim was not built");
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it to so many seconds after the right time, or before it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set(&self, seconds: i64) -> anyhow::Result<()> {
        // Renamed into place: a reader sees the old or the new one, never none.
        let new = self.dir.path().join("new");
        std::fs::write(&new, seconds.to_string())?;
        Ok(std::fs::rename(new, self.file())?)
    }

    /// What a process has to be started with.
    #[must_use]
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        vec![
            ("LD_PRELOAD".into(), self.library().into()),
            ("SKEW_FILE".into(), self.file().into()),
        ]
    }

    /// The library, as it must stand among what a process has mapped.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.dir.path().join("skew.so")
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("seconds")
    }
}
