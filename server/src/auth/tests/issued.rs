//! Tokens of another issuer: what they must say, who their users are here, and what may stand in the issuer's file.

use super::super::keys::{Issuer, Keys, UnfitKeys};
use super::*;

#[test]
fn an_issuers_token_must_say_who_for_whom_and_until_when() {
    let (auth, signers) = full_bench();
    let (iss, aud) = OUTSIDE;
    let hours = |hours: u64| json!(NOW + hours * 3600);
    let outsiders = || signers.iter().filter(|signer| !signer.is_ours);
    for signer in outsiders() {
        let good = signer.claims();
        let lists = with(good.clone(), "aud", json!(["shop", aud]));
        let long = with(good.clone(), "exp", hours(24));
        let undated = without(without(good.clone(), "iat"), "name");
        for claims in [good.clone(), lists, long, undated] {
            let verified = auth.verify(&signer.sign(&signer.header(), &claims), AT_NOW);
            let verified = verified.expect(signer.kid);
            assert_eq!(verified.user.id.as_str(), "anna");
            assert!(!verified.is_ours && verified.scope.as_str().is_empty());
        }
        let mut cases: Vec<Value> = ["iss", "sub", "aud", "exp"]
            .into_iter()
            .map(|name| without(good.clone(), name))
            .collect();
        let changes = [
            ("iss", json!("zeitnot")),
            ("iss", json!("https://id.example/")),
            ("iss", json!([iss, "zeitnot"])),
            ("iss", json!(null)),
            ("aud", json!("zeitnot")),
            ("aud", json!("Chess")),
            ("aud", json!(["shop"])),
            ("aud", json!([])),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("sub", json!("a".repeat(256))),
            ("exp", hours(25)),
            ("exp", json!(NOW - 11)),
            ("exp", json!("never")),
            ("exp", json!(-1)),
            ("exp", json!(u64::MAX)),
            ("iat", json!(NOW + 11)),
            ("iat", json!(NOW - 86_400)),
            ("nbf", json!(NOW + 11)),
            ("name", json!({ "first": "Anna" })),
        ];
        cases.extend(changes.map(|(name, value)| with(good.clone(), name, value)));
        // It speaks for itself only, and so do we.
        cases.push(claims());
        for claims in cases {
            let refused = auth.verify(&signer.sign(&signer.header(), &claims), AT_NOW);
            assert!(refused.is_err(), "{}: {claims}", signer.kid);
        }
    }
    let theirs = outsiders().next().unwrap().claims();
    for signer in signers.iter().filter(|signer| signer.is_ours) {
        let refused = auth.verify(&signer.sign(&signer.header(), &theirs), AT_NOW);
        assert!(refused.is_err(), "{}", signer.kid);
    }
}

#[test]
fn an_issuers_users_are_nobody_elses() {
    let (auth, signers) = full_bench();
    let signer = signers.iter().find(|signer| !signer.is_ours).unwrap();
    let id = |sub: &str| {
        let claims = with(signer.claims(), "sub", json!(sub));
        let verified = auth.verify(&signer.sign(&signer.header(), &claims), AT_NOW);
        verified.expect(sub).user.id.as_str().to_owned()
    };
    for sub in ["anna", "bo_2", "4f1c8a52-77", "guests"] {
        assert_eq!(id(sub), sub, "a name that can be an id is one");
    }
    let others = [
        "Anna",
        "guest-k2x9w0q4ab",
        "guest-",
        "x-",
        "x-0000000000000000000000000",
        "a",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "4f1c8a52-77aa-4b0e-9f6e-0d9c1c5c8f11",
        "anna@id.example",
        "anna ",
        "ännä",
        "a:b",
    ];
    let mut ids: Vec<String> = others.iter().map(|sub| id(sub)).collect();
    for id in &ids {
        assert!(id.starts_with("x-") && id.len() == 27, "{id}");
    }
    assert_eq!(id("Anna"), ids[0], "always the same");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), others.len(), "all different");
    let twice = id(&ids[0]);
    assert!(
        twice != ids[0] && twice.starts_with("x-"),
        "nobody takes a made name"
    );
}

#[test]
fn another_issuer_has_other_users() {
    let (_, signers) = full_bench();
    let signer = signers.iter().find(|signer| !signer.is_ours).unwrap();
    let id = |name: &str| {
        let mut keys = Keys::parse(&json!({ "keys": [fresh_jwk("e1")] }).to_string()).unwrap();
        let issuer = Issuer {
            name: name.to_owned(),
            audience: "chess".to_owned(),
        };
        let set = json!({ "keys": [without(signer.jwk.clone(), "d")] }).to_string();
        keys.add_issuer(issuer, &set).unwrap();
        let claims = with(
            with(signer.claims(), "sub", json!("Anna")),
            "iss",
            json!(name),
        );
        let token = signer.sign(&signer.header(), &claims);
        Auth::new(keys).verify(&token, AT_NOW).unwrap().user.id
    };
    assert_ne!(id("https://a.example"), id("https://b.example"));
}

