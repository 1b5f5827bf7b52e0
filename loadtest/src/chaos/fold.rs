//! A whole log by rules of our own: the positions by a chess library that the server's log knows nothing of, the clocks by
//! the sums that the protocol says. It tells what is wrong; it compares with nobody.

use std::collections::HashMap;

use shakmaty::fen::Fen;
use shakmaty::uci::UciMove;
use shakmaty::{CastlingMode, Chess, Color, EnPassantMode, Position as _};

use super::entry::{self, Charge, Entry, Event, Setup};

/// Milliseconds that a quota gets for the work of both ends, beside the round trip.
const LAG_ALLOWANCE: u64 = 140;

/// The half-moves at which a game is a draw.
const MAX_PLIES: usize = 600;

/// How a game stands after an entry.
#[derive(Debug, Clone)]
pub(super) struct After {
    pub(super) fen: String,
    pub(super) moves: Vec<String>,
    /// White's, Black's, at the start of the turn; in milliseconds, as all here.
    pub(super) remaining: [u64; 2],
    pub(super) turn_started: u64,
    pub(super) at: u64,
    /// `started`, or how it ended.
    pub(super) status: String,
    pub(super) winner: Option<usize>,
    /// What the frame of this entry says, in words of ours.
    pub(super) says: String,
    pub(super) event: Option<Event>,
    /// Who did it; nobody where time did.
    pub(super) by: Option<usize>,
}

impl After {
    pub(super) const fn turn(&self) -> usize {
        self.moves.len() % 2
    }

    /// Both clocks as a frame has to show them that is made at this moment.
    pub(super) fn shown_at(&self, now: u64) -> [u64; 2] {
        let mut shown = self.remaining;
        if self.status == "started" && self.moves.len() >= 2 {
            let running = &mut shown[self.turn()];
            *running = running.saturating_sub(now.saturating_sub(self.turn_started));
        }
        shown
    }
}

/// Something in a log that cannot be: the invariant, the version, and why.
pub(super) type Wrong = (&'static str, u32, String);

/// A log that was read to its end.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// The state at version 1, 2, and so on.
    pub(super) states: Vec<After>,
    pub(super) wrong: Vec<Wrong>,
}

impl Folded {
    pub(super) fn at(&self, version: u32) -> Option<&After> {
        self.states
            .get(usize::try_from(version).ok()?.checked_sub(1)?)
    }

    pub(super) fn head(&self) -> u32 {
        u32::try_from(self.states.len()).unwrap_or(u32::MAX)
    }
}

/// Reads a log, oldest line first.
pub(super) fn fold(lines: &[String]) -> Folded {
    let mut folded = Folded::default();
    let Some(setup) = lines.first().and_then(|line| entry::setup(line)) else {
        folded.wrong.push(("I2", 1, "no set-up".to_owned()));
        return folded;
    };
    let mut folder = Folder::begin(&setup);
    folded.states.push(folder.after("".to_owned(), None));
    for (version, line) in (2_u32..).zip(&lines[1..]) {
        let Some(entry) = entry::entry(line) else {
            let wrong = ("I2", version, format!("not an entry: {line}"));
            folded.wrong.push(wrong);
            return folded;
        };
        let says = folder.add(&entry, version);
        folded.states.push(folder.after(says, Some(&entry)));
    }
    folder.end_if_over(folded.head());
    folded.wrong.append(&mut folder.wrong);
    folded
}

struct Folder {
    position: Chess,
    /// Each position since the game began, as far as repetition goes.
    seen: Vec<String>,
    moves: Vec<String>,
    /// The clocks after each move.
    clocks: Vec<[u64; 2]>,
    initial: u64,
    increment: u64,
    max_gain: u64,
    remaining: [u64; 2],
    quota: [u64; 2],
    turn_started: u64,
    at: u64,
    end: Option<(String, Option<usize>)>,
    draw_offer: Option<usize>,
    takeback_offer: Option<usize>,
    tags: HashMap<String, u32>,
    by: Option<usize>,
    wrong: Vec<Wrong>,
}

