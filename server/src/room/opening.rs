//! Opening a room: what it begins with, and what becomes of a game that cannot be read here.

use std::sync::{Arc, Mutex};

use tokio::time::{Instant, sleep};
use tracing::{debug, warn};
use zeitnot_game::game::{Game, Rejection};
use zeitnot_game::id::{GameId, Version};

use super::Rooms;
use crate::limits::{MAX_READS, UNREADABLE_RETRY};
use crate::play::Refused;
use crate::replica::Replica;
use crate::store::{Follow, Tail};

/// Follows first and reads then, so that nothing falls between; but not what does not exist.
pub(super) async fn open(
    rooms: &Rooms,
    id: GameId,
) -> Result<(Arc<Mutex<Replica>>, Follow), Refused> {
    if whole_log(rooms, id).await?.lines.is_empty() {
        return Err(Refused::NotFound);
    }
    let asked = Instant::now();
    let follow = rooms.store.follow(id).await?;
    let (log, chat) = tokio::join!(whole_log(rooms, id), rooms.store.chat(id));
    let (log, chat) = (log?, chat?);
    if log.lines.is_empty() {
        return Err(Refused::NotFound);
    }
    let game = Game::replay(log.lines.iter().map(String::as_str)).map_err(|reason| {
        warn!(game.id = %id, "game {id} cannot be read: {reason}");
        Refused::Rejected(Rejection::Unreadable)
    })?;
    debug!(game.id = %id, version = %game.version(), "opened game {id}");
    let mut replica = Replica::new(id, (game, asked), rooms.fanout.clone());
    replica.remember(&chat);
    Ok((Arc::new(Mutex::new(replica)), follow))
}

/// The log, after healing where the store heals: this node has nothing to tell by what the store has lost.
async fn whole_log(rooms: &Rooms, id: GameId) -> Result<Tail, Refused> {
    for _ in 0..MAX_READS {
        let log = rooms.store.read(id, Version(0)).await?;
        if log.heals_for.is_zero() {
            return Ok(log);
        }
        sleep(log.heals_for).await;
    }
    Err(Refused::Unavailable)
}

/// Another build may know what to do with it; this one does not ask again soon.
pub(super) async fn put_off(rooms: &Rooms, id: GameId) {
    if let Ok(log) = rooms.store.read(id, Version(0)).await {
        let put_off = rooms
            .store
            .schedule(id, log.length(), Some(UNREADABLE_RETRY));
        // Where this fails it is handed out again, and put off then.
        let _ = put_off.await;
    }
}
