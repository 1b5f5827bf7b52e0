//! A client as the protocol wants it: it comes back when its socket ends, to whichever node, and says again what got no
//! answer. It sees to it that no version of its game is left out or comes twice.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};
use zeitnot_game::id::GameId;

use super::client::{Client, Gone, PATIENCE};
use super::entrance::{Entrance, Guest};

/// The pause before something is tried again that was refused.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Sockets that are opened to get one on a certain node.
const MAX_DRAWS: usize = 60;

/// Frames of which each is one entry of a game's log.
const ENTRIES: [&str; 6] = ["move", "draw", "takeback", "rematch", "time", "end"];

/// A player or a spectator of one game, on one socket after the other.
pub(crate) struct Player {
    address: String,
    guest: Option<Guest>,
    game: GameId,
    socket: Client,
    nodes: Vec<String>,
    version: u64,
    fen: String,
    status: String,
    /// Frames with versions that were not handed out yet.
    frames: Vec<Value>,
    snapshots: usize,
    is_store_silent: bool,
    acknowledged: Vec<Acknowledged>,
    repeats: usize,
}

/// A command that got `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The last entry that it wrote.
    pub(crate) version: u64,
    /// What was sent.
    pub(crate) command: Value,
}

impl Player {
    /// Comes to a game by an entrance, again and again until it leads to a node that is wanted.
    pub(crate) async fn come(
        entrance: &Entrance,
        (game, guest): (GameId, Option<&Guest>),
        is_wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let address = entrance.address().to_owned();
        let token = guest.map(|guest| guest.token.as_str());
        let mut nodes = Vec::new();
        let socket = loop {
            let socket = open(&address, token).await;
            nodes.push(socket.node().to_owned());
            if is_wanted(socket.node()) {
                break socket;
            }
            assert!(nodes.len() < MAX_DRAWS, "only {nodes:?}");
        };
        let mut player = Self {
            address,
            guest: guest.cloned(),
            game,
            socket,
            nodes,
            version: 0,
            fen: String::new(),
            status: String::new(),
            frames: Vec::new(),
            snapshots: 0,
            is_store_silent: false,
            acknowledged: Vec::new(),
            repeats: 0,
        };
        if player.watch().await.is_err() {
            player.come_back().await;
        }
        player.frames.clear();
        player
    }

    /// The node at the other end of its socket.
    pub(crate) fn node(&self) -> &str {
        self.socket.node()
    }

    /// The nodes of all sockets that it opened.
    pub(crate) fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The newest version that it has seen.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// The position then.
    pub(crate) fn fen(&self) -> &str {
        &self.fen
    }

    /// How the game stood then: `started` and so on.
    pub(crate) fn status(&self) -> &str {
        &self.status
    }

    /// How often it was shown the whole game.
    pub(crate) const fn snapshots(&self) -> usize {
        self.snapshots
    }

    /// Its commands that got `ok`, some of them more than once.
    pub(crate) fn acknowledged(&self) -> &[Acknowledged] {
        &self.acknowledged
    }

    /// How often it had to say something again.
    pub(crate) const fn repeats(&self) -> usize {
        self.repeats
    }

    /// Follows the game up to a version, or beyond it. The answer is every frame with a version that came since the last
    /// time: entries, and snapshots where it had to come back.
    pub(crate) async fn until(&mut self, version: u64) -> Vec<Value> {
        while self.version < version {
            self.next().await;
        }
        std::mem::take(&mut self.frames)
    }

    /// Waits until it is told that the store does not answer for this game, or that it does again.
    pub(crate) async fn until_store_is_silent(&mut self, is_silent: bool) {
        while self.is_store_silent != is_silent {
            self.next().await;
        }
    }

    /// Plays a move, said again until it gets `ok`; the answer is its version.
    pub(crate) async fn play(&mut self, uci: &str, ply: usize) -> u64 {
        self.ask(self.mv(uci, ply)).await
    }

    /// Plays a move once. None: it got no `ok`, so it was made or not.
    pub(crate) async fn play_once(&mut self, uci: &str, ply: usize) -> Option<u64> {
        let tried = self.try_ask(&self.mv(uci, ply)).await;
        tried.ok().flatten()
    }

    /// Sends a move and does not wait for the answer.
    pub(crate) async fn send(&mut self, uci: &str, ply: usize) {
        let sent = self.socket.try_send(self.mv(uci, ply)).await;
        sent.expect("the socket is open");
    }

