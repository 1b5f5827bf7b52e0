//! A game as PGN, with the clock after each move.
//!
//! Source: the PGN standard of 1994, and the tags and comments of lichess' exports.

use std::fmt::Write as _;

use crate::clock::TimeControl;
use crate::color::Color;
use crate::game::Game;
use crate::id::GameId;
use crate::outcome::Outcome;
use crate::rules::Position;
use crate::time::{Millis, UnixMillis};
use crate::variant::{Speed, Variant};

/// Lines of the move text are broken before this many characters.
const LINE: usize = 80;

/// The game with tags and move text, ending in one newline. `site` is the game's own address.
#[must_use]
pub fn pgn(id: GameId, game: &Game, site: &str) -> String {
    let mut text = String::new();
    for (tag, value) in tags(id, game, site) {
        // A tag is one line of printed characters, whatever a name in an old log may be.
        let value = value.replace(char::is_control, " ");
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(text, "[{tag} \"{value}\"]").expect("a String takes all");
    }
    text.push('\n');
    let mut column = 0;
    for word in words(game) {
        if column > 0 && column + 1 + word.len() > LINE {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(&word);
        column += word.len();
    }
    text.push('\n');
    text
}

fn tags(id: GameId, game: &Game, site: &str) -> Vec<(&'static str, String)> {
    let terms = &game.setup().terms;
    let players = &game.setup().players;
    let kind = if terms.rated { "rated" } else { "casual" };
    let (date, time) = utc(game.created());
    let mut tags = vec![
        (
            "Event",
            format!("{kind} {} game", Speed::of(terms.time_control).key()),
        ),
        ("Site", site.to_owned()),
        ("Date", date.clone()),
        ("Round", "-".to_owned()),
        ("White", players.white.name.to_string()),
        ("Black", players.black.name.to_string()),
        ("Result", result(game).to_owned()),
        ("GameId", id.to_string()),
        ("UTCDate", date),
        ("UTCTime", time),
        ("WhiteElo", "?".to_owned()),
        ("BlackElo", "?".to_owned()),
        ("Variant", terms.variant.name().to_owned()),
        ("TimeControl", time_control(terms.time_control)),
        ("Termination", termination(game).to_owned()),
    ];
    let has_own_start = matches!(
        terms.variant,
        Variant::Chess960 | Variant::FromPosition | Variant::Horde | Variant::RacingKings
    );
    if has_own_start || terms.start != Position::start(terms.variant) {
        tags.push(("FEN", terms.start.fen()));
        tags.push(("SetUp", "1".to_owned()));
    }
    tags
}

fn result(game: &Game) -> &'static str {
    match game.outcome() {
        None | Some(Outcome::Aborted) => "*",
        Some(outcome) => match outcome.winner() {
            Some(Color::White) => "1-0",
            Some(Color::Black) => "0-1",
            None => "1/2-1/2",
        },
    }
}

fn termination(game: &Game) -> &'static str {
    match game.outcome() {
        None => "Unterminated",
        Some(Outcome::Flagged { .. }) => "Time forfeit",
        Some(Outcome::Aborted | Outcome::Left { .. }) => "Abandoned",
        Some(
            Outcome::Checkmate { .. }
            | Outcome::Resigned { .. }
            | Outcome::Stalemate
            | Outcome::Drawn(_)
            | Outcome::VariantEnd { .. },
        ) => "Normal",
    }
}

fn time_control(time_control: TimeControl) -> String {
    match time_control {
        TimeControl::Clock { limit, increment } => {
            format!("{}+{}", limit.0 / 1000, increment.0 / 1000)
        }
        TimeControl::Correspondence { .. } | TimeControl::Unlimited => "-".to_owned(),
    }
}

/// Move numbers, moves with their comments, and the result, to be set with single spaces.
fn words(game: &Game) -> Vec<String> {
    let start = &game.setup().terms.start;
    let mut mover = start.turn();
    let mut number = start.fullmove();
    let mut words = Vec::new();
    let mut needs_number = true;
    for (turn, san) in game.turns().iter().zip(game.sans()) {
        if mover == Color::White {
            words.push(format!("{number}."));
        } else if needs_number {
            words.push(format!("{number}..."));
        }
        words.push(san.to_string());
        needs_number = false;
        if let Some(remaining) = turn.remaining {
            words.push(format!("{{ [%clk {}] }}", h_mm_ss(remaining[mover])));
            needs_number = true;
        }
        if mover == Color::Black {
            number += 1;
        }
        mover = !mover;
    }
    words.push(result(game).to_owned());
    words
}

/// Whole seconds, rounded up as a chess clock shows them.
fn h_mm_ss(left: Millis) -> String {
    let secs = left.0.div_ceil(1000);
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Date and time of day in UTC, e.g. `2026.11.22` and `12:57:03`.
///
/// Source: the civil calendar counted in years that begin in March, so that the leap day comes last; eras of 400
/// years have 146,097 days.
fn utc(moment: UnixMillis) -> (String, String) {
    let secs = moment.0 / 1000;
    let days = secs / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (
        format!("{year:04}.{month:02}.{day:02}"),
        format!(
            "{:02}:{:02}:{:02}",
            secs / 3600 % 24,
            secs / 60 % 60,
            secs % 60
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970.01.01", "00:00:00"),
            (951_782_399_999, "2000.02.28", "23:59:59"),
            (951_782_400_000, "2000.02.29", "00:00:00"),
            (1_709_251_199_000, "2024.02.29", "23:59:59"),
            (1_795_352_223_456, "2026.11.22", "12:57:03"),
            (4_107_542_400_000, "2100.03.01", "00:00:00"),
        ];
        for (ms, date, time) in cases {
            assert_eq!(
                utc(UnixMillis(ms)),
                (date.to_owned(), time.to_owned()),
                "{ms}"
            );
        }
    }
}
