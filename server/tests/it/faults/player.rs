//! A player as the protocol wants him: he comes back when his socket ends, and says again what was not answered.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;
use zeitnot_game::id::GameId;

use super::uci_at;
use crate::support::socket::{Heard, RawClient};

/// The pause before something is tried again: a socket takes a hundred messages in 20 s.
const RETRY_PAUSE: Duration = Duration::from_millis(220);

/// Tries of anything: more than any test here has reason for.
const MAX_TRIES: usize = 200;

/// How a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed(u16),
    Broken,
}

/// One socket, and what was told on it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// The node at its other end.
    pub(crate) node: String,
    pub(crate) was_unavailable: bool,
    /// Afterwards.
    pub(crate) was_well_again: bool,
    pub(crate) was_draining: bool,
    pub(crate) end: Option<End>,
}

/// What a player went through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) visits: Vec<Visit>,
    /// Whether he watches his game.
    pub(crate) is_there: bool,
    /// Commands that were answered `unavailable`.
    pub(crate) unavailable: usize,
    /// Plies that were played, as far as he knows.
    pub(crate) ply: usize,
    /// The frame that ended the game.
    pub(crate) ended: Option<Value>,
}

impl Story {
    /// The node that he is at, or was at last.
    pub(crate) fn node(&self) -> &str {
        self.visits.last().map_or("", |visit| &visit.node)
    }
}

/// Where a player goes, and how he plays.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) address: String,
    pub(crate) token: String,
    pub(crate) game: GameId,
    /// White is 0.
    pub(crate) side: usize,
    /// How long he thinks.
    pub(crate) pace: Duration,
    pub(crate) echoes_pings: bool,
    /// Whether he says how long he thought: then whatever else passed is lag, within the quota.
    pub(crate) tells_thought: bool,
}

pub(crate) struct Player {
    seat: Seat,
    socket: Option<RawClient>,
    next_id: i64,
    story: watch::Sender<Story>,
}

impl Player {
    pub(crate) fn new(seat: Seat) -> Self {
        Self {
            seat,
            socket: None,
            next_id: 1,
            story: watch::Sender::default(),
        }
    }

    /// From now on he thinks for so long about each move.
    pub(crate) const fn think(&mut self, pace: Duration) {
        self.seat.pace = pace;
    }

    /// From now on his sockets leave pings unanswered.
    pub(crate) const fn leave_pings(&mut self) {
        self.seat.echoes_pings = false;
    }

    /// From now on he says how long he thought.
    pub(crate) const fn tell_thought(&mut self) {
        self.seat.tells_thought = true;
    }

    /// What he goes through, from now on.
    pub(crate) fn story(&self) -> watch::Receiver<Story> {
        self.story.subscribe()
    }

    pub(crate) fn told(&self) -> Story {
        self.story.borrow().clone()
    }

    /// Plays whenever it is his turn, until so many plies were played or the game is over.
    pub(crate) async fn play(mut self, mut goal: watch::Receiver<usize>) -> Self {
        loop {
            self.be_there().await;
            let (ply, is_over) = {
                let story = self.story.borrow();
                (story.ply, story.ended.is_some())
            };
            if is_over || ply >= *goal.borrow_and_update() {
                return self;
            }
            if ply % 2 == self.seat.side {
                sleep(self.seat.pace).await;
                self.play_move(ply).await;
            } else {
                tokio::select! {
                    _ = self.hear() => {}
                    _ = goal.changed() => {}
                }
            }
        }
    }

    /// Plays the move of this ply, again and again until it is made.
    pub(crate) async fn play_move(&mut self, ply: usize) {
        let mut mv = json!({"t": "move", "game": self.seat.game, "uci": uci_at(ply), "ply": ply});
        if self.seat.tells_thought {
            mv["think"] = json!(u64::try_from(self.seat.pace.as_millis()).unwrap());
        }
        let answer = self.ask(mv).await;
        if self.story.borrow().ended.is_none() {
            assert_eq!(answer["t"], "ok", "ply {ply}: {answer}");
        }
        self.change(|story| story.ply = story.ply.max(ply + 1));
    }

    /// Listens until so many plies were played.
    pub(crate) async fn hear_of(&mut self, ply: usize) {
        while self.story.borrow().ply < ply {
            self.be_there().await;
            self.hear().await;
        }
    }

    /// Listens until the game is over.
    pub(crate) async fn hear_end(&mut self) {
        while self.story.borrow().ended.is_none() {
            self.be_there().await;
            self.hear().await;
        }
    }

