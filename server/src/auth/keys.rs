//! The keys that sign and verify tokens: a JWK Set in a file, private parts included, and perhaps another file with the
//! public keys of somebody whose tokens are good here too. Each key is of one of them; no two have the same name.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde::Deserialize;
use serde_json::{Value, json};

use super::jwk::{Jwk, Key, KeyMark};
use super::random_base36;
use super::token::OWN_ISSUER;
use crate::config::Config;
use crate::limits::{MAX_JWT_KEYS, MAX_KID_LEN, MIN_SECRET_LEN};

/// Where a generated set is kept in the data directory.
const GENERATED_FILE: &str = "jwt-keys.json";

/// All keys of this server.
#[derive(Debug)]
pub struct Keys {
    keys: Vec<Key>,
}

/// Somebody else whose tokens are good here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// `iss` of the tokens.
    pub name: String,
    /// Whom they must be for: `aud`.
    pub audience: String,
}

/// Why there are no keys to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Many nodes need the same keys.
    #[error(
        "with --redis-url, --jwt-keys must name a file that all nodes share; `zeitnot keys new` prints one"
    )]
    NotGiven,
    /// What belongs together was given in part, or would make others' tokens ours.
    #[error(
        "--jwt-issuer-keys, --jwt-issuer and --jwt-audience go together, and the issuer is not {OWN_ISSUER}"
    )]
    Issuer,
    /// The file cannot be read or written.
    #[error("the keys in {}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is no set of keys that may be used.
    #[error("the keys in {}: {reason}", file.display())]
    Unfit {
        /// Which file.
        file: PathBuf,
        /// Why not.
        reason: UnfitKeys,
    },
}

/// Why a set of keys is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum UnfitKeys {
    #[error("not a JWK Set: {0}")]
    NotJson(String),
    #[error("there are no keys, or more than {MAX_JWT_KEYS}")]
    Number,
    #[error("each key needs a `kid` of its own, 1 to {MAX_KID_LEN} of A-Z a-z 0-9 _ -")]
    Kid,
    #[error(
        "key {0}: only keys for signing (use sig) by EdDSA (OKP, Ed25519), HS256 (oct), ES256 (EC, P-256) or RS256 (RSA) \
         can be used"
    )]
    Unsupported(Box<str>),
    #[error("key {0}: `{1}` is missing or not what it should be")]
    Malformed(Box<str>, &'static str),
    #[error("key {0}: `d` does not belong to `x`")]
    Mismatch(Box<str>),
    #[error("key {0}: the secret is shorter than {MIN_SECRET_LEN} bytes")]
    Short(Box<str>),
    #[error("key {0}: the secret is not random; `zeitnot keys new` makes a good key")]
    Guessable(Box<str>),
    #[error("key {0}: ES256 and RS256 keys only verify here: take the private part `d` away")]
    OnlyVerifies(Box<str>),
    #[error("key {0}: an issuer's keys are public: take `d` or `k` away")]
    NotPublic(Box<str>),
    #[error("key {0} is one of our own keys, too")]
    Shared(Box<str>),
    #[error("no key is private, so none can sign")]
    NoneSigns,
}

impl Keys {
    /// The keys of the settings: the file that they name, else one in the data directory, made if it is not there.
    ///
    /// # Errors
    /// Nothing is named where nodes share games, or the file is not there or not fit.
    pub fn load(config: &Config) -> Result<Self, KeysError> {
        let file = key_file(config)?;
        if config.jwt_keys.is_none() {
            let made = generate_once(&config.data_dir, &file);
            made.map_err(|source| KeysError::File { file, source })?;
        }
        Self::read_again(config)
    }

    /// The same, but nothing is made.
    ///
    /// # Errors
    /// As [`Keys::load`].
    pub fn read_again(config: &Config) -> Result<Self, KeysError> {
        let mut keys = read(&key_file(config)?, Self::parse)?;
        let issuer = match (&config.jwt_issuer, &config.jwt_audience) {
            (Some(name), Some(audience)) if name != OWN_ISSUER => Some(Issuer {
                name: name.clone(),
                audience: audience.clone(),
            }),
            (None, None) => None,
            _ => return Err(KeysError::Issuer),
        };
        match (&config.jwt_issuer_keys, issuer) {
            (Some(file), Some(issuer)) => read(file, |text| keys.add_issuer(issuer, text))?,
            (None, None) => {}
            _ => return Err(KeysError::Issuer),
        }
        Ok(keys)
    }

