//! Who somebody is: users, and the tokens that say so.
//!
//! A token is verified without asking the store: a signature, some claims, and the time that the caller passes, since
//! a node's own clock decides nothing. What a user may do is not decided here.

mod issued;
mod jwk;
pub mod keys;
pub mod request;
pub mod token;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rand::Rng as _;
use zeitnot_game::id::UserId;
use zeitnot_game::setup;
use zeitnot_game::time::UnixMillis;

use crate::limits::{MAX_DISPLAY_NAME, TOKEN_LEEWAY_SECS, TOKEN_LIFETIME};
use crate::text::plain;
use keys::Keys;
use token::{Claims, Said, Scope, Token};

pub use jwk::KeyMark;
pub use request::{Caller, Player, Visitor};
pub use token::AuthError;

/// Somebody with an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// The name to show, cleaned by [`display_name`].
    pub name: Box<str>,
}

impl User {
    /// The user as one who takes a seat.
    #[must_use]
    pub fn to_player(&self) -> setup::Player {
        setup::Player {
            id: self.id.clone(),
            name: self.name.clone(),
        }
    }
}

/// A token that was just made.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub token: Token,
    /// Until when it is good.
    pub expires_at: UnixMillis,
    /// Whose it is.
    pub user: User,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose it is.
    pub user: User,
    /// Until when it is good.
    pub expires_at: UnixMillis,
    /// The token's own id, by which it can be revoked.
    pub jti: Box<str>,
    /// The scopes that it names, which a renewed one has too. Nothing here asks for any.
    pub scope: Scope,
    /// The key that signed it.
    pub key: KeyMark,
    /// Whether we made it, and may make another one for who has it.
    pub is_ours: bool,
}

impl Verified {
    /// From when on the token is refused for its age, whatever else is known of it.
    #[must_use]
    pub const fn ends_at(&self) -> UnixMillis {
        let leeway_ms = (TOKEN_LEEWAY_SECS + 1) * 1000;
        UnixMillis(self.expires_at.0.saturating_add(leeway_ms))
    }
}

/// Makes tokens and checks them.
#[derive(Debug, Clone)]
pub struct Auth {
    keys: Arc<RwLock<Arc<Keys>>>,
}

impl Auth {
    /// With these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self {
            keys: Arc::new(RwLock::new(Arc::new(keys))),
        }
    }

    /// With other keys from now on. Tokens by keys that are gone are good no longer.
    pub fn replace(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Whether the key of a token that was good is still in use.
    #[must_use]
    pub fn is_in_use(&self, key: KeyMark) -> bool {
        self.keys().has(key)
    }

    fn keys(&self) -> Arc<Keys> {
        // Whole even if a holder panicked: it is replaced at once.
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    /// A new guest. Without a name that shows anything it is called after its id, e.g. `Guest k2x9`.
    #[must_use]
    pub fn issue_guest(&self, name: &str, now: UnixMillis) -> Issued {
        let random = random_base36::<10>();
        let name = match display_name(name) {
            name if name.is_empty() => format!("Guest {}", &random[..4]).into(),
            name => name,
        };
        let id = format!("guest-{random}")
            .parse()
            .expect("base 36 makes an id");
        self.issue(User { id, name }, &Scope::default(), (now, TOKEN_LIFETIME))
    }

    /// A new token for who has a good one; its scopes stay the same.
    #[must_use]
    pub fn refresh(&self, verified: Verified, now: UnixMillis) -> Issued {
        self.issue(verified.user, &verified.scope, (now, TOKEN_LIFETIME))
    }

    /// A token that is good from a moment for a span.
    #[must_use]
    pub fn issue(&self, user: User, scope: &Scope, (now, span): (UnixMillis, Duration)) -> Issued {
        let claims = Claims::new(&user, scope, (now.0 / 1000, span.as_secs()));
        Issued {
            token: claims.sign(&self.keys()),
            expires_at: claims.expires_at(),
            user,
        }
    }

    /// Checks a token, but not whether it was revoked.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Verified, AuthError> {
        match Said::read(token, &self.keys())? {
            (Said::Own(claims), key) => claims.verify(key, now),
            (Said::Issued(claims), key) => claims.verify(key, now),
        }
    }

    /// The keys that others may verify our tokens with, as a JWK Set.
    #[must_use]
    pub fn public_keys(&self) -> serde_json::Value {
        self.keys().public_set()
    }
}

/// A name as it is shown: [`plain`] text of at most [`MAX_DISPLAY_NAME`] characters. Empty if nothing is left.
#[must_use]
pub fn display_name(text: &str) -> Box<str> {
    let whole = plain(text);
    let cut: String = whole.chars().take(MAX_DISPLAY_NAME).collect();
    // What showed may stand behind the cut.
    plain(&cut).into()
}

/// Random letters and digits, from the generator that keys may be made with.
pub(crate) fn random_base36<const N: usize>() -> String {
    let mut rng = rand::rng();
    (0..N)
        .map(|_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[rng.random_range(0..36)]))
        .collect()
}

#[cfg(test)]
mod tests;
