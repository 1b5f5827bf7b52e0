//! Which sets of keys are used, and a table of those that are not.

use super::super::keys::{Keys, KeysError, UnfitKeys};
use super::*;

#[test]
fn a_key_that_is_gone_takes_its_tokens_along() {
    let (old, new) = (fresh_jwk("old"), fresh_jwk("new"));
    let token = auth_with(std::slice::from_ref(&old))
        .issue_guest("", AT_NOW)
        .token;
    let both = auth_with(&[new.clone(), old]);
    assert!(both.verify(token.as_str(), AT_NOW).is_ok());
    let issued = both.issue_guest("", AT_NOW);
    let only_new = auth_with(&[new]);
    assert!(
        only_new.verify(issued.token.as_str(), AT_NOW).is_ok(),
        "the first key signs"
    );
    assert_eq!(
        only_new.verify(token.as_str(), AT_NOW),
        Err(AuthError::UnknownKey)
    );
}

#[test]
fn the_public_set_has_no_private_parts() {
    let jwk = fresh_jwk("e1");
    let auth = auth_with(&[jwk.clone(), secret_jwk()]);
    let expected = without(jwk, "d");
    assert_eq!(auth.public_keys(), json!({ "keys": [expected] }));
    assert_eq!(
        auth_with(&[secret_jwk()]).public_keys(),
        json!({ "keys": [] })
    );
}

#[test]
fn unfit_keys_are_refused() {
    let ed = |field, value| with(fresh_jwk("e1"), field, value);
    let oct = |secret: &[u8]| with(secret_jwk(), "k", json!(URL_SAFE_NO_PAD.encode(secret)));
    let x = fresh_jwk("e1")["x"].clone();
    let manual = b"a-string-secret-at-least-256-bits-long";
    let cases = [
        ("no kid", without(fresh_jwk("e1"), "kid"), "a `kid` of"),
        ("slash", ed("kid", json!("a/b")), "a `kid` of its own"),
        ("RSA", ed("kty", json!("RSA")), "e1: only keys for signing"),
        (
            "X25519",
            ed("crv", json!("X25519")),
            "e1: only keys for signing",
        ),
        (
            "encrypts",
            ed("use", json!("enc")),
            "e1: only keys for signing",
        ),
        (
            "HS512",
            with(secret_jwk(), "alg", json!("HS512")),
            "h1: only",
        ),
        ("x of another", ed("x", x), "e1: `d` does not belong"),
        ("no x", without(fresh_jwk("e1"), "x"), "e1: `x` is missing"),
        ("a short d", ed("d", json!("AAAA")), "e1: `d` is missing or"),
        ("public", without(fresh_jwk("e1"), "d"), "no key is private"),
        ("no k", without(secret_jwk(), "k"), "h1: `k` is missing"),
        ("1 byte", oct(b"x"), "h1: the secret is shorter than 32"),
        ("31 bytes", oct(&secret()[1..]), "h1: the secret is shorter"),
        ("zeros", oct(&[0; 64]), "h1: the secret is not random"),
        ("a manual's", oct(manual), "h1: the secret is not random"),
    ];
    for (name, key, expected) in cases {
        let set = json!({ "keys": [key] }).to_string();
        let refusal = Keys::parse(&set).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{name}: {refusal}");
    }
    let keys = |keys: &[Value]| Keys::parse(&json!({ "keys": keys }).to_string()).unwrap_err();
    let many: Vec<Value> = (0..17).map(|i| fresh_jwk(&format!("e{i}"))).collect();
    assert_eq!(keys(&[secret_jwk(), secret_jwk()]), UnfitKeys::Kid);
    assert_eq!(keys(&[]), UnfitKeys::Number);
    assert_eq!(keys(&many), UnfitKeys::Number);
    assert!(matches!(Keys::parse("{}"), Err(UnfitKeys::NotJson(_))));
}

#[test]
fn keys_are_generated_once_and_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let config = crate::config::Config {
        data_dir: folder.path().join("data"),
        ..Default::default()
    };
    let token = Auth::new(Keys::load(&config).unwrap())
        .issue_guest("", AT_NOW)
        .token;
    let again = Auth::new(Keys::load(&config).unwrap());
    assert!(again.verify(token.as_str(), AT_NOW).is_ok());
    let file = config.data_dir.join("jwt-keys.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&config.data_dir).unwrap().count(), 1);
    let shared = crate::config::Config {
        redis_url: Some("redis://127.0.0.1:1".into()),
        ..config
    };
    assert!(matches!(Keys::load(&shared), Err(KeysError::NotGiven)));
}
