//! Every command, by everybody who may not give it, whole and broken in every way: the log of a game stays as it is, byte
//! by byte, and the node goes on.
//!
//! The commands are those of the protocol's manual, which are compared with those that the server knows; what is done to
//! each is made of its own fields. So a new command is part of this without anybody thinking of it.

mod mutations;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;
use zeitnot::auth::keys::Keys;
use zeitnot::auth::token::Scope;
use zeitnot::auth::{Auth, User};
use zeitnot::machine_time;
use zeitnot_game::id::GameId;
use zeitnot_game::time::UnixMillis;
use zeitnot_game::wire::ClientMsg;
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Reply, Settings};

use super::{binary, examples};
use crate::support::client::{Client, PATIENCE};
use crate::support::entrance::{Entrance, Guest};
use crate::support::log::key;
use crate::support::socket::{Heard, RawClient, as_bearer};
use mutations::Frame;

/// Who tries, and what he has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Anonymous,
    Stranger,
    /// Follows the game.
    Spectator,
    /// Sits in another game.
    OtherPlayer,
    /// Black, while White is to move.
    Opponent,
    /// White, whose token was revoked while his socket was open.
    Revoked,
    /// White, whose token has ended while his socket was open.
    Expired,
}

const ROLES: [Role; 7] = [
    Role::Anonymous,
    Role::Stranger,
    Role::Spectator,
    Role::OtherPlayer,
    Role::Opponent,
    Role::Revoked,
    Role::Expired,
];

/// How long a token is good that ends during the test.
const SHORT: Duration = Duration::from_secs(2);

/// White's and Black's games that somebody tries to get at, each in another state.
struct Targets {
    games: Vec<GameId>,
    /// Of White and Black, to play on in the end.
    tokens: [String; 2],
    /// One that the stranger plays in himself.
    others: GameId,
    other: String,
}

struct Scene {
    deployment: Deployment,
    data: PathBuf,
    auth: Auth,
    targets: Targets,
    _dir: tempfile::TempDir,
}

fn token(auth: &Auth, name: &str, (since, ttl): (UnixMillis, Duration)) -> String {
    let user = User {
        id: name.parse().unwrap(),
        name: name.into(),
    };
    let issued = auth.issue(user, &Scope::default(), (since, ttl));
    issued.token.as_str().to_owned()
}

fn good(auth: &Auth, name: &str) -> String {
    token(auth, name, (machine_time(), Duration::from_secs(3600)))
}

async fn connect(entrance: &Entrance, token: &str) -> Client {
    entrance.try_connect(Some(token)).await.unwrap()
}

async fn done(client: &mut Client, msg: Value) {
    let answer = client.ask(msg.clone()).await;
    assert_eq!(answer["t"], "ok", "{msg}: {answer}");
}

impl Targets {
    /// A game that has just begun, one under way with offers, and one that is over with an offer.
    async fn prepare(entrance: &Entrance, auth: &Auth) -> Self {
        let tokens = ["anna", "bo"].map(|name| good(auth, name));
        let guests = tokens.clone().map(|token| Guest { token });
        let mut games = Vec::new();
        for _ in 0..3 {
            games.push(entrance.begin_game_of(&guests).await);
        }
        let [_, running, ended] = games[..] else {
            unreachable!()
        };
        let mut white = connect(entrance, &tokens[0]).await;
        let mut black = connect(entrance, &tokens[1]).await;
        for game in [running, ended] {
            for (ply, uci) in ["e2e4", "e7e5"].into_iter().enumerate() {
                let mover = if ply == 0 { &mut white } else { &mut black };
                done(
                    mover,
                    json!({"t": "move", "game": game, "uci": uci, "ply": ply}),
                )
                .await;
            }
        }
        for offer in ["draw", "takeback"] {
            done(
                &mut white,
                json!({"t": offer, "game": running, "do": "offer"}),
            )
            .await;
        }
        done(&mut white, json!({"t": "resign", "game": ended})).await;
        done(
            &mut white,
            json!({"t": "rematch", "game": ended, "do": "offer"}),
        )
        .await;
        let pair = [good(auth, "eve"), good(auth, "fay")].map(|token| Guest { token });
        let others = entrance.begin_game_of(&pair).await;
        let [other, _] = pair.map(|guest| guest.token);
        Self {
            games,
            tokens,
            others,
            other,
        }
    }
}

impl Scene {
    async fn set(redis: RedisKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::generate();
        let file = dir.path().join("keys.json");
        std::fs::write(&file, &keys).unwrap();
        let settings = Settings::new(binary()).over(redis).data_in(dir.path());
        let settings = match redis {
            RedisKind::Embedded => settings.args(&["--jwt-keys", file.to_str().unwrap()]),
            // The file has the name that a deployment gives its own.
            _ => settings.nodes(2),
        };
        let deployment = settings.start().unwrap();
        let auth = Auth::new(Keys::parse(&keys).unwrap());
        let targets = Targets::prepare(&Entrance::of(deployment.node(0)), &auth).await;
        Self {
            deployment,
            data: dir.path().join("data/zeitnot.db"),
            auth,
            targets,
            _dir: dir,
        }
    }

