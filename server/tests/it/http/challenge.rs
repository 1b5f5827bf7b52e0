//! Open challenges: what can be asked for, who gets which seat.

use axum::body::Body;
use serde_json::{Value, json};
use zeitnot::config::Config;
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::setup::FirstEntry;

use crate::support::app::{HOST, TestApp, request};

const OPEN: &str = "/api/challenge/open";
const ENDGAME: &str = "4k3/8/8/8/8/8/8/R3K3 w Q - 0 1";

async fn opened(app: &TestApp, form: &str) -> String {
    let answer = app.post(OPEN, ("", form)).await;
    assert_eq!(answer.status, 200, "{form}: {}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn accept(app: &TestApp, id: &str, (token, form): (&str, &str)) -> (u16, String) {
    let answer = app
        .post(&format!("/api/challenge/{id}/accept"), (token, form))
        .await;
    if answer.status == 200 {
        assert_eq!(answer.json(), json!({ "ok": true }));
    }
    answer.error()
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn conflict() -> (u16, String) {
    (409, "conflict".to_owned())
}

/// Whether everything in `part` stands in `whole`.
fn holds(whole: &Value, part: &Value) -> bool {
    match part {
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| holds(&whole[name], value)),
        value => whole == value,
    }
}

#[tokio::test]
async fn a_challenge_is_described_in_lichess_words() {
    let app = TestApp::start().await;
    let clock = |limit: u32, increment: u32, show: &str| json!({ "type": "clock", "limit": limit, "increment": increment, "show": show });
    let cases = [
        (
            "clock.limit=180&clock.increment=2",
            json!({
                "status": "created", "challenger": null, "destUser": null, "rated": false, "speed": "blitz",
                "variant": { "key": "standard", "name": "Standard", "short": "Std" },
                "timeControl": clock(180, 2, "3+2"), "perf": { "name": "Blitz" }, "initialFen": null,
            }),
        ),
        (
            "clock.limit=90&clock.increment=0&variant=threeCheck&rated=false",
            json!({
                "speed": "bullet", "variant": { "key": "threeCheck" }, "timeControl": clock(90, 0, "1.5+0"),
                "perf": { "name": "Three-check" },
            }),
        ),
        (
            "clock.limit=30&clock.increment=1",
            json!({ "timeControl": clock(30, 1, "½+1") }),
        ),
        (
            "clock.limit=0&clock.increment=1",
            json!({ "timeControl": clock(0, 1, "0+1") }),
        ),
        (
            "clock.limit=10800&clock.increment=180",
            json!({ "timeControl": clock(10_800, 180, "180+180") }),
        ),
        (
            "days=3",
            json!({
                "speed": "correspondence", "timeControl": { "type": "correspondence", "daysPerTurn": 3 },
            }),
        ),
        (
            "",
            json!({ "speed": "correspondence", "timeControl": { "type": "unlimited" } }),
        ),
        (
            &format!("fen={ENDGAME}"),
            json!({ "variant": { "key": "fromPosition" }, "initialFen": ENDGAME }),
        ),
        (
            &format!("variant=fromPosition&fen={ENDGAME}"),
            json!({ "variant": { "key": "fromPosition" } }),
        ),
        (
            "fen=rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
            json!({
                "variant": { "key": "standard" }, "initialFen": null,
            }),
        ),
    ];
    for (form, expected) in cases {
        let shape = app.post(OPEN, ("", form)).await.json();
        assert!(holds(&shape, &expected), "{form}: {shape}");
        let url = format!("http://{HOST}/{}", shape["id"].as_str().unwrap());
        assert_eq!(shape["url"], url);
        assert_eq!(shape["urlWhite"], format!("{url}?color=white"));
        assert_eq!(shape["urlBlack"], format!("{url}?color=black"));
    }
}

#[tokio::test]
async fn json_is_as_good_as_a_form() {
    let app = TestApp::start().await;
    for body in [
        r#"{"clock.limit":300,"clock.increment":3,"rated":false,"days":null,"fen":null}"#,
        r#"{"clock":{"limit":300,"increment":3},"variant":"standard"}"#,
    ] {
        let request = request("POST", OPEN, &[("content-type", "application/json")]);
        let shape = app.send(request.map(|_| Body::from(body))).await.json();
        assert_eq!(shape["timeControl"]["show"], "5+3", "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let cases = [
        ("variant=chess", "bad_request", "variant: "),
        ("clock.limit=180", "bad_request", "clock.increment: missing"),
        ("clock.increment=2", "bad_request", "clock.limit: missing"),
        ("clock.limit=0&clock.increment=0", "bad_request", "clock: "),
        (
            "clock.limit=10801&clock.increment=0",
            "bad_request",
            "clock: ",
        ),
        (
            "clock.limit=-1&clock.increment=0",
            "bad_request",
            "clock.limit: ",
        ),
        (
            "clock.limit=1e3&clock.increment=0",
            "bad_request",
            "clock.limit: ",
        ),
        ("days=15", "bad_request", "days: "),
        (
            "days=1&clock.limit=180&clock.increment=2",
            "bad_request",
            "days: ",
        ),
        ("variant=fromPosition", "bad_request", "fen: missing"),
        ("fen=nonsense", "bad_request", "fen: "),
        ("fen=8/8/8/8/8/8/8/8 w - - 0 1", "bad_request", "fen: "),
        ("rated=perhaps", "bad_request", "rated: "),
        ("rated=true", "not_allowed", "rated: "),
    ];
    for (form, code, message) in cases {
        let answer = app.post(OPEN, ("", form)).await;
        assert_eq!(answer.error(), (400, code.to_owned()), "{form}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(message), "{form}: {error}");
    }
}

#[tokio::test]
async fn chess960_starts_from_a_random_position() {
    let app = TestApp::start().await;
    let mut fens = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let shape = app.post(OPEN, ("", "variant=chess960")).await.json();
        fens.insert(shape["initialFen"].as_str().map(str::to_owned));
    }
    assert!(fens.len() > 1, "{fens:?}");
}

#[tokio::test]
async fn two_users_take_the_seats_and_the_game_begins() {
    let config = Config {
        first_move: zeitnot_game::time::Millis(2000),
        ..Config::default()
    };
    let app = TestApp::start_with(config).await;
    let (anna, bo, eve) = (app.guest().await, app.guest().await, app.guest().await);
    let id = opened(&app, "clock.limit=180&clock.increment=2").await;
    let path = format!("/api/challenge/{id}");

    assert_eq!(
        accept(&app, &id, ("", "color=white")).await,
        (401, "unauthorized".to_owned())
    );
    assert_eq!(
        accept(&app, &id, (&anna.0, "color=green")).await,
        (400, "bad_request".to_owned())
    );
    assert_eq!(accept(&app, &id, (&anna.0, "color=white")).await, ok());
    let shape = app.get(&path).await.json();
    assert_eq!(
        (&shape["white"]["id"], &shape["white"]["guest"]),
        (&json!(anna.1), &json!(true))
    );
    assert_eq!(shape["black"], json!(null));

    assert_eq!(
        accept(&app, &id, (&anna.0, "color=white")).await,
        ok(),
        "again"
    );
    assert_eq!(
        accept(&app, &id, (&anna.0, "")).await,
        ok(),
        "any means her own"
    );
    assert_eq!(
        accept(&app, &id, (&anna.0, "color=black")).await,
        conflict(),
        "not both"
    );
    assert_eq!(accept(&app, &id, (&bo.0, "color=white")).await, conflict());
    assert_eq!(accept(&app, &id, (&bo.0, "")).await, ok(), "the free one");

    assert_eq!(
        app.get(&path).await.error(),
        (404, "not_found".to_owned()),
        "it is a game now"
    );
    for (token, form, expected) in [
        (&anna.0, "", ok()),
        (&anna.0, "color=white", ok()),
        (&anna.0, "color=black", conflict()),
        (&bo.0, "color=black", ok()),
        (&bo.0, "color=white", conflict()),
        (&eve.0, "", conflict()),
    ] {
        assert_eq!(accept(&app, &id, (token, form)).await, expected, "{form}");
    }

    let id: GameId = id.parse().unwrap();
    let log = app.app.store.read(id, Version(0)).await.unwrap();
    let first: FirstEntry = log.lines[0].parse().unwrap();
    assert_eq!(first.setup.players.white.id.as_str(), anna.1);
    assert_eq!(first.setup.players.black.id.as_str(), bo.1);
    assert_eq!(
        first.setup.terms.first_move,
        zeitnot_game::time::Millis(2000)
    );
}

#[tokio::test]
async fn there_is_nothing_under_an_id_that_was_never_drawn() {
    let app = TestApp::start().await;
    let (token, _) = app.guest().await;
    for id in ["zzzzzzzz", "short", "waytoolong", "%2e%2e%2f"] {
        assert_eq!(
            accept(&app, id, (&token, "")).await,
            (404, "not_found".to_owned()),
            "{id}"
        );
        let shown = app.get(&format!("/api/challenge/{id}")).await;
        assert_eq!(shown.error(), (404, "not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn links_lead_to_where_people_reach_us() {
    let peer = |address: &str| -> std::net::SocketAddr { address.parse().unwrap() };
    let trusting = Config {
        trusted_proxy: vec!["10.0.0.0/8".parse().unwrap()],
        ..Config::default()
    };
    let named = Config {
        public_url: Some("https://play.example".parse().unwrap()),
        ..trusting.clone()
    };
    let https = ("x-forwarded-proto", "https");
    let cases: [(_, _, &[(&str, &str)], _); 5] = [
        (&trusting, "10.1.2.3:5", &[https], "https://chess.example/"),
        (&trusting, "10.1.2.3:5", &[], "http://chess.example/"),
        (&trusting, "11.1.2.3:5", &[https], "http://chess.example/"),
        (
            &trusting,
            "11.1.2.3:5",
            &[("host", "a.example:8080")],
            "http://a.example:8080/",
        ),
        (
            &named,
            "11.1.2.3:5",
            &[("host", "evil.example")],
            "https://play.example/",
        ),
    ];
    for (config, address, headers, expected) in cases {
        let app = TestApp::start_with(config.clone()).await;
        let mut request = request("POST", OPEN, headers);
        request.extensions_mut().insert(peer(address));
        let url = app.send(request).await.json()["url"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(url.starts_with(expected), "{url} {expected}");
    }
    let app = TestApp::start().await;
    for host in ["", "a b", "a/b", "user@a.example"] {
        let answer = app.send(request("POST", OPEN, &[("host", host)])).await;
        assert_eq!(answer.error(), (400, "bad_request".to_owned()), "{host}");
    }
}
