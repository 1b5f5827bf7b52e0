//! Logs as text: one example of each kind ever written, unknown parts and kinds, PGN.

use zeitnot_game::color::Color::{Black, White};
use zeitnot_game::entry::Entry;
use zeitnot_game::event::Command;
use zeitnot_game::game::{Game, InvalidLog, Rejection};
use zeitnot_game::id::Version;
use zeitnot_game::limits::MAX_ENTRY_LEN;
use zeitnot_game::pgn::pgn;
use zeitnot_game::rules::Position;
use zeitnot_game::setup::{FirstEntry, Setup, Terms};
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::Variant;
use zeitnot_game::wire::Snapshot;

use crate::support::{Table, clock, first_line, player, terms};

/// One line for each kind and form that was ever written; lines are added, never changed.
const EVENTS: &str = include_str!("../data/events.txt");

#[test]
fn every_kind_that_was_ever_written_can_be_read_and_is_written_the_same() {
    let lines: Vec<&str> = EVENTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(lines.len() >= 25);
    for line in lines {
        let entry: Entry = line.parse().unwrap();
        let event = entry.event().unwrap_or_else(|| panic!("{line} is known"));
        assert_eq!(Entry::new(event, entry.at(), entry.tag()).as_str(), line);
    }
}

#[test]
fn set_ups_come_back_as_they_went() {
    let shuffled = Terms {
        start: Position::chess960_start(17),
        rated: true,
        first_move: Millis(2_000),
        claim_after: Millis(1_234),
        ..terms(Variant::Chess960, clock(0, 1))
    };
    let days = zeitnot_game::clock::TimeControl::correspondence(14).unwrap();
    let unlimited = zeitnot_game::clock::TimeControl::Unlimited;
    let all = [
        terms(Variant::Standard, clock(10_800, 180)),
        shuffled,
        terms(Variant::Horde, days),
        terms(Variant::Atomic, unlimited),
    ];
    for terms in all {
        assert_eq!(terms.to_string().parse::<Terms>().unwrap(), terms);
        let setup = Setup {
            terms,
            players: zeitnot_game::color::ByColor {
                white: player("guest-k2x9w0q4ab", "Ünï:cödé %20 \n\"x\""),
                black: player("bo", ""),
            },
        };
        let line = format!("{setup} created:1795352223456 1795352223000 aZ4k9");
        let first: FirstEntry = line.parse().unwrap();
        assert_eq!(first.setup, setup, "{line}");
        assert!(line.len() < MAX_ENTRY_LEN);
    }
}

#[test]
fn a_log_from_a_later_build_is_shown_and_not_decided_on() {
    let first = first_line(terms(Variant::Standard, clock(180, 2)));
    let mut lines = vec![
        first.as_str(),
        "e2e4 10 aaaaa",
        "e7e5 soon:9 20 bbbbb",
        "g1f3 1500-20~40 by:hand 1530 ccccc",
    ];
    let game = Game::replay(lines.iter().copied()).unwrap();
    assert!(game.is_readable());
    assert_eq!(
        game.remaining_at(Timestamp(1_530)).unwrap().white,
        Millis(180_000 - 1_480 + 2_000)
    );
    assert!(game.decide(&asked(Command::Resign)).is_ok());

    lines.extend(["berserk white half:1 1600 ddddd", "b8c6 1700 eeeee"]);
    let game = Game::replay(lines.iter().copied()).unwrap();
    assert!(!game.is_readable());
    let shown = Snapshot::of("q7ZwA0bX".parse().unwrap(), &game, Timestamp(2_000));
    assert_eq!(
        (shown.v, shown.moves.as_str()),
        (Version(4), "e2e4 e7e5 g1f3")
    );
    assert_eq!(
        game.head().version,
        Version(6),
        "what is not understood is kept"
    );
    assert_eq!(
        game.log().line(Version(5)),
        Some("berserk white half:1 1600 ddddd")
    );
    assert_eq!(
        game.decide(&asked(Command::Resign)),
        Err(Rejection::Unreadable)
    );
    assert_eq!(game.deadline(), None);
}

fn asked(command: Command) -> zeitnot_game::event::Asked {
    zeitnot_game::event::Asked {
        by: White,
        command,
        seen: None,
        received: Timestamp(2_000),
    }
}