impl Folder {
    fn begin(setup: &Setup) -> Self {
        let seconds = (setup.limit + 40 * setup.increment) / 1000;
        let max_gain = (4 * seconds + 150).min(1000);
        let initial = match setup.limit {
            0 => setup.increment.max(3000),
            limit => limit,
        };
        let position = Chess::default();
        Self {
            seen: vec![key(&position)],
            position,
            moves: Vec::new(),
            clocks: Vec::new(),
            initial,
            increment: setup.increment,
            max_gain,
            remaining: [initial; 2],
            quota: [3 * max_gain; 2],
            turn_started: 0,
            at: 0,
            end: None,
            draw_offer: None,
            takeback_offer: None,
            tags: HashMap::new(),
            by: None,
            wrong: Vec::new(),
        }
    }

    fn after(&self, says: String, entry: Option<&Entry>) -> After {
        let (status, winner) = match &self.end {
            Some((status, winner)) => (status.clone(), *winner),
            None => ("started".to_owned(), None),
        };
        After {
            fen: Fen::from_position(&self.position, EnPassantMode::Legal).to_string(),
            moves: self.moves.clone(),
            remaining: self.remaining,
            turn_started: self.turn_started,
            at: self.at,
            status,
            winner,
            says,
            event: entry.map(|entry| entry.event.clone()),
            by: self.by,
        }
    }

    fn add(&mut self, entry: &Entry, version: u32) -> String {
        if entry.at < self.at {
            self.blame("I9", version, format!("{} after {}", entry.at, self.at));
        }
        self.at = entry.at.max(self.at);
        // The entries of one append follow each other.
        if let Some(before) = self.tags.insert(entry.tag.clone(), version)
            && before + 1 != version
        {
            let why = format!("the tag of version {before} again: {}", entry.tag);
            self.blame("I4", version, why);
        }
        let is_rematch = matches!(
            &entry.event,
            Event::Said {
                about: "rematch",
                ..
            }
        );
        if self.end.is_some() != is_rematch {
            let why = format!("{:?}, and the end was {:?}", entry.event, self.end);
            self.blame("I6", version, why);
        }
        match &entry.event {
            Event::Played { uci, charge } => self.play(uci, *charge, version),
            Event::Said {
                about,
                act,
                by,
                to,
                next,
            } => {
                self.by = Some(*by);
                self.say((about, act, *by), *to, version);
                let mut says = format!("{about} {} {act}", name(*by));
                says.extend(to.map(|to| format!(" {to}")));
                says.extend(next.as_ref().map(|next| format!(" {next}")));
                says
            }
            Event::Time { to, ms } => {
                self.by = Some(1 - to);
                self.remaining[*to] += ms;
                format!("time {} {ms}", name(*to))
            }
            Event::Ended {
                status,
                winner,
                why,
                by,
            } => {
                self.by = *by;
                self.finish((status, *winner, why.as_deref(), *by), version);
                format!("end {status} {}", winner.map_or("", name))
            }
        }
    }

    fn play(&mut self, uci: &str, charge: Option<Charge>, version: u32) -> String {
        let side = self.moves.len() % 2;
        self.by = Some(side);
        let says = format!("move {} {uci}", self.moves.len() + 1);
        let parsed = uci.parse::<UciMove>().ok();
        let Some(mv) = parsed.and_then(|uci| uci.to_move(&self.position).ok()) else {
            self.blame("I5", version, format!("{uci} is illegal"));
            return says;
        };
        if charge.is_some() != (self.moves.len() >= 2) {
            self.blame("I9", version, format!("charge {charge:?}"));
        }
        if let Some(charge) = charge {
            self.charge(side, charge, version);
        }
        self.moves
            .push(mv.to_uci(CastlingMode::Standard).to_string());
        self.position.play_unchecked(mv);
        self.seen.push(key(&self.position));
        self.clocks.push(self.remaining);
        self.turn_started = self.at;
        self.takeback_offer = None;
        self.draw_offer = self.draw_offer.filter(|by| *by == side);
        says
    }

    fn charge(&mut self, side: usize, charge: Charge, version: u32) {
        let passed = self.at - self.turn_started;
        let elapsed = charge.elapsed.min(passed);
        let compensated = charge.compensated.min(elapsed);
        let quota = self.quota[side];
        if compensated > quota {
            let why = format!("{compensated} ms forgiven of a quota of {quota}");
            self.blame("I9", version, why);
        }
        let used = elapsed - compensated;
        if used >= self.remaining[side] {
            let left = self.remaining[side];
            let why = format!("a move that took {used} ms of {left}");
            self.blame("I9", version, why);
        }
        let gain = self
            .max_gain
            .min(charge.round_trip.unwrap_or(0) + LAG_ALLOWANCE);
        self.quota[side] = (quota.saturating_sub(compensated) + gain).min(7 * self.max_gain);
        self.remaining[side] = self.remaining[side].saturating_sub(used) + self.increment;
    }