#[test]
fn an_issuers_token_can_be_revoked_without_touching_ours() {
    let (auth, signers) = full_bench();
    let jti = |signer: &forge::Signer, claims: &Value| {
        let token = signer.sign(&signer.header(), claims);
        auth.verify(&token, AT_NOW).unwrap().jti
    };
    let (own, theirs): (Vec<_>, Vec<_>) = signers.iter().partition(|signer| signer.is_ours);
    let same = with(theirs[0].claims(), "jti", json!("j1"));
    assert_eq!(&*jti(own[0], &claims()), "j1");
    assert_ne!(&*jti(theirs[0], &same), "j1");
    // A signature of another form is still the same token; another token is not.
    let p256 = theirs.iter().find(|signer| signer.kid == "op").unwrap();
    assert_eq!(
        jti(p256, &same),
        jti(p256, &same),
        "signed twice, with two signatures"
    );
    assert_ne!(
        jti(p256, &same),
        jti(p256, &with(same.clone(), "exp", json!(NOW + 3601)))
    );
}

#[test]
fn an_issuers_file_has_public_keys_for_signing() {
    let (_, signers) = full_bench();
    let jwk = |kid: &str| {
        let signer = signers.iter().find(|signer| signer.kid == kid).unwrap();
        without(signer.jwk.clone(), "d")
    };
    let taken = |jwks: &[Value]| {
        let mut keys = Keys::parse(&json!({ "keys": [fresh_jwk("e1")] }).to_string()).unwrap();
        let set = json!({ "keys": jwks }).to_string();
        let added = keys.add_issuer(outside(), &set);
        let own = keys.public_set()["keys"].as_array().unwrap().len();
        assert_eq!(own, 1, "only our own are published");
        added
            .map(|()| keys.count() - 1)
            .map_err(|unfit| unfit.to_string())
    };
    let encrypts = with(with(jwk("or"), "use", json!("enc")), "kid", json!("enc"));
    let unknown = with(with(jwk("op"), "crv", json!("P-521")), "kid", json!("big"));
    let other_alg = with(
        with(jwk("or"), "alg", json!("RS512")),
        "kid",
        json!("rs512"),
    );
    assert_eq!(taken(&[jwk("oe"), jwk("op"), jwk("or")]), Ok(3));
    assert_eq!(
        taken(&[encrypts.clone(), jwk("or"), unknown, other_alg]),
        Ok(1)
    );
    let short =
        json!({ "kty": "RSA", "kid": "r", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128]) });
    let cases = [
        (vec![], "there are no keys"),
        (vec![encrypts], "there are no keys"),
        (
            vec![with(jwk("op"), "d", json!("AAAA"))],
            "op: an issuer's keys are public",
        ),
        (vec![secret_jwk()], "h1: an issuer's keys are public"),
        (
            vec![with(jwk("op"), "kid", json!("e1"))],
            "e1 is one of our own keys, too",
        ),
        (vec![jwk("op"), jwk("op")], "a `kid` of its own"),
        (vec![without(jwk("op"), "kid")], "a `kid` of its own"),
        (
            vec![with(jwk("op"), "y", jwk("op")["x"].clone())],
            "op: `y` is missing or",
        ),
        (vec![without(jwk("op"), "x")], "op: `x` is missing or"),
        (vec![short], "r: `n` is missing or"),
        (
            vec![with(jwk("or"), "e", json!("AQ"))],
            "or: `e` is missing or",
        ),
    ];
    for (jwks, expected) in cases {
        let refusal = taken(&jwks).unwrap_err();
        assert!(refusal.contains(expected), "{expected}: {refusal}");
    }
    let private = with(jwk("op"), "d", json!("AAAA"));
    let own = Keys::parse(&json!({ "keys": [private] }).to_string()).unwrap_err();
    assert_eq!(own, UnfitKeys::OnlyVerifies("op".into()), "among our own");
}

#[test]
fn keys_that_are_replaced_take_their_tokens_along_and_leave_the_others() {
    let (old, new) = (fresh_jwk("old"), fresh_jwk("new"));
    let auth = auth_with(std::slice::from_ref(&old));
    let token = auth.issue_guest("", AT_NOW).token;
    let verified = auth.verify(token.as_str(), AT_NOW).unwrap();
    let set = |keys: &[&Value]| Keys::parse(&json!({ "keys": keys }).to_string()).unwrap();
    auth.replace(set(&[&new, &old]));
    assert!(auth.is_in_use(verified.key));
    assert!(auth.verify(token.as_str(), AT_NOW).is_ok());
    auth.replace(set(&[&new]));
    assert!(!auth.is_in_use(verified.key));
    assert_eq!(
        auth.verify(token.as_str(), AT_NOW).unwrap_err(),
        AuthError::UnknownKey
    );
    // Another key under the name of the old one is another key.
    auth.replace(set(&[&fresh_jwk("old")]));
    assert!(!auth.is_in_use(verified.key));
    assert_eq!(
        auth.verify(token.as_str(), AT_NOW).unwrap_err(),
        AuthError::Forged
    );
}
