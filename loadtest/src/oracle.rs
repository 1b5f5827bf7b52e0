//! What a follower of a game must be told, frame by frame: nothing lost, nothing twice, nothing out of order, the moves
//! that were sent as the rules have them, and clocks that add up. Pure; it goes on after a failure.

use serde::Deserialize;

use crate::clocks::{Clocks, Lag, Shown, Times};
use crate::failures::{Failures, Kind};
use crate::line::{Ending, Line};
use crate::sequence::{FIRST_VERSION, Sequence};
use crate::side::Side;

/// Ids of messages that are no moves. A move's is its ply.
const WATCH_ID: u16 = 10_000;
const RESIGN_ID: u16 = 10_001;

/// The message that says that one lives.
pub(crate) const PING: &str = r#"{"t":"ping"}"#;

/// What a frame means to who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing that matters here.
    Other,
    /// The game, from its beginning.
    Game,
    /// All moves up to the one after so many plies.
    Played(u16),
    /// That one's own such move is stored, or refused.
    Answered(u16),
    /// The end of the game.
    Ended,
}

/// A game that is played: by its id, with its moves, of which so many were sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Played<'a> {
    pub(crate) game: &'a str,
    pub(crate) line: &'a Line,
    pub(crate) sent: u16,
}

/// One follower's ear.
#[derive(Debug)]
pub(crate) struct Oracle {
    side: Side,
    /// White 0, Black 1; none for a spectator, who may be shown a snapshot in the place of moves.
    seat: Option<usize>,
    sequence: Sequence,
    /// None where nothing is known of them.
    clocks: Option<Clocks>,
    has_ended: bool,
}

/// The fields of a frame that are looked at.
#[derive(Debug, Deserialize)]
struct Frame<'a> {
    t: &'a str,
    game: Option<&'a str>,
    v: Option<u16>,
    ply: Option<u16>,
    uci: Option<&'a str>,
    san: Option<&'a str>,
    fen: Option<&'a str>,
    moves: Option<&'a str>,
    re: Option<u16>,
    store: Option<&'a str>,
    status: Option<&'a str>,
    winner: Option<&'a str>,
    clock: Option<Shown>,
    at: Option<u64>,
    now: Option<u64>,
    lag: Option<Lag>,
}

impl Frame<'_> {
    fn times(&self) -> Option<Times> {
        Some(Times {
            clock: self.clock?,
            at: self.at?,
            now: self.now?,
            lag: self.lag,
        })
    }
}

impl Oracle {
    pub(crate) const fn new(side: Side, seat: Option<usize>) -> Self {
        Self {
            side,
            seat,
            sequence: Sequence::from(FIRST_VERSION),
            clocks: None,
            has_ended: false,
        }
    }

    /// A new game begins.
    pub(crate) fn begin(&mut self) {
        *self = Self::new(self.side, self.seat);
    }

    fn plies(&self) -> u16 {
        self.sequence.head() - FIRST_VERSION
    }

    /// Versions that a snapshot stood for.
    pub(crate) const fn skipped(&self) -> u64 {
        self.sequence.skipped()
    }