    /// Resigns, in the same way.
    pub(crate) async fn resign(&mut self) -> u64 {
        self.ask(json!({"t": "resign", "game": self.game, "v": self.version}))
            .await
    }

    fn mv(&self, uci: &str, ply: usize) -> Value {
        json!({"t": "move", "game": self.game, "uci": uci, "ply": ply})
    }

    async fn ask(&mut self, command: Value) -> u64 {
        let began = Instant::now();
        loop {
            match self.try_ask(&command).await {
                Ok(Some(version)) => {
                    self.acknowledged.push(Acknowledged { version, command });
                    return version;
                }
                Ok(None) => sleep(RETRY_PAUSE).await,
                Err(_) => self.come_back().await,
            }
            self.repeats += 1;
            assert!(began.elapsed() < PATIENCE, "in vain: {command}");
        }
    }

    /// The version of an `ok`; none if it was not carried out as far as anybody knows.
    async fn try_ask(&mut self, command: &Value) -> Result<Option<u64>, Gone> {
        let answer = self.answer(command).await?;
        if answer["t"] == "ok" {
            return Ok(Some(answer["v"].as_u64().expect("it has a version")));
        }
        assert_eq!(answer["code"], "unavailable", "{command}: {answer}");
        Ok(None)
    }

    async fn answer(&mut self, msg: &Value) -> Result<Value, Gone> {
        let id = self.socket.try_send(msg.clone()).await?;
        loop {
            let frame = self.socket.try_receive().await?;
            self.take(&frame);
            if frame["re"] == id {
                return Ok(frame);
            }
        }
    }

    async fn next(&mut self) {
        match self.socket.try_receive().await {
            Ok(frame) => self.take(&frame),
            Err(_) => self.come_back().await,
        }
    }

    /// Opens another socket, and follows the game there.
    async fn come_back(&mut self) {
        loop {
            let token = self.guest.as_ref().map(|guest| guest.token.as_str());
            self.socket = open(&self.address, token).await;
            self.nodes.push(self.socket.node().to_owned());
            self.is_store_silent = false;
            if self.watch().await.is_ok() {
                return;
            }
        }
    }

    async fn watch(&mut self) -> Result<(), Gone> {
        let watch = json!({"t": "watch", "game": self.game, "v": self.version});
        let began = Instant::now();
        loop {
            let answer = self.answer(&watch).await?;
            if answer["t"] == "game" {
                let seat = self.guest.is_some();
                assert_eq!(answer["seat"].is_string(), seat, "{answer}");
                return Ok(());
            }
            assert_eq!(answer["code"], "unavailable", "{answer}");
            assert!(
                began.elapsed() < PATIENCE,
                "game {} is not shown",
                self.game
            );
            sleep(RETRY_PAUSE).await;
        }
    }

    fn take(&mut self, frame: &Value) {
        let kind = frame["t"].as_str().expect("a frame has a kind");
        let is_entry = ENTRIES.contains(&kind);
        if kind == "status" {
            let games = frame["games"].as_array();
            if games.is_none_or(|games| games.contains(&json!(self.game))) {
                self.is_store_silent = frame["store"] == "unavailable";
            }
        }
        if !is_entry && kind != "game" {
            return;
        }
        let version = frame["v"].as_u64().expect("it has a version");
        if is_entry {
            assert_eq!(version, self.version + 1, "{frame}");
        } else {
            assert!(
                version >= self.version,
                "{} was seen: {frame}",
                self.version
            );
            assert_eq!(frame.get("reset"), None, "{frame}");
            self.snapshots += 1;
        }
        self.version = version;
        for (shown, field) in [(&mut self.fen, "fen"), (&mut self.status, "status")] {
            if let Some(text) = frame[field].as_str() {
                text.clone_into(shown);
            }
        }
        self.frames.push(frame.clone());
    }
}

/// A socket, as soon as there is a node for it.
async fn open(address: &str, token: Option<&str>) -> Client {
    let began = Instant::now();
    loop {
        let reason = match Client::open(address, token).await {
            Ok(socket) => return socket,
            Err(reason) => reason,
        };
        assert_ne!(reason, Gone::Refused(StatusCode::UNAUTHORIZED));
        assert!(began.elapsed() < PATIENCE, "no node: {reason:?}");
        sleep(RETRY_PAUSE).await;
    }
}
