//! Waits for a condition, never for time.

use std::time::{Duration, Instant};

use anyhow::bail;

/// How long anything may take on a machine that is busy. Nobody waits for it to pass.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Returns when the condition holds.
///
/// # Errors
/// It cannot be looked at, or does not hold within [`PATIENCE`]; `what` says what was waited for.
pub(super) fn until(
    what: &str,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    while !holds()? {
        if began.elapsed() > PATIENCE {
            bail!("waited in vain until {what}");
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
