//! What is said at a game, as rows. Each room keeps its last lines and counts them for ever.

use sqlx::{SqliteConnection, SqliteExecutor};
use zeitnot_game::id::GameId;

use super::log;
use crate::limits::CHAT_LINES;
use crate::store::{Line, Said};

const SAME: &str = "SELECT n FROM chat WHERE game = ? AND room = ? AND author = ? AND key = ?";
const NEWEST: &str = "SELECT n FROM chat WHERE game = ? AND room = ? ORDER BY n DESC LIMIT 1";
const INSERT: &str =
    "INSERT INTO chat (game, room, n, author, key, text) VALUES (?, ?, ?, ?, ?, ?)";
const DELETE_OLD: &str = "DELETE FROM chat WHERE game = ? AND room = ? AND n <= ?";
const ALL: &str = "SELECT n, room, author, key, text FROM chat WHERE game = ? ORDER BY id";

/// Says a line; returns its number, and whether it is new. What is said at a game that is gone is not kept.
pub(super) async fn say(
    connection: &mut SqliteConnection,
    id: GameId,
    line: &Line,
) -> sqlx::Result<(u32, bool)> {
    if let Some(n) = number_of(connection, id, line).await? {
        return Ok((n, false));
    }
    let newest: Option<u32> = sqlx::query_scalar(NEWEST)
        .bind(id.as_str())
        .bind(&line.room)
        .fetch_optional(&mut *connection)
        .await?;
    let n = newest.unwrap_or(0).saturating_add(1);
    if log::length(&mut *connection, id).await?.is_none() {
        return Ok((n, false));
    }
    sqlx::query(INSERT)
        .bind(id.as_str())
        .bind(&line.room)
        .bind(n)
        .bind(&line.author)
        .bind(&line.key)
        .bind(&line.text)
        .execute(&mut *connection)
        .await?;
    let kept = u32::try_from(CHAT_LINES).unwrap_or(u32::MAX);
    sqlx::query(DELETE_OLD)
        .bind(id.as_str())
        .bind(&line.room)
        .bind(n.saturating_sub(kept))
        .execute(connection)
        .await?;
    Ok((n, true))
}

/// The number of the same line, if it was said already.
async fn number_of(
    connection: &mut SqliteConnection,
    id: GameId,
    line: &Line,
) -> sqlx::Result<Option<u32>> {
    if line.key.is_empty() {
        return Ok(None);
    }
    sqlx::query_scalar(SAME)
        .bind(id.as_str())
        .bind(&line.room)
        .bind(&line.author)
        .bind(&line.key)
        .fetch_optional(connection)
        .await
}

/// What is kept of all rooms, in the order in which it was said.
pub(super) async fn all(executor: impl SqliteExecutor<'_>, id: GameId) -> sqlx::Result<Vec<Said>> {
    type Row = (u32, String, String, String, String);
    let rows: Vec<Row> = sqlx::query_as(ALL)
        .bind(id.as_str())
        .fetch_all(executor)
        .await?;
    let said = |(n, room, author, key, text)| Said {
        n,
        line: Line {
            room,
            author,
            key,
            text,
        },
    };
    Ok(rows.into_iter().map(said).collect())
}
