//! One window of somebody at one game: a socket to any node, another one when it ends, and what it is told. It says the
//! same thing again until it knows the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};

use crate::client::Client;

use super::history::{Answer, Command, History, Told, Try};
use super::shared::{Phase, Presence, Shared};

/// How long a socket or a snapshot may take; then another one is tried.
const OPENING: Duration = Duration::from_millis(1500);

/// How long one try of a command may take, at the least and at the most.
const PATIENCE_MS: std::ops::Range<u64> = 1500..7000;

/// A socket on which nothing is heard for so long is left.
const SILENCE: Duration = Duration::from_secs(8);

/// The pause before something is tried again.
const RETRY: std::ops::Range<u64> = 20..150;

const HEARTBEAT: Duration = Duration::from_secs(4);

/// Frames of which each is one entry.
const ENTRIES: [&str; 6] = ["move", "draw", "takeback", "rematch", "time", "end"];

/// What a window shows.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) v: u32,
    pub(super) fen: String,
    /// Half-moves that were played.
    pub(super) ply: u16,
    pub(super) status: String,
    pub(super) draw_offer: Option<usize>,
    pub(super) takeback_offer: Option<usize>,
    pub(super) rematch_offer: Option<usize>,
    pub(super) next: Option<String>,
}

/// Who sits before it.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) who: Arc<str>,
    /// White 0, Black 1.
    pub(super) seat: Option<usize>,
    pub(super) token: Option<String>,
}

/// One window.
pub(super) struct Window {
    pub(super) person: Person,
    pub(super) game: Arc<str>,
    pub(super) view: View,
    pub(super) rng: StdRng,
    pub(super) phase: watch::Receiver<Phase>,
    shared: Arc<Shared>,
    presence: Presence,
    entrance: String,
    client: Option<Client>,
    heard: Instant,
    pinged: Instant,
    next_id: u64,
    answer: Option<(u64, Answer)>,
}

impl Window {
    pub(super) fn new(
        person: Person,
        game: &Arc<str>,
        (shared, rng): (&Arc<Shared>, StdRng),
    ) -> Self {
        Self {
            presence: Presence::new(shared, &person.who),
            person,
            game: Arc::clone(game),
            view: View::default(),
            rng,
            phase: shared.phase.subscribe(),
            shared: Arc::clone(shared),
            entrance: String::new(),
            client: None,
            heard: Instant::now(),
            pinged: Instant::now(),
            next_id: 1,
            answer: None,
        }
    }

    fn history(&self) -> &History {
        &self.shared.history
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) fn chance(&mut self, of_hundred: u32) -> bool {
        self.rng.random_range(0..100) < of_hundred
    }

    /// Goes away from its node; it comes back to any.
    pub(super) fn leave(&mut self) {
        self.client = None;
    }

    /// Hears what comes until a moment.
    pub(super) async fn listen_until(&mut self, until: Instant) {
        while Instant::now() < until && self.phase() != Phase::Over {
            self.step(until).await;
        }
    }

    /// Says a command until it is answered; the answer is none if the run ended meanwhile.
    pub(super) async fn ask(&mut self, command: &Command) -> Option<Answer> {
        let op = self.shared.next_op();
        while self.phase() != Phase::Over {
            let tried = self.attempt(command, op).await;
            match tried {
                Some(Answer::Unknown("unavailable")) => {
                    if self.rng.random() {
                        self.leave();
                    }
                }
                Some(Answer::Unknown(_)) | None => self.leave(),
                Some(Answer::Refused(code)) if code == "rate_limited" => {}
                Some(answer) => return Some(answer),
            }
            self.pause().await;
        }
        None
    }

