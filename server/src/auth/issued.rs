//! Tokens of another issuer, whose users play here without being known before.
//!
//! Such a token says who somebody is and until when, and nothing else counts: not its scopes, and it cannot be renewed
//! here. A user's id is the issuer's own name for it (`sub`) where that has the shape of one of our ids. Any other name,
//! and one that would look like a guest's or like one made here, becomes `x-` and a hash of issuer and name: always the
//! same, and nobody else's.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use zeitnot_game::id::UserId;
use zeitnot_game::time::UnixMillis;

use super::jwk::KeyMark;
use super::keys::Issuer;
use super::token::{AuthError, Scope};
use super::{User, Verified, display_name};
use crate::limits::{MAX_ISSUED_LIFETIME, MAX_SUBJECT_LEN, TOKEN_LEEWAY_SECS};

/// What stands before the hash of a name that is no id.
const HASHED: &str = "x-";

/// The claims that are looked at, beside `aud`. Times are unix seconds.
#[derive(Deserialize)]
pub(super) struct Claims {
    /// Compared already, but a list of issuers is none.
    iss: Box<str>,
    sub: Box<str>,
    exp: u64,
    iat: Option<u64>,
    nbf: Option<u64>,
    name: Option<Box<str>>,
}

/// They, and what they are about.
pub(super) struct IssuedClaims {
    claims: Claims,
    user: UserId,
    /// By which the token can be revoked. Not the issuer's, which might be that of one of our tokens, or missing: a hash of
    /// what is signed, which nobody can change.
    jti: Box<str>,
}

impl IssuedClaims {
    pub(super) fn new(claims: Claims, (token, issuer): (&str, &Issuer)) -> Result<Self, AuthError> {
        if *claims.iss != *issuer.name || !(1..=MAX_SUBJECT_LEN).contains(&claims.sub.len()) {
            return Err(AuthError::Claims);
        }
        let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
        Ok(Self {
            user: user_id(&issuer.name, &claims.sub),
            jti: format!("{HASHED}{}", hash(&[signed])).into(),
            claims,
        })
    }

    /// Checks what is said, at a moment of the store's clock.
    pub(super) fn verify(self, key: KeyMark, now: UnixMillis) -> Result<Verified, AuthError> {
        let Claims {
            exp,
            iat,
            nbf,
            name,
            ..
        } = self.claims;
        let now = now.0 / 1000;
        let latest = now.saturating_add(TOKEN_LEEWAY_SECS);
        if [iat, nbf].into_iter().flatten().any(|from| from > latest) {
            return Err(AuthError::Early);
        }
        if now > exp.saturating_add(TOKEN_LEEWAY_SECS) {
            return Err(AuthError::Expired);
        }
        let longest = MAX_ISSUED_LIFETIME.as_secs();
        let lives_too_long = iat.is_some_and(|iat| exp.saturating_sub(iat) > longest);
        if lives_too_long || exp > latest.saturating_add(longest) {
            return Err(AuthError::Claims);
        }
        let name = match display_name(name.as_deref().unwrap_or_default()) {
            name if name.is_empty() => display_name(self.user.as_str()),
            name => name,
        };
        Ok(Verified {
            user: User {
                id: self.user,
                name,
            },
            expires_at: UnixMillis(exp.saturating_mul(1000)),
            jti: self.jti,
            scope: Scope::default(),
            key,
            is_ours: false,
        })
    }
}

/// Our id for a user of an issuer.
fn user_id(issuer: &str, subject: &str) -> UserId {
    let id = subject.parse::<UserId>().ok();
    let own = id.filter(|id| !id.is_guest() && !id.as_str().starts_with(HASHED));
    own.unwrap_or_else(|| {
        let id = format!("{HASHED}{}", hash(&[issuer, subject]));
        id.parse().expect("base 36 makes an id")
    })
}

/// 128 bits of a hash of some texts, in 25 letters and digits.
fn hash(texts: &[&str]) -> String {
    // No two lists of texts make the same one: the lengths stand before.
    let lengths = texts.iter().map(|text| format!("{} ", text.len()));
    let text: String = lengths
        .chain(texts.iter().map(ToString::to_string))
        .collect();
    let hash = digest(&SHA256, text.as_bytes());
    let (head, _) = hash.as_ref().split_at(16);
    let mut number = u128::from_be_bytes(head.try_into().expect("16 bytes"));
    let digits = (0..25).map(|_| {
        let digit = usize::try_from(number % 36).expect("less than 36");
        number /= 36;
        char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    });
    digits.collect()
}
