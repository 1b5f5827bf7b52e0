//! Which binary of the server is run.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// The one that was named, else the one beside this.
pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("zeitnot"),
    };
    ensure!(
        path.is_file(),
        "no binary at {}: build it with `cargo build --release`, or name it with --binary",
        path.display()
    );
    Ok(path)
}
