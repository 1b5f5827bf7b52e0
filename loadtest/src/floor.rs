//! `floor-node`: the relay without logic, as a measure for the relay with it. What comes in on a socket is published on
//! the channel of its game and goes out, as it is, on every other socket of that game, on any node. With `--stores` it is
//! first put behind the others of its game, if the node knows how many they are, and its sender is given it back: the least
//! that whoever promises to have stored what he answers has to do.
//!
//! Sockets and driver are set as those of a real node are. There is no token, no rule, no clock, no heartbeat, and what
//! is lost on the way stays lost, even if it is kept.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use fred::clients::Client;
use fred::interfaces::{ClientLike as _, EventInterface as _, PubsubInterface as _};
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig, UnresponsiveConfig,
};
use fred::types::scripts::Script;
use fred::types::{Builder, RespVersion};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use zeitnot_loadtest::deployment::{Node, NodeSettings, RedisServer};

/// Bytes of a frame, and those that a socket reads ahead, gathers and keeps at most: as in a real node.
const MAX_FRAME: usize = 4096;
const READ_BUFFER: usize = 1024;
const WRITE_BUFFER: usize = 1024;
const WRITE_BUFFER_MAX: usize = 256 * 1024;

/// Frames that wait for a socket; more are lost.
const OUTBOX: usize = 64;

/// Messages from Redis that wait to be handed on.
const PUSH_QUEUE: usize = 65_536;

/// How long Redis may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What says on a channel which socket a message came from: 16 digits before the message itself.
const MARK: usize = 16;

/// Keeps a message if so many are there, and publishes it. Whether it did.
const STORE: &str = "
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then
  return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('SPUBLISH', KEYS[1], ARGV[2])
return 1";

/// What a socket is told first, when it hears its game.
const HELLO: &str = r#"{"t":"hello"}"#;

/// The settings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address for sockets
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Every node is given one; nothing listens there
    #[arg(long, value_name = "ADDR", hide = true)]
    internal_listen: Option<SocketAddr>,
    /// Redis between the nodes
    #[arg(long, value_name = "URL")]
    redis_url: String,
    /// Whether what comes in is kept
    #[arg(long)]
    stores: bool,
}

/// Starts so many nodes, which may keep what comes in, over a Redis with these options, and with variables of their
/// environment.
pub(crate) fn start(
    (count, stores): (usize, bool),
    redis_options: &[&str],
    variables: &[(OsString, OsString)],
) -> anyhow::Result<(Vec<Node>, RedisServer)> {
    let redis = RedisServer::start_on_port(redis_options)?;
    let settings = NodeSettings {
        binary: std::env::current_exe()?,
        args: ["floor-node", "--redis-url", &redis.url()]
            .into_iter()
            .chain(stores.then_some("--stores"))
            .map(OsString::from)
            .collect(),
        variables: variables.to_vec(),
        log: None,
    };
    let nodes = (0..count).map(|_| Node::start(settings.clone()));
    Ok((nodes.collect::<anyhow::Result<_>>()?, redis))
}

/// Serves until it is ended.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // As many threads as a real node has.
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(args))
}

