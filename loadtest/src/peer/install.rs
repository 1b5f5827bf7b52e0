//! Installs what a peer needs, once, with its language's own tool and its lock file.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context as _, ensure};

use super::Peer;
use crate::report::progress;

/// What npm writes last.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// Makes sure that it can be started.
///
/// # Errors
/// Its tool is not installed, or fails.
pub(crate) fn install(peer: Peer, peers: &Path) -> anyhow::Result<()> {
    let folder = peers.join(peer.name());
    match peer {
        Peer::Ws | Peer::SocketIo | Peer::Colyseus => npm(&folder),
        Peer::Socketioxide => {
            let words = ["build", "--release", "--locked", "--target-dir", "target"];
            run(Command::new("cargo").args(words), &folder)
        }
    }
}

/// Only if the lock file is newer than what was installed.
fn npm(folder: &Path) -> anyhow::Result<()> {
    let installed = written(&folder.join(INSTALLED));
    if installed.is_some() && installed >= written(&folder.join("package-lock.json")) {
        return Ok(());
    }
    run(Command::new("npm").arg("ci"), folder)
}

fn run(command: &mut Command, folder: &Path) -> anyhow::Result<()> {
    progress(&format!("{} is installed", folder.display()))?;
    let output = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {:?}: is it installed?", command.get_program()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(())
}

fn written(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
