//! The page: its entry for every address that is a page, its files, and what a browser is told about them.

use crate::support::app::{TestApp, request};

#[tokio::test]
async fn every_page_is_the_shell_and_is_asked_for_again() {
    let app = TestApp::start().await;
    for path in ["/", "/1xxkMBRb", "/some/where?color=white"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        let etag = answer.header("etag");
        let again = app
            .send(request("GET", path, &[("if-none-match", etag)]))
            .await;
        assert_eq!((again.status.as_u16(), &*again.text), (304, ""));
        assert_eq!(again.header("etag"), etag);
        let changed = app
            .send(request("GET", path, &[("if-none-match", "\"x\"")]))
            .await;
        assert_eq!(changed.status, 200);
    }
}

#[tokio::test]
async fn a_missing_file_is_no_page() {
    let app = TestApp::start().await;
    for path in [
        "/assets/gone-1234.js",
        "/assets/gone",
        "/favicon.gone",
        "/.env",
        "/.git/config",
        "/index.html.br",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let posted = app.send(request("POST", "/", &[])).await;
    assert_eq!(posted.error(), (405, "bad_request".to_owned()));
    let head = app.send(request("HEAD", "/", &[])).await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn files_with_a_hash_in_their_name_are_kept_for_ever() {
    let app = TestApp::start().await;
    let shell = app.get("/").await.text;
    let Some(script) = shell.split('"').find(|word| word.starts_with("/assets/")) else {
        assert!(
            shell.contains("not in this build"),
            "only a stub has no files"
        );
        return;
    };
    let answer = app.get(script).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    let packed = app
        .send(request("GET", script, &[("accept-encoding", "gzip, br")]))
        .await;
    assert_eq!(packed.header("content-encoding"), "br");
    assert_ne!(packed.header("etag"), answer.header("etag"));
}