    /// Takes the keys of somebody else in, from a JWK Set.
    ///
    /// # Errors
    /// Says which key is not fit, and why; no key was taken in.
    pub fn add_issuer(&mut self, issuer: Issuer, text: &str) -> Result<(), UnfitKeys> {
        let issuer = Arc::new(issuer);
        let mut keys = Vec::new();
        for jwk in parse_set(text)? {
            keys.extend(jwk.into_key_of(&issuer)?);
        }
        if keys.is_empty() {
            return Err(UnfitKeys::Number);
        }
        if let Some(key) = keys.iter().find(|key| self.find(&key.kid).is_some()) {
            return Err(UnfitKeys::Shared(key.kid.clone()));
        }
        check_names(&keys)?;
        self.keys.append(&mut keys);
        Ok(())
    }

    /// Reads a JWK Set.
    ///
    /// # Errors
    /// Says which key is not fit, and why.
    pub fn parse(text: &str) -> Result<Self, UnfitKeys> {
        let keys = parse_set(text)?.into_iter().map(Jwk::into_key);
        let keys: Vec<Key> = keys.collect::<Result<_, _>>()?;
        check_names(&keys)?;
        if keys.iter().all(|key| key.signs.is_none()) {
            return Err(UnfitKeys::NoneSigns);
        }
        Ok(Self { keys })
    }

    /// A JWK Set with one fresh Ed25519 key, as text for a file that nobody else may read.
    #[must_use]
    pub fn generate() -> String {
        let pair = Ed25519KeyPair::generate().expect("the system has random numbers");
        let seed = pair.seed().expect("a key that was just made has its seed");
        let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().expect("a seed has bytes");
        let set = json!({ "keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": random_base36::<12>(),
            "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            "d": URL_SAFE_NO_PAD.encode(seed.as_ref()),
        }] });
        format!("{set:#}\n")
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether this very key is one of them.
    #[must_use]
    pub fn has(&self, mark: KeyMark) -> bool {
        self.keys.iter().any(|key| key.mark == mark)
    }

    /// The public parts of our own; empty where there are only secrets.
    #[must_use]
    pub fn public_set(&self) -> Value {
        let keys: Vec<&Value> = self
            .keys
            .iter()
            .filter(|key| key.issuer.is_none())
            .filter_map(|key| key.public.as_ref())
            .collect();
        json!({ "keys": keys })
    }

    /// The key of this id.
    pub(super) fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| &*key.kid == kid)
    }

    /// The key that signs, with the part that does.
    pub(super) fn signing(&self) -> (&Key, &EncodingKey) {
        self.keys
            .iter()
            .find_map(|key| Some((key, key.signs.as_ref()?)))
            .expect("a set without a private key is refused")
    }
}

/// The file of our own keys.
///
/// # Errors
/// None is named where nodes share games.
pub fn key_file(config: &Config) -> Result<PathBuf, KeysError> {
    match &config.jwt_keys {
        Some(file) => Ok(file.clone()),
        None if config.redis_url.is_some() => Err(KeysError::NotGiven),
        None => Ok(config.data_dir.join(GENERATED_FILE)),
    }
}

/// Writes a fresh set where there is none; of two processes that try, one wins, and nobody reads half a file.
fn generate_once(folder: &Path, file: &Path) -> io::Result<()> {
    if file.try_exists()? {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!("{GENERATED_FILE}.{}", random_base36::<8>()));
    let mut options = std::fs::OpenOptions::new();
    let mut out = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    out.write_all(Keys::generate().as_bytes())?;
    out.sync_all()?;
    let linked = std::fs::hard_link(&draft, file);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// Reads a file with the keys.
fn read<T>(file: &Path, parse: impl FnOnce(&str) -> Result<T, UnfitKeys>) -> Result<T, KeysError> {
    let text = std::fs::read_to_string(file).map_err(|source| KeysError::File {
        file: file.to_owned(),
        source,
    })?;
    parse(&text).map_err(|reason| KeysError::Unfit {
        file: file.to_owned(),
        reason,
    })
}

fn parse_set(text: &str) -> Result<Vec<Jwk>, UnfitKeys> {
    let set: JwkSet = serde_json::from_str(text).map_err(|e| UnfitKeys::NotJson(e.to_string()))?;
    if set.keys.is_empty() || set.keys.len() > MAX_JWT_KEYS {
        return Err(UnfitKeys::Number);
    }
    Ok(set.keys)
}

/// No two keys may have one name.
fn check_names(keys: &[Key]) -> Result<(), UnfitKeys> {
    for (place, key) in keys.iter().enumerate() {
        if keys[..place].iter().any(|other| other.kid == key.kid) {
            return Err(UnfitKeys::Kid);
        }
    }
    Ok(())
}
