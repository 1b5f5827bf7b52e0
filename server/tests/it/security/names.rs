//! Names and ids that mean something to a database: they are text there, or refused.

use axum::http::{Method, StatusCode};
use serde_json::json;
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Reply, Settings};

use super::binary;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

const NAMES: [&str; 16] = [
    "'; DROP TABLE entry",
    "\" OR 1=1 --",
    "x'); DELETE FROM due",
    "a\r\nFLUSHALL\r\n",
    "$8\r\nFLUSHALL\r\n",
    "{b:0}:revoked",
    "} {b:1}:due *",
    "]] redis.call('x')",
    "%s%n%00..%2f",
    "../../etc/passwd",
    "a:b c|d,e;f",
    "\u{0}\u{1}null",
    "white black",
    "guest-0000000000",
    "${jndi:ldap://x}",
    "-inf +inf NaN",
];

const IDS: [&str; 12] = [
    "1xxkMBR",
    "1xxkMBRbb",
    "1xxkMBR}",
    "{b:0}:due",
    "1xxkMB%00",
    "1xxk%20Rb",
    "1xxk%0aRb",
    "..%2f..%2f",
    "'OR'1'='",
    "1xxkMBR*",
    "%F0%9F%92%80",
    "１２３４５６７８",
];

/// People with such names meet, play, speak and seek.
async fn live(entrance: &Entrance) {
    for names in NAMES.chunks(2) {
        let guests = [
            entrance.guest(names[0]).await,
            entrance.guest(names[1]).await,
        ];
        let game = entrance.begin_game_of(&guests).await;
        let mut white = entrance.connect(Some(&guests[0])).await;
        let shown = white.watch(game).await;
        let own = &white.hello()["user"]["name"];
        assert_eq!(shown["white"]["name"], *own, "{shown}");
        assert!(own.as_str().unwrap().chars().count() <= 20);
        assert_eq!(white.play(game, "e2e4", 0).await["v"], 2);
        for name in names {
            let say =
                json!({"t": "say", "game": game, "room": "players", "text": name, "key": "k"});
            assert_eq!(white.ask(say).await["t"], "ok", "{name}");
            let key = json!({"t": "say", "game": game, "room": "players", "text": "x", "key": format!("{name}\n")});
            assert_eq!(white.ask(key).await["code"], "bad_request", "{name}");
        }
        let seek = json!({"t": "seek", "clock": {"limit": 60, "increment": 0}});
        assert_eq!(white.ask(seek).await["t"], "ok");
        assert_eq!(white.ask(json!({"t": "unseek"})).await["t"], "ok");
        let mut back = entrance.connect(Some(&guests[1])).await;
        assert_eq!(back.watch(game).await["moves"], "e2e4");
    }
    let empty = json!({});
    let nothing = (&empty, None);
    let mut anybody = entrance.connect(None).await;
    for id in IDS {
        for path in [
            format!("/api/games/{id}"),
            format!("/api/games/{id}/events?after=1&wait=0"),
            format!("/game/export/{id}"),
            format!("/api/challenge/{id}"),
        ] {
            let path: String = path
                .bytes()
                .map(|byte| match byte {
                    b'{' | b'}' | 128.. => format!("%{byte:02x}"),
                    byte => char::from(byte).to_string(),
                })
                .collect();
            let (status, answer) = entrance.request(Method::GET, &path, nothing).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {answer}");
        }
        let watch = json!({"t": "watch", "game": id});
        assert_eq!(anybody.ask(watch).await["code"], "bad_request", "{id}");
    }
    // Fields of a challenge become keys of pools and terms.
    for (field, value) in [
        ("variant", "standard 180+2 casual"),
        ("fen", "'; DROP TABLE entry --"),
        ("clock.limit", "180 {b:0}"),
        ("color", "white\n"),
        ("days", "3) OR 1=1"),
    ] {
        let body = json!({ field: value });
        let (status, _) = entrance
            .request(Method::POST, "/api/challenge/open", (&body, None))
            .await;
        assert!(
            status == StatusCode::BAD_REQUEST || field == "color",
            "{field}"
        );
    }
    Table::sit_down([entrance; 3], &json!({})).await;
}

#[tokio::test]
async fn the_embedded_store_takes_names_for_text() {
    let deployment = Deployment::embedded(binary()).unwrap();
    live(&Entrance::of(deployment.node(0))).await;
}

#[tokio::test]
async fn redis_gets_no_key_that_was_not_made_of_an_id() {
    let settings = Settings::new(binary()).over(RedisKind::Single);
    let deployment = settings.start().unwrap();
    live(&Entrance::of(deployment.node(0))).await;
    let keys = deployment.redis().unwrap().call(&["KEYS", "*"]).unwrap();
    let keys: Vec<&str> = keys.items().iter().filter_map(Reply::text).collect();
    assert!(keys.len() > 200, "{}", keys.len());
    for key in keys {
        assert!(is_ours(key), "{key:?}");
    }
}

/// Whether a key is of a bucket, and says nothing but words of ours and ids.
fn is_ours(key: &str) -> bool {
    let Some((bucket, rest)) = key.strip_prefix("{b:").and_then(|key| key.split_once("}:")) else {
        return false;
    };
    let words: Vec<&str> = rest.split(':').collect();
    let is_id = |id: &str| id.len() == 8 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_user = |id: &str| id.starts_with("guest-") && id.len() == 16;
    let is_fit = match words[..] {
        ["clock" | "due" | "nodes" | "lobby" | "revoked" | "pairs"] => true,
        ["nodes", "about"] | ["revoked", "mark"] => true,
        ["game" | "challenge" | "chat" | "seats", id] => is_id(id),
        ["user", id, "playing" | "seek"] => is_user(id),
        ["seeks", terms] => terms.starts_with("game1 ") && terms.is_ascii(),
        _ => false,
    };
    is_fit && bucket.parse::<u8>().is_ok()
}
