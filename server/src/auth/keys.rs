//! The keys that sign and verify tokens: a JWK Set (RFC 7517) in a file, private parts included.
//!
//! Read by ourselves, because the token library knows public keys only. Ed25519 (RFC 8037: `OKP` with `x` and perhaps
//! `d`) and HS256 secrets (`oct` with `k`). The algorithm is the key's, whatever a token says.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::random_base36;
use crate::config::Config;
use crate::limits::{MAX_JWT_KEYS, MAX_KID_LEN, MIN_SECRET_LEN};

/// Where a generated set is kept in the data directory.
const GENERATED_FILE: &str = "jwt-keys.json";

/// A secret with fewer different bytes was not drawn at random: 32 random bytes have about 30, hexadecimal digits 16.
const MIN_DIFFERENT_BYTES: usize = 10;

/// Words from the examples of books and manuals; a random secret has none of them.
const SAMPLE_WORDS: [&str; 6] = [
    "secret", "password", "changeme", "default", "example", "abcdef",
];

/// All keys of this server.
#[derive(Debug)]
pub struct Keys {
    keys: Vec<Key>,
}

/// One key.
pub(super) struct Key {
    pub(super) kid: Box<str>,
    pub(super) algorithm: Algorithm,
    pub(super) verifies: DecodingKey,
    signs: Option<EncodingKey>,
    public: Option<Value>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {:?})", self.kid, self.algorithm)
    }
}

/// Why there are no keys to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Many nodes need the same keys.
    #[error(
        "with --redis-url, --jwt-keys must name a file that all nodes share; `zeitnot keys new` prints one"
    )]
    NotGiven,
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
        "key {0}: only OKP keys with crv Ed25519 and oct keys can be used, with alg EdDSA or HS256 and use sig"
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
    #[error("no key is private, so none can sign")]
    NoneSigns,
}

impl Keys {
    /// The keys of the settings: the file that they name, else one in the data directory, made if it is not there.
    ///
    /// # Errors
    /// Nothing is named where nodes share games, or the file is not there or not fit.
    pub fn load(config: &Config) -> Result<Self, KeysError> {
        let file = match &config.jwt_keys {
            Some(file) => file.clone(),
            None if config.redis_url.is_some() => return Err(KeysError::NotGiven),
            None => {
                let file = config.data_dir.join(GENERATED_FILE);
                generate_once(&config.data_dir, &file).map_err(|source| KeysError::File {
                    file: file.clone(),
                    source,
                })?;
                file
            }
        };
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text).map_err(|reason| KeysError::Unfit { file, reason }),
            Err(source) => Err(KeysError::File { file, source }),
        }
    }

    /// Reads a JWK Set.
    ///
    /// # Errors
    /// Says which key is not fit, and why.
    pub fn parse(text: &str) -> Result<Self, UnfitKeys> {
        let set: JwkSet =
            serde_json::from_str(text).map_err(|e| UnfitKeys::NotJson(e.to_string()))?;
        if set.keys.is_empty() || set.keys.len() > MAX_JWT_KEYS {
            return Err(UnfitKeys::Number);
        }
        let mut keys: Vec<Key> = Vec::new();
        for jwk in set.keys {
            let key = jwk.into_key()?;
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(UnfitKeys::Kid);
            }
            keys.push(key);
        }
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

    /// The public parts of the set; empty where there are only secrets.
    #[must_use]
    pub fn public_set(&self) -> Value {
        let keys: Vec<&Value> = self
            .keys
            .iter()
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

/// One key as it stands in the file; what we do not know is ignored.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<Box<str>>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    d: Option<String>,
    k: Option<String>,
}

impl Jwk {
    fn into_key(mut self) -> Result<Key, UnfitKeys> {
        let kid = self.kid.take().unwrap_or_default();
        if !is_kid(&kid) {
            return Err(UnfitKeys::Kid);
        }
        let is_for = |alg: &str| {
            self.alg.as_deref().is_none_or(|named| named == alg)
                && self.purpose.as_deref().is_none_or(|named| named == "sig")
        };
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) if is_for("EdDSA") => self.into_ed25519(kid),
            ("oct", _) if is_for("HS256") => self.into_secret(kid),
            _ => Err(UnfitKeys::Unsupported(kid)),
        }
    }

    fn into_ed25519(self, kid: Box<str>) -> Result<Key, UnfitKeys> {
        let bytes = |value: Option<String>, name| {
            let bytes = URL_SAFE_NO_PAD.decode(value.as_deref().unwrap_or_default());
            match bytes {
                Ok(bytes) if bytes.len() == 32 => Ok(bytes),
                _ => Err(UnfitKeys::Malformed(kid.clone(), name)),
            }
        };
        let x = bytes(self.x, "x")?;
        let signs = match self.d {
            None => None,
            Some(d) => {
                let seed = bytes(Some(d), "d")?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &x)
                    .map_err(|_| UnfitKeys::Mismatch(kid.clone()))?;
                let der = pair
                    .to_pkcs8v1()
                    .expect("a whole key pair has a PKCS#8 form");
                Some(EncodingKey::from_ed_der(der.as_ref()))
            }
        };
        let public = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": kid,
            "x": URL_SAFE_NO_PAD.encode(&x),
        });
        Ok(Key {
            algorithm: Algorithm::EdDSA,
            verifies: DecodingKey::from_ed_der(&x),
            signs,
            public: Some(public),
            kid,
        })
    }

    fn into_secret(self, kid: Box<str>) -> Result<Key, UnfitKeys> {
        let secret = self.k.as_deref().unwrap_or_default();
        let secret = match URL_SAFE_NO_PAD.decode(secret.trim_end_matches('=')) {
            Ok(secret) if !secret.is_empty() => secret,
            _ => return Err(UnfitKeys::Malformed(kid, "k")),
        };
        if secret.len() < MIN_SECRET_LEN {
            return Err(UnfitKeys::Short(kid));
        }
        if is_guessable(&secret) {
            return Err(UnfitKeys::Guessable(kid));
        }
        Ok(Key {
            algorithm: Algorithm::HS256,
            verifies: DecodingKey::from_secret(&secret),
            signs: Some(EncodingKey::from_secret(&secret)),
            public: None,
            kid,
        })
    }
}

/// Whether the text may name a key.
pub(super) fn is_kid(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    (1..=MAX_KID_LEN).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn is_guessable(secret: &[u8]) -> bool {
    let mut is_seen = [false; 256];
    for &byte in secret {
        is_seen[usize::from(byte)] = true;
    }
    let different = is_seen.iter().filter(|&&is_seen| is_seen).count();
    let lower = secret.to_ascii_lowercase();
    let has_word = |word: &str| {
        lower
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    };
    different < MIN_DIFFERENT_BYTES || SAMPLE_WORDS.into_iter().any(has_word)
}
