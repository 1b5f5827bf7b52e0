//! Which tokens are good, and a table of those that are not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;

mod forge;
mod issued;
mod keys;

use forge::{
    AT_NOW, NOW, OUTSIDE, auth_with, bench, claims, ed25519, forge, fresh_jwk, full_bench, outside,
    secret, secret_jwk, unsigned, with, without,
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
fn good_tokens_of_every_kind_pass() {
    let (auth, signers) = full_bench();
    for signer in &signers {
        let header = signer.header();
        let claims = || signer.claims();
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

/// A clock that is set does not lock out whoever came before.
#[test]
fn a_guest_who_came_while_the_clock_was_ahead_stays_who_he_is() {
    let (auth, _) = full_bench();
    let ahead = UnixMillis(AT_NOW.0 + 3_600_000);
    let issued = auth.issue_guest("Anna", ahead);
    let verified = auth.verify(issued.token.as_str(), AT_NOW).unwrap();
    assert_eq!(verified.user, issued.user);
}

#[test]
fn a_bad_header_is_refused() {
    let (auth, signers) = full_bench();
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
        let own = format!("{:?}", signer.algorithm);
        for alg in [
            "none", "None", "nOnE", "NONE", "HS256", "HS384", "HS512", "ES256", "ES384", "RS256",
            "RS384", "RS512", "PS256", "EdDSA", "", "hs256",
        ] {
            if alg != own {
                cases.push(("another alg", with(header.clone(), "alg", json!(alg))));
            }
        }
        for (name, header) in cases {
            let refused = auth.verify(&signer.sign(&header, &signer.claims()), AT_NOW);
            assert!(refused.is_err(), "{name} {own}: {header}");
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
fn a_key_signs_in_its_own_way_only() {
    let (auth, signers) = full_bench();
    let mut tried = 0;
    for signer in &signers {
        let (header, claims) = (signer.header(), signer.claims());
        // Every other key, in its own way and under the name of this one, with either way in the header.
        for other in signers.iter().filter(|other| other.public != signer.public) {
            for header in [
                header.clone(),
                with(other.header(), "kid", json!(signer.kid)),
            ] {
                let token = other.sign(&header, &claims);
                let (kid, by) = (signer.kid, other.kid);
                assert!(
                    auth.verify(&token, AT_NOW).is_err(),
                    "{kid} by {by}: {header}"
                );
                tried += 1;
            }
        }
        // What everybody knows of the key, as a secret.
        let base64 = URL_SAFE_NO_PAD.encode(&signer.public);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
        let jwk = without(signer.jwk.clone(), "d").to_string();
        for secret in [
            &*signer.public,
            base64.as_bytes(),
            pem.as_bytes(),
            jwk.as_bytes(),
            b"",
        ] {
            for header in [header.clone(), with(header.clone(), "alg", json!("HS256"))] {
                let key = EncodingKey::from_secret(secret);
                let token = forge(&header, &claims, (&key, Algorithm::HS256));
                assert!(
                    auth.verify(&token, AT_NOW).is_err(),
                    "{} {header}",
                    signer.kid
                );
                tried += 1;
            }
        }
        // Signatures that are none: nothing, zeros (which some take for one of any message), one cut, one of another.
        let good = signer.sign(&header, &claims);
        assert!(auth.verify(&good, AT_NOW).is_ok(), "{}", signer.kid);
        let (message, signature) = good.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let zeros = vec![0; bytes.len()];
        let other = signer.sign(&header, &with(claims.clone(), "sub", json!("boss")));
        let other = other.rsplit_once('.').unwrap().1.to_owned();
        let forged = [
            String::new(),
            URL_SAFE_NO_PAD.encode(zeros),
            URL_SAFE_NO_PAD.encode(&bytes[1..]),
            other,
        ];
        for signature in forged {
            let token = format!("{message}.{signature}");
            assert!(
                auth.verify(&token, AT_NOW).is_err(),
                "{} {signature}",
                signer.kid
            );
            tried += 1;
        }
        if signer.algorithm == Algorithm::RS256 {
            for other in [Algorithm::PS256, Algorithm::RS384, Algorithm::RS512] {
                let token = forge(&header, &claims, (&signer.key, other));
                assert!(auth.verify(&token, AT_NOW).is_err(), "{other:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn bad_claims_are_refused() {
    let (auth, signers) = full_bench();
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
    let in_a_year = with(
        with(claims(), "iat", json!(NOW + 300 * 86_400)),
        "exp",
        json!(NOW + 600 * 86_400),
    );
    cases.push(("good for more than a year from now", in_a_year));
    cases.push(("no object", json!([1, 2])));
    for signer in signers.iter().filter(|signer| signer.is_ours) {
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
    let marks_and_a_letter = "\u{301}".repeat(20) + "a";
    assert_eq!(&*display_name(&marks_and_a_letter), "");
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
