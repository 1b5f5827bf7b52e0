//! Games of any length: real ones are too short. Nobody plays like that, but each move is one that the rules allow.

use std::collections::HashSet;

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use shakmaty::zobrist::Zobrist64;
use shakmaty::{CastlingMode, Chess, EnPassantMode, Move, Position as _, Role};

use crate::score::Score;

/// Plies without a capture or a move of a pawn, after which a pawn moves: far below the 150 that end a game.
const QUIET_PLIES: u32 = 80;

/// So many plies from the usual position, after which the game is not over. The same seed makes the same game.
///
/// # Errors
/// There is no such game by these moves.
pub(super) fn score(plies: u16, seed: u64) -> anyhow::Result<Score> {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut position, mut seen, mut score) = (Chess::default(), HashSet::new(), Score::new());
    while score.len() < usize::from(plies) {
        let legal: Vec<Move> = position.legal_moves().into_iter().collect();
        let goes_on = |mv: &&Move| {
            let mut after = position.clone();
            after.play_unchecked(**mv);
            !after.is_game_over() && !seen.contains(&key(&after))
        };
        let is_pawns = |mv: &&Move| mv.role() == Role::Pawn;
        let fit: Vec<&Move> = legal.iter().filter(goes_on).collect();
        let (captures, quiet): (Vec<&Move>, Vec<&Move>) =
            fit.into_iter().partition(|mv| mv.is_capture());
        let (pawns, pieces): (Vec<&Move>, Vec<&Move>) = quiet.into_iter().partition(is_pawns);
        let by_wish = if position.halfmoves() < QUIET_PLIES {
            [pieces, pawns, captures]
        } else {
            [pawns, captures, pieces]
        };
        let mv = **by_wish
            .iter()
            .find_map(|moves| moves.choose(&mut rng))
            .context("no move goes on")?;
        score.push(mv.to_uci(CastlingMode::Standard).to_string());
        position.play_unchecked(mv);
        seen.insert(key(&position));
    }
    Ok(score)
}

fn key(position: &Chess) -> u64 {
    let Zobrist64(key) = position.zobrist_hash(EnPassantMode::Legal);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;

    #[test]
    fn a_game_is_as_long_as_was_asked_for() {
        for seed in 0..4 {
            let long = score(600, seed).unwrap();
            assert_eq!(Line::open(&long).unwrap().plies(), 600);
        }
        assert_eq!(score(60, 7).unwrap(), score(60, 7).unwrap());
    }
}
