//! What a game's log says, by arithmetic of this test's own: its moves, and both clocks as `PROTOCOL.md` defines them under "Time".

use std::collections::HashSet;

use serde_json::Value;
use zeitnot_game::clock::TimeControl;
use zeitnot_game::entry::Entry;
use zeitnot_game::event::Event;
use zeitnot_game::id::GameId;
use zeitnot_game::outcome::Outcome;
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::Millis;
use zeitnot_loadtest::deployment::RedisServer;

/// Milliseconds that a quota gets for the work of both ends, beside the round trip.
const LAG_ALLOWANCE: u64 = 140;

/// What is forgiven a late flag at most, in milliseconds.
const MAX_GRACE: u64 = 2000;

/// A move that a clock charged. Spans in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charged {
    pub(crate) ply: usize,
    pub(crate) elapsed: u64,
    pub(crate) compensated: u64,
    pub(crate) round_trip: Option<u64>,
    /// What might have been compensated.
    pub(crate) quota: u64,
}

/// A game as its log says. White is 0, Black 1; spans in milliseconds, moments in milliseconds of the game's own scale.
#[derive(Debug)]
pub(crate) struct Reckoning {
    pub(crate) moves: Vec<String>,
    pub(crate) charges: Vec<Charged>,
    pub(crate) outcome: Option<Outcome>,
    /// When the last entry was committed.
    pub(crate) at: u64,
    pub(crate) turn_started: u64,
    /// When the flag of the side to move is to be called, from the third ply on.
    pub(crate) flag_at: u64,
    remaining: [u64; 2],
    quota: [u64; 2],
    increment: u64,
    max_gain: u64,
    entries: usize,
}

/// The lines of a game's log.
pub(crate) fn log(redis: &RedisServer, game: GameId) -> Vec<String> {
    let keys = redis.call(&["KEYS", &format!("*:game:{game}")]).unwrap();
    let key = keys.items()[0].text().unwrap();
    let log = redis.call(&["LRANGE", key, "0", "-1"]).unwrap();
    let lines = log.items().iter();
    lines.map(|line| line.text().unwrap().to_owned()).collect()
}

impl Reckoning {
    /// Reads a game's log and adds it up.
    pub(crate) fn read(redis: &RedisServer, game: GameId) -> Self {
        Self::of(&log(redis, game))
    }

    fn of(lines: &[String]) -> Self {
        let first: FirstEntry = lines[0].parse().unwrap();
        let TimeControl::Clock { limit, increment } = first.setup.terms.time_control else {
            panic!("{}: no clock", lines[0]);
        };
        let seconds = limit.0 / 1000 + 40 * (increment.0 / 1000);
        let max_gain = (4 * seconds + 150).min(1000);
        let initial = match limit.0 {
            0 => increment.0.max(3000),
            limit => limit,
        };
        let mut reckoning = Self {
            moves: Vec::new(),
            charges: Vec::new(),
            outcome: None,
            at: 0,
            turn_started: 0,
            flag_at: 0,
            remaining: [initial; 2],
            quota: [3 * max_gain; 2],
            increment: increment.0,
            max_gain,
            entries: lines.len(),
        };
        let mut tags = HashSet::new();
        for line in &lines[1..] {
            let entry: Entry = line.parse().unwrap();
            assert!(reckoning.outcome.is_none(), "after the end: {line}");
            assert!(entry.at().0 >= reckoning.at, "time goes back: {line}");
            reckoning.add(&entry);
            tags.insert(entry.tag());
        }
        assert_eq!(tags.len(), lines.len() - 1, "an append each: {lines:#?}");
        reckoning
    }

    fn add(&mut self, entry: &Entry) {
        self.at = entry.at().0;
        let passed = self.at - self.turn_started;
        let (ply, side) = (self.moves.len(), self.moves.len() % 2);
        match entry.event().unwrap() {
            Event::Played { mv, charge } => {
                assert_eq!(charge.is_some(), ply >= 2, "{}", entry.as_str());
                if let Some(charge) = charge {
                    let elapsed = charge.elapsed.0.min(passed);
                    let compensated = charge.compensated.0.min(elapsed);
                    let round_trip = charge.round_trip.map(|Millis(ms)| ms);
                    let quota = self.quota[side];
                    assert!(compensated <= quota, "{} of {quota}", entry.as_str());
                    self.charges.push(Charged {
                        ply,
                        elapsed,
                        compensated,
                        round_trip,
                        quota,
                    });
                    let gain = self.max_gain.min(round_trip.unwrap_or(0) + LAG_ALLOWANCE);
                    self.quota[side] = (quota - compensated + gain).min(7 * self.max_gain);
                    self.remaining[side] -= elapsed - compensated;
                    self.remaining[side] += self.increment;
                }
                self.moves.push(mv.to_string());
                self.turn_started = self.at;
                let next = 1 - side;
                self.flag_at = self.at + self.remaining[next] + self.quota[next].min(MAX_GRACE);
            }
            Event::Ended { outcome, .. } => {
                self.outcome = Some(outcome);
                if ply >= 2 {
                    self.remaining[side] = self.remaining[side].saturating_sub(passed);
                }
            }
            other => panic!("nobody did this: {other:?}"),
        }
    }

    /// A snapshot shows the same game, and clocks that are right to the millisecond.
    pub(crate) fn assert_shown(&self, snapshot: &Value) {
        assert_eq!(snapshot["v"], self.entries, "{snapshot}");
        assert_eq!(snapshot["moves"], self.moves.join(" "), "{snapshot}");
        let mut expected = self.remaining;
        if self.outcome.is_none() && self.moves.len() >= 2 {
            let now = snapshot["now"].as_u64().unwrap();
            let running = &mut expected[self.moves.len() % 2];
            *running = running.saturating_sub(now - self.turn_started);
        }
        let shown = ["white", "black"].map(|color| snapshot["clock"][color].as_u64().unwrap());
        assert_eq!(shown, expected, "{snapshot}");
    }
}