    /// Listens until the server has asked for a sign of life, and has it, if this player gives any.
    pub(crate) async fn hear_ping(&mut self) {
        let socket = self.socket.as_mut().unwrap();
        loop {
            match socket.next().await {
                Heard::Ping => return,
                Heard::Frame(frame) => self.story.send_modify(|story| note(story, &frame)),
                end => panic!("{end:?}"),
            }
        }
    }

    /// Asks until there is an answer that counts.
    async fn ask(&mut self, mut msg: Value) -> Value {
        for _ in 0..MAX_TRIES {
            self.be_there().await;
            match self.ask_once(&mut msg).await {
                Some(answer) if answer["code"] == "unavailable" => {
                    self.change(|story| story.unavailable += 1);
                    sleep(RETRY_PAUSE).await;
                }
                Some(answer) => return answer,
                None => {}
            }
        }
        panic!("no answer to {msg}");
    }

    /// Nothing if the socket ended before the answer came.
    async fn ask_once(&mut self, msg: &mut Value) -> Option<Value> {
        let id = self.next_id;
        self.next_id += 1;
        msg["id"] = id.into();
        // Where this fails, what was said last is still to be heard.
        let _ = self.socket.as_mut()?.send(msg).await;
        while self.socket.is_some() {
            if let Some(frame) = self.hear().await
                && frame["re"] == id
            {
                return Some(frame);
            }
        }
        None
    }

    /// Connects and watches, if he does not, until he does.
    pub(crate) async fn be_there(&mut self) {
        let mut watch = json!({"t": "watch", "game": self.seat.game});
        for _ in 0..MAX_TRIES {
            if self.socket.is_none() {
                self.connect().await;
            } else if self.story.borrow().is_there {
                return;
            } else if let Some(answer) = self.ask_once(&mut watch).await
                && answer["t"] == "game"
            {
                self.change(|story| story.is_there = true);
            } else {
                sleep(RETRY_PAUSE).await;
            }
        }
        panic!("no way back to game {}", self.seat.game);
    }

    async fn connect(&mut self) {
        let socket = RawClient::connect(&self.seat.address, &self.seat.token).await;
        let Some(mut socket) = socket else {
            return sleep(RETRY_PAUSE).await;
        };
        if !self.seat.echoes_pings {
            socket.leave_pings();
        }
        let Heard::Frame(hello) = socket.next().await else {
            return;
        };
        let visit = Visit {
            node: hello["node"].as_str().unwrap().to_owned(),
            was_unavailable: false,
            was_well_again: false,
            was_draining: false,
            end: None,
        };
        self.change(|story| story.visits.push(visit));
        self.socket = Some(socket);
    }

    /// The next frame; nothing if a ping came or the socket ended.
    async fn hear(&mut self) -> Option<Value> {
        match self.socket.as_mut()?.next().await {
            Heard::Frame(frame) => {
                self.change(|story| note(story, &frame));
                return Some(frame);
            }
            Heard::Ping => {
                // A sign of life that measures nothing.
                let _ = self.socket.as_mut()?.send(&json!({"t": "ping"})).await;
            }
            Heard::Closed(code) => self.end(End::Closed(code)),
            Heard::Gone => self.end(End::Broken),
        }
        None
    }

    fn end(&mut self, end: End) {
        self.socket = None;
        self.change(|story| {
            story.is_there = false;
            story.visits.last_mut().unwrap().end = Some(end);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Story)) {
        self.story.send_modify(change);
    }
}

fn note(story: &mut Story, frame: &Value) {
    let visit = story.visits.last_mut().unwrap();
    match frame["t"].as_str().unwrap() {
        "status" if frame["store"] == "unavailable" => visit.was_unavailable = true,
        "status" => visit.was_well_again = visit.was_unavailable,
        "draining" => visit.was_draining = true,
        "game" | "move" => {
            let ply = usize::try_from(frame["ply"].as_u64().unwrap()).unwrap();
            assert_ne!(frame["reset"], true, "nothing was lost: {frame}");
            story.ply = story.ply.max(ply);
            if frame["t"] == "game" && frame["status"] != "started" {
                story.ended = Some(frame.clone());
            }
        }
        "end" => story.ended = Some(frame.clone()),
        "error" => {
            let code = frame["code"].as_str().unwrap();
            assert!(["unavailable", "game_over"].contains(&code), "{frame}");
        }
        _ => {}
    }
}