    /// Whether all that was played has been heard of.
    pub(crate) fn has_heard(&self, plies: u16) -> bool {
        match self.side {
            // It does not tell a player of his own moves.
            Side::Floor => plies.saturating_sub(self.plies()) <= 1,
            Side::StoringFloor | Side::Zeitnot | Side::Peer(_) => self.plies() >= plies,
        }
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Nothing comes any more: what is missing up to this version is lost.
    pub(crate) fn end(&self, version: u16, failures: &mut Failures) {
        if self.side != Side::Floor {
            self.sequence.clone().end(version, failures);
        }
    }

    /// Reads a frame.
    pub(crate) fn hear(
        &mut self,
        text: &str,
        played: Played<'_>,
        failures: &mut Failures,
    ) -> Heard {
        if self.side.is_floor() {
            return self.hear_floor(text, played, failures);
        }
        let frame: Frame<'_> = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                failures.add(Kind::Unexpected, || format!("{error}: {text}"));
                return Heard::Other;
            }
        };
        match self.read(&frame, played, failures) {
            Ok(heard) => heard,
            Err((kind, why)) => {
                let plies = self.plies();
                failures.add(kind, || format!("{why}: {text}, after {plies} plies"));
                Heard::Other
            }
        }
    }

    fn hear_floor(&mut self, text: &str, played: Played<'_>, failures: &mut Failures) -> Heard {
        let plies = self.plies();
        let is_own = self.seat == Some(usize::from(plies % 2));
        let is_answer = is_own && self.side == Side::StoringFloor;
        let ply = plies + u16::from(is_own && !is_answer);
        let expected = play(played, ply);
        if ply >= played.sent || text != expected {
            failures.add(Kind::Wrong, || format!("{text} instead of {expected}"));
        }
        self.sequence = Sequence::from(FIRST_VERSION + ply + 1);
        if is_answer {
            Heard::Answered(ply)
        } else {
            Heard::Played(ply)
        }
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        played: Played<'_>,
        failures: &mut Failures,
    ) -> Result<Heard, (Kind, &'static str)> {
        let is_of_game = frame.game == Some(played.game);
        match frame.t {
            // A game that was left may still be heard of.
            "move" | "game" | "end" if !is_of_game => Ok(Heard::Other),
            "move" => self.on_move(frame, played, failures),
            "game" => self.on_snapshot(frame, played, failures),
            "end" => self.on_end(frame, played, failures),
            "ok" => match frame.re {
                Some(ply) if ply < WATCH_ID => {
                    if frame.v != Some(last_version(played.line, ply)) {
                        return Err((Kind::Wrong, "wrong version"));
                    }
                    Ok(Heard::Answered(ply))
                }
                _ => Ok(Heard::Other),
            },
            "error" => {
                failures.add(Kind::Refused, || format!("{frame:?}"));
                Ok(frame.re.map_or(Heard::Other, Heard::Answered))
            }
            "status" if frame.store != Some("ok") => Err((Kind::Refused, "the store is away")),
            "pong" | "presence" | "crowd" | "game_start" | "chat" | "status" => Ok(Heard::Other),
            _ => Err((Kind::Unexpected, "nothing of that kind was expected")),
        }
    }

    fn on_move(
        &mut self,
        frame: &Frame<'_>,
        played: Played<'_>,
        failures: &mut Failures,
    ) -> Result<Heard, (Kind, &'static str)> {
        let version = frame.v.filter(|version| *version > FIRST_VERSION);
        let version = version.ok_or((Kind::Wrong, "no version"))?;
        let head = self.sequence.head();
        let is_next = self.sequence.take(version, failures);
        if version <= head {
            return Ok(Heard::Other);
        }
        let ply = version - FIRST_VERSION;
        if let Err((kind, why)) = judge(frame, (ply, played)) {
            failures.add(kind, || format!("{why}: {frame:?}"));
        }
        let clocks = self.clocks.take().filter(|_| is_next);
        self.clocks = frame.times().map(|times| match clocks {
            Some(mut clocks) => {
                if let Err(why) = clocks.press(ply, &times) {
                    failures.add(Kind::WrongClock, || format!("{why}: {frame:?}"));
                }
                clocks
            }
            None => Clocks::adopt(&times),
        });
        Ok(Heard::Played(ply - 1))
    }

    fn on_snapshot(
        &mut self,
        frame: &Frame<'_>,
        played: Played<'_>,
        failures: &mut Failures,
    ) -> Result<Heard, (Kind, &'static str)> {
        let version = frame.v.ok_or((Kind::Wrong, "no version"))?;
        let moves = frame.moves.unwrap_or_default();
        if !played.line.begins_with(moves) {
            return Err((Kind::Wrong, "moves that nobody sent"));
        }
        self.clocks = frame.times().map(|times| Clocks::adopt(&times));
        if frame.re == Some(WATCH_ID) {
            if version != FIRST_VERSION {
                return Err((Kind::Unexpected, "it has begun"));
            }
            return Ok(Heard::Game);
        }
        if self.seat.is_some() {
            return Err((Kind::Unexpected, "a snapshot that nobody asked for"));
        }
        self.sequence.jump(version, failures);
        self.has_ended |= frame.status.is_some_and(|status| status != "started");
        let ply = frame.ply.unwrap_or_default();
        Ok(ply.checked_sub(1).map_or(Heard::Other, Heard::Played))
    }

    fn on_end(
        &mut self,
        frame: &Frame<'_>,
        played: Played<'_>,
        failures: &mut Failures,
    ) -> Result<Heard, (Kind, &'static str)> {
        let version = frame.v.ok_or((Kind::Wrong, "no version"))?;
        self.sequence.take(version, failures);
        self.has_ended = true;
        let plies = played.line.plies();
        // Who is to move in the end has lost.
        let winner = Some(if plies.is_multiple_of(2) {
            "black"
        } else {
            "white"
        });
        let (status, winner) = match played.line.ending() {
            Ending::Mate => ("mate", winner),
            Ending::Resignation => ("resign", winner),
            Ending::Drawn(status) => (status, None),
            Ending::Never => return Err((Kind::Wrong, "it does not end")),
        };
        if (frame.status, frame.winner) != (Some(status), winner) || played.sent != plies {
            return Err((Kind::Wrong, "another end"));
        }
        Ok(Heard::Ended)
    }
}

