//! One process of the peer: rooms of socketioxide over its Redis adapter, games in Redis hashes, moves by compare-and-set.
//! Its settings are in README.md.

mod game;
mod games;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketioxide::adapter::Emitter;
use socketioxide::extract::{AckSender, Data, Extension, SocketRef, State, TryData};
use socketioxide::handler::ConnectHandler as _;
use socketioxide::{SocketIo, TransportType};
use socketioxide_redis::{RedisAdapter, RedisAdapterConfig, RedisAdapterCtr};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use uuid::Uuid;

use game::{Frame, Game, Refusal};
use games::Games;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Adapter = RedisAdapter<Emitter>;

/// How often a move is tried when somebody else was first.
const TRIES: usize = 3;

/// Messages of the adapter that wait to be handed on; more are lost.
const STREAM: usize = 65_536;

/// Bytes that a socket reads ahead, and of a message.
const READ_BUFFER: usize = 1024;
const MAX_PAYLOAD: u64 = 4096;

/// How long a token is valid, in seconds.
const LIFETIME: u64 = 24 * 3600;

#[derive(Clone)]
struct App {
    games: Games,
    secret: Arc<str>,
    /// Of games whose last move was made here: who looks when the other side has no time left.
    timers: Arc<Mutex<HashMap<String, AbortHandle>>>,
}

/// Who a socket is.
#[derive(Clone)]
struct User(Option<Arc<str>>);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

#[derive(Deserialize)]
struct Credentials {
    token: Option<String>,
}

#[derive(Deserialize)]
struct Terms {
    white: String,
    black: String,
    limit: i64,
    increment: i64,
}

#[derive(Deserialize)]
struct Watch {
    id: Option<u32>,
    game: String,
}

#[derive(Deserialize)]
struct Move {
    id: Option<u32>,
    game: String,
    uci: String,
    ply: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = flag("--redis-url")?;
    let client = redis::Client::open(format!("{url}/?protocol=resp3"))?;
    let config = RedisAdapterConfig::default().with_stream_buffer(STREAM);
    let adapter = RedisAdapterCtr::new_with_redis_config(&client, config).await?;
    let app = App {
        games: Games::new(client.get_multiplexed_async_connection().await?),
        secret: std::env::var("JWT_SECRET").context("JWT_SECRET")?.into(),
        timers: Arc::default(),
    };
    let (layer, io) = SocketIo::builder()
        .with_adapter::<Adapter>(adapter)
        .with_state(app.clone())
        .transports([TransportType::Websocket])
        .ping_interval(Duration::from_secs(5))
        .ws_read_buffer_size(READ_BUFFER)
        .max_payload(MAX_PAYLOAD)
        .build_layer();
    io.ns("/", connect.with(authenticate))
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    let router = Router::new()
        .route("/guests", post(guest))
        .route("/games", post(begin))
        .with_state(app)
        .layer(layer);
    let listener = TcpListener::bind(flag("--listen")?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // It works without, only later.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.context("serve")
}

fn flag(name: &str) -> anyhow::Result<String> {
    let mut words = std::env::args().skip_while(|word| word != name).skip(1);
    words.next().with_context(|| format!("{name} is missing"))
}

async fn authenticate(
    socket: SocketRef<Adapter>,
    TryData(credentials): TryData<Credentials>,
    State(app): State<App>,
) -> Result<(), String> {
    let token = credentials.ok().and_then(|credentials| credentials.token);
    let user = token.map(|token| app.user(&token)).transpose();
    let user = user.map_err(|error| error.to_string())?;
    socket.extensions.insert(User(user.map(Arc::from)));
    // Here, not when it has connected: what a client sends at once would come before anybody listens.
    socket.on("watch", watch);
    socket.on(
        "unwatch",
        async |socket: SocketRef<Adapter>, Data(msg): Data<Watch>| {
            socket.leave(msg.game);
        },
    );
    socket.on("move", play);
    Ok(())
}

/// All is ready before.
async fn connect(_: SocketRef<Adapter>) {}

async fn watch(
    socket: SocketRef<Adapter>,
    Data(msg): Data<Watch>,
    answer: AckSender<Adapter>,
    State(app): State<App>,
) {
    socket.join(msg.game.clone());
    // Whoever asked is gone if it cannot be sent.
    let _ = match app.read(&msg.game).await {
        Ok(game) => answer.send(&game.snapshot(msg.id, now())),
        Err(refusal) => answer.send(&error(msg.id, refusal)),
    };
}

async fn play(
    io: SocketIo<Adapter>,
    Data(msg): Data<Move>,
    Extension(User(user)): Extension<User>,
    answer: AckSender<Adapter>,
    State(app): State<App>,
) {
    let arrived = now();
    // Whoever asked is gone if it cannot be sent.
    let _ = match app.play(&io, (user.as_deref(), &msg), arrived).await {
        Ok(v) => answer.send(&json!({"t": "ok", "re": msg.id, "v": v})),
        Err(refusal) => answer.send(&error(msg.id, refusal)),
    };
}

impl App {
    async fn play(
        &self,
        io: &SocketIo<Adapter>,
        (user, msg): (Option<&str>, &Move),
        now: i64,
    ) -> Result<u32, Refusal> {
        for _ in 0..TRIES {
            let game = self.read(&msg.game).await?;
            let (next, frames) = game.play(user, (&msg.uci, msg.ply), now)?;
            if self.tell(io, (&game, &next), &frames).await? {
                return Ok(next.v);
            }
        }
        Err("unavailable")
    }