    /// The stored lines of all that must not change.
    async fn logs(&self) -> Vec<Vec<Vec<u8>>> {
        let mut logs = Vec::new();
        for game in &self.targets.games {
            logs.push(match self.deployment.redis() {
                Some(redis) => {
                    let lines = redis.call(&["LRANGE", &key(*game), "0", "-1"]).unwrap();
                    let bytes = |line: &Reply| line.bytes().unwrap().to_vec();
                    lines.items().iter().map(bytes).collect()
                }
                None => lines_in(&self.data, *game).await,
            });
        }
        logs
    }

    /// Where the attackers are: another node than that of the players, if there is one.
    fn address(&self) -> &str {
        self.deployment.node(1).address()
    }

    fn headers(&self, role: Role) -> String {
        let token = match role {
            Role::Anonymous => return String::new(),
            Role::Stranger | Role::Spectator => good(&self.auth, "eve"),
            Role::OtherPlayer => self.targets.other.clone(),
            Role::Opponent => self.targets.tokens[1].clone(),
            Role::Revoked => good(&self.auth, "anna"),
            Role::Expired => token(&self.auth, "anna", (machine_time(), SHORT)),
        };
        as_bearer(&token)
    }

    async fn open(&self, role: Role) -> RawClient {
        let headers = self.headers(role);
        let (socket, answer) = RawClient::open(self.address(), &headers).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{role:?}: {answer}");
        socket
    }

    /// Frames one after the other, on a new socket whenever one is closed; with which codes they were.
    async fn try_all(
        &self,
        role: Role,
        (game, frames): (Option<GameId>, &[Frame]),
    ) -> (usize, BTreeSet<u16>) {
        let (mut tried, mut codes) = (0, BTreeSet::new());
        let mut socket = None;
        for frame in frames {
            if role == Role::Opponent && !frame.must_fail_for_a_player() {
                continue;
            }
            let mut open = match socket.take() {
                Some(open) => open,
                None => self.enter(role, game).await,
            };
            tried += 1;
            match answered(&mut open, &frame.text).await {
                Ok(()) => socket = Some(open),
                Err(code) => {
                    codes.insert(code);
                }
            }
        }
        (tried, codes)
    }

    async fn enter(&self, role: Role, game: Option<GameId>) -> RawClient {
        let mut socket = self.open(role).await;
        let watched = match role {
            Role::Spectator => game,
            Role::OtherPlayer => Some(self.targets.others),
            _ => None,
        };
        if let Some(game) = watched {
            let watch = json!({"t": "watch", "game": game}).to_string();
            answered(&mut socket, &watch).await.expect("it is open");
        }
        socket
    }

    /// Frames at once on a socket whose token has been revoked: nothing is done, and it is closed.
    async fn try_revoked(&self, frames: &[Frame]) {
        let token = good(&self.auth, "anna");
        let (mut socket, _) = RawClient::open(self.address(), &as_bearer(&token))
            .await
            .unwrap();
        let entrance = Entrance::at(self.address());
        let body = (&Value::Null, Some(&*token));
        let (status, _) = entrance
            .request(Method::POST, "/api/auth/logout", body)
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        self.try_late(&mut socket, frames).await;
        assert_eq!(
            entrance.refusal(Some(&token)).await,
            StatusCode::UNAUTHORIZED
        );
    }

    async fn try_late(&self, socket: &mut RawClient, frames: &[Frame]) {
        for frame in frames {
            // It may be closed before the last.
            let _ = socket.send_text(&frame.text).await;
        }
        let code = socket.closed().await;
        assert!(code == Some(4401) || code.is_none(), "{code:?}");
    }
}

/// Says something, and waits until the node has read it; or the code with which it closes.
async fn answered(socket: &mut RawClient, text: &str) -> Result<(), u16> {
    const LAST: i64 = -77;
    let ping = json!({"t": "ping", "id": LAST}).to_string();
    for text in [text, &ping] {
        // What it closed with is still to be heard.
        let _ = socket.send_text(text).await;
    }
    let answer = async {
        loop {
            match socket.next().await {
                Heard::Frame(frame) if frame["re"] == LAST => return Ok(()),
                Heard::Frame(_) | Heard::Ping => {}
                Heard::Closed(code) => return Err(code),
                Heard::Gone => panic!("closed without a code after {text}"),
            }
        }
    };
    timeout(PATIENCE, answer).await.expect("it is answered")
}

async fn lines_in(file: &Path, game: GameId) -> Vec<Vec<u8>> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await.unwrap();
    let query =
        "SELECT CAST(version || ' ' || line AS BLOB) FROM entry WHERE game = ? ORDER BY version";
    let lines: Vec<(Vec<u8>,)> = sqlx::query_as(query)
        .bind(game.as_str())
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    lines.into_iter().map(|(line,)| line).collect()
}

