//! One key of a JWK Set (RFC 7517) as it stands in a file, checked and made ready for use.
//!
//! Read by ourselves, because the token library knows public keys only. Ed25519 (RFC 8037: `OKP` with `x` and perhaps
//! `d`) and HS256 secrets (`oct` with `k`) sign and verify; P-256 (`EC` with `x` and `y`) and RSA (`n` and `e`) verify
//! only. The algorithm is the key's, whatever a token says.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, Ed25519KeyPair, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::keys::{Issuer, UnfitKeys};
use crate::limits::{MAX_KID_LEN, MIN_SECRET_LEN, RSA_MODULUS_BITS};

/// A secret with fewer different bytes was not drawn at random: 32 random bytes have about 30, hexadecimal digits 16.
const MIN_DIFFERENT_BYTES: usize = 10;

/// Words from the examples of books and manuals; a random secret has none of them.
const SAMPLE_WORDS: [&str; 6] = [
    "secret", "password", "changeme", "default", "example", "abcdef",
];

/// 65537, the exponent of every RSA key that is made today.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// Tells a key from all others, also from one that takes its name: a hash of all that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyMark([u8; 32]);

/// One key.
pub(super) struct Key {
    pub(super) kid: Box<str>,
    pub(super) algorithm: Algorithm,
    pub(super) verifies: DecodingKey,
    pub(super) signs: Option<EncodingKey>,
    pub(super) public: Option<Value>,
    pub(super) mark: KeyMark,
    /// Whose tokens it verifies, if not ours.
    pub(super) issuer: Option<Arc<Issuer>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {:?})", self.kid, self.algorithm)
    }
}

/// One key as it stands in the file; what we do not know is ignored.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    kid: Option<Box<str>>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<String>,
    k: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// One of our own keys.
    pub(super) fn into_key(mut self) -> Result<Key, UnfitKeys> {
        let kid = self.kid.take().unwrap_or_default();
        if !is_kid(&kid) {
            return Err(UnfitKeys::Kid);
        }
        match self.algorithm() {
            Some(Algorithm::EdDSA) => self.into_ed25519(kid),
            Some(Algorithm::HS256) => self.into_secret(kid),
            Some(Algorithm::ES256) => self.into_p256(kid),
            Some(Algorithm::RS256) => self.into_rsa(kid),
            _ => Err(UnfitKeys::Unsupported(kid)),
        }
    }

    /// A key of somebody else; nothing if it is for something else than signing, or in a way that we do not know: such
    /// keys stand in the sets of others beside those that we need (RFC 7517, 5).
    pub(super) fn into_key_of(self, issuer: &Arc<Issuer>) -> Result<Option<Key>, UnfitKeys> {
        let kid = self.kid.clone().unwrap_or_default();
        if self.d.is_some() || self.k.is_some() {
            return Err(UnfitKeys::NotPublic(kid));
        }
        if self.algorithm().is_none() {
            return Ok(None);
        }
        let mut key = self.into_key()?;
        let whose = format!("{}\n{}", issuer.name, issuer.audience);
        key.mark = KeyMark::of(&[&key.mark.0, whose.as_bytes()]);
        key.issuer = Some(Arc::clone(issuer));
        Ok(Some(key))
    }

    /// The one that this key is for, if we know it.
    fn algorithm(&self) -> Option<Algorithm> {
        let (algorithm, name) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA"),
            ("oct", _) => (Algorithm::HS256, "HS256"),
            ("EC", Some("P-256")) => (Algorithm::ES256, "ES256"),
            ("RSA", _) => (Algorithm::RS256, "RS256"),
            _ => return None,
        };
        let is_for_it = self.alg.as_deref().is_none_or(|named| named == name)
            && self.purpose.as_deref().is_none_or(|named| named == "sig");
        is_for_it.then_some(algorithm)
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
            mark: KeyMark::of(&[kid.as_bytes(), b"EdDSA", &x]),
            issuer: None,
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
            mark: KeyMark::of(&[kid.as_bytes(), b"HS256", &secret]),
            issuer: None,
            algorithm: Algorithm::HS256,
            verifies: DecodingKey::from_secret(&secret),
            signs: Some(EncodingKey::from_secret(&secret)),
            public: None,
            kid,
        })
    }

    fn into_p256(self, kid: Box<str>) -> Result<Key, UnfitKeys> {
        if self.d.is_some() {
            return Err(UnfitKeys::OnlyVerifies(kid));
        }
        let (x, y) = (self.x.unwrap_or_default(), self.y.unwrap_or_default());
        // 4 says that both coordinates follow (SEC 1, 2.3.3).
        let mut point = vec![4];
        for (name, value) in [("x", &x), ("y", &y)] {
            match URL_SAFE_NO_PAD.decode(value) {
                Ok(bytes) if bytes.len() == 32 => point.extend(bytes),
                _ => return Err(UnfitKeys::Malformed(kid, name)),
            }
        }
        if ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).is_err() {
            return Err(UnfitKeys::Malformed(kid, "y"));
        }
        let public = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y,
        });
        Ok(Key {
            mark: KeyMark::of(&[kid.as_bytes(), b"ES256", &point]),
            issuer: None,
            algorithm: Algorithm::ES256,
            verifies: DecodingKey::from_ec_der(&point),
            signs: None,
            public: Some(public),
            kid,
        })
    }

    fn into_rsa(self, kid: Box<str>) -> Result<Key, UnfitKeys> {
        if self.d.is_some() {
            return Err(UnfitKeys::OnlyVerifies(kid));
        }
        let (n, e) = (self.n.unwrap_or_default(), self.e.unwrap_or_default());
        let modulus = URL_SAFE_NO_PAD.decode(&n).unwrap_or_default();
        let bits = modulus.first().map_or(0, |first| {
            modulus.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(8)
        });
        if !RSA_MODULUS_BITS.contains(&bits) || modulus.last().is_some_and(|last| last % 2 == 0) {
            return Err(UnfitKeys::Malformed(kid, "n"));
        }
        if URL_SAFE_NO_PAD.decode(&e).ok().as_deref() != Some(&RSA_EXPONENT) {
            return Err(UnfitKeys::Malformed(kid, "e"));
        }
        let public = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e,
        });
        Ok(Key {
            mark: KeyMark::of(&[kid.as_bytes(), b"RS256", &modulus]),
            issuer: None,
            algorithm: Algorithm::RS256,
            verifies: DecodingKey::from_rsa_raw_components(&modulus, &RSA_EXPONENT),
            signs: None,
            public: Some(public),
            kid,
        })
    }
}

impl KeyMark {
    fn of(parts: &[&[u8]]) -> Self {
        let mut all = Vec::new();
        for part in parts {
            // With the lengths, so that no two lists are the same text.
            all.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            all.extend_from_slice(part);
        }
        let hash = digest(&SHA256, &all);
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
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
