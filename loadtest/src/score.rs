//! The moves that are played: real games, long enough that few have to begin within a run.

use anyhow::Context as _;
use serde::Deserialize;

const GAMES: &str = include_str!("../../server/game/tests/data/games.json");

/// Plies that a game must have.
const MIN_PLIES: usize = 90;

/// The moves of a game in UCI.
pub(crate) type Score = Vec<String>;

#[derive(Deserialize)]
struct Record {
    variant: String,
    moves: Score,
}

/// All games of standard chess, from their first move to their last.
pub(crate) fn whole_scores() -> anyhow::Result<Vec<Score>> {
    let records: Vec<Record> = serde_json::from_str(GAMES).context("the games")?;
    let standard = records
        .into_iter()
        .filter(|record| record.variant == "standard");
    Ok(standard.map(|record| record.moves).collect())
}

/// Long games of standard chess without their last moves, so that none is over when they have been played.
pub(crate) fn scores() -> anyhow::Result<Vec<Score>> {
    let long = whole_scores()?.into_iter().filter_map(|mut score| {
        let is_fit = score.len() > MIN_PLIES;
        score.pop();
        is_fit.then_some(score)
    });
    Ok(long.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_some() {
        assert!(scores().unwrap().len() >= 2);
    }
}
