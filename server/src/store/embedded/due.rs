//! When somebody must look at a game: a row for each that has such a moment, on the play clock.

use std::time::Duration;

use sqlx::SqliteConnection;
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::time::{Millis, PlayTime};

use super::{log, number};
use crate::limits::{DUE_GRACE, DUE_RETRY};

const SET: &str = "INSERT OR REPLACE INTO due (game, at) VALUES (?, ?)";
const DELETE: &str = "DELETE FROM due WHERE game = ?";
const EARLIEST: &str = "SELECT at FROM due ORDER BY at LIMIT 1";
const OVERDUE: &str = "SELECT game FROM due WHERE at <= ? ORDER BY at LIMIT 1";

/// Sets a game's moment in place of the one it has; nothing: it has none any more.
pub(super) async fn set(
    connection: &mut SqliteConnection,
    id: GameId,
    at: Option<PlayTime>,
) -> sqlx::Result<()> {
    let query = match at {
        Some(at) => sqlx::query(SET).bind(id.as_str()).bind(number(at.0)),
        None => sqlx::query(DELETE).bind(id.as_str()),
    };
    query.execute(connection).await?;
    Ok(())
}

/// Sets it, if there is a log and it has this length.
pub(super) async fn schedule(
    connection: &mut SqliteConnection,
    id: GameId,
    (length, at): (Version, Option<PlayTime>),
) -> sqlx::Result<()> {
    if log::length(&mut *connection, id).await? == Some(length) {
        set(connection, id, at).await?;
    }
    Ok(())
}

/// The game that is overdue for longest, if one is. Its moment is put off meanwhile.
pub(super) async fn hand_out(
    connection: &mut SqliteConnection,
    now: PlayTime,
) -> sqlx::Result<Option<GameId>> {
    let latest = PlayTime(now.0.saturating_sub(millis(DUE_GRACE).0));
    let overdue: Option<String> = sqlx::query_scalar(OVERDUE)
        .bind(number(latest.0))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(game) = overdue else {
        return Ok(None);
    };
    let id: GameId = game
        .parse()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    set(connection, id, Some(after(now, millis(DUE_RETRY)))).await?;
    Ok(Some(id))
}

/// The earliest moment of all.
pub(super) async fn earliest(connection: &mut SqliteConnection) -> sqlx::Result<Option<PlayTime>> {
    let at: Option<i64> = sqlx::query_scalar(EARLIEST)
        .fetch_optional(connection)
        .await?;
    Ok(at.map(|at| PlayTime(at.unsigned_abs())))
}

/// How long it is from `now` until a game with the moment `at` is handed out.
pub(super) fn until_handed_out(at: PlayTime, now: PlayTime) -> Duration {
    let handed_out = after(at, millis(DUE_GRACE));
    Duration::from_millis(handed_out.0.saturating_sub(now.0))
}

/// The moment a span later.
pub(super) fn after(moment: PlayTime, span: Millis) -> PlayTime {
    PlayTime(moment.0.saturating_add(span.0))
}

fn millis(duration: Duration) -> Millis {
    Millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
