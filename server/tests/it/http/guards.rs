//! What every answer tells browsers not to do.

use zeitnot::config::Config;

use crate::support::app::{Answer, TestApp, request};

/// Every kind of route, with what is not there and what is refused.
const ROUTES: [(&str, &str); 16] = [
    ("GET", "/"),
    ("GET", "/1xxkMBRb"),
    ("GET", "/some/where"),
    ("GET", "/favicon.svg"),
    ("GET", "/theme.js"),
    ("GET", "/assets/gone.js"),
    ("POST", "/"),
    ("GET", "/ws"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/api/nothing"),
    ("GET", "/api/games/1xxkMBRb"),
    ("GET", "/api/games/1xxkMBRb/events"),
    ("GET", "/game/export/1xxkMBRb"),
    ("POST", "/api/auth/guest"),
    ("POST", "/api/auth/logout"),
    ("DELETE", "/api/challenge/open"),
];

/// What a page may do: whoever adds to it says why in the test of the page.
const POLICY: [(&str, &str); 12] = [
    ("default-src", "'none'"),
    ("script-src", "'self'"),
    ("style-src", "'self'"),
    (
        "style-src-attr",
        "'unsafe-hashes' 'sha256-SyXRxMCl6H7Kgy9uTmu1UZqVBsRmMBF4sHRiTO3FQc0='",
    ),
    ("img-src", "'self' data:"),
    ("font-src", "'self'"),
    ("connect-src", "'self'"),
    ("manifest-src", "'self'"),
    ("worker-src", "'self'"),
    ("base-uri", "'none'"),
    ("form-action", "'self'"),
    ("frame-ancestors", "'none'"),
];

fn assert_guarded(answer: &Answer, route: &str) {
    assert_eq!(
        answer.header("x-content-type-options"),
        "nosniff",
        "{route}"
    );
    for name in ["server", "x-powered-by", "via"] {
        assert_eq!(answer.header(name), "", "{route}");
    }
    let kind = answer.header("content-type");
    if answer.text.is_empty() || !kind.starts_with("text/html") {
        return;
    }
    let policy: Vec<(&str, &str)> = answer
        .header("content-security-policy")
        .split("; ")
        .map(|part| part.split_once(' ').unwrap())
        .collect();
    assert_eq!(policy, POLICY, "{route}");
    let expected = [
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), value, "{route}");
    }
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let app = TestApp::start().await;
    let mut pages = 0;
    for (method, path) in ROUTES {
        let answer = app.send(request(method, path, &[])).await;
        assert_guarded(&answer, path);
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        pages += usize::from(answer.header("content-type").starts_with("text/html"));
    }
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn browsers_that_came_by_https_always_do() {
    let app = TestApp::start_with(Config {
        public_url: Some("https://chess.example".parse().unwrap()),
        ..Config::default()
    })
    .await;
    for (method, path) in ROUTES {
        let answer = app.send(request(method, path, &[])).await;
        assert_guarded(&answer, path);
        let always = answer.header("strict-transport-security");
        assert!(always.starts_with("max-age=63072000"), "{path}: {always}");
    }
}
