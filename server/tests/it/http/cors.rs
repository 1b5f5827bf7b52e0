//! What pages of other origins may read, and what not.

use crate::support::app::{Answer, TestApp, request};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const EVIL: (&str, &str) = ("origin", "https://evil.example");

/// No answer may say that cookies go with a request from elsewhere.
fn allowed_origin(answer: &Answer) -> &str {
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    answer.header(ALLOW_ORIGIN)
}

async fn ask_before(app: &TestApp, path: &str) -> Answer {
    let headers = [
        EVIL,
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    app.send(request("OPTIONS", path, &headers)).await
}

#[tokio::test]
async fn pages_of_any_origin_read_what_everybody_may_read() {
    let app = TestApp::start().await;
    let challenge = app.post("/api/challenge/open", ("", "")).await.json();
    let challenge = format!("/api/challenge/{}", challenge["id"].as_str().unwrap());
    let cases = [
        ("/api/games/1xxkMBRb", 404),
        ("/game/export/1xxkMBRb", 404),
        ("/api/challenge/1xxkMBRb", 404),
        (&challenge, 200),
        ("/.well-known/jwks.json", 200),
    ];
    for (path, status) in cases {
        for method in ["GET", "HEAD"] {
            let answer = app.send(request(method, path, &[EVIL])).await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert_eq!(allowed_origin(&answer), "*", "{method} {path}");
        }
        let bad = [EVIL, ("authorization", "Bearer x")];
        let refused = app.send(request("GET", path, &bad)).await;
        assert_eq!(allowed_origin(&refused), "*", "also a refusal: {path}");

        let before = ask_before(&app, path).await;
        assert_eq!(before.status, 204, "{path}");
        assert_eq!(allowed_origin(&before), "*", "{path}");
        assert_eq!(before.header("access-control-allow-methods"), "GET");
        let headers = before.header("access-control-allow-headers");
        assert!(headers.contains("Authorization"), "{path}: {headers}");

        let posted = app.send(request("POST", path, &[EVIL])).await;
        assert_eq!(posted.error(), (405, "bad_request".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn nothing_else_is_open_to_them() {
    let app = TestApp::start().await;
    let cases = [
        ("POST", "/api/auth/guest"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/challenge/open"),
        ("POST", "/api/challenge/1xxkMBRb/accept"),
        ("GET", "/api/account/playing"),
        ("GET", "/api/nothing"),
        ("GET", "/"),
        ("GET", "/ws"),
    ];
    for (method, path) in cases {
        let answer = app.send(request(method, path, &[EVIL])).await;
        assert_eq!(allowed_origin(&answer), "", "{path}");
        let before = ask_before(&app, path).await;
        assert!(!before.status.is_success(), "{path}: {}", before.status);
        assert_eq!(allowed_origin(&before), "", "{path}");
        assert_eq!(before.header("access-control-allow-headers"), "", "{path}");
    }
}
