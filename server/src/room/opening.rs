//! Opening a room: what it begins with, and what becomes of a game that cannot be read here.

use tokio::time::Instant;
use tracing::{debug, warn};
use zeitnot_game::game::{Game, Rejection};
use zeitnot_game::id::{GameId, Version};

use super::Rooms;
use crate::limits::UNREADABLE_RETRY;
use crate::play::Refused;
use crate::replica::Replica;
use crate::store::Follow;

/// Follows first and reads then, so that nothing falls between; but not what does not exist.
pub(super) async fn open(rooms: &Rooms, id: GameId) -> Result<(Replica, Follow), Refused> {
    if rooms.store.read(id, Version(0)).await?.lines.is_empty() {
        return Err(Refused::NotFound);
    }
    let asked = Instant::now();
    let follow = rooms.store.follow(id).await?;
    let (log, chat) = tokio::try_join!(rooms.store.read(id, Version(0)), rooms.store.chat(id))?;
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
    Ok((replica, follow))
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
