//! The revoked tokens, as this node knows them: read at start, then told by their channel. Each revocation names the
//! mark of the one before; where the marks do not fit something was missed, and all is read again.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fred::error::{Error, ErrorKind};
use fred::types::Value;
use tokio::sync::Notify;
use zeitnot_game::time::UnixMillis;

use super::keys::{REVOKED, REVOKED_MARK};
use super::master::Master;
use crate::limits::{MAX_REVOKED, REVOKED_PAGE};

/// What stands for the mark before the first revocation; as in `revoke.lua`.
const NO_MARK: &str = "-";

/// The revoked tokens.
#[derive(Default)]
pub(super) struct Revoked {
    known: RwLock<Known>,
    pub(super) wake: Notify,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    /// The mark up to which nothing is missing; empty: unknown.
    mark: String,
    until: HashMap<String, UnixMillis>,
}

/// A revocation as it is published.
struct Revocation<'a> {
    before: &'a str,
    mark: &'a str,
    until: UnixMillis,
    jti: &'a str,
}

impl Revoked {
    pub(super) fn contains(&self, jti: &str, now: UnixMillis) -> bool {
        let known = self.read();
        known.until.get(jti).is_some_and(|&until| until > now)
    }

    /// Revokes a token, for every node.
    pub(super) async fn revoke(
        &self,
        master: &Master,
        (jti, until): (&str, UnixMillis),
    ) -> Result<(), Error> {
        let keys = vec![REVOKED.to_owned(), REVOKED_MARK.to_owned()];
        let args = [
            jti.to_owned(),
            until.0.to_string(),
            format!("{:016x}", rand::random::<u64>()),
            MAX_REVOKED.to_string(),
        ];
        let args = args.map(Value::from).into();
        let reply = master.run(|scripts| &scripts.revoke, keys, args).await?;
        if !reply.convert::<bool>()? {
            return Err(Error::new(ErrorKind::Unknown, "too many revoked tokens"));
        }
        self.write().note(jti, until);
        Ok(())
    }

    /// Takes a message of `revoke.lua`.
    pub(super) fn deliver(&self, message: Option<&str>) {
        match message.and_then(Revocation::parse) {
            Some(revocation) if self.write().take(&revocation) => {}
            _ => self.look(),
        }
    }

    /// Something may have been missed.
    pub(super) fn look(&self) {
        self.wake.notify_one();
    }

    /// Reads what is missing, and forgets tokens that have expired.
    pub(super) async fn catch_up(&self, master: &Master, now: UnixMillis) -> Result<(), Error> {
        self.write().until.retain(|_, until| *until > now);
        let mark: Option<String> = master.command("GET", vec![REVOKED_MARK.to_owned()]).await?;
        let mark = mark.unwrap_or_else(|| NO_MARK.to_owned());
        if self.read().mark == mark {
            return Ok(());
        }
        self.read_all(master, now).await?;
        // What was revoked since then has another mark.
        self.write().mark = mark;
        Ok(())
    }

    /// In pages, which hold at least what was there before and is there after; nothing that is known is dropped.
    async fn read_all(&self, master: &Master, now: UnixMillis) -> Result<(), Error> {
        let mut cursor = "0".to_owned();
        loop {
            let args = [REVOKED, &cursor, "COUNT", REVOKED_PAGE].map(str::to_owned);
            let (next, page): (String, Vec<String>) = master.command("ZSCAN", args.into()).await?;
            self.write().note_page(&page, now);
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        // What is inside is whole even if a holder panicked.
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn note(&mut self, jti: &str, until: UnixMillis) {
        let known = self.until.entry(jti.to_owned()).or_insert(until);
        *known = until.max(*known);
    }

    /// Members and scores by turns.
    fn note_page(&mut self, page: &[String], now: UnixMillis) {
        for pair in page.chunks_exact(2) {
            let until = pair[1].parse().map_or(UnixMillis(0), UnixMillis);
            if until > now {
                self.note(&pair[0], until);
            }
        }
    }

    /// Whether nothing is missing before it.
    fn take(&mut self, revocation: &Revocation<'_>) -> bool {
        self.note(revocation.jti, revocation.until);
        let fits = self.mark == revocation.before;
        if fits {
            revocation.mark.clone_into(&mut self.mark);
        }
        fits
    }
}

impl<'a> Revocation<'a> {
    /// Shape: the mark before, its own, the expiry in unix ms, the token's id.
    fn parse(message: &'a str) -> Option<Self> {
        let mut words = message.splitn(4, ' ');
        Some(Self {
            before: words.next()?,
            mark: words.next()?,
            until: UnixMillis(words.next()?.parse().ok()?),
            jti: words.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(mark: &str) -> Known {
        Known {
            mark: mark.to_owned(),
            until: HashMap::new(),
        }
    }

    #[test]
    fn a_revocation_that_fits_moves_the_mark() {
        let mut known = known(NO_MARK);
        assert!(known.take(&Revocation::parse("- a1 5000 jti-1").unwrap()));
        assert!(known.take(&Revocation::parse("a1 b2 6000 jti-2").unwrap()));
        assert_eq!(known.mark, "b2");
        assert_eq!(known.until["jti-1"], UnixMillis(5000));
    }

    #[test]
    fn a_revocation_after_a_gap_counts_and_leaves_the_mark() {
        let mut known = known("a1");
        assert!(!known.take(&Revocation::parse("b2 c3 6000 jti-3").unwrap()));
        assert_eq!(known.mark, "a1");
        assert!(known.until.contains_key("jti-3"));
    }

    #[test]
    fn what_is_no_revocation_is_not_read_as_one() {
        for message in ["", "a", "a b", "a b c jti", "a b 1"] {
            assert!(Revocation::parse(message).is_none(), "{message:?}");
        }
    }
}
