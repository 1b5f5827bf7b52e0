//! Revoked tokens: as rows, and in memory, where every request looks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::SqliteConnection;
use zeitnot_game::time::UnixMillis;

use super::number;
use crate::limits::MAX_REVOKED;

const DELETE_EXPIRED: &str = "DELETE FROM revoked WHERE until <= ?";
const COUNT: &str = "SELECT COUNT(*) FROM revoked WHERE jti <> ?";
const PUT: &str = "INSERT INTO revoked (jti, until) VALUES (?, ?)
    ON CONFLICT (jti) DO UPDATE SET until = MAX(until, excluded.until)";
const ALL: &str = "SELECT jti, until FROM revoked";

/// The tokens that are revoked, each with the moment at which it would have expired anyway.
#[derive(Debug, Clone, Default)]
pub(super) struct Revoked(Arc<RwLock<HashMap<String, UnixMillis>>>);

impl Revoked {
    /// Reads what is still of use, and deletes the rest.
    pub(super) async fn load(
        connection: &mut SqliteConnection,
        now: UnixMillis,
    ) -> sqlx::Result<Self> {
        delete_expired(&mut *connection, now).await?;
        let rows: Vec<(String, i64)> = sqlx::query_as(ALL).fetch_all(connection).await?;
        let tokens = rows
            .into_iter()
            .map(|(jti, until)| (jti, UnixMillis(until.unsigned_abs())));
        Ok(Self(Arc::new(RwLock::new(tokens.collect()))))
    }

    pub(super) fn contains(&self, jti: &str, now: UnixMillis) -> bool {
        // The map is whole even if a holder panicked: each change is a single call.
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(jti).is_some_and(|&until| until > now)
    }

    pub(super) fn insert(&self, jti: String, until: UnixMillis) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = tokens.entry(jti).or_default();
        *known = until.max(*known);
    }

    /// Forgets the tokens that have expired.
    pub(super) fn sweep(&self, now: UnixMillis) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, &mut until| until > now);
    }
}

/// Writes that a token is revoked; says whether there was room for it.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    (jti, until): (&str, UnixMillis),
    now: UnixMillis,
) -> sqlx::Result<bool> {
    delete_expired(&mut *connection, now).await?;
    let others: i64 = sqlx::query_scalar(COUNT)
        .bind(jti)
        .fetch_one(&mut *connection)
        .await?;
    if usize::try_from(others).is_ok_and(|others| others >= MAX_REVOKED) {
        return Ok(false);
    }
    sqlx::query(PUT)
        .bind(jti)
        .bind(number(until.0))
        .execute(connection)
        .await?;
    Ok(true)
}

async fn delete_expired(connection: &mut SqliteConnection, now: UnixMillis) -> sqlx::Result<()> {
    sqlx::query(DELETE_EXPIRED)
        .bind(number(now.0))
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_revoked_until_it_has_expired() {
        let revoked = Revoked::default();
        for until in [10, 8] {
            revoked.insert("token".to_owned(), UnixMillis(until));
            for (now, expected) in [(0, true), (9, true), (10, false), (11, false)] {
                let is_revoked = revoked.contains("token", UnixMillis(now));
                assert_eq!(is_revoked, expected, "at {now}");
            }
        }
        revoked.sweep(UnixMillis(9));
        assert!(revoked.contains("token", UnixMillis(9)));
        revoked.sweep(UnixMillis(10));
        assert!(!revoked.contains("token", UnixMillis(9)));
    }
}
