//! Canaries: secrets that are sent in every way, at the most talkative level, and must be nowhere afterwards.

use std::fs;
use std::path::Path;

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use zeitnot_loadtest::deployment::{Node, NodeSettings, RedisServer};

use super::{binary, examples, run};
use crate::support::client::Client;
use crate::support::entrance::Entrance;
use crate::support::raw::exchange;
use crate::support::table::Table;

/// What people say to each other, and call themselves.
const CHAT: &str = "canarychatline";
const NAME: &str = "Canarydisplayname";
const PASSWORD: &str = "canary-redis-password";

/// Requests that reach every route, each with a token wherever one could stand; `GAME` and `TOKEN` are put in.
const REQUESTS: [&str; 18] = [
    "GET /?token=TOKEN HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /GAME HTTP/1.1\r\nCookie: zeitnot=TOKEN",
    "GET /theme.js HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /ws?access_token=TOKEN HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: zeitnot.v1, bearer.TOKENx",
    "GET /api/games/GAME HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /api/games/GAME HTTP/1.1\r\nAuthorization: Bearer TOKENx",
    "GET /api/games/TOKEN HTTP/1.1\r\nAuthorization: Basic TOKEN",
    "GET /api/games/GAME/events?after=0&wait=0&token=TOKEN HTTP/1.1\r\nAccept: application/json",
    "GET /game/export/GAME HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /api/challenge/GAME?TOKEN HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /api/account/playing HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "GET /.well-known/jwks.json HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "POST /api/auth/refresh HTTP/1.1\r\nCookie: zeitnot=TOKEN\r\nOrigin: https://evil.example",
    "POST /api/challenge/open?variant=TOKEN HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "POST /api/challenge/GAME/accept?color=TOKEN HTTP/1.1\r\nAuthorization: Bearer TOKEN",
    "POST /api/auth/logout HTTP/1.1\r\nAuthorization: Bearer TOKENx",
    "BREW /pot?TOKEN HTTP/1.1\r\nAuthorization: Bearer TOKEN",
];

/// A message of each kind with canaries in it, as the user of a token.
async fn say_everything(client: &mut Client, (game, token): (&Value, &str)) -> Vec<Value> {
    let mut answers = Vec::new();
    for line in examples() {
        let mut msg: Value = serde_json::from_str(line).unwrap();
        if msg.get("game").is_some() {
            msg["game"] = game.clone();
        }
        if msg["t"] == "say" {
            msg["text"] = json!(CHAT);
        }
        if msg["t"] == "resign" || msg["t"] == "abort" {
            continue;
        }
        if msg["t"] == "auth" {
            msg["token"] = json!(token);
            answers.push(client.ask(msg.clone()).await);
            msg["token"] = json!(format!("{token}x"));
        }
        msg["canary"] = json!(token);
        answers.push(client.ask(msg).await);
    }
    let bad = [
        json!({"t": token}),
        json!({"t": "watch", "game": token}),
        json!({"t": "say", "game": game, "room": token, "text": CHAT}),
        json!({"t": "say", "game": game, "room": "players", "text": CHAT.repeat(20)}),
    ];
    for msg in bad {
        answers.push(client.ask(msg).await);
    }
    answers
}

/// Two nodes over a Redis with a password, and the private part of the key that both sign with.
struct Told {
    nodes: [Node; 2],
    private: String,
    _redis: RedisServer,
    _dir: TempDir,
}

impl Told {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = run(dir.path(), &["keys", "new"]).stdout;
        let jwk: Value = serde_json::from_slice(&keys).unwrap();
        fs::write(dir.path().join("keys.json"), keys).unwrap();
        let redis = RedisServer::start_on_port(&["--requirepass", PASSWORD]).unwrap();
        let known = format!("redis://:{PASSWORD}@");
        let url = redis.url().replace("redis://", &known);
        Self {
            nodes: ["here", "there"].map(|name| start(dir.path(), (name, &url))),
            private: jwk["keys"][0]["d"].as_str().unwrap().to_owned(),
            _redis: redis,
            _dir: dir,
        }
    }

    fn logs(&self) -> String {
        let logs = self.nodes.iter().map(|node| node.log().unwrap());
        logs.map(|log| fs::read_to_string(log).unwrap()).collect()
    }

    /// What the internal ports tell.
    async fn watched(&self) -> String {
        let mut watched = String::new();
        for node in &self.nodes {
            let internal = Entrance::at(node.internal_address());
            for path in ["/", "/metrics", "/status.json", "/readyz", "/healthz"] {
                watched += &internal.text(path).await.1;
            }
        }
        watched
    }
}

