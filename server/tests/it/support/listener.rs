//! A client that listens all the time, as a page does: it answers pings, and keeps what comes until somebody asks.

use std::collections::VecDeque;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use zeitnot_game::id::GameId;

use super::client::{Client, PATIENCE};
use super::entrance::{Entrance, Guest};

/// Sockets that are opened to get one on a certain node.
const MAX_DRAWS: usize = 60;

/// One socket at one game. When it is dropped its line breaks.
pub(crate) struct Listener {
    game: GameId,
    node: String,
    heard: mpsc::UnboundedReceiver<Value>,
    says: mpsc::UnboundedSender<Message>,
    unread: VecDeque<Value>,
    next_id: i64,
    task: JoinHandle<()>,
}

impl Listener {
    /// Comes to a game by an entrance, again and again until it leads to a node that is wanted. The answer is the snapshot
    /// too.
    pub(crate) async fn come(
        entrance: &Entrance,
        (game, guest): (GameId, Option<&Guest>),
        is_wanted: impl Fn(&str) -> bool,
    ) -> (Self, Value) {
        for _ in 0..MAX_DRAWS {
            let client = entrance.connect(guest).await;
            if is_wanted(client.node()) {
                let mut listener = Self::of(client, game);
                let snapshot = listener.ask(json!({"t": "watch"})).await;
                assert_eq!(snapshot["t"], "game", "{snapshot}");
                return (listener, snapshot);
            }
        }
        panic!("no such node in {MAX_DRAWS} draws");
    }

    fn of(mut client: Client, game: GameId) -> Self {
        let node = client.node().to_owned();
        let (tx, heard) = mpsc::unbounded_channel();
        let (says, mut rx) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    heard = client.try_receive() => {
                        if heard.is_err() || heard.is_ok_and(|frame| tx.send(frame).is_err()) {
                            return;
                        }
                    }
                    Some(message) = rx.recv() => client.send_raw(message).await,
                }
            }
        });
        Self {
            game,
            node,
            heard,
            says,
            unread: VecDeque::new(),
            next_id: 1,
            task,
        }
    }

    /// The node at the other end.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Says something about the game, and waits for the answer.
    pub(crate) async fn ask(&mut self, mut msg: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        (msg["id"], msg["game"]) = (json!(id), json!(self.game));
        self.says.send(Message::text(msg.to_string())).unwrap();
        self.until(|frame| frame["re"] == id).await
    }

    /// Plays a move.
    pub(crate) async fn play(&mut self, uci: &str, ply: usize) {
        let answer = self.ask(json!({"t": "move", "uci": uci, "ply": ply})).await;
        assert_eq!(answer["t"], "ok", "{answer}");
    }

    /// The first frame of which something is so; others before it stay.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.unread.iter().position(&is_it) {
            return self.unread.remove(place).unwrap();
        }
        loop {
            let frame = timeout(PATIENCE, self.heard.recv()).await.unwrap();
            let frame = frame.expect("the socket is open");
            if is_it(&frame) {
                return frame;
            }
            self.unread.push_back(frame);
        }
    }

    /// The next time that it is told of both seats that they are taken or not.
    pub(crate) async fn until_here(&mut self, (white, black): (bool, bool)) -> Value {
        self.until(|frame| {
            frame["t"] == "presence" && frame["white"] == white && frame["black"] == black
        })
        .await
    }

    /// Waits until it is told that so many watch.
    pub(crate) async fn until_watched_by(&mut self, watchers: usize) {
        let crowd = |frame: &Value| frame["t"] == "crowd" && frame["watchers"] == watchers;
        self.until(crowd).await;
    }

    /// Closes with a code, and waits until the other end has taken note of it.
    pub(crate) async fn close(mut self, code: u16) {
        let reason = "".into();
        let frame = CloseFrame {
            code: code.into(),
            reason,
        };
        self.says.send(Message::Close(Some(frame))).unwrap();
        while timeout(PATIENCE, self.heard.recv())
            .await
            .unwrap()
            .is_some()
        {}
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Makes two guests and their game.
pub(crate) async fn seat(entrance: &Entrance, terms: &Value) -> (GameId, [Guest; 2]) {
    let guests = [entrance.guest("Anna").await, entrance.guest("Bo").await];
    let game = entrance.open_challenge(terms).await;
    for (color, guest) in ["white", "black"].into_iter().zip(&guests) {
        let accepted = entrance.accept(game, color, guest).await;
        assert_eq!(accepted, StatusCode::OK);
    }
    (game, guests)
}
