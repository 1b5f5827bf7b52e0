//! Hostile bytes for what says who somebody is.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use zeitnot_game::time::UnixMillis;

use crate::auth::Auth;
use crate::auth::keys::{Issuer, Keys};
use crate::limits::{MAX_DISPLAY_NAME, TOKEN_LEEWAY_SECS};

/// A moment to be at, in unix seconds.
const NOW: u64 = 1_795_348_800;

/// A server that signs with a secret, takes tokens of another issuer, and what forges both with good signatures.
struct Bench {
    auth: Auth,
    signers: [(EncodingKey, Algorithm, &'static str); 2],
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let bytes = |start: u8| -> Vec<u8> {
        (0..32_u8)
            .map(|i| i.wrapping_mul(73).wrapping_add(start))
            .collect()
    };
    let (secret, seed) = (bytes(11), bytes(5));
    let own =
        json!({ "kty": "oct", "kid": "h1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(&secret) });
    let mut keys = Keys::parse(&json!({ "keys": [own] }).to_string()).expect("fit keys");
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let others = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "o1", "x": x });
    let issuer = Issuer {
        name: "https://id.example".to_owned(),
        audience: "chess".to_owned(),
    };
    keys.add_issuer(issuer, &json!({ "keys": [others] }).to_string())
        .expect("fit keys");
    let der = pair.to_pkcs8v1().expect("a form");
    Bench {
        auth: Auth::new(keys),
        signers: [
            (EncodingKey::from_secret(&secret), Algorithm::HS256, "h1"),
            (
                EncodingKey::from_ed_der(der.as_ref()),
                Algorithm::EdDSA,
                "o1",
            ),
        ],
    }
});

/// A token as it comes; or a header and claims in two lines, which are signed as they stand.
pub fn token(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Bench { auth, signers } = &*BENCH;
    let now = UnixMillis(NOW * 1000);
    assert!(auth.verify(text, now).is_err(), "nobody signed it");
    let Some((header, claims)) = text.split_once('\n') else {
        return;
    };
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    for (key, algorithm, kid) in signers {
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, *algorithm);
        let token = format!("{message}.{}", signature.expect("the key fits"));
        let Ok(verified) = auth.verify(&token, now) else {
            continue;
        };
        let header: Value = serde_json::from_str(header).expect("it was read");
        assert_eq!(header["kid"], *kid, "the key that signed it");
        assert_eq!(header["alg"], format!("{algorithm:?}"));
        assert!(header.get("crit").is_none_or(Value::is_null), "{header}");
        assert!(verified.expires_at.0 / 1000 + TOKEN_LEEWAY_SECS >= NOW);
        let name = verified.user.name.chars().count();
        assert!((1..=MAX_DISPLAY_NAME).contains(&name));
        if *kid == "o1" {
            assert!(!verified.user.id.is_guest() && !verified.is_ours);
        }
    }
}
