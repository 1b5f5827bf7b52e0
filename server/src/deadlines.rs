//! Games that must be looked at though nobody here follows them: flags, first moves that did not come, beginnings and
//! ends that a node left half done, finished games whose time is over.
//!
//! The store hands each of them to one node. What there is to do is found out by the game's room and written by its
//! own append; what fails is handed out again.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::limits::MAX_SETTLING;
use crate::metrics::METRICS;
use crate::room::Rooms;
use crate::store::Store;

/// Looks at what is due until it is told to stop, at so many games at once and no more.
pub async fn serve(store: Arc<dyn Store>, rooms: Rooms, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_SETTLING));
    let next = async || {
        let permit = Arc::clone(&places).acquire_owned().await.ok()?;
        Some((store.due().await, permit))
    };
    while let Some(Some((id, permit))) = stop.run_until_cancelled(next()).await {
        METRICS.due.inc();
        debug!(game.id = %id, "game {id} is due");
        rooms.settle(id, permit);
    }
}
