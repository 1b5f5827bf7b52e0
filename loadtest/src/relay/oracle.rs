//! What a player must be told, frame by frame: nothing lost, nothing twice, nothing out of order.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::target::Side;
use crate::score::Score;

/// The version of a game in which nothing has been played.
const FIRST_VERSION: u16 = 1;

/// Ids of messages that are no moves. A move's is its ply.
const OTHER_ID: u16 = 10_000;

/// What a frame means to who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing that matters here.
    Other,
    /// The game, from its beginning.
    Game,
    /// The move after so many plies.
    Played(u16),
    /// That one's own such move is stored.
    Stored(u16),
}

/// One player's ear.
#[derive(Debug)]
pub(super) struct Oracle {
    side: Side,
    /// The plies that were heard of.
    plies: u16,
    /// Whether the first ply is one's own.
    moves_first: bool,
}

/// The fields of a frame that are looked at.
#[derive(Debug, Deserialize)]
struct Frame<'a> {
    t: &'a str,
    game: Option<&'a str>,
    v: Option<u16>,
    ply: Option<u16>,
    uci: Option<&'a str>,
    re: Option<u16>,
    store: Option<&'a str>,
}

impl Oracle {
    pub(super) const fn new(side: Side, moves_first: bool) -> Self {
        Self {
            side,
            plies: 0,
            moves_first,
        }
    }

    /// A new game begins.
    pub(super) const fn begin(&mut self) {
        self.plies = 0;
    }

    /// Whether all that was played has been heard of.
    pub(super) const fn has_heard(&self, plies: u16) -> bool {
        match self.side {
            // It does not tell a player of his own moves.
            Side::Floor => plies.saturating_sub(self.plies) <= 1,
            Side::Zeitnot => self.plies == plies,
        }
    }

    /// Reads a frame in a game of which so many plies were sent.
    ///
    /// # Errors
    /// It is not the one that must come next, or tells of an error.
    pub(super) fn hear(
        &mut self,
        text: &str,
        (game, score, sent): (&str, &Score, u16),
    ) -> anyhow::Result<Heard> {
        match self.side {
            Side::Floor => {
                let ply = self.plies + u16::from(self.plies.is_multiple_of(2) == self.moves_first);
                let expected = play(game, score, ply);
                ensure!(ply < sent, "{text} was never sent");
                ensure!(text == expected, "{text} instead of {expected}");
                self.plies = ply + 1;
                Ok(Heard::Played(ply))
            }
            Side::Zeitnot => {
                let frame: Frame<'_> = serde_json::from_str(text).context("a frame")?;
                self.read(&frame, (game, score, sent))
                    .with_context(|| format!("{text}, after {} plies", self.plies))
            }
        }
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        (game, score, sent): (&str, &Score, u16),
    ) -> anyhow::Result<Heard> {
        match frame.t {
            "move" => {
                let ply = self.plies;
                ensure!(frame.game == Some(game), "another game");
                ensure!(ply < sent, "it was never sent");
                ensure!(frame.uci == score.get(usize::from(ply)).map(String::as_str));
                ensure!(frame.ply == Some(ply + 1), "wrong ply");
                ensure!(frame.v == Some(FIRST_VERSION + ply + 1), "wrong version");
                self.plies = ply + 1;
                Ok(Heard::Played(ply))
            }
            "ok" => match frame.re {
                Some(ply) if ply < OTHER_ID => {
                    ensure!(frame.v == Some(FIRST_VERSION + ply + 1), "wrong version");
                    Ok(Heard::Stored(ply))
                }
                _ => Ok(Heard::Other),
            },
            "game" => {
                ensure!(frame.game == Some(game), "another game");
                ensure!(frame.v == Some(FIRST_VERSION), "it has begun");
                Ok(Heard::Game)
            }
            "status" => {
                ensure!(frame.store == Some("ok"), "the store is away");
                Ok(Heard::Other)
            }
            "pong" | "presence" | "crowd" | "game_start" => Ok(Heard::Other),
            _ => bail!("nothing of that kind was expected"),
        }
    }
}

/// The message that plays the move after so many plies; both sides are sent the same.
pub(super) fn play(game: &str, score: &Score, ply: u16) -> String {
    let uci = score.get(usize::from(ply)).map_or("", String::as_str);
    let seen = FIRST_VERSION + ply;
    format!(r#"{{"t":"move","id":{ply},"game":"{game}","uci":"{uci}","ply":{ply},"v":{seen}}}"#)
}

/// The message that follows a game.
pub(super) fn watch(game: &str) -> String {
    format!(r#"{{"t":"watch","id":{OTHER_ID},"game":"{game}"}}"#)
}

/// The message that follows it no longer.
pub(super) fn unwatch(game: &str) -> String {
    format!(r#"{{"t":"unwatch","game":"{game}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score() -> Score {
        ["e2e4", "e7e5", "g1f3"].map(str::to_owned).into()
    }

    fn frame(v: u16, uci: &str) -> String {
        let ply = v - 1;
        format!(r#"{{"t":"move","game":"q7ZwA0bX","v":{v},"ply":{ply},"uci":"{uci}"}}"#)
    }

    #[test]
    fn a_frame_that_is_lost_or_doubled_or_of_another_move_is_noticed() {
        let cases: [(&str, &[String], bool); 5] = [
            ("in order", &[frame(2, "e2e4"), frame(3, "e7e5")], true),
            ("lost", &[frame(3, "e7e5")], false),
            ("doubled", &[frame(2, "e2e4"), frame(2, "e2e4")], false),
            ("another", &[frame(2, "d2d4")], false),
            (
                "never sent",
                &[frame(2, "e2e4"), frame(3, "e7e5"), frame(4, "g1f3")],
                false,
            ),
        ];
        for (name, frames, is_right) in cases {
            let mut oracle = Oracle::new(Side::Zeitnot, true);
            let mut heard = frames
                .iter()
                .map(|frame| oracle.hear(frame, ("q7ZwA0bX", &score(), 2)));
            assert_eq!(heard.all(|heard| heard.is_ok()), is_right, "{name}");
        }
    }

    #[test]
    fn the_floor_tells_each_player_of_the_other_ones_moves() {
        let score = score();
        let message = |ply| play("7", &score, ply);
        let (mut white, mut black) = (
            Oracle::new(Side::Floor, true),
            Oracle::new(Side::Floor, false),
        );
        let game = ("7", &score, 3);
        assert_eq!(black.hear(&message(0), game).unwrap(), Heard::Played(0));
        assert_eq!(white.hear(&message(1), game).unwrap(), Heard::Played(1));
        assert!(black.hear(&message(0), game).is_err());
        assert_eq!(black.hear(&message(2), game).unwrap(), Heard::Played(2));
        assert!(white.has_heard(3) && black.has_heard(3));
    }
}