    /// Says a command once, and waits for the answer.
    async fn attempt(&mut self, command: &Command, op: u64) -> Option<Answer> {
        if !self.come().await {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        let patience = Duration::from_millis(self.rng.random_range(PATIENCE_MS));
        let sent = self.history().now();
        let until = Instant::now() + patience;
        let message = command.message(&self.game, id);
        let entrance = self.entrance.clone();
        self.answer = None;
        let shared = Arc::clone(&self.shared);
        let flight = shared.fly();
        self.send(message).await;
        let answer = loop {
            match self.answer.take() {
                Some((re, answer)) if re == id => break answer,
                _ => {}
            }
            if self.client.is_none() {
                break Answer::Unknown("the socket ended");
            }
            if Instant::now() >= until || self.phase() == Phase::Over {
                break Answer::Unknown("no answer in time");
            }
            self.step(until).await;
        };
        drop(flight);
        self.shared.history.tried(Try {
            who: Arc::clone(&self.person.who),
            game: Arc::clone(&self.game),
            seat: self.person.seat,
            op,
            command: command.clone(),
            entrance,
            sent,
            done: self.history().now(),
            answer: answer.clone(),
        });
        Some(answer)
    }

    async fn pause(&mut self) {
        let pause = self.rng.random_range(RETRY);
        sleep(Duration::from_millis(pause)).await;
    }

    async fn send(&mut self, text: String) {
        if let Some(client) = &mut self.client {
            let sent = timeout(OPENING, client.send(text)).await;
            if !matches!(sent, Ok(Ok(()))) {
                self.client = None;
            }
        }
    }

    /// The next frame, or what has to be done meanwhile.
    async fn step(&mut self, until: Instant) {
        if !self.come().await {
            self.pause().await;
            return;
        }
        if self.pinged.elapsed() >= HEARTBEAT {
            self.pinged = Instant::now();
            self.send(r#"{"t":"ping"}"#.to_owned()).await;
        }
        if self.heard.elapsed() >= SILENCE {
            self.leave();
            return;
        }
        let Some(client) = &mut self.client else {
            return;
        };
        // It looks at the phase in between.
        let until = until.min(Instant::now() + Duration::from_millis(500));
        match timeout_at(until.into(), client.next()).await {
            Ok(Ok((text, at))) => {
                self.hear(&text, at);
            }
            Ok(Err(_)) => self.leave(),
            Err(_) => {}
        }
    }

    /// Sees to it that there is a socket on which the game is followed. False: not now.
    async fn come(&mut self) -> bool {
        if self.client.is_some() {
            return true;
        }
        self.entrance = self.shared.any_entrance(&mut self.rng);
        let token = self.person.token.as_deref();
        let opened = Client::connect(&self.entrance, "/ws", token);
        let Ok(Ok(client)) = timeout(OPENING, opened).await else {
            return false;
        };
        self.client = Some(client);
        self.heard = Instant::now();
        self.pinged = Instant::now();
        let v = self.view.v;
        let mut watch = json!({"t": "watch", "id": 0, "game": *self.game});
        if v > 0 {
            watch["v"] = json!(v);
        }
        self.send(watch.to_string()).await;
        let until = Instant::now() + OPENING;
        while let Some(client) = &mut self.client {
            match timeout_at(until.into(), client.next()).await {
                Ok(Ok((text, at))) => {
                    if self.hear(&text, at) == Some(0) {
                        return self.client.is_some();
                    }
                }
                _ => self.client = None,
            }
        }
        false
    }

    /// Takes a frame in; the answer is the message that it answers.
    fn hear(&mut self, text: &str, at: Instant) -> Option<u64> {
        self.heard = at;
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let re = frame["re"].as_u64();
        let t = frame["t"].as_str().unwrap_or_default();
        match t {
            "ok" => {
                let v = frame["v"].as_u64().and_then(|v| u32::try_from(v).ok());
                self.answer = re.map(|re| (re, Answer::Ok(v.unwrap_or(0))));
            }
            "error" => {
                let code = frame["code"].as_str().unwrap_or_default();
                let answer = if code == "unavailable" {
                    Answer::Unknown("unavailable")
                } else {
                    Answer::Refused(code.to_owned())
                };
                if re == Some(0) {
                    // The game was not shown: it is asked for elsewhere.
                    self.client = None;
                }
                self.answer = re.map(|re| (re, answer));
            }
            "game" => self.show(&frame, (re, at)),
            _ if ENTRIES.contains(&t) => {
                self.view.take(&frame);
                self.record(frame, (None, at));
            }
            _ => {}
        }
        re
    }

    fn show(&mut self, frame: &Value, (re, at): (Option<u64>, Instant)) {
        let asked = (re == Some(0)).then_some(self.view.v);
        self.view = View::of(frame);
        self.record(frame.clone(), (asked, at));
    }

    fn record(&self, frame: Value, (asked, at): (Option<u32>, Instant)) {
        self.presence.at(&self.game, self.view.v);
        let history = self.history();
        history.told(Told {
            who: Arc::clone(&self.person.who),
            game: Arc::clone(&self.game),
            entrance: self.entrance.clone(),
            at: history.moment(at),
            asked,
            frame,
        });
    }
}

fn side(value: &Value) -> Option<usize> {
    value.as_str().and_then(super::entry::side)
}

fn number<T: TryFrom<u64> + Default>(value: &Value) -> T {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_default()
}

impl View {
    pub(super) fn of(frame: &Value) -> Self {
        let text = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
        Self {
            v: number(&frame["v"]),
            fen: text("fen"),
            ply: number(&frame["ply"]),
            status: text("status"),
            draw_offer: side(&frame["draw_offer"]),
            takeback_offer: side(&frame["takeback_offer"]),
            rematch_offer: side(&frame["rematch_offer"]),
            next: frame["next"].as_str().map(str::to_owned),
        }
    }

    fn take(&mut self, frame: &Value) {
        self.v = number(&frame["v"]);
        if let Some(fen) = frame["fen"].as_str() {
            fen.clone_into(&mut self.fen);
            self.ply = number(&frame["ply"]);
        }
        let offer = match frame["do"].as_str() {
            Some("offer") => side(&frame["by"]),
            _ => None,
        };
        match frame["t"].as_str().unwrap_or_default() {
            "move" => {
                self.takeback_offer = None;
                let mover = usize::from(self.ply.is_multiple_of(2));
                self.draw_offer = self.draw_offer.filter(|by| *by == mover);
            }
            "draw" => self.draw_offer = offer,
            "takeback" => self.takeback_offer = offer,
            "rematch" => {
                self.rematch_offer = offer;
                self.next = frame["next"].as_str().map(str::to_owned);
            }
            "end" => frame["status"]
                .as_str()
                .unwrap_or("?")
                .clone_into(&mut self.status),
            _ => {}
        }
    }
}
