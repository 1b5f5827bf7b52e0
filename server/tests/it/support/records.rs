//! Real games, written down by another library, and how they are played.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};
use zeitnot_game::rules::Move;
use zeitnot_game::variant::Variant;

use super::trio::Trio;

const GAMES: &str = include_str!("../../../game/tests/data/games.json");

/// One of them.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) variant: Variant,
    pub(crate) initial_fen: String,
    pub(crate) moves: Vec<String>,
    sans: Vec<String>,
    final_fen: String,
    ending: String,
}

/// All of them.
pub(crate) fn records() -> Vec<Record> {
    let records: Vec<Record> = serde_json::from_str(GAMES).unwrap();
    assert!(records.len() >= 6);
    records
}

/// The moves of a game that is long, from the usual start.
pub(crate) fn long_game() -> Vec<String> {
    let is_long = |record: &Record| record.variant == Variant::Standard && record.moves.len() > 105;
    records().into_iter().find(is_long).unwrap().moves
}

/// The shortest game that ends by itself.
pub(crate) fn short_game() -> Record {
    let over = records().into_iter().filter(Record::is_over);
    over.min_by_key(|record| record.moves.len()).unwrap()
}

impl Record {
    /// Its terms, for a challenge.
    pub(crate) fn terms(&self) -> Value {
        json!({
            "variant": self.variant,
            "fen": self.initial_fen,
            "clock.limit": 600,
            "clock.increment": 5,
        })
    }

    /// Whether its last move ends it.
    pub(crate) fn is_over(&self) -> bool {
        self.ending != "unfinished"
    }

    /// The version after so many plies.
    pub(crate) fn version_after(&self, plies: usize) -> u64 {
        let ends = self.is_over() && plies == self.moves.len();
        (1 + plies + usize::from(ends)) as u64
    }

    /// Plays some of its moves, of which all see each.
    pub(crate) async fn play(&self, trio: &mut Trio, plies: Range<usize>) {
        let name = &self.name;
        for ply in plies {
            let came = trio.play(&self.moves[ply], ply).await;
            for frame in came.iter().flatten() {
                self.check(frame);
            }
            let version = self.version_after(ply + 1);
            for one in trio.everyone() {
                assert_eq!(one.version(), version, "{name}: ply {ply}");
            }
        }
    }

    fn check(&self, frame: &Value) {
        let name = &self.name;
        match frame["t"].as_str() {
            Some("move") => {
                let plies = usize::try_from(frame["ply"].as_u64().unwrap()).unwrap();
                assert_eq!(frame["san"], self.sans[plies - 1], "{name}: {frame}");
                assert_eq!(frame["v"], plies + 1, "{name}: {frame}");
            }
            Some("end") => assert_eq!(frame["status"], self.ending, "{name}: {frame}"),
            _ => {}
        }
    }

    /// Who comes late is shown all of it.
    pub(crate) fn assert_shown(&self, snapshot: &Value) {
        assert_eq!(snapshot["fen"], self.final_fen, "{}", self.name);
        let moves = snapshot["moves"].as_str().unwrap();
        let parse = |uci: &str| uci.parse::<Move>().unwrap();
        let written: Vec<Move> = moves.split(' ').map(parse).collect();
        let expected: Vec<Move> = self.moves.iter().map(|uci| parse(uci)).collect();
        assert_eq!(written, expected, "{}", self.name);
    }

    /// All of its moves were played, and everybody is at its last position.
    pub(crate) fn assert_seen(&self, trio: &Trio) {
        for one in trio.everyone() {
            assert_eq!(one.fen(), self.final_fen, "{}", self.name);
            let status = if self.is_over() {
                &self.ending
            } else {
                "started"
            };
            assert_eq!(one.status(), status, "{}", self.name);
        }
    }
}
