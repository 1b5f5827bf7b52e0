//! Waits for what is to be so, never for time.

use std::fmt::Debug;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::client::PATIENCE;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(is_so: impl AsyncFnMut() -> bool) -> impl Future<Output = bool> {
    until_fit(is_so, |is_so| *is_so)
}

/// Asks until the answer is as it should be.
#[track_caller]
pub(crate) fn until_fit<T: Debug>(
    mut ask: impl AsyncFnMut() -> T,
    is_fit: impl Fn(&T) -> bool,
) -> impl Future<Output = T> {
    let (place, began) = (Location::caller(), Instant::now());
    async move {
        loop {
            let answer = ask().await;
            if is_fit(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "in vain at {place}: {answer:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
