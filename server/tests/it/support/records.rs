//! Real games, written down by another library.

use serde::Deserialize;
use zeitnot_game::variant::Variant;

const GAMES: &str = include_str!("../../../game/tests/data/games.json");

/// One of them.
#[derive(Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) variant: Variant,
    pub(crate) initial_fen: String,
    pub(crate) moves: Vec<String>,
    pub(crate) sans: Vec<String>,
    pub(crate) final_fen: String,
    pub(crate) ending: String,
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