/// The codes of closing that the protocol's manual has.
fn documented() -> BTreeSet<u16> {
    let manual = include_str!("../../../../PROTOCOL.md");
    let table = manual.split("| code | why |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| row[2..6].parse().unwrap()).collect()
}

#[test]
fn the_manual_has_every_command_that_the_server_knows() {
    let unknown = serde_json::from_value::<ClientMsg>(json!({"t": "?"})).unwrap_err();
    let unknown = unknown.to_string();
    let known: BTreeSet<&str> = unknown.split('`').skip(3).step_by(2).collect();
    assert!(known.len() >= 19, "{unknown}");
    let shown: Vec<Value> = examples()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let shown: BTreeSet<&str> = shown.iter().filter_map(|msg| msg["t"].as_str()).collect();
    assert_eq!(shown, known);
}

/// All of it on one store.
async fn try_everything(redis: RedisKind) {
    let scene = Scene::set(redis).await;
    let before = scene.logs().await;
    assert_eq!(
        before.iter().map(Vec::len).collect::<Vec<_>>(),
        [1, 5, 5],
        "the games are as they were prepared"
    );
    let documented = documented();
    let (mut tried, mut codes) = (0, BTreeSet::new());
    for (state, &game) in scene.targets.games.iter().enumerate() {
        let seen = before[state].len();
        for frames in mutations::of_all(examples(), (game, scene.targets.others), (state, seen)) {
            let about = frames.first().and_then(|frame| frame.game);
            for role in ROLES {
                match role {
                    Role::Revoked => scene.try_revoked(&frames).await,
                    // Below: who waits for the end of a token does so once.
                    Role::Expired => {}
                    _ => {
                        let (count, closed) = scene.try_all(role, (about, &frames)).await;
                        tried += count;
                        codes.extend(closed);
                    }
                }
            }
        }
        assert_eq!(scene.logs().await, before, "game {state}");
    }
    assert!(codes.is_subset(&documented), "{codes:?}");
    println!("{tried} frames were tried; sockets were closed with {codes:?}");
    assert!(tried > 5_000, "{tried}");
    expired_tokens(&scene).await;
    let accepted = accept_as_everybody(&scene).await;
    assert_eq!(accepted, 0, "nobody takes a seat of a game that runs");
    assert_eq!(scene.logs().await, before);
    go_on(&scene, &before).await;
}

#[tokio::test]
async fn the_log_in_redis_is_as_before_after_every_command_of_everybody_else() {
    try_everything(RedisKind::Single).await;
}

#[tokio::test]
async fn the_embedded_log_is_as_before_after_every_command_of_everybody_else() {
    try_everything(RedisKind::Embedded).await;
}

/// What comes after the end of a token is not looked at, and no socket opens with one that has ended.
async fn expired_tokens(scene: &Scene) {
    let game = scene.targets.games[1];
    let frames: Vec<Frame> = mutations::of_all(examples(), (game, scene.targets.others), (1, 5))
        .into_iter()
        .filter_map(|mut frames| (!frames.is_empty()).then(|| frames.remove(0)))
        .collect();
    let mut socket = scene.open(Role::Expired).await;
    assert_eq!(socket.closed().await, Some(4401));
    scene.try_late(&mut socket, &frames).await;
    let hours_ago = UnixMillis(machine_time().0 - 7_200_000);
    let old = token(&scene.auth, "anna", (hours_ago, Duration::from_secs(60)));
    let entrance = Entrance::at(scene.address());
    assert_eq!(entrance.refusal(Some(&old)).await, StatusCode::UNAUTHORIZED);
    let mut anybody = entrance.connect(None).await;
    let auth = json!({"t": "auth", "token": old});
    assert_eq!(anybody.ask(auth).await["code"], "unauthorized");
}

/// Over HTTP there is one command; how often it was granted.
async fn accept_as_everybody(scene: &Scene) -> usize {
    let entrance = Entrance::at(scene.address());
    let mut granted = 0;
    for game in &scene.targets.games {
        for token in [
            None,
            Some(good(&scene.auth, "eve")),
            Some(scene.targets.other.clone()),
        ] {
            for body in [json!({}), json!({"color": "white"}), json!({"color": [1]})] {
                let path = format!("/api/challenge/{game}/accept");
                let sent = (&body, token.as_deref());
                let (status, answer) = entrance.request(Method::POST, &path, sent).await;
                assert!(
                    status.is_client_error() || status == StatusCode::OK,
                    "{answer}"
                );
                granted += usize::from(status == StatusCode::OK);
            }
        }
    }
    granted
}

/// White plays on as if nothing had been: the very next version.
async fn go_on(scene: &Scene, before: &[Vec<Vec<u8>>]) {
    let entrance = Entrance::of(scene.deployment.node(0));
    let mut white = connect(&entrance, &scene.targets.tokens[0]).await;
    for (state, (uci, ply)) in [("e2e4", 0), ("g1f3", 2)].into_iter().enumerate() {
        let answer = white.play(scene.targets.games[state], uci, ply).await;
        assert_eq!(answer["v"], before[state].len() + 1, "{answer}");
    }
    let after = scene.logs().await;
    for (state, log) in before.iter().enumerate() {
        assert_eq!(&after[state][..log.len()], &log[..], "game {state}");
    }
}
