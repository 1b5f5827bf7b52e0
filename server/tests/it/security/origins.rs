//! Pages of other origins: what they may ask with the cookie of who looks at them, and where no answer sends anybody.

use axum::body::Body;
use serde_json::json;
use zeitnot::config::Config;
use zeitnot_loadtest::deployment::Deployment;

use super::binary;
use crate::support::app::{HOST, TestApp, request};
use crate::support::entrance::Entrance;
use crate::support::socket::{RawClient, as_bearer};

/// Pages that look like ours, for a node that is asked for as `HOST`.
fn strangers(host: &str) -> Vec<String> {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    vec![
        "https://evil.example".to_owned(),
        "null".to_owned(),
        String::new(),
        format!("http://sub.{host}"),
        format!("http://{name}.evil.example:{port}"),
        format!("http://evil-{host}"),
        format!("http://{name}:{port}1"),
        format!("http://{name}:1"),
        format!("http://{host}@evil.example"),
        format!("http://{host}/path"),
        format!("http://{host}#"),
        format!("ws://{host}"),
        format!("file://{host}"),
        host.to_owned(),
        "*".to_owned(),
        format!("http://{host}, https://evil.example"),
    ]
}

#[tokio::test]
async fn a_socket_with_a_cookie_is_for_our_own_pages() {
    let friend = "https://friend.example:8443";
    let args = ["--allowed-origin", friend];
    let deployment = Deployment::embedded_with(binary(), (&args, &[])).unwrap();
    let address = deployment.node(0).address();
    let token = Entrance::at(address).guest("Anna").await.token;
    let ask = async |headers: String| {
        let (_, answer) = RawClient::open(address, &headers).await.unwrap();
        answer[9..12].to_owned()
    };
    let cookie = format!("Cookie: zeitnot={token}\r\n");
    let own = format!("http://{address}");
    for origin in [&*own, &format!("https://{address}"), friend] {
        let headers = format!("{cookie}Origin: {origin}\r\n");
        assert_eq!(ask(headers).await, "101", "{origin}");
    }
    for origin in strangers(address) {
        let headers = format!("{cookie}Origin: {origin}\r\n");
        assert_eq!(ask(headers).await, "403", "{origin}");
    }
    assert_eq!(ask(cookie.clone()).await, "403", "no origin");
    let two = format!("{cookie}Origin: {own}\r\nOrigin: https://evil.example\r\n");
    assert_eq!(ask(two).await, "403", "two origins");
    let friends = ["http://friend.example:8443", "https://friend.example"];
    for origin in friends {
        let headers = format!("{cookie}Origin: {origin}\r\n");
        assert_eq!(ask(headers).await, "403", "{origin}");
    }
    // A token that a page was given, and sends of its own accord, is no cookie; nor is a page without any.
    let evil = "Origin: https://evil.example\r\n";
    assert_eq!(
        ask(format!("{}{evil}", as_bearer(&token))).await,
        "101",
        "a token by subprotocol"
    );
    assert_eq!(ask(evil.to_owned()).await, "101", "nobody");
}

