//! Which tokens are good, and a table of those that are not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;

mod forge;
mod keys;

use forge::{
    AT_NOW, NOW, auth_with, bench, claims, ed25519, forge, fresh_jwk, secret, secret_jwk, unsigned,
    with, without,
};

#[test]
fn a_guest_gets_a_token_that_says_who_it_is() {
    let (auth, _) = bench();
    let issued = auth.issue_guest("  Anna\u{202e}  B\n", AT_NOW);
    assert_eq!(&*issued.user.name, "Anna B");
    assert!(issued.user.id.is_guest());
    assert_eq!(issued.user.id.as_str().len(), 16);
    assert_eq!(issued.expires_at, UnixMillis((NOW + 86_400) * 1000));
    let verified = auth.verify(issued.token.as_str(), AT_NOW).unwrap();
    assert_eq!(verified.user, issued.user);
    assert_eq!(verified.expires_at, issued.expires_at);
    assert_eq!(verified.scope.as_str(), "");
}

#[test]
fn a_renewed_token_is_another_one_for_the_same_user() {
    let (auth, [signer, _]) = bench();
    let old = signer.sign(&signer.header(), &claims());
    let old = auth.verify(&old, AT_NOW).unwrap();
    let later = UnixMillis(AT_NOW.0 + 1000);
    let renewed = auth.refresh(old.clone(), later);
    let new = auth.verify(renewed.token.as_str(), later).unwrap();
    assert_eq!((&new.user, &new.scope), (&old.user, &old.scope));
    assert_ne!(new.jti, old.jti);
    assert_eq!(new.expires_at, UnixMillis((NOW + 1 + 86_400) * 1000));
}

#[test]
fn a_revocation_that_lasts_until_the_tokens_end_leaves_no_gap() {
    let (auth, _) = bench();
    let issued = auth.issue_guest("", AT_NOW);
    let token = issued.token.as_str();
    let ends_at = auth.verify(token, AT_NOW).unwrap().ends_at();
    assert!(ends_at > issued.expires_at);
    assert!(auth.verify(token, UnixMillis(ends_at.0 - 1)).is_ok());
    assert_eq!(auth.verify(token, ends_at), Err(AuthError::Expired));
}

#[test]
fn good_tokens_of_either_kind_pass() {
    let (auth, signers) = bench();
    for signer in &signers {
        let header = signer.header();
        let cases = [
            ("plain", header.clone(), claims()),
            ("no typ", without(header.clone(), "typ"), claims()),
            (
                "typ of RFC 9068",
                with(header.clone(), "typ", json!("at+jwt")),
                claims(),
            ),
            (
                "jku is not looked at",
                with(
                    header.clone(),
                    "jku",
                    json!("https://evil.example/jwks.json"),
                ),
                claims(),
            ),
            (
                "x5u is not looked at",
                with(header.clone(), "x5u", json!("https://evil.example/x5u")),
                claims(),
            ),
            ("no name", header.clone(), without(claims(), "name")),
            ("no scope", header.clone(), without(claims(), "scope")),
            (
                "unknown claim",
                header.clone(),
                with(claims(), "azp", json!("x")),
            ),
            (
                "expired by 10 s",
                header.clone(),
                with(
                    with(claims(), "iat", json!(NOW - 70)),
                    "exp",
                    json!(NOW - 10),
                ),
            ),
            (
                "10 s early",
                header.clone(),
                with(claims(), "iat", json!(NOW + 10)),
            ),
            ("nbf now", header.clone(), with(claims(), "nbf", json!(NOW))),
        ];
        for (name, header, claims) in cases {
            let verified = auth.verify(&signer.sign(&header, &claims), AT_NOW);
            assert_eq!(
                verified.unwrap().user.id.as_str(),
                "anna",
                "{name} {:?}",
                signer.algorithm
            );
        }
    }
}

#[test]
fn a_bad_header_is_refused() {
    let (auth, signers) = bench();
    for signer in &signers {
        let header = signer.header();
        let mut cases = vec![
            ("no kid", without(header.clone(), "kid")),
            (
                "another's kid",
                with(
                    header.clone(),
                    "kid",
                    json!(if signer.kid == "e1" { "h1" } else { "e1" }),
                ),
            ),
            ("unknown kid", with(header.clone(), "kid", json!("zz"))),
            (
                "kid as a path",
                with(header.clone(), "kid", json!("../../etc/passwd")),
            ),
            (
                "kid with a quote",
                with(header.clone(), "kid", json!("e1' OR '1'='1")),
            ),
            (
                "kid of 64 KB",
                with(header.clone(), "kid", json!("e".repeat(65_536))),
            ),
            ("kid as a number", with(header.clone(), "kid", json!(1))),
            ("kid as null", with(header.clone(), "kid", json!(null))),
            ("crit", with(header.clone(), "crit", json!(["exp"]))),
            ("b64", with(header.clone(), "b64", json!(false))),
            (
                "another typ",
                with(header.clone(), "typ", json!("dpop+jwt")),
            ),
            ("no alg", without(header.clone(), "alg")),
        ];
        for alg in [
            "none", "None", "nOnE", "NONE", "HS384", "HS512", "ES256", "RS256", "PS256", "",
            "hs256",
        ] {
            cases.push(("another alg", with(header.clone(), "alg", json!(alg))));
        }
        let other = if signer.algorithm == Algorithm::HS256 {
            "EdDSA"
        } else {
            "HS256"
        };
        cases.push(("the other alg", with(header.clone(), "alg", json!(other))));
        for (name, header) in cases {
            let refused = auth.verify(&signer.sign(&header, &claims()), AT_NOW);
            assert!(refused.is_err(), "{name}: {header}");
        }
    }
}

