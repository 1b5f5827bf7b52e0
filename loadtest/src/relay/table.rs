//! One table: two players at two nodes, who play real games, move by move as they are due.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rand::Rng as _;
use tokio::sync::mpsc;
use tokio::time::{interval_at, sleep_until};

use super::oracle::{self, Heard, Oracle};
use super::tally::Tally;
use super::target::Side;
use crate::client::{Client, Text};
use crate::score::Score;

/// How often a client says that it lives, as the protocol wants it.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long the last moves may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// A player and his socket.
#[derive(Debug)]
struct Player {
    client: Client,
    oracle: Oracle,
    /// His moves whose answer has not come: the ply, and when it was due.
    unanswered: VecDeque<(u16, Instant)>,
}

/// Two players.
#[derive(Debug)]
pub(super) struct Table {
    side: Side,
    players: [Player; 2],
    /// The game that is played, and those after it.
    games: VecDeque<String>,
    score: Score,
    /// Plies of this game that were sent, and that the opponent has.
    sent: u16,
    delivered: u16,
    /// When the last one that was sent was due.
    due: Instant,
    /// Moves that are due and cannot be made yet.
    waiting: VecDeque<Instant>,
    /// Players who have not been shown the game yet.
    opening: usize,
    /// Only moves that are due in this time count.
    window: Range<Instant>,
    tally: Arc<Mutex<Tally>>,
}

impl Table {
    /// White and Black, and the games that they play one after the other.
    pub(super) fn new(
        side: Side,
        [white, black]: [Client; 2],
        (games, score): (VecDeque<String>, Score),
        (window, tally): (Range<Instant>, Arc<Mutex<Tally>>),
    ) -> Self {
        let player = |client, moves_first| Player {
            client,
            oracle: Oracle::new(side, moves_first),
            unanswered: VecDeque::new(),
        };
        Self {
            side,
            players: [player(white, true), player(black, false)],
            games,
            score,
            sent: 0,
            delivered: 0,
            due: window.start,
            waiting: VecDeque::new(),
            opening: 0,
            window,
            tally,
        }
    }

    /// Plays a move whenever one is due, until there are no more. Both follow the first game already.
    pub(super) async fn play(mut self, mut dues: mpsc::Receiver<Instant>) -> anyhow::Result<()> {
        // Not all at once: people do not sit down at the same moment.
        let first = HEARTBEAT.mul_f64(rand::rng().random_range(0.0..1.0));
        let mut heartbeat = interval_at((Instant::now() + first).into(), HEARTBEAT);
        let mut give_up = None;
        while give_up.is_none() || !self.is_done() {
            let [white, black] = &mut self.players;
            tokio::select! {
                frame = white.client.next() => self.on_frame(0, frame?)?,
                frame = black.client.next() => self.on_frame(1, frame?)?,
                due = dues.recv(), if give_up.is_none() => match due {
                    Some(due) => self.waiting.push_back(due),
                    None => give_up = Some(Instant::now() + PATIENCE),
                },
                _ = heartbeat.tick(), if self.side == Side::Zeitnot => self.ping().await?,
                () = sleep_until(give_up.unwrap_or_else(Instant::now).into()), if give_up.is_some() => break,
            }
            self.go_on().await?;
        }
        ensure!(self.is_done(), "moves did not arrive in time");
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.is_settled()
    }

    /// Whether everybody has heard of everything that was sent.
    fn is_settled(&self) -> bool {
        let knows_all =
            |player: &Player| player.unanswered.is_empty() && player.oracle.has_heard(self.sent);
        self.opening == 0 && self.players.iter().all(knows_all)
    }

    fn on_frame(&mut self, number: usize, (text, at): (Text, Instant)) -> anyhow::Result<()> {
        let game = self.games.front().map_or("", String::as_str);
        let player = &mut self.players[number];
        let heard = player.oracle.hear(&text, (game, &self.score, self.sent))?;
        match heard {
            Heard::Other => {}
            Heard::Game => {
                ensure!(self.opening > 0, "a snapshot that nobody asked for: {text}");
                self.opening -= 1;
            }
            Heard::Played(ply) if mover(ply) == number => {}
            Heard::Played(ply) => {
                self.delivered = ply + 1;
                let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.arrived += u64::from(self.window.contains(&at));
                if self.window.contains(&self.due) {
                    tally.opponent.record(at - self.due);
                }
            }
            Heard::Stored(ply) => {
                let next = player.unanswered.pop_front();
                let Some((_, due)) = next.filter(|(other, _)| *other == ply) else {
                    anyhow::bail!("an answer that nobody waits for: {text}");
                };
                if self.window.contains(&due) {
                    let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.own.record(at - due);
                }
            }
        }
        Ok(())
    }

    /// Makes the next move if it is due and can be made; after the last one, the next game begins.
    async fn go_on(&mut self) -> anyhow::Result<()> {
        if usize::from(self.sent) == self.score.len() {
            if self.is_settled() {
                self.begin_next().await?;
            }
            return Ok(());
        }
        if self.delivered < self.sent || self.opening > 0 {
            return Ok(());
        }
        let Some(due) = self.waiting.pop_front() else {
            return Ok(());
        };
        let game = self.games.front().map_or("", String::as_str);
        let message = oracle::play(game, &self.score, self.sent);
        let player = &mut self.players[mover(self.sent)];
        if self.side == Side::Zeitnot {
            player.unanswered.push_back((self.sent, due));
        }
        self.sent += 1;
        self.due = due;
        if self.window.contains(&due) {
            let late = due.elapsed();
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.start.record(late);
        }
        player.client.send(message).await
    }

    async fn begin_next(&mut self) -> anyhow::Result<()> {
        (self.sent, self.delivered) = (0, 0);
        for player in &mut self.players {
            player.oracle.begin();
        }
        if self.side == Side::Floor {
            return Ok(());
        }
        let over = self.games.pop_front().unwrap_or_default();
        let Some(next) = self.games.front() else {
            anyhow::bail!("no game is left");
        };
        for player in &mut self.players {
            player.client.send(oracle::unwatch(&over)).await?;
            player.client.send(oracle::watch(next)).await?;
            self.opening += 1;
        }
        Ok(())
    }

    async fn ping(&mut self) -> anyhow::Result<()> {
        for player in &mut self.players {
            player.client.send(r#"{"t":"ping"}"#.to_owned()).await?;
        }
        Ok(())
    }
}

/// Which player makes the move after so many plies.
fn mover(ply: u16) -> usize {
    usize::from(ply % 2)
}
