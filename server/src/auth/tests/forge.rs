//! Keys and tokens to try a server with, good ones and forged ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::super::{Auth, Keys, UnixMillis};

/// A moment to be at, in unix seconds.
pub(super) const NOW: u64 = 1_795_348_800;

pub(super) const AT_NOW: UnixMillis = UnixMillis(NOW * 1000);

/// 32 random bytes, as a key `h1` for HS256.
pub(super) fn secret() -> Vec<u8> {
    (0..32_u8)
        .map(|i| i.wrapping_mul(73).wrapping_add(11))
        .collect()
}

pub(super) fn secret_jwk() -> Value {
    json!({ "kty": "oct", "kid": "h1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(secret()) })
}

/// The only key of a fresh set, under another name.
pub(super) fn fresh_jwk(kid: &str) -> Value {
    let set: Value = serde_json::from_str(&Keys::generate()).expect("a set is JSON");
    let mut jwk = set["keys"][0].clone();
    jwk["kid"] = kid.into();
    jwk
}

pub(super) fn auth_with(keys: &[Value]) -> Auth {
    let set = json!({ "keys": keys }).to_string();
    Auth::new(Keys::parse(&set).expect("the keys are fit"))
}

pub(super) fn claims() -> Value {
    json!({
        "iss": "zeitnot", "sub": "anna", "aud": "zeitnot", "iat": NOW, "exp": NOW + 3600,
        "jti": "j1", "name": "Anna", "scope": "board:play",
    })
}

pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A token with exactly this header and these claims.
pub(super) fn forge(
    header: &Value,
    claims: &Value,
    (key, algorithm): (&EncodingKey, Algorithm),
) -> String {
    let message = unsigned(header, claims);
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("the key fits");
    format!("{message}.{signature}")
}

/// One of our keys, to forge tokens with.
pub(super) struct Signer {
    pub(super) kid: &'static str,
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
    /// What everybody may know of it.
    pub(super) public: Vec<u8>,
}

impl Signer {
    pub(super) fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": format!("{:?}", self.algorithm), "kid": self.kid })
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        forge(header, claims, (&self.key, self.algorithm))
    }
}

pub(super) fn ed25519(jwk: &Value) -> Signer {
    let bytes = |name: &str| {
        let text = jwk[name].as_str().expect("the key has it");
        URL_SAFE_NO_PAD.decode(text).expect("it is base64")
    };
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&bytes("d"));
    let der = pair.expect("a seed").to_pkcs8v1().expect("a form");
    Signer {
        kid: "e1",
        algorithm: Algorithm::EdDSA,
        key: EncodingKey::from_ed_der(der.as_ref()),
        public: bytes("x"),
    }
}

/// Both kinds of keys, and a server that knows them.
pub(super) fn bench() -> (Auth, [Signer; 2]) {
    let jwk = fresh_jwk("e1");
    let hmac = Signer {
        kid: "h1",
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(&secret()),
        public: b"h1".to_vec(),
    };
    (
        auth_with(&[jwk.clone(), secret_jwk()]),
        [ed25519(&jwk), hmac],
    )
}

pub(super) fn with(mut object: Value, field: &str, value: Value) -> Value {
    object[field] = value;
    object
}

pub(super) fn without(mut object: Value, field: &str) -> Value {
    object.as_object_mut().expect("an object").remove(field);
    object
}