/// Sends every request with every token; what was refused, as it was answered.
async fn ask_everything(node: &Node, (game, tokens): (&str, &[String])) -> Vec<String> {
    let mut errors = Vec::new();
    for request in REQUESTS {
        for token in tokens {
            let text = request.replace("TOKEN", token).replace("GAME", game);
            let close = if text.contains("Upgrade") {
                ""
            } else {
                "Connection: close\r\n"
            };
            let text = format!("{text}\r\nHost: a\r\n{close}\r\n");
            let answer = exchange(node.address(), &text).await;
            if !answer.starts_with("HTTP/1.1 200") {
                errors.push(answer);
            }
        }
    }
    let entrance = Entrance::of(node);
    let bodies = [
        json!({"name": [tokens[0]]}),
        json!({"name": {"a": CHAT}, "token": tokens[0]}),
    ];
    for body in &bodies {
        let sent = (body, Some(&*tokens[0]));
        let asked = entrance.request(Method::POST, "/api/auth/guest", sent);
        let (status, answer) = asked.await;
        assert_eq!(status, 400, "{answer}");
        errors.push(answer.to_string());
    }
    let leaves = (&Value::Null, Some(&*tokens[0]));
    for path in ["/api/auth/logout", "/api/auth/refresh"] {
        let (_, answer) = entrance.request(Method::POST, path, leaves).await;
        errors.push(answer.to_string());
    }
    errors
}

#[tokio::test]
async fn secrets_are_in_no_log_no_metric_and_no_error() {
    let all = Told::start();
    let [here, there] = all.nodes.each_ref().map(Entrance::of);
    let guest = here.guest(NAME).await;
    let mut table = Table::sit_down([&here, &there, &here], &json!({})).await;
    let game = json!(table.game);
    let mut tokens = vec![guest.token.clone()];
    tokens.extend(table.guests.iter().map(|guest| guest.token.clone()));
    let mut own = there.connect(Some(&guest)).await;
    let mut told = Vec::new();
    for (client, token) in [
        (&mut table.seats[0], &tokens[1]),
        (&mut table.spectator, &tokens[0]),
        (&mut own, &tokens[0]),
    ] {
        told.extend(say_everything(client, (&game, token)).await);
    }
    let errors = told.iter().filter(|frame| frame["t"] == "error");
    let mut errors: Vec<String> = errors.map(Value::to_string).collect();
    let id = table.game.to_string();
    errors.extend(ask_everything(&all.nodes[0], (&id, &tokens)).await);
    assert!(errors.len() > 40, "{}", errors.len());
    let (logs, watched, errors) = (all.logs(), all.watched().await, errors.join("\n"));
    assert!(logs.contains("ready") && logs.contains("DEBUG"), "{logs}");

    let mut secrets = vec![all.private.as_str(), PASSWORD, CHAT, NAME];
    for token in &tokens {
        // Its first parts say who somebody is and are no secret: they are not there, either.
        let (claims, signature) = token.rsplit_once('.').unwrap();
        secrets.extend([claims, signature]);
    }
    for (place, text) in [("log", logs), ("internal port", watched), ("error", errors)] {
        for secret in &secrets {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{place}");
        }
    }
}

/// A node that logs all that it can.
fn start(dir: &Path, (name, url): (&str, &str)) -> Node {
    let log = dir.join(format!("{name}.log"));
    let mut args = vec!["--rate-limits", "off", "--redis-url", url];
    args.extend(["--node-name", name, "--jwt-keys"]);
    let mut args: Vec<_> = args.iter().map(Into::into).collect();
    args.push(dir.join("keys.json").into());
    Node::start(NodeSettings {
        binary: binary().to_owned(),
        args,
        variables: vec![("RUST_LOG".into(), "trace".into())],
        log: Some(log),
    })
    .unwrap()
}