#[tokio::test]
async fn nothing_is_changed_with_a_cookie_from_elsewhere() {
    let app = TestApp::start().await;
    let cookie = format!("zeitnot={}", app.guest().await.0);
    let challenge = app.post("/api/challenge/open", ("", "")).await.json();
    let challenge = challenge["id"].as_str().unwrap().to_owned();
    let accept = format!("/api/challenge/{challenge}/accept?color=white");
    let paths = [
        "/api/auth/refresh",
        "/api/auth/logout",
        "/api/challenge/open",
        &accept,
    ];
    let kinds = [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
    ];
    for path in paths {
        for kind in kinds {
            for origin in strangers(HOST) {
                let headers = [
                    ("cookie", &*cookie),
                    ("origin", &*origin),
                    ("content-type", kind),
                    ("sec-fetch-site", "same-origin"),
                ];
                let sent = request("POST", path, &headers).map(|_| Body::from("color=white"));
                let answer = app.send(sent).await;
                let error = (403, "forbidden".to_owned());
                assert_eq!(answer.error(), error, "{path} {kind} {origin}");
            }
        }
        let without = request("POST", path, &[("cookie", &cookie)]);
        assert_eq!(app.send(without).await.status, 403, "{path}");
    }
    let shown = app.get(&format!("/api/challenge/{challenge}")).await;
    assert!(!shown.text.contains("guest-"), "{}", shown.text);
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    let app = TestApp::start().await;
    let (token, _) = app.guest().await;
    let open = app.post("/api/challenge/open", ("", "")).await.json();
    let challenge = format!("/api/challenge/{}", open["id"].as_str().unwrap());
    let before = app.get(&challenge).await.text;
    let bearer = format!("Bearer {token}");
    let same = ("cookie", &*format!("zeitnot={token}"));
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        for path in [
            "/api/auth/guest?name=x",
            "/api/auth/refresh",
            "/api/auth/logout",
            "/api/challenge/open?clock.limit=60",
            &format!("{challenge}/accept?color=white"),
            &format!("{challenge}/accept/?color=white"),
            &challenge,
            "/api/account/playing",
        ] {
            let own = ("origin", "https://chess.example");
            for headers in [
                vec![("authorization", &*bearer)],
                vec![same, own],
                vec![same],
            ] {
                let answer = app.send(request(method, path, &headers)).await;
                assert_eq!(answer.header("set-cookie"), "", "{method} {path}");
                let is_read = path == challenge || path.starts_with("/api/account");
                assert!(
                    !answer.status.is_success() || is_read,
                    "{method} {path}: {answer:?}"
                );
            }
        }
    }
    assert_eq!(app.get(&challenge).await.text, before);
    let refreshed = app.post("/api/auth/refresh", (&token, "")).await;
    assert_eq!(refreshed.status, 200, "nobody was logged out");
}

#[tokio::test]
async fn no_answer_sends_anybody_elsewhere() {
    let app = TestApp::start().await;
    let paths = [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/%5cevil.example",
        "/%2f%2fevil.example",
        "/%0d%0aLocation:%20https://evil.example",
        "/?next=https://evil.example&url=//evil.example&redirect_uri=javascript:alert(1)",
        "/api/challenge/%0d%0aSet-Cookie:%20a=b",
        "/game/export/%2f%2fevil.example",
        "/api/games/..%2f..%2fevil.example/events",
        "/assets//evil.example",
        "/https://evil.example",
    ];
    for path in paths {
        for method in ["GET", "POST", "HEAD"] {
            let answer = app.send(request(method, path, &[])).await;
            assert!(!answer.status.is_redirection(), "{method} {path}");
            for name in ["location", "refresh", "set-cookie", "content-location"] {
                assert_eq!(answer.header(name), "", "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn links_lead_to_this_server_or_are_not_made() {
    let app = TestApp::start().await;
    let forwarded = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "javascript"),
        ("forwarded", "host=evil.example;proto=https"),
    ];
    let answer = app
        .send(request("POST", "/api/challenge/open", &forwarded))
        .await;
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://chess.example/"), "{url}");
    for host in [
        "",
        "chess.example/@evil.example",
        "chess.example@evil.example",
        "chess.example#",
        "chess.example?",
        "a b",
    ] {
        let answer = app
            .send(request("POST", "/api/challenge/open", &[("host", host)]))
            .await;
        assert_eq!(answer.error(), (400, "bad_request".to_owned()), "{host}");
    }
    // Where it is known how people come here, what they say of it does not count.
    let app = TestApp::start_with(Config {
        public_url: Some("https://chess.example".parse().unwrap()),
        ..Config::default()
    })
    .await;
    let answer = app
        .send(request(
            "POST",
            "/api/challenge/open",
            &[("host", "evil.example")],
        ))
        .await;
    let links = answer.json();
    for link in ["url", "urlWhite", "urlBlack"] {
        let url = links[link].as_str().unwrap();
        assert!(url.starts_with("https://chess.example/"), "{links}");
    }
    assert_eq!(json!(null), links["redirect"]);
}
