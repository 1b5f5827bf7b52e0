//! Tokens over HTTP, and the ways in which a request carries one.

use axum::body::Body;
use serde_json::json;
use zeitnot::auth::Auth;
use zeitnot::auth::keys::Keys;
use zeitnot::config::Config;

use crate::support::app::{TestApp, request};

const REFRESH: &str = "/api/auth/refresh";

#[tokio::test]
async fn a_guest_says_its_name_in_any_form() {
    let app = TestApp::start().await;
    let bodies = [
        ("application/json", r#"{"name":" Anna "}"#, "Anna"),
        ("application/x-www-form-urlencoded", "name=Anna", "Anna"),
        ("application/json", "{}", ""),
        ("", "", ""),
    ];
    for (content_type, body, name) in bodies {
        let request = request("POST", "/api/auth/guest", &[("content-type", content_type)]);
        let answer = app.send(request.map(|_| Body::from(body))).await;
        assert_eq!(answer.status, 200, "{body}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("set-cookie"), "", "a guest gets no cookie");
        let guest = answer.json();
        let shown = guest["user"]["name"].as_str().unwrap();
        assert!(if name.is_empty() {
            shown.starts_with("Guest ")
        } else {
            shown == name
        });
        assert_eq!(guest["user"]["guest"], true);
        let verified = app
            .app
            .auth
            .verify(guest["token"].as_str().unwrap(), app.app.wall_time())
            .unwrap();
        assert_eq!(guest["user"]["id"], verified.user.id.as_str());
        assert_eq!(guest["expires_at"], verified.expires_at.0);
    }
}

#[tokio::test]
async fn what_cannot_be_read_gets_a_json_error() {
    let app = TestApp::start().await;
    let json = [("content-type", "application/json")];
    let cases = [
        ("POST", "/api/auth/guest", "{", (400, "bad_request")),
        (
            "POST",
            "/api/auth/guest",
            r#"{"name":["Anna"]}"#,
            (400, "bad_request"),
        ),
        ("GET", "/api/auth/guest", "", (405, "bad_request")),
        ("GET", "/api/nothing/here", "", (404, "not_found")),
        ("POST", "/api", "", (404, "not_found")),
    ];
    for (method, path, body, (status, code)) in cases {
        let answer = app
            .send(request(method, path, &json).map(|_| Body::from(body)))
            .await;
        assert_eq!(
            answer.error(),
            (status, code.to_owned()),
            "{method} {path} {body}"
        );
    }
    let large = request("POST", "/api/auth/guest", &json).map(|_| Body::from(vec![b' '; 20_000]));
    assert_eq!(app.send(large).await.error(), (413, "too_large".to_owned()));
    assert_eq!(app.get("/api/auth/guest").await.header("allow"), "POST");
}

#[tokio::test]
async fn a_token_is_found_where_it_may_stand() {
    let app = TestApp::start().await;
    let (token, id) = app.guest().await;
    let (bearer, offer) = (
        format!("bEARER {token}"),
        format!("zeitnot.v1, bearer.{token}"),
    );
    let bare_offer = format!("bearer.{token}");
    let cookie = format!("theme=dark; zeitnot={token}");
    let origin = ("origin", "https://chess.example");
    let good: [&[(&str, &str)]; 5] = [
        &[("authorization", &bearer)],
        &[
            ("authorization", &bearer),
            ("cookie", "zeitnot=bad"),
            ("origin", "https://evil.example"),
        ],
        &[("sec-websocket-protocol", &offer)],
        &[
            ("sec-websocket-protocol", "zeitnot.v1"),
            ("sec-websocket-protocol", &bare_offer),
        ],
        &[("cookie", &cookie), origin],
    ];
    for headers in good {
        let answer = app.send(request("POST", REFRESH, headers)).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        assert_eq!(answer.json()["user"]["id"], *id);
    }
    let bad: [&[(&str, &str)]; 6] = [
        &[],
        &[
            ("authorization", "Bearer x.y.z"),
            ("cookie", &cookie),
            origin,
        ],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic YTpi")],
        &[("sec-websocket-protocol", &bare_offer)],
        &[("cookie", "zeitnot="), origin],
    ];
    for headers in bad {
        let answer = app.send(request("POST", REFRESH, headers)).await;
        assert_eq!(
            answer.error(),
            (401, "unauthorized".to_owned()),
            "{headers:?}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let in_url = format!("{REFRESH}?token={token}&access_token={token}");
    assert_eq!(app.send(request("POST", &in_url, &[])).await.status, 401);
}

#[tokio::test]
async fn a_cookie_is_for_our_own_pages() {
    let config = Config {
        allowed_origin: vec!["https://friend.example:8443".parse().unwrap()],
        ..Config::default()
    };
    let app = TestApp::start_with(config).await;
    let cookie = format!("zeitnot={}", app.guest().await.0);
    let allowed = [
        "https://chess.example",
        "http://chess.example",
        "https://friend.example:8443",
    ];
    for origin in allowed {
        let headers = [("cookie", &*cookie), ("origin", origin)];
        assert_eq!(
            app.send(request("POST", REFRESH, &headers)).await.status,
            200,
            "{origin}"
        );
    }
    let refused = [
        "https://evil.example",
        "null",
        "",
        "https://sub.chess.example",
        "https://chess.example.evil.example",
        "https://evil-chess.example",
        "https://chess.example:8443",
        "https://friend.example",
        "http://friend.example:8443",
        "https://chess.example@evil.example",
        "https://chess.example/path",
        "chess.example",
    ];
    for origin in refused {
        let headers = [("cookie", &*cookie), ("origin", origin)];
        let answer = app.send(request("POST", REFRESH, &headers)).await;
        assert_eq!(answer.error(), (403, "forbidden".to_owned()), "{origin}");
    }
    let without = app
        .send(request("POST", REFRESH, &[("cookie", &cookie)]))
        .await;
    assert_eq!(without.error(), (403, "forbidden".to_owned()));
    let with_port = [
        ("cookie", &*cookie),
        ("host", "chess.example:8443"),
        ("origin", "https://chess.example:8443"),
    ];
    assert_eq!(
        app.send(request("POST", REFRESH, &with_port)).await.status,
        200
    );
}

#[tokio::test]
async fn another_servers_token_and_an_old_one_are_refused() {
    let app = TestApp::start().await;
    let other = Auth::new(Keys::parse(&Keys::generate()).unwrap());
    let now = app.app.wall_time();
    let foreign = other.issue_guest("", now).token;
    let old = app
        .app
        .auth
        .issue_guest(
            "",
            zeitnot_game::time::UnixMillis(now.0 - 86_400_000 - 11_000),
        )
        .token;
    for token in [foreign, old] {
        let answer = app.post(REFRESH, (token.as_str(), "")).await;
        assert_eq!(answer.error(), (401, "unauthorized".to_owned()));
    }
    let keys = app.get("/.well-known/jwks.json").await.json();
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert_eq!(keys["keys"][0]["d"], json!(null));
    assert_eq!(
        app.get("/.well-known/jwks.json")
            .await
            .header("content-type"),
        "application/json"
    );
}

const LOGOUT: &str = "/api/auth/logout";
const NO_COOKIE: &str = "zeitnot=; Max-Age=0; HttpOnly; SameSite=Lax; Path=/";

#[tokio::test]
async fn a_logout_takes_the_token_and_the_cookie_away() {
    let app = TestApp::start().await;
    let (token, _) = app.guest().await;
    let (other, _) = app.guest().await;
    let answer = app.post(LOGOUT, (&token, "")).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (204, ""));
    assert_eq!(answer.header("set-cookie"), NO_COOKIE);
    for (method, path) in [
        ("POST", REFRESH),
        ("POST", LOGOUT),
        ("POST", "/api/challenge/open"),
        ("GET", "/api/account/playing"),
        ("GET", "/api/games/1xxkMBRb"),
    ] {
        let bearer = format!("Bearer {token}");
        let answer = app
            .send(request(method, path, &[("authorization", &bearer)]))
            .await;
        assert_eq!(answer.error(), (401, "unauthorized".to_owned()), "{path}");
        assert_eq!(answer.json()["error"], "the token was revoked", "{path}");
    }
    assert_eq!(app.post(REFRESH, (&other, "")).await.status, 200);
}

#[tokio::test]
async fn a_cookie_is_taken_away_also_where_it_is_good_no_longer() {
    let app = TestApp::start().await;
    let (token, _) = app.guest().await;
    let good = format!("zeitnot={token}");
    let cases = [
        (&*good, "https://evil.example", 403, ""),
        ("zeitnot=bad", "https://evil.example", 403, ""),
        (&good, "https://chess.example", 204, NO_COOKIE),
        (&good, "https://chess.example", 401, NO_COOKIE),
        ("zeitnot=bad", "https://chess.example", 401, NO_COOKIE),
        ("", "https://chess.example", 401, NO_COOKIE),
    ];
    for (cookie, origin, status, cleared) in cases {
        let headers = [("cookie", cookie), ("origin", origin)];
        let answer = app.send(request("POST", LOGOUT, &headers)).await;
        let got = (answer.status.as_u16(), answer.header("set-cookie"));
        assert_eq!(got, (status, cleared), "{cookie} {origin}");
    }
}
