//! The log of a game as rows, one an entry. The last two words of a line are its moment and its tag.

use std::time::Duration;

use sqlx::{SqliteConnection, SqliteExecutor};
use zeitnot_game::id::{GameId, Tag, Version};
use zeitnot_game::time::Timestamp;

use super::clock::Moment;
use super::{challenge, due};
use crate::store::{Append, Appended, Create, Published, Tail};

const LINES_FROM: &str = "SELECT line FROM entry WHERE game = ? AND version >= ? ORDER BY version";
const FIRST: &str = "SELECT line FROM entry WHERE game = ? AND version = 1";
const LENGTH: &str = "SELECT version FROM entry WHERE game = ? ORDER BY version DESC LIMIT 1";
const INSERT: &str = "INSERT INTO entry (game, version, line) VALUES (?, ?, ?)";
/// All that belongs to a game.
const DELETE: [&str; 3] = [
    "DELETE FROM entry WHERE game = ?",
    "DELETE FROM chat WHERE game = ?",
    "DELETE FROM due WHERE game = ?",
];

/// What the store itself writes into entry 1 begins with this.
const CREATED: &str = "created:";

/// Begins a log; says whether the id was free, or taken by this very set-up.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    id: GameId,
    create: &Create,
    now: Moment,
) -> sqlx::Result<bool> {
    if let Some(first) = first(&mut *connection, id).await? {
        return Ok(has_tag(&first, create.tag) || has_body(&first, &create.body));
    }
    if challenge::get(&mut *connection, id, now.unix)
        .await?
        .is_some()
    {
        return Ok(false);
    }
    insert_first(connection, id, create, now).await?;
    Ok(true)
}

/// Entry 1, if there is a log.
pub(super) async fn first(
    executor: impl SqliteExecutor<'_>,
    id: GameId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(FIRST)
        .bind(id.as_str())
        .fetch_optional(executor)
        .await
}

/// Writes entry 1 of a log that is known to be empty.
pub(super) async fn insert_first(
    connection: &mut SqliteConnection,
    id: GameId,
    create: &Create,
    now: Moment,
) -> sqlx::Result<()> {
    let Create { body, tag, due_in } = create;
    let line = format!("{body} {CREATED}{} {} {tag}", now.unix.0, now.play.0);
    insert(&mut *connection, id, Version(1), &line).await?;
    due::set(connection, id, Some(due::after(now.play, *due_in))).await
}

/// Appends, if the log ends where the caller thinks; what it then has to publish is returned too.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    id: GameId,
    append: &Append,
    now: Moment,
) -> sqlx::Result<(Appended, Option<Published>)> {
    let after = append.after;
    let end = append.head().version;
    let known = lines_from(&mut *connection, id, after.version).await?;
    let newer = match known.split_first() {
        Some((last, newer)) if after.version > Version(0) && has_tag(last, after.tag) => newer,
        _ => return Ok((Appended::Stale(whole(connection, id).await?), None)),
    };
    if let Some(first) = newer.first() {
        let appended = if has_tag(first, append.tag) {
            let at = moment(first)?;
            Appended::Committed { version: end, at }
        } else {
            Appended::Stale(Tail {
                since: after.version,
                lines: newer.to_vec(),
                heals_for: Duration::ZERO,
            })
        };
        return Ok((appended, None));
    }
    let scaled = now.play.on_scale_of(append.origin);
    let at = scaled.max(append.after_at);
    if append.not_before.is_some_and(|moment| at < moment) {
        return Ok((Appended::Early { at }, None));
    }
    let lines: Vec<String> = append
        .bodies
        .iter()
        .map(|body| format!("{body} {} {}", at.0, append.tag))
        .collect();
    let mut version = after.version;
    for line in &lines {
        version = version.next();
        insert(connection, id, version, line).await?;
    }
    let moment = due::after(append.origin, at.since(Timestamp(0)));
    let due_at = append.due_in.map(|due_in| due::after(moment, due_in));
    due::set(connection, id, due_at).await?;
    let published = Published {
        first: after.version.next(),
        before: after.tag,
        lines,
    };
    Ok((Appended::Committed { version, at }, Some(published)))
}

/// Deletes a game, if its log has this length.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    id: GameId,
    length: Version,
) -> sqlx::Result<()> {
    if self::length(&mut *connection, id).await? == Some(length) {
        for delete in DELETE {
            sqlx::query(delete)
                .bind(id.as_str())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// The number of entries, if there is a log.
pub(super) async fn length(
    executor: impl SqliteExecutor<'_>,
    id: GameId,
) -> sqlx::Result<Option<Version>> {
    let length: Option<u32> = sqlx::query_scalar(LENGTH)
        .bind(id.as_str())
        .fetch_optional(executor)
        .await?;
    Ok(length.map(Version))
}

/// The log after `since`; all of it if it is shorter.
pub(super) async fn read<'c, E>(executor: E, id: GameId, since: Version) -> sqlx::Result<Tail>
where
    E: SqliteExecutor<'c> + Copy,
{
    // The entry at `since` tells an empty tail from a log that is shorter.
    let mut lines = lines_from(executor, id, since).await?;
    if since > Version(0) {
        if lines.is_empty() {
            return whole(executor, id).await;
        }
        lines.remove(0);
    }
    Ok(Tail {
        since,
        lines,
        heals_for: Duration::ZERO,
    })
}

/// The whole log.
pub(super) async fn whole(executor: impl SqliteExecutor<'_>, id: GameId) -> sqlx::Result<Tail> {
    Ok(Tail {
        since: Version(0),
        lines: lines_from(executor, id, Version(0)).await?,
        heals_for: Duration::ZERO,
    })
}

async fn lines_from(
    executor: impl SqliteExecutor<'_>,
    id: GameId,
    version: Version,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(LINES_FROM)
        .bind(id.as_str())
        .bind(version.0)
        .fetch_all(executor)
        .await
}

async fn insert(
    connection: &mut SqliteConnection,
    id: GameId,
    version: Version,
    line: &str,
) -> sqlx::Result<()> {
    sqlx::query(INSERT)
        .bind(id.as_str())
        .bind(version.0)
        .bind(line)
        .execute(connection)
        .await?;
    Ok(())
}

fn has_tag(line: &str, tag: Tag) -> bool {
    line.ends_with(tag.as_str())
}

/// Whether entry 1 was made of this body.
fn has_body(first: &str, body: &str) -> bool {
    let rest = first.strip_prefix(body);
    let rest = rest.and_then(|rest| rest.strip_prefix(' '));
    rest.is_some_and(|rest| rest.starts_with(CREATED))
}

/// The word before the tag.
fn moment(line: &str) -> sqlx::Result<Timestamp> {
    let word = line.rsplit(' ').nth(1).and_then(|word| word.parse().ok());
    word.map(Timestamp)
        .ok_or_else(|| sqlx::Error::Decode("an entry without a moment".into()))
}
