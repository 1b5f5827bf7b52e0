//! The running games of each user, with their notes, as rows.

use sqlx::{SqliteConnection, SqliteExecutor};
use zeitnot_game::id::{GameId, UserId};

use crate::limits::MAX_PLAYING;

const CHANGE: &str = "UPDATE playing SET note = ? WHERE user = ? AND game = ?";
const COUNT: &str = "SELECT COUNT(*) FROM playing WHERE user = ?";
const INSERT: &str = "INSERT INTO playing (note, user, game) VALUES (?, ?, ?)";
const DELETE: &str = "DELETE FROM playing WHERE user = ? AND game = ?";
const ALL: &str = "SELECT game, note FROM playing WHERE user = ?";

/// Notes a game, or changes its note, or removes it where there is none.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    user: &UserId,
    (game, note): (GameId, Option<&str>),
) -> sqlx::Result<()> {
    let Some(note) = note else {
        sqlx::query(DELETE)
            .bind(user.as_str())
            .bind(game.as_str())
            .execute(connection)
            .await?;
        return Ok(());
    };
    if write(connection, CHANGE, (user, game, note)).await? > 0 {
        return Ok(());
    }
    let count: i64 = sqlx::query_scalar(COUNT)
        .bind(user.as_str())
        .fetch_one(&mut *connection)
        .await?;
    if usize::try_from(count).is_ok_and(|count| count < MAX_PLAYING) {
        write(connection, INSERT, (user, game, note)).await?;
    }
    Ok(())
}

/// Runs a statement over a note; returns how many rows it wrote.
async fn write(
    connection: &mut SqliteConnection,
    statement: &'static str,
    (user, game, note): (&UserId, GameId, &str),
) -> sqlx::Result<u64> {
    let written = sqlx::query(statement)
        .bind(note)
        .bind(user.as_str())
        .bind(game.as_str())
        .execute(connection)
        .await?;
    Ok(written.rows_affected())
}

/// All games of a user with their notes.
pub(super) async fn all(
    executor: impl SqliteExecutor<'_>,
    user: &UserId,
) -> sqlx::Result<Vec<(GameId, String)>> {
    let rows: Vec<(String, String)> = sqlx::query_as(ALL)
        .bind(user.as_str())
        .fetch_all(executor)
        .await?;
    rows.into_iter()
        .map(|(game, note)| match game.parse() {
            Ok(game) => Ok((game, note)),
            Err(error) => Err(sqlx::Error::Decode(Box::new(error))),
        })
        .collect()
}
