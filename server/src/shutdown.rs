//! How a process ends: it drains first, so that clients go elsewhere in their own time, then it stops.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::limits::SHUTDOWN_PATIENCE;

/// What tells the tasks of a process to end, and knows which are left. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Cancelled first: nothing new is accepted, and each socket is closed at a moment of its own in the drain window.
    pub draining: CancellationToken,
    /// Cancelled last: whatever is left ends now.
    pub stopping: CancellationToken,
    /// Every task that must end before the process does.
    pub tasks: TaskTracker,
}

impl Shutdown {
    /// Ends everything, in two steps that lie `window` apart; `hurry` cuts the window short.
    pub async fn run(&self, window: Duration, hurry: impl Future<Output = ()>) {
        self.draining.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(window) => {}
            () = hurry => {}
        }
        self.stopping.cancel();
        let ended = tokio::time::timeout(SHUTDOWN_PATIENCE, self.tasks.wait()).await;
        if ended.is_err() {
            let left = self.tasks.len();
            warn!(left, "{left} tasks did not end in time");
        }
    }
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// The system does not let us listen for them.
pub async fn signaled() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!("got {name}");
    Ok(())
}
