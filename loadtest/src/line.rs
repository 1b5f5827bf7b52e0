//! A real game, and what the rules say of each of its moves: from a chess library of our own choice, never from a server.

use anyhow::{Context as _, ensure};
use shakmaty::fen::Fen;
use shakmaty::san::SanPlus;
use shakmaty::uci::UciMove;
use shakmaty::{Chess, EnPassantMode, KnownOutcome, Outcome, Position as _};

use crate::score::Score;

/// How a game ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By its last move: mate of the side to move.
    Mate,
    /// By its last move: a draw by this status.
    Drawn(&'static str),
    /// By the side to move, which resigns.
    Resignation,
    /// Not at all: everybody leaves.
    Never,
}

/// The moves of a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    steps: Vec<Step>,
    ending: Ending,
}

/// One move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) uci: String,
    pub(crate) san: String,
    /// The position after it.
    pub(crate) fen: String,
    before: Chess,
}

impl Line {
    /// A game from the usual position that nobody ends.
    pub(crate) fn open(score: &Score) -> anyhow::Result<Self> {
        let (steps, _) = replay(score)?;
        Ok(Self {
            steps,
            ending: Ending::Never,
        })
    }

    /// The same to its end: if the rules do not end it, the side to move resigns.
    pub(crate) fn whole(score: &Score) -> anyhow::Result<Self> {
        let (steps, last) = replay(score)?;
        let ending = match last.outcome() {
            Outcome::Known(KnownOutcome::Decisive { .. }) => Ending::Mate,
            Outcome::Known(KnownOutcome::Draw) if last.is_stalemate() => Ending::Drawn("stalemate"),
            Outcome::Known(KnownOutcome::Draw) => Ending::Drawn("draw"),
            Outcome::Unknown => Ending::Resignation,
        };
        Ok(Self { steps, ending })
    }

    /// Plies.
    pub(crate) fn plies(&self) -> u16 {
        u16::try_from(self.steps.len()).unwrap_or(u16::MAX)
    }

    pub(crate) const fn ending(&self) -> Ending {
        self.ending
    }

    /// The move after so many plies.
    pub(crate) fn step(&self, ply: u16) -> Option<&Step> {
        self.steps.get(usize::from(ply))
    }

    /// Whether the first moves of the game are these, with single spaces.
    pub(crate) fn begins_with(&self, moves: &str) -> bool {
        let mut steps = self.steps.iter();
        moves
            .split_whitespace()
            .all(|uci| steps.next().is_some_and(|step| step.uci == uci))
    }
}

impl Step {
    /// Whether the rules allow a move in its place.
    pub(crate) fn allows(&self, uci: &str) -> bool {
        let parsed = uci.parse::<UciMove>();
        parsed.is_ok_and(|uci| uci.to_move(&self.before).is_ok())
    }
}

fn replay(score: &Score) -> anyhow::Result<(Vec<Step>, Chess)> {
    ensure!(!score.is_empty(), "a game has moves");
    let (mut position, mut steps) = (Chess::default(), Vec::new());
    for uci in score {
        let before = position.clone();
        let parsed: UciMove = uci.parse().with_context(|| format!("{uci} is no move"))?;
        let mv = parsed
            .to_move(&position)
            .with_context(|| format!("{uci} is illegal"))?;
        let san = SanPlus::from_move_and_play_unchecked(&mut position, mv).to_string();
        steps.push(Step {
            uci: uci.clone(),
            san,
            fen: Fen::from_position(&position, EnPassantMode::Legal).to_string(),
            before,
        });
    }
    Ok((steps, position))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(text: &str) -> Score {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_rules_say_how_a_game_goes_and_ends() {
        let cases = [
            ("f2f3 e7e5 g2g4 d8h4", Ending::Mate),
            ("e2e4 e7e5", Ending::Resignation),
        ];
        for (moves, ending) in cases {
            assert_eq!(
                Line::whole(&score(moves)).unwrap().ending(),
                ending,
                "{moves}"
            );
        }
        let line = Line::open(&score("e2e4 e7e5 g1f3")).unwrap();
        let step = line.step(2).unwrap();
        assert_eq!(step.san, "Nf3");
        assert!(step.allows("f1c4") && !step.allows("f1c5") && !step.allows("nonsense"));
        assert!(line.begins_with("") && line.begins_with("e2e4 e7e5") && !line.begins_with("d2d4"));
        assert!(Line::open(&score("e2e4 e2e4")).is_err());
    }
}
