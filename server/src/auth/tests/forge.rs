//! Keys and tokens to try a server with, good ones and forged ones.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::super::keys::Issuer;
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

/// `iss` and `aud` of the other issuer.
pub(super) const OUTSIDE: (&str, &str) = ("https://id.example", "chess");

pub(super) fn outside() -> Issuer {
    let (name, audience) = OUTSIDE;
    Issuer {
        name: name.to_owned(),
        audience: audience.to_owned(),
    }
}

/// One of the keys, to forge tokens with.
pub(super) struct Signer {
    pub(super) kid: &'static str,
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
    /// What everybody may know of it.
    pub(super) public: Vec<u8>,
    /// As it stands in a file.
    pub(super) jwk: Value,
    pub(super) is_ours: bool,
}

impl Signer {
    pub(super) fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": format!("{:?}", self.algorithm), "kid": self.kid })
    }

    /// What a good token by this key says.
    pub(super) fn claims(&self) -> Value {
        if self.is_ours {
            return claims();
        }
        let (iss, aud) = OUTSIDE;
        json!({ "iss": iss, "aud": aud, "sub": "anna", "iat": NOW, "exp": NOW + 3600, "name": "Anna" })
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
        jwk: jwk.clone(),
        is_ours: true,
    }
}

fn hmac() -> Signer {
    Signer {
        kid: "h1",
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(&secret()),
        public: b"h1".to_vec(),
        jwk: secret_jwk(),
        is_ours: true,
    }
}

/// A fresh key for ES256.
fn p256(kid: &'static str) -> Signer {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("random numbers");
    let public = pair.public_key().as_ref().to_vec();
    let der = pair.to_pkcs8v1().expect("a form");
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Signer {
        kid,
        algorithm: Algorithm::ES256,
        key: EncodingKey::from_ec_der(der.as_ref()),
        jwk: json!({
            "kty": "EC", "crv": "P-256", "kid": kid, "x": part(&public[1..33]), "y": part(&public[33..]),
        }),
        public,
        is_ours: true,
    }
}

/// The key for RS256; made once, since that takes its time.
fn rsa(kid: &'static str) -> Signer {
    static PAIR: LazyLock<RsaPair> =
        LazyLock::new(|| RsaPair::generate(KeySize::Rsa2048).expect("random numbers"));
    let der: Pkcs8V1Der<'_> = PAIR.as_der().expect("a form");
    // What PKCS#8 puts before the key itself (PKCS#1) has 26 bytes at this size.
    let key = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
    let public = PAIR.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
    Signer {
        kid,
        algorithm: Algorithm::RS256,
        key,
        jwk: json!({ "kty": "RSA", "kid": kid, "n": URL_SAFE_NO_PAD.encode(&modulus), "e": "AQAB" }),
        public: public.as_ref().to_vec(),
        is_ours: true,
    }
}

/// The two kinds of keys that sign here, and a server that knows them.
pub(super) fn bench() -> (Auth, [Signer; 2]) {
    let jwk = fresh_jwk("e1");
    (
        auth_with(&[jwk.clone(), secret_jwk()]),
        [ed25519(&jwk), hmac()],
    )
}

/// Every kind of key, ours and of another issuer, and a server that knows them.
pub(super) fn full_bench() -> (Auth, Vec<Signer>) {
    let own = vec![ed25519(&fresh_jwk("e1")), hmac(), p256("p1"), rsa("r1")];
    let others = [
        Signer {
            kid: "oe",
            ..ed25519(&fresh_jwk("oe"))
        },
        p256("op"),
        rsa("or"),
    ];
    let jwks: Vec<Value> = own.iter().map(|signer| signer.jwk.clone()).collect();
    let mut keys = Keys::parse(&json!({ "keys": jwks }).to_string()).expect("the keys are fit");
    let jwks = others
        .each_ref()
        .map(|signer| without(signer.jwk.clone(), "d"));
    let set = json!({ "keys": jwks }).to_string();
    keys.add_issuer(outside(), &set)
        .expect("the issuer's are fit");
    let others = others.map(|signer| Signer {
        is_ours: false,
        ..signer
    });
    (Auth::new(keys), own.into_iter().chain(others).collect())
}

pub(super) fn with(mut object: Value, field: &str, value: Value) -> Value {
    object[field] = value;
    object
}

pub(super) fn without(mut object: Value, field: &str) -> Value {
    object.as_object_mut().expect("an object").remove(field);
    object
}