/// The last entry that the move after so many plies writes: one that ends the game writes the end too.
fn last_version(line: &Line, ply: u16) -> u16 {
    let ends = ply + 1 == line.plies() && matches!(line.ending(), Ending::Mate | Ending::Drawn(_));
    FIRST_VERSION + ply + 1 + u16::from(ends)
}

/// Whether a move is what was sent, and what the rules make of it.
fn judge(frame: &Frame<'_>, (ply, played): (u16, Played<'_>)) -> Result<(), (Kind, &'static str)> {
    let step = played.line.step(ply - 1).filter(|_| ply <= played.sent);
    let step = step.ok_or((Kind::Wrong, "a move that nobody sent"))?;
    let uci = frame.uci.unwrap_or_default();
    if !step.allows(uci) {
        return Err((Kind::Illegal, "against the rules"));
    }
    if uci != step.uci || frame.ply != Some(ply) {
        return Err((Kind::Wrong, "another move than was sent"));
    }
    if frame.san != Some(&step.san) || frame.fen != Some(&step.fen) {
        return Err((Kind::Wrong, "another position than the move leads to"));
    }
    Ok(())
}

/// The message that plays the move after so many plies; both sides are sent the same.
pub(crate) fn play(played: Played<'_>, ply: u16) -> String {
    let uci = played.line.step(ply).map_or("", |step| &step.uci);
    let (game, seen) = (played.game, FIRST_VERSION + ply);
    format!(r#"{{"t":"move","id":{ply},"game":"{game}","uci":"{uci}","ply":{ply},"v":{seen}}}"#)
}

/// The message that gives a game up after so many plies.
pub(crate) fn resign(game: &str, ply: u16) -> String {
    let seen = FIRST_VERSION + ply;
    format!(r#"{{"t":"resign","id":{RESIGN_ID},"game":"{game}","v":{seen}}}"#)
}

/// The message that follows a game.
pub(crate) fn watch(game: &str) -> String {
    format!(r#"{{"t":"watch","id":{WATCH_ID},"game":"{game}"}}"#)
}

/// The message that follows it no longer.
pub(crate) fn unwatch(game: &str) -> String {
    format!(r#"{{"t":"unwatch","game":"{game}"}}"#)
}

#[cfg(test)]
mod tests;
