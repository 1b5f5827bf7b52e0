//! A wall clock of one's own: the shim of `loadtest/shim`, built for this run and preloaded into a process.

use std::path::PathBuf;

use tempfile::TempDir;

use super::settings::Variables;
use super::shim;

/// A clock that can be set while processes run by it.
#[derive(Debug)]
pub struct SkewedClock {
    dir: TempDir,
    library: PathBuf,
}

impl SkewedClock {
    /// Builds the shim; the clock is right at first.
    ///
    /// # Errors
    /// There is no C compiler.
    pub fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let clock = Self {
            library: shim::build("skew", dir.path())?,
            dir,
        };
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
    pub fn variables(&self) -> Variables {
        vec![
            shim::preload(self.library()),
            ("SKEW_FILE".into(), self.file().into()),
        ]
    }

    /// The library, as it must stand among what a process has mapped.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.library.clone()
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("seconds")
    }
}
