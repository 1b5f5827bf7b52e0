//! The tables of the embedded store, by version. A table that holds games is only ever added to.

use sqlx::{Connection, SqliteConnection};

use super::OpenError;
use super::clock::unix_now;
use super::number;
use zeitnot_game::time::PlayTime;

/// The schema that this build writes, as `PRAGMA user_version` has it.
const VERSION: i64 = 2;

const READ_VERSION: &str = "PRAGMA user_version";

/// From an empty file to version 1.
const VERSION_1: &str = "
CREATE TABLE entry (
    game TEXT NOT NULL,
    version INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (game, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE challenge (
    id TEXT PRIMARY KEY,
    terms TEXT NOT NULL,
    white TEXT,
    black TEXT,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenge_expires ON challenge (expires);
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    play INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
";

/// From version 1 to version 2. Games that were begun without a moment must all be looked at.
const VERSION_2: &str = "
CREATE TABLE due (
    game TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX due_at ON due (at);
INSERT INTO due (game, at) SELECT game, (SELECT play FROM clock) FROM entry WHERE version = 1;
CREATE TABLE chat (
    id INTEGER PRIMARY KEY,
    game TEXT NOT NULL,
    room TEXT NOT NULL,
    n INTEGER NOT NULL,
    author TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (game, room, n)
) STRICT;
CREATE TABLE playing (
    user TEXT NOT NULL,
    game TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (user, game)
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked (
    jti TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_until ON revoked (until);
PRAGMA user_version = 2;
";

const FIRST_CLOCK: &str = "INSERT INTO clock (id, play) VALUES (1, ?)";
const SAVED_CLOCK: &str = "SELECT play FROM clock WHERE id = 1";

/// Makes the tables that are not there, and reads the saved play clock: unix time when the store is new.
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<PlayTime, OpenError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar(READ_VERSION)
        .fetch_one(&mut *transaction)
        .await?;
    if !(0..=VERSION).contains(&found) {
        return Err(OpenError::UnknownVersion { found });
    }
    if found < 1 {
        sqlx::raw_sql(VERSION_1).execute(&mut *transaction).await?;
        sqlx::query(FIRST_CLOCK)
            .bind(number(unix_now().0))
            .execute(&mut *transaction)
            .await?;
    }
    if found < 2 {
        sqlx::raw_sql(VERSION_2).execute(&mut *transaction).await?;
    }
    let saved: i64 = sqlx::query_scalar(SAVED_CLOCK)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(PlayTime(saved.unsigned_abs()))
}