#[test]
fn a_bad_signature_is_refused() {
    let (auth, [ed, hmac]) = bench();
    let foreign = ed25519(&fresh_jwk("e1"));
    let mac = |secret: &[u8], header: &Value| {
        forge(
            header,
            &claims(),
            (&EncodingKey::from_secret(secret), Algorithm::HS256),
        )
    };
    let confused = with(ed.header(), "alg", json!("HS256"));
    let x = URL_SAFE_NO_PAD.encode(&ed.public);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{x}\n-----END PUBLIC KEY-----\n");
    let embedded = json!({
        "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&foreign.public), "use": "sig",
    });
    let good = ed.sign(&ed.header(), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let promoted = unsigned(&ed.header(), &with(claims(), "sub", json!("boss")));
    let cases = [
        ("public key as secret", mac(&ed.public, &confused)),
        (
            "public key in base64 as secret",
            mac(x.as_bytes(), &confused),
        ),
        (
            "public key in PEM as secret",
            mac(pem.as_bytes(), &confused),
        ),
        ("empty secret", mac(b"", &hmac.header())),
        ("guessed secret", mac(b"secret", &hmac.header())),
        (
            "HS512 with the right secret",
            forge(
                &with(hmac.header(), "alg", json!("HS512")),
                &claims(),
                (&hmac.key, Algorithm::HS512),
            ),
        ),
        (
            "HS512 that says HS256",
            forge(&hmac.header(), &claims(), (&hmac.key, Algorithm::HS512)),
        ),
        ("a foreign key", foreign.sign(&ed.header(), &claims())),
        (
            "a foreign key, embedded",
            foreign.sign(&with(ed.header(), "jwk", embedded), &claims()),
        ),
        ("no signature", format!("{message}.")),
        (
            "no signature and alg none",
            format!(
                "{}.",
                unsigned(&json!({"alg": "none", "kid": "e1"}), &claims())
            ),
        ),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("other claims", format!("{promoted}.{signature}")),
        ("a cut signature", good[..good.len() - 4].to_owned()),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("not base64", "ä.ö.ü".to_owned()),
        ("very long", format!("{good}{}", "A".repeat(10_000))),
    ];
    for (name, token) in cases {
        assert!(auth.verify(&token, AT_NOW).is_err(), "{name}");
    }
}

#[test]
fn bad_claims_are_refused() {
    let (auth, signers) = bench();
    let mut cases: Vec<(&str, Value)> = ["iss", "sub", "aud", "iat", "exp", "jti"]
        .into_iter()
        .map(|name| (name, without(claims(), name)))
        .collect();
    let changes = [
        ("iss", json!("someone")),
        ("iss", json!(["zeitnot", "someone"])),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("aud", json!(null)),
        ("sub", json!("")),
        ("sub", json!("Anna")),
        ("sub", json!("anna:x")),
        ("sub", json!(7)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(65))),
        ("exp", json!((NOW + 3600).to_string())),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(9_223_372_036_854_775_808_u64)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(NOW + 10 * 366 * 86_400)),
        ("exp", json!(null)),
        ("exp", json!(NOW - 1)),
        ("exp", json!(0)),
        ("iat", json!(NOW + 11)),
        ("iat", json!(u64::MAX)),
        ("iat", json!("now")),
        ("nbf", json!(NOW + 11)),
        ("nbf", json!("later")),
        ("nbf", json!(-5)),
        ("scope", json!("a  b")),
        ("scope", json!(["board:play"])),
        ("name", json!({ "first": "Anna" })),
    ];
    cases.extend(changes.map(|(name, value)| (name, with(claims(), name, value))));
    let expired = with(
        with(claims(), "iat", json!(NOW - 71)),
        "exp",
        json!(NOW - 11),
    );
    cases.push(("expired by 11 s", expired));
    cases.push(("no object", json!([1, 2])));
    for signer in &signers {
        for (name, claims) in &cases {
            let refused = auth.verify(&signer.sign(&signer.header(), claims), AT_NOW);
            assert!(refused.is_err(), "{name} {:?}: {claims}", signer.algorithm);
        }
    }
}

#[test]
fn names_are_cleaned() {
    let cases = [
        ("Anna", "Anna"),
        ("  Anna   B.\t\n", "Anna B."),
        ("An\u{0}na\u{7f}\u{9b}", "Anna"),
        ("\u{202e}annA\u{202c}", "annA"),
        ("A\u{200b}n\u{feff}n\u{2066}a", "Anna"),
        ("<b>Anna</b>", "<b>Anna</b>"),
        ("Äöü 你好 👋", "Äöü 你好 👋"),
        ("abcdefghijklmnopqrs tuv", "abcdefghijklmnopqrs"),
        ("ääääääääääääääääääääää", "ääääääääääääääääääää"),
        ("\u{3164}\u{2800} \u{200d}", ""),
    ];
    for (name, expected) in cases {
        assert_eq!(&*display_name(name), expected, "{name:?}");
    }
    let (auth, _) = bench();
    let nameless = auth.issue_guest(" \u{200b}", AT_NOW).user;
    assert_eq!(
        *nameless.name,
        *format!("Guest {}", &nameless.id.as_str()[6..10])
    );
}

#[test]
fn secrets_do_not_print() {
    let (auth, _) = bench();
    let issued = auth.issue_guest("Anna", AT_NOW);
    let printed = format!("{issued:?} {auth:?}");
    let text = issued.token.as_str();
    assert!(
        !printed.contains(text) && !printed.contains(&text[text.len() - 20..]),
        "{printed}"
    );
    assert!(printed.contains("***"));
}