    fn say(&mut self, said: (&str, &str, usize), to: Option<u16>, version: u32) {
        let stands = match said {
            ("draw", "offer", by) => {
                self.draw_offer = Some(by);
                true
            }
            ("takeback", "offer", by) => {
                self.takeback_offer = Some(by);
                true
            }
            ("draw", _, by) => self.draw_offer.take() == Some(1 - by),
            ("takeback", "decline", by) => self.takeback_offer.take() == Some(1 - by),
            ("takeback", _, by) => {
                let stood = self.takeback_offer.take() == Some(1 - by);
                stood && self.take_back(to.unwrap_or(u16::MAX).into())
            }
            _ => true,
        };
        if !stands {
            self.blame(
                "I5",
                version,
                format!("{said:?}, and nobody had offered it"),
            );
        }
    }

    fn take_back(&mut self, to: usize) -> bool {
        if to >= self.moves.len() {
            return false;
        }
        self.moves.truncate(to);
        self.clocks.truncate(to);
        self.position = Chess::default();
        for uci in &self.moves {
            let parsed = uci.parse::<UciMove>().ok();
            if let Some(mv) = parsed.and_then(|uci| uci.to_move(&self.position).ok()) {
                self.position.play_unchecked(mv);
            }
        }
        self.seen.truncate(to + 1);
        self.remaining = self.clocks.last().copied().unwrap_or([self.initial; 2]);
        self.turn_started = self.at;
        self.draw_offer = None;
        true
    }

    fn finish(
        &mut self,
        (status, winner, why, by): (&str, Option<usize>, Option<&str>, Option<usize>),
        version: u32,
    ) {
        let side = self.moves.len() % 2;
        let passed = self.at - self.turn_started;
        let runs = self.moves.len() >= 2;
        let repeated = self
            .seen
            .iter()
            .filter(|seen| Some(*seen) == self.seen.last());
        let is_right = match (status, why) {
            ("mate", None) => self.position.is_checkmate() && winner == Some(1 - side),
            ("stalemate", None) => self.position.is_stalemate() && winner.is_none(),
            ("resign", None) => winner == by.map(|by| 1 - by) && winner.is_some(),
            ("aborted", None) => self.moves.len() < 2,
            ("draw", Some("agreement")) => self.draw_offer == by.map(|by| 1 - by) && by.is_some(),
            ("draw", Some("dead")) => self.position.is_insufficient_material(),
            ("draw", Some("fivefold")) => repeated.count() >= 5,
            ("draw", Some("seventyfive")) => self.position.halfmoves() >= 150,
            ("draw", Some("maxPlies")) => self.moves.len() >= MAX_PLIES,
            ("outoftime", None) => {
                let color = if side == 0 {
                    Color::Black
                } else {
                    Color::White
                };
                let can_mate = !self.position.has_insufficient_material(color);
                let expected = can_mate.then_some(1 - side);
                runs && passed >= self.remaining[side] && winner == expected
            }
            _ => false,
        };
        if !is_right {
            let left = self.remaining;
            let why = format!(
                "{status} {why:?}, winner {winner:?}, by {by:?}: {passed} ms of the turn had passed, {left:?} were left"
            );
            self.blame(
                if status == "outoftime" { "I9" } else { "I5" },
                version,
                why,
            );
        }
        if runs {
            self.remaining[side] = self.remaining[side].saturating_sub(passed);
        }
        self.end = Some((status.to_owned(), winner));
    }

    /// What the rules end has to be ended in the log.
    fn end_if_over(&mut self, version: u32) {
        let is_over = self.position.is_checkmate()
            || self.position.is_stalemate()
            || self.position.is_insufficient_material();
        if is_over && self.end.is_none() {
            self.blame("I5", version, "the game is over and has no end".to_owned());
        }
    }

    fn blame(&mut self, invariant: &'static str, version: u32, why: String) {
        self.wrong.push((invariant, version, why));
    }
}

fn key(position: &Chess) -> String {
    let fen = Fen::from_position(position, EnPassantMode::Legal).to_string();
    let words: Vec<&str> = fen.split(' ').take(4).collect();
    words.join(" ")
}

pub(super) const fn name(side: usize) -> &'static str {
    if side == 0 { "white" } else { "black" }
}