async fn serve(args: &Args) -> anyhow::Result<()> {
    let (client, subscriber) = clients(&args.redis_url)?;
    let messages = subscriber.message_rx();
    client.init().await.context("connect to Redis")?;
    subscriber.init().await.context("connect to Redis")?;
    let store = args.stores.then(|| Script::from_lua(STORE));
    if let Some(store) = &store {
        store.load(&client).await.context("load the script")?;
    }
    let floor = Arc::new(Floor {
        client,
        subscriber,
        store,
        games: Mutex::default(),
    });
    tokio::spawn(Arc::clone(&floor).deliver(messages));
    let router = Router::new().route("/ws", get(open)).with_state(floor);
    let listener = TcpListener::bind(args.listen).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    let listener = listener.tap_io(|stream| {
        // It works without, only later.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.context("serve")
}

/// One client for commands and one for subscriptions, as a real node has them.
fn clients(url: &str) -> anyhow::Result<(Client, Client)> {
    let mut config = Config::from_url(url).context("the URL of Redis")?;
    config.version = RespVersion::RESP2;
    let mut builder = Builder::from_config(config);
    builder
        .set_policy(ReconnectPolicy::new_exponential(0, 50, 500, 2))
        .set_connection_config(ConnectionConfig {
            connection_timeout: TIMEOUT,
            internal_command_timeout: TIMEOUT,
            max_command_attempts: 1,
            unresponsive: UnresponsiveConfig {
                max_timeout: None,
                ..UnresponsiveConfig::default()
            },
            max_command_buffer_len: 0,
            tcp: TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            },
            auto_client_setname: false,
            ..ConnectionConfig::default()
        })
        .set_performance_config(PerformanceConfig {
            default_command_timeout: TIMEOUT,
            broadcast_channel_capacity: PUSH_QUEUE,
            max_feed_count: 200,
        });
    Ok((builder.build()?, builder.build()?))
}

struct Floor {
    client: Client,
    subscriber: Client,
    /// Keeps what comes in, if anything does.
    store: Option<Script>,
    games: Mutex<HashMap<String, Game>>,
}

/// A game on this node.
#[derive(Default)]
struct Game {
    sockets: Vec<Local>,
    /// Messages that were heard of it.
    heard: u64,
}

/// A socket of a game on this node.
struct Local {
    mark: u64,
    outbox: mpsc::Sender<Utf8Bytes>,
}

#[derive(Deserialize)]
struct Wanted {
    game: String,
}

async fn open(
    State(floor): State<Arc<Floor>>,
    Query(wanted): Query<Wanted>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(async move |socket| {
            let mark = rand::random();
            let (outbox, frames) = mpsc::channel(OUTBOX);
            floor.join(&wanted.game, Local { mark, outbox });
            // Whoever is at the other end sees that the socket is gone.
            let _ = floor.relay(&wanted.game, mark, (socket, frames)).await;
            floor.leave(&wanted.game, mark);
        })
}

impl Floor {
    async fn relay(
        &self,
        game: &str,
        mark: u64,
        (mut socket, mut frames): (WebSocket, mpsc::Receiver<Utf8Bytes>),
    ) -> anyhow::Result<()> {
        let channel = channel(game);
        self.subscriber.ssubscribe(&channel).await?;
        socket.send(Message::Text(HELLO.into())).await?;
        loop {
            tokio::select! {
                received = socket.recv() => match received {
                    Some(Ok(Message::Text(text))) => {
                        let marked = format!("{mark:016x}{text}");
                        if self.publish(game, (&channel, marked)).await? {
                            socket.send(Message::Text(text)).await?;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Ok(()),
                },
                Some(frame) = frames.recv() => socket.send(Message::Text(frame)).await?,
            }
        }
    }

    /// Tells whoever follows the game; whether the message was kept before.
    async fn publish(
        &self,
        game: &str,
        (channel, message): (&str, String),
    ) -> anyhow::Result<bool> {
        let Some(store) = &self.store else {
            self.client.spublish::<(), _, _>(channel, message).await?;
            return Ok(false);
        };
        let heard = self.games().get(game).map_or(0, |game| game.heard);
        let args = [heard.to_string(), message];
        let is_next: bool = store.evalsha(&self.client, channel, args.to_vec()).await?;
        ensure!(is_next, "the game has gone on");
        Ok(true)
    }

    /// Hands messages on, for ever.
    async fn deliver(self: Arc<Self>, mut messages: Receiver<fred::types::Message>) {
        while let Ok(message) = messages.recv().await {
            let Some(marked) = message.value.as_str() else {
                continue;
            };
            let Some((mark, text)) = marked.split_at_checked(MARK) else {
                continue;
            };
            let mark = u64::from_str_radix(mark, 16).unwrap_or_default();
            let text = Utf8Bytes::from(text);
            let mut games = self.games();
            let Some(game) = game(&message.channel).and_then(|game| games.get_mut(game)) else {
                continue;
            };
            game.heard += 1;
            for local in game.sockets.iter().filter(|one| one.mark != mark) {
                // A socket that does not read loses it: this keeps no promise.
                let _ = local.outbox.try_send(text.clone());
            }
        }
    }

    fn join(&self, game: &str, local: Local) {
        let mut games = self.games();
        let game = games.entry(game.to_owned()).or_default();
        game.sockets.push(local);
    }

    fn leave(&self, game: &str, mark: u64) {
        if let Some(game) = self.games().get_mut(game) {
            game.sockets.retain(|local| local.mark != mark);
        }
    }

    fn games(&self) -> MutexGuard<'_, HashMap<String, Game>> {
        // What is inside is whole even if a holder panicked.
        self.games.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The channel of a game. Shape: `{b:0}:game:17`.
fn channel(game: &str) -> String {
    format!("{{b:0}}:game:{game}")
}

fn game(channel: &str) -> Option<&str> {
    channel.strip_prefix("{b:0}:game:")
}
