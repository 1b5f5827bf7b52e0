//! A game: plain values, and what a move makes of them. No IO. Frames have the fields of Zeitnot's, so that all are told the
//! same and judged the same.

use serde::Serialize;
use shakmaty::fen::Fen;
use shakmaty::san::SanPlus;
use shakmaty::uci::UciMove;
use shakmaty::{CastlingMode, Chess, EnPassantMode, Position as _};

const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

/// Everything that is stored. Times are in milliseconds; version 1 is the set-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Game {
    pub id: String,
    pub white: String,
    pub black: String,
    pub v: u32,
    pub ply: u32,
    pub fen: String,
    pub moves: String,
    pub status: String,
    pub initial: i64,
    pub increment: i64,
    pub wms: i64,
    pub bms: i64,
    pub at: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Clock {
    initial: i64,
    increment: i64,
    white: i64,
    black: i64,
    running: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Lag {
    elapsed: i64,
    compensated: i64,
}

/// What everybody in the room is told; each has a version of its own.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum Frame {
    Move {
        game: String,
        v: u32,
        ply: u32,
        uci: String,
        san: String,
        fen: String,
        clock: Clock,
        at: i64,
        now: i64,
        lag: Lag,
    },
    End {
        game: String,
        v: u32,
        status: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        winner: Option<&'static str>,
        clock: Clock,
    },
}

/// The whole game, for who joins.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    t: &'static str,
    re: Option<u32>,
    game: String,
    v: u32,
    moves: String,
    fen: String,
    ply: u32,
    turn: &'static str,
    clock: Clock,
    status: String,
    at: i64,
    now: i64,
}

/// The code of why a message was not done.
pub type Refusal = &'static str;

impl Frame {
    /// The name of its event.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Move { .. } => "move",
            Self::End { .. } => "end",
        }
    }
}

impl Game {
    /// One in which nobody has moved; limit and increment in seconds.
    pub fn begin(
        id: String,
        [white, black]: [String; 2],
        (limit, increment): (i64, i64),
        now: i64,
    ) -> Self {
        Self {
            id,
            white,
            black,
            v: 1,
            ply: 0,
            fen: START.to_owned(),
            moves: String::new(),
            status: "started".to_owned(),
            initial: limit * 1000,
            increment: increment * 1000,
            wms: limit * 1000,
            bms: limit * 1000,
            at: now,
        }
    }

    const fn turn(&self) -> &'static str {
        if self.ply % 2 == 0 { "white" } else { "black" }
    }

    fn is_running(&self) -> bool {
        self.ply >= 2 && self.status == "started"
    }

    /// When the side to move has no time left; the first move of each side is free.
    pub fn deadline(&self) -> Option<i64> {
        let left = if self.ply % 2 == 0 {
            self.wms
        } else {
            self.bms
        };
        self.is_running().then(|| self.at + left)
    }

    /// What a user's move makes of it: the game after it, and the frames that tell of it.
    pub fn play(
        &self,
        user: Option<&str>,
        (uci, ply): (&str, u32),
        now: i64,
    ) -> Result<(Self, Vec<Frame>), Refusal> {
        let (mover, other) = if self.ply % 2 == 0 {
            (&self.white, &self.black)
        } else {
            (&self.black, &self.white)
        };
        match user {
            _ if self.status != "started" => return Err("game_over"),
            Some(user) if user == mover || user == other => {}
            Some(_) | None => return Err("forbidden"),
        }
        if ply != self.ply {
            return Err("stale");
        }
        if user == Some(other) {
            return Err("not_your_turn");
        }
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            return Ok(self.flag());
        }
        let fen: Fen = self.fen.parse().map_err(|_| "unavailable")?;
        let mut position: Chess = fen
            .into_position(CastlingMode::Standard)
            .map_err(|_| "unavailable")?;
        let parsed: UciMove = uci.parse().map_err(|_| "bad_request")?;
        let mv = parsed.to_move(&position).map_err(|_| "illegal_move")?;
        let san = SanPlus::from_move_and_play_unchecked(&mut position, mv).to_string();

        let (elapsed, bonus) = if self.ply < 2 {
            (0, 0)
        } else {
            ((now - self.at).max(0), self.increment)
        };
        let mut next = Self {
            v: self.v + 1,
            ply: self.ply + 1,
            fen: Fen::from_position(&position, EnPassantMode::Legal).to_string(),
            at: now,
            ..self.clone()
        };
        if !next.moves.is_empty() {
            next.moves.push(' ');
        }
        next.moves.push_str(uci);
        *(if self.ply % 2 == 0 {
            &mut next.wms
        } else {
            &mut next.bms
        }) -= elapsed - bonus;
        let status = ending(&position);
        if let Some(status) = status {
            next.status = status.to_owned();
        }
        let mut frames = vec![Frame::Move {
            game: next.id.clone(),
            v: next.v,
            ply: next.ply,
            uci: uci.to_owned(),
            san,
            fen: next.fen.clone(),
            clock: next.clock(),
            at: now,
            now,
            lag: Lag {
                elapsed,
                compensated: 0,
            },
        }];
        if let Some(status) = status {
            frames.push(next.end(status, (status == "mate").then(|| self.turn())));
        }
        Ok((next, frames))
    }

    /// Its end by time.
    pub fn flag(&self) -> (Self, Vec<Frame>) {
        let mut next = self.clone();
        let winner = if self.ply % 2 == 0 { "black" } else { "white" };
        let frame = next.end("outoftime", Some(winner));
        (next, vec![frame])
    }

    fn end(&mut self, status: &str, winner: Option<&'static str>) -> Frame {
        self.v += 1;
        self.status = status.to_owned();
        Frame::End {
            game: self.id.clone(),
            v: self.v,
            status: self.status.clone(),
            winner,
            clock: self.clock(),
        }
    }

    /// All of it; `re` is the number of the message that it answers.
    pub fn snapshot(self, re: Option<u32>, now: i64) -> Snapshot {
        let mut clock = self.clock();
        match clock.running {
            Some("white") => clock.white -= now - self.at,
            Some(_) => clock.black -= now - self.at,
            None => {}
        }
        Snapshot {
            t: "game",
            re,
            v: self.v,
            ply: self.ply,
            turn: self.turn(),
            clock,
            at: self.at,
            now,
            game: self.id,
            moves: self.moves,
            fen: self.fen,
            status: self.status,
        }
    }

    /// What is left as of the moment of the last move.
    fn clock(&self) -> Clock {
        Clock {
            initial: self.initial,
            increment: self.increment,
            white: self.wms,
            black: self.bms,
            running: self.is_running().then(|| self.turn()),
        }
    }
}

fn ending(position: &Chess) -> Option<&'static str> {
    if position.is_checkmate() {
        Some("mate")
    } else if position.is_stalemate() {
        Some("stalemate")
    } else if position.is_insufficient_material() {
        Some("draw")
    } else {
        None
    }
}
