//! Tokens: JWTs (RFC 7519, with the advice of RFC 8725) that say who somebody is and until when.
//!
//! Nothing in a token chooses how it is checked but its `kid`, which picks one of our own keys; the key's algorithm is
//! the only one that it takes. Keys and addresses inside a token are not looked at.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::{Header, Validation, decode, decode_header, encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeitnot_game::id::UserId;
use zeitnot_game::time::UnixMillis;

use super::issued::IssuedClaims;
use super::jwk::{Key, KeyMark, is_kid};
use super::keys::Keys;
use super::{User, Verified, display_name, random_base36};
use crate::limits::{
    MAX_JTI_LEN, MAX_SCOPE_LEN, MAX_TOKEN_LEN, MAX_TOKEN_LIFETIME, TOKEN_LEEWAY_SECS,
};
use crate::metrics::BadToken;

/// Who makes our tokens.
pub(super) const OWN_ISSUER: &str = "zeitnot";

/// Whom they are for.
const AUDIENCE: &str = "zeitnot";

/// A token as text. It is a secret: it prints as `***`.
#[derive(Clone)]
pub struct Token(Box<str>);

impl Token {
    /// The text, for its owner only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The scopes that a token names, which nothing here asks for: words with single spaces between them. Shape: `board:play challenge:write`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Box<str>);

/// The text is no list of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scopes are words of a-z, 0-9, : and _ with single spaces between them")]
pub struct InvalidScope;

impl Scope {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let is_allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b':' | b'_');
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_allowed);
        let fits = text.len() <= MAX_SCOPE_LEN && (text.is_empty() || text.split(' ').all(is_word));
        fits.then(|| Self(text.into())).ok_or(InvalidScope)
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0.into()
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Not a token, or one that asks to be checked in a way that we do not follow.
    #[error("this is not a token of this server")]
    Malformed,
    /// No key of ours has this id.
    #[error("the token was signed with a key that is not in use")]
    UnknownKey,
    /// The signature, the issuer or the audience is wrong.
    #[error("the token was not signed by this server for itself")]
    Forged,
    /// A claim is missing, or says what no token of ours says.
    #[error("the token's claims are not valid")]
    Claims,
    /// It is from the future, by more than clocks may differ.
    #[error("the token is not valid yet")]
    Early,
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// Its user has logged out.
    #[error("the token was revoked")]
    Revoked,
}

impl AuthError {
    /// What is counted.
    #[must_use]
    pub const fn kind(self) -> BadToken {
        match self {
            Self::Malformed => BadToken::Malformed,
            Self::UnknownKey => BadToken::UnknownKey,
            Self::Forged => BadToken::Forged,
            Self::Claims => BadToken::Claims,
            Self::Early => BadToken::Early,
            Self::Expired => BadToken::Expired,
            Self::Revoked => BadToken::Revoked,
        }
    }
}

/// What a token says. Times are unix seconds.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: UserId,
    aud: String,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    exp: u64,
    jti: Box<str>,
    #[serde(default)]
    name: Box<str>,
    #[serde(default)]
    scope: Scope,
}

impl Claims {
    /// For a user, from a moment in unix seconds for a number of seconds.
    pub(super) fn new(user: &User, scope: &Scope, (now, seconds): (u64, u64)) -> Self {
        Self {
            iss: OWN_ISSUER.to_owned(),
            sub: user.id.clone(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            nbf: None,
            exp: now.saturating_add(seconds.min(MAX_TOKEN_LIFETIME.as_secs())),
            jti: random_base36::<16>().into(),
            name: user.name.clone(),
            scope: scope.clone(),
        }
    }

    pub(super) fn expires_at(&self) -> UnixMillis {
        UnixMillis(self.exp.saturating_mul(1000))
    }

    /// The token that says this, signed with the first private key.
    pub(super) fn sign(&self, keys: &Keys) -> Token {
        let (key, signs) = keys.signing();
        let header = Header {
            kid: Some(key.kid.to_string()),
            ..Header::new(key.algorithm)
        };
        let token = encode(&header, self, signs).expect("keys are checked when they are read");
        Token(token.into())
    }
}

/// What a good signature says.
pub(super) enum Said {
    /// By ourselves.
    Own(Claims),
    /// By another issuer.
    Issued(IssuedClaims),
}

impl Said {
    /// What a token says, if a key that we know signed it. The key alone says how and by whom.
    pub(super) fn read(token: &str, keys: &Keys) -> Result<(Self, KeyMark), AuthError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(AuthError::Malformed);
        }
        let header = decode_header(token).map_err(|_| AuthError::Malformed)?;
        let is_jwt = header.typ.as_deref().is_none_or(|typ| {
            typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
        });
        if !is_jwt || header.crit.is_some() || header.extras.inner().contains_key("b64") {
            return Err(AuthError::Malformed);
        }
        let kid = header.kid.filter(|kid| is_kid(kid));
        let kid = kid.ok_or(AuthError::Malformed)?;
        let key = keys.find(&kid).ok_or(AuthError::UnknownKey)?;
        let said = match &key.issuer {
            None => Self::Own(decoded(token, key, (OWN_ISSUER, AUDIENCE))?),
            Some(issuer) => {
                let claims = decoded(token, key, (&issuer.name, &issuer.audience))?;
                Self::Issued(IssuedClaims::new(claims, (token, issuer))?)
            }
        };
        Ok((said, key.mark))
    }
}

/// The claims of a token that this key signed, by this issuer for this audience.
fn decoded<T: DeserializeOwned>(
    token: &str,
    key: &Key,
    (issuer, audience): (&str, &str),
) -> Result<T, AuthError> {
    let mut validation = Validation::new(key.algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    // The library would read this node's clock; `verify` is told the time.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let data = decode::<T>(token, &key.verifies, &validation).map_err(|e| {
        use jsonwebtoken::errors::ErrorKind;
        match e.kind() {
            ErrorKind::Json(_) | ErrorKind::MissingRequiredClaim(_) => AuthError::Claims,
            _ => AuthError::Forged,
        }
    })?;
    Ok(data.claims)
}

impl Claims {
    /// Checks what is said, at a moment of the store's clock.
    pub(super) fn verify(self, key: KeyMark, now: UnixMillis) -> Result<Verified, AuthError> {
        let now = now.0 / 1000;
        let latest = now.saturating_add(TOKEN_LEEWAY_SECS);
        if !(1..=MAX_JTI_LEN).contains(&self.jti.len()) {
            return Err(AuthError::Claims);
        }
        if self.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(AuthError::Early);
        }
        // It may be from a time that is still to come: the clock was ahead then, or has been set back since, and whom we
        // have let in is not locked out for that.
        let lifetime = self.exp.checked_sub(self.iat).ok_or(AuthError::Claims)?;
        let longest = MAX_TOKEN_LIFETIME.as_secs();
        if lifetime > longest || self.exp > latest.saturating_add(longest) {
            return Err(AuthError::Claims);
        }
        if now > self.exp.saturating_add(TOKEN_LEEWAY_SECS) {
            return Err(AuthError::Expired);
        }
        let expires_at = self.expires_at();
        let name = match display_name(&self.name) {
            name if name.is_empty() => self.sub.as_str().into(),
            name => name,
        };
        Ok(Verified {
            user: User { id: self.sub, name },
            expires_at,
            jti: self.jti,
            scope: self.scope,
            key,
            is_ours: true,
        })
    }
}