#[test]
fn broken_logs_are_refused() {
    let first = first_line(terms(Variant::Standard, clock(180, 2)));
    assert!(matches!(Game::replay([]), Err(InvalidLog::Setup(_))));
    assert!(matches!(
        Game::replay(["e2e4 10 aaaaa"]),
        Err(InvalidLog::Setup(_))
    ));
    let long = format!("e2e4 {} 10 aaaaa", "x".repeat(MAX_ENTRY_LEN));
    for line in [
        "",
        "e2e4",
        "e2e4 aaaaa",
        "e2e4 ten aaaaa",
        "e2e4 10 aaaa",
        "e2e4 +1 aaaaa",
        long.as_str(),
    ] {
        let log = Game::replay([first.as_str(), line]);
        assert_eq!(log, Err(InvalidLog::Entry(Version(2))), "{line}");
    }
    for (from, to) in [
        ("game1", "game2"),
        ("standard", "chess"),
        ("180+2", "180"),
        ("casual", "maybe"),
        ("white:", "w:"),
        ("created:", "c:"),
    ] {
        assert!(
            Game::begin(&first.replace(from, to)).is_err(),
            "{from} → {to}"
        );
    }
}

#[test]
fn an_impossible_stored_move_stops_the_folding_and_not_the_program() {
    let first = first_line(terms(Variant::Standard, clock(180, 2)));
    let game = Game::replay([
        first.as_str(),
        "e2e5 10 aaaaa",
        "takeback white to:9 20 bbbbb",
    ])
    .unwrap();
    assert!(!game.is_readable());
    assert_eq!(
        (game.version(), game.head().version),
        (Version(1), Version(3))
    );
}

#[test]
fn a_move_takes_about_27_bytes() {
    let mut table = Table::new();
    let lag = zeitnot_game::clock::Lag {
        think: Some(Millis(1_900)),
        round_trip: Some(Millis(40)),
    };
    let moves = "e4 e5 Nf3 Nc6 Bb5 a6 Ba4 Nf6 O-O Be7 Re1 b5 Bb3 d6 c3 O-O h3 Nb8 d4 Nbd7";
    for san in moves.split_whitespace() {
        table = table.wait(Millis(1_960));
        let turn = table.game.turn();
        table.play_with(turn, san, lag).unwrap();
    }
    let bytes: usize = table.lines()[1..].iter().map(String::len).sum();
    assert!(bytes <= 27 * 20, "{} bytes a move", bytes / 20);
}

#[test]
fn a_game_leaves_as_pgn() {
    let mut table = Table::new()
        .after("f3 e5")
        .wait(Millis(2_500))
        .after("g4")
        .wait(Millis(61_000));
    let unfinished = pgn(
        "q7ZwA0bX".parse().unwrap(),
        &table.game,
        "https://example.org/q7ZwA0bX",
    );
    assert!(
        unfinished.ends_with("*\n") && unfinished.contains("[Result \"*\"]"),
        "{unfinished}"
    );
    table.play(Black, "Qh4#").unwrap();
    let expected = r#"[Event "casual blitz game"]
[Site "https://example.org/q7ZwA0bX"]
[Date "2026.11.22"]
[Round "-"]
[White "Anna"]
[Black "Bo B."]
[Result "0-1"]
[GameId "q7ZwA0bX"]
[UTCDate "2026.11.22"]
[UTCTime "12:57:03"]
[WhiteElo "?"]
[BlackElo "?"]
[Variant "Standard"]
[TimeControl "180+2"]
[Termination "Normal"]

1. f3 { [%clk 0:03:00] } 1... e5 { [%clk 0:03:00] } 2. g4 { [%clk 0:03:00] }
2... Qh4# { [%clk 0:02:01] } 0-1
"#;
    assert_eq!(
        pgn(
            "q7ZwA0bX".parse().unwrap(),
            &table.game,
            "https://example.org/q7ZwA0bX"
        ),
        expected
    );
}

#[test]
fn a_name_makes_no_line_of_a_pgn() {
    let line = "game1 standard - casual white:anna:A%0A%22%5D black:bo:B created:0 0 aZ4k9";
    let game = Game::begin(line).unwrap();
    let text = pgn("q7ZwA0bX".parse().unwrap(), &game, "");
    assert!(text.contains("\n[White \"A \\\"]\"]\n"), "{text}");
}
