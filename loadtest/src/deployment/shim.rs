//! The shims of `loadtest/shim`: libraries that are built for a run, and preloaded into processes that they deceive.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::settings::Variables;

/// The loader's variable for libraries that come first, with colons between them.
const PRELOAD: &str = "LD_PRELOAD";

/// Builds the shim of a name in a folder. Shape of the answer: `/tmp/x/skew.so`.
///
/// # Errors
/// There is no C compiler.
pub(super) fn build(name: &str, dir: &Path) -> anyhow::Result<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim");
    let library = dir.join(format!("{name}.so"));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(sources.join(format!("{name}.c")))
        .status()
        .context("run cc: is a C compiler installed?")?;
    ensure!(built.success(), "the shim {name} was not built");
    Ok(library)
}

/// The variable that preloads a library.
pub(super) fn preload(library: PathBuf) -> (OsString, OsString) {
    (PRELOAD.into(), library.into())
}

/// Variables of several shims for one process, which preloads all of them.
#[must_use]
pub fn preload_all(shims: &[Variables]) -> Variables {
    let (libraries, mut others): (Variables, Variables) = shims
        .iter()
        .flatten()
        .cloned()
        .partition(|(name, _)| name == PRELOAD);
    let libraries: Vec<OsString> = libraries.into_iter().map(|(_, library)| library).collect();
    others.push((PRELOAD.into(), libraries.join(std::ffi::OsStr::new(":"))));
    others
}
