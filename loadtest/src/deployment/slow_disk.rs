//! A disk that can be made slow and whose power can be cut, for processes that are started with the shim of `loadtest/shim`.
//!
//! A cut shortens each file to what was synced of it. What was overwritten in place stays: so it may forgive too much, and
//! never blames anybody wrongly.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use super::settings::Variables;
use super::shim;

/// How the files of data end that are only ever written at their end: of Redis, and of SQLite.
const DATA: [&str; 3] = [".aof", ".db", ".db-wal"];

/// A disk. It is fast at first.
#[derive(Debug)]
pub struct SlowDisk {
    dir: TempDir,
    library: PathBuf,
}

impl SlowDisk {
    /// Builds the shim.
    ///
    /// # Errors
    /// There is no C compiler.
    pub fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let disk = Self {
            library: shim::build("slow_disk", dir.path())?,
            dir,
        };
        disk.set_delay(Duration::ZERO)?;
        Ok(disk)
    }

    /// Each sync takes so long from now on, in whole milliseconds.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_delay(&self, delay: Duration) -> anyhow::Result<()> {
        // Renamed into place: a reader sees the old or the new one, never none.
        let new = self.dir.path().join("new");
        fs::write(&new, delay.as_millis().to_string())?;
        Ok(fs::rename(new, self.delay_file())?)
    }

    /// What a process has to be started with.
    #[must_use]
    pub fn variables(&self) -> Variables {
        vec![
            shim::preload(self.library.clone()),
            ("DISK_DELAY_FILE".into(), self.delay_file().into()),
            ("DISK_SYNCED_FILE".into(), self.synced_file().into()),
        ]
    }

    /// Takes away what was written and not synced, as a power cut does; the bytes. To be called when the processes are dead.
    ///
    /// # Errors
    /// A file cannot be shortened.
    pub fn lose_power(&self) -> anyhow::Result<u64> {
        let synced = match fs::read_to_string(self.synced_file()) {
            Ok(synced) => synced,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context("read what was synced"),
        };
        let mut lost = 0;
        for (path, length) in lengths(&synced) {
            lost += shorten(path, length)?;
        }
        Ok(lost)
    }

    fn delay_file(&self) -> PathBuf {
        self.dir.path().join("delay")
    }

    fn synced_file(&self) -> PathBuf {
        self.dir.path().join("synced")
    }
}

/// How long each file of data was at its last sync. Shape of a line: `1834 /tmp/x/appendonly.aof.1.incr.aof`.
fn lengths(synced: &str) -> HashMap<&Path, u64> {
    let mut lengths = HashMap::new();
    for line in synced.lines() {
        if let Some((length, path)) = line.split_once(' ')
            && let Ok(length) = length.parse()
            && DATA.iter().any(|end| path.ends_with(end))
        {
            lengths.insert(Path::new(path), length);
        }
    }
    lengths
}

/// The bytes that it was longer.
fn shorten(path: &Path, length: u64) -> anyhow::Result<u64> {
    let file = match File::options().write(true).open(path) {
        Ok(file) => file,
        // It was renamed or deleted since.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error).with_context(|| format!("open {}", path.display())),
    };
    let longer = file.metadata()?.len().saturating_sub(length);
    if longer > 0 {
        file.set_len(length)?;
    }
    Ok(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sync_of_a_file_of_data_counts() {
        let synced = "5 /a/b.aof\n7 /a/manifest\n9 /a/b.aof\n3 /a/c d.db-wal\n";
        let lengths = lengths(synced);
        assert_eq!(lengths.len(), 2);
        assert_eq!(lengths[Path::new("/a/b.aof")], 9);
        assert_eq!(lengths[Path::new("/a/c d.db-wal")], 3);
    }

    #[test]
    fn a_file_is_shortened_and_never_made_longer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.aof");
        assert_eq!(shorten(&path, 3).unwrap(), 0);
        fs::write(&path, "12345").unwrap();
        assert_eq!(shorten(&path, 3).unwrap(), 2);
        assert_eq!(shorten(&path, 4).unwrap(), 0);
        assert_eq!(fs::read_to_string(&path).unwrap(), "123");
    }
}