    /// Stores what was made of a game, and tells everybody in its room; false if somebody else was first.
    async fn tell(
        &self,
        io: &SocketIo<Adapter>,
        (game, next): (&Game, &Game),
        frames: &[Frame],
    ) -> Result<bool, Refusal> {
        let done = self.games.commit(game, next).await;
        if !done.map_err(|_| "unavailable")? {
            return Ok(false);
        }
        for frame in frames {
            let told = io.to(next.id.clone()).emit(frame.event(), frame).await;
            if let Err(error) = told {
                eprintln!("{}: {error}", next.id);
            }
        }
        self.watch_clock(io, next);
        Ok(true)
    }

    async fn read(&self, id: &str) -> Result<Game, Refusal> {
        let game = self.games.read(id).await.map_err(|_| "unavailable")?;
        game.ok_or("not_found")
    }

    /// Calls the flag of who does not move, if the game is still the same when his time is up.
    fn watch_clock(&self, io: &SocketIo<Adapter>, game: &Game) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timer) = timers.remove(&game.id) {
            timer.abort();
        }
        let Some(deadline) = game.deadline() else {
            return;
        };
        let (app, io, id) = (self.clone(), io.clone(), game.id.clone());
        let look = tokio::spawn(async move {
            let left = u64::try_from(deadline - now()).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(left)).await;
            app.timers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
            if let Ok(game) = app.read(&id).await
                && game.deadline().is_some_and(|deadline| now() >= deadline)
            {
                let (next, frames) = game.flag();
                app.end(&io, (&game, &next), &frames).await;
            }
        });
        timers.insert(game.id.clone(), look.abort_handle());
    }

    async fn end(&self, io: &SocketIo<Adapter>, (game, next): (&Game, &Game), frames: &[Frame]) {
        // Who was first has told everybody.
        if let Ok(true) = self.games.commit(game, next).await {
            for frame in frames {
                let _ = io.to(next.id.clone()).emit(frame.event(), frame).await;
            }
        }
    }

    fn user(&self, token: &str) -> jsonwebtoken::errors::Result<String> {
        let key = DecodingKey::from_secret(self.secret.as_bytes());
        let claims = decode::<Claims>(token, &key, &Validation::new(Algorithm::HS256))?;
        Ok(claims.claims.sub)
    }
}

async fn guest(AxumState(app): AxumState<App>) -> Result<Json<Value>, StatusCode> {
    let claims = Claims {
        sub: Uuid::new_v4().to_string(),
        exp: u64::try_from(now() / 1000).unwrap_or_default() + LIFETIME,
    };
    let key = EncodingKey::from_secret(app.secret.as_bytes());
    let token = encode(&Header::default(), &claims, &key);
    let token = token.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(json!({ "token": token })))
}

async fn begin(
    AxumState(app): AxumState<App>,
    Json(terms): Json<Terms>,
) -> Result<Json<Value>, StatusCode> {
    let user = |token: &str| app.user(token).map_err(|_| StatusCode::UNAUTHORIZED);
    let players = [user(&terms.white)?, user(&terms.black)?];
    let id = Uuid::new_v4().simple().to_string()[..8].to_owned();
    let game = Game::begin(id, players, (terms.limit, terms.increment), now());
    let created = app.games.create(&game).await;
    created.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(json!({ "game": game.id })))
}

fn error(re: Option<u32>, refusal: Refusal) -> Value {
    json!({"t": "error", "re": re, "code": refusal, "message": refusal})
}

/// Unix time in milliseconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
