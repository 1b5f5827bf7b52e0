//! The rules against another library's word: move counts, whole games, ends and what material can win.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeitnot_game::color::Color;
use zeitnot_game::rules::{Ending, InvalidFen, Move, Position, San};
use zeitnot_game::variant::Variant;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(data(name)).unwrap()).unwrap()
}

fn perft(position: &Position, depth: u32) -> u64 {
    let moves = position.legal_moves();
    if depth <= 1 {
        return moves.len() as u64;
    }
    moves
        .into_iter()
        .map(|mv| {
            let mut after = position.clone();
            after.play(mv);
            perft(&after, depth - 1)
        })
        .sum()
}

/// The counted positions leave out ends that are no lack of moves, which `from_fen` would refuse.
fn check_perft(variant: Variant) {
    let path = data("perft").join(format!("{variant}.perft"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut positions = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [name, fen, counts] = line.splitn(3, '|').collect::<Vec<_>>().try_into().unwrap();
        let rules = if name.contains("960") && variant == Variant::Atomic {
            continue; // Atomic from a shuffled start is not among the ten variants.
        } else {
            variant
        };
        let position =
            Position::from_any_fen(rules, fen.trim()).unwrap_or_else(|e| panic!("{name}: {e}"));
        for count in counts.split_whitespace() {
            let (depth, nodes) = count.split_once(':').unwrap();
            let counted = perft(&position, depth.parse().unwrap());
            assert_eq!(
                counted,
                nodes.parse::<u64>().unwrap(),
                "{name} to depth {depth}"
            );
        }
        positions += 1;
    }
    assert!(positions >= 3, "{variant}: only {positions} positions");
}

#[test]
fn moves_are_counted_as_published() {
    let published = [
        Variant::Standard,
        Variant::Chess960,
        Variant::Crazyhouse,
        Variant::Antichess,
        Variant::Atomic,
        Variant::Horde,
        Variant::RacingKings,
        Variant::ThreeCheck,
    ];
    for variant in published {
        check_perft(variant);
    }
}

#[derive(Deserialize)]
struct Record {
    name: String,
    variant: Variant,
    initial_fen: String,
    moves: Vec<String>,
    sans: Vec<String>,
    final_fen: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    winner: Option<Color>,
}

/// Plays a recorded game by UCI, comparing SAN both ways.
fn play(record: &Record) -> Position {
    let name = &record.name;
    let mut position = Position::from_fen(record.variant, &record.initial_fen).unwrap();
    for (uci, san) in record.moves.iter().zip(&record.sans) {
        assert_eq!(position.ending(), None, "{name}: over before {san}");
        let mv: Move = uci.parse().unwrap();
        let legal = position
            .legal(mv)
            .unwrap_or_else(|| panic!("{name}: {uci} is legal"));
        assert_eq!(position.san(legal).to_string(), *san, "{name}");
        assert_eq!(
            position.legal_san(san.parse::<San>().unwrap()),
            Some(legal),
            "{name}"
        );
        assert_eq!(
            position.legal(position.uci(legal)),
            Some(legal),
            "{name}: {uci} comes back"
        );
        position.play(legal);
    }
    position
}

#[test]
fn real_games_end_in_the_same_position() {
    let games: Vec<Record> = read("games.json");
    assert!(games.len() >= 6);
    for record in &games {
        assert_eq!(play(record).fen(), record.final_fen, "{}", record.name);
    }
}

fn word(ending: Option<Ending>) -> (Option<&'static str>, Option<Color>) {
    match ending {
        None => (None, None),
        Some(Ending::Checkmate { winner }) => (Some("mate"), Some(winner)),
        Some(Ending::VariantEnd { winner }) => (Some("variantEnd"), winner),
        Some(Ending::Stalemate) => (Some("stalemate"), None),
        Some(Ending::Dead) => (Some("dead"), None),
    }
}

#[test]
fn each_variant_comes_to_its_own_end() {
    let games: Vec<Record> = read("variants.json");
    let mut played = HashSet::new();
    for record in &games {
        let position = play(record);
        assert_eq!(position.fen(), record.final_fen, "{}", record.name);
        let expected = (record.status.as_deref(), record.winner);
        assert_eq!(word(position.ending()), expected, "{}", record.name);
        played.insert(record.variant);
    }
    assert_eq!(played.len(), Variant::ALL.len());
}

#[derive(Deserialize)]
struct Row {
    name: String,
    variant: Variant,
    fen: String,
    ending: Option<String>,
    winner: Option<Color>,
    white_can_mate: bool,
    black_can_mate: bool,
}

#[test]
fn endings_and_winning_material_are_known() {
    let rows: Vec<Row> = read("endings.json");
    assert!(rows.len() >= 60);
    for row in &rows {
        // A finished position is no start, so it is reached without that check.
        let position = Position::from_any_fen(row.variant, &row.fen)
            .unwrap_or_else(|e| panic!("{}: {e}", row.name));
        let expected = (row.ending.as_deref(), row.winner);
        assert_eq!(
            word(position.ending()),
            expected,
            "{}: {}",
            row.name,
            row.fen
        );
        let can_win = (
            position.can_win(Color::White),
            position.can_win(Color::Black),
        );
        assert_eq!(
            can_win,
            (row.white_can_mate, row.black_can_mate),
            "{}: {}",
            row.name,
            row.fen
        );
    }
}

#[test]
fn the_960_starts_are_all_different_and_518_is_the_ordinary_one() {
    let starts: HashSet<String> = (0..960)
        .map(|n| Position::chess960_start(n).fen())
        .collect();
    assert_eq!(starts.len(), 960);
    let ordinary = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
    assert_eq!(Position::chess960_start(518).fen(), ordinary);
    assert_eq!(
        Position::chess960_start(0).fen(),
        "bbqnnrkr/pppppppp/8/8/8/8/PPPPPPPP/BBQNNRKR w KQkq - 0 1"
    );
    assert_eq!(
        Position::chess960_start(959).fen(),
        "rkrnnqbb/pppppppp/8/8/8/8/PPPPPPPP/RKRNNQBB w KQkq - 0 1"
    );
}

/// Name, variant, FEN, the move as sent, the move as written.
type Castling = (
    &'static str,
    Variant,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const CASTLING: [Castling; 10] = {
    use Variant::{Chess960, FromPosition, Standard};
    [
        (
            "ordinary, two squares",
            Standard,
            "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1",
            "e1g1",
            Some("e1g1"),
        ),
        (
            "ordinary, onto the rook",
            Standard,
            "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1",
            "e8a8",
            Some("e8c8"),
        ),
        (
            "shuffled, onto the rook",
            Chess960,
            "4k3/8/8/8/8/8/8/1R2K1R1 w KQ - 0 1",
            "e1b1",
            Some("e1b1"),
        ),
        (
            "shuffled, two squares to the rook's own",
            Chess960,
            "4k3/8/8/8/8/8/8/1R2K1R1 w KQ - 0 1",
            "e1g1",
            Some("e1g1"),
        ),
        (
            "shuffled, two squares from the e-file",
            Chess960,
            "4k3/8/8/8/8/8/8/1R2K1R1 w KQ - 0 1",
            "e1c1",
            Some("e1b1"),
        ),
        (
            "shuffled, rook next to the king",
            Chess960,
            "4k3/8/8/8/8/8/8/4KR2 w K - 0 1",
            "e1g1",
            Some("e1f1"),
        ),
        (
            "shuffled, two squares from another file",
            Chess960,
            "r2k3r/8/8/8/8/8/8/R2K3R w KQkq - 0 1",
            "d1b1",
            None,
        ),
        (
            "from a position with ordinary squares",
            FromPosition,
            "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1",
            "e1h1",
            Some("e1g1"),
        ),
        (
            "from a position with other squares",
            FromPosition,
            "1r2k2r/8/8/8/8/8/8/1R2K2R w KQkq - 0 1",
            "e1c1",
            Some("e1b1"),
        ),
        (
            "through check",
            Standard,
            "4kr2/8/8/8/8/8/8/4K2R w K - 0 1",
            "e1g1",
            None,
        ),
    ]
};

#[test]
fn castling_is_understood_both_ways_and_written_one_way() {
    for (name, variant, fen, uci, expected) in CASTLING {
        let position = Position::from_fen(variant, fen).expect(name);
        let written = position
            .legal(uci.parse().unwrap())
            .map(|legal| position.uci(legal).to_string());
        assert_eq!(written.as_deref(), expected, "{name}: {uci} in {fen}");
    }
}

#[test]
fn bad_positions_are_refused_with_a_reason() {
    use Variant::{Chess960, Crazyhouse, Standard};
    let too_long = format!("{}/8 w - - 0 1", "8/".repeat(80));
    let cases = [
        ("no FEN", Standard, "hello"),
        ("empty", Standard, ""),
        ("too long", Standard, too_long.as_str()),
        ("no kings", Standard, "8/8/8/8/8/8/8/8 w - - 0 1"),
        (
            "two white kings",
            Standard,
            "4k3/8/8/8/8/8/8/K3K3 w - - 0 1",
        ),
        (
            "pawns on the last rank",
            Standard,
            "P3k3/8/8/8/8/8/8/4K3 w - - 0 1",
        ),
        (
            "the side not to move in check",
            Standard,
            "4k3/4R3/8/8/8/8/8/4K3 w - - 0 1",
        ),
        (
            "62 queens",
            Chess960,
            "QQQQQQQQ/QQQQQQQQ/QQQQQQQQ/QQQkQQQQ/QQQQQQQQ/QQQKQQQQ/QQQQQQQQ/QQQQQQQQ w - - 0 1",
        ),
        (
            "too many in the pockets",
            Crazyhouse,
            "4k3/8/8/8/8/8/8/4K3[QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ] w - - 0 1",
        ),
        (
            "counters too high",
            Standard,
            "4k3/8/8/8/8/8/8/R3K3 w - - 0 4000000000",
        ),
        (
            "quiet for too long",
            Standard,
            "4k3/8/8/8/8/8/8/R3K3 w - - 4000 1",
        ),
        (
            "en passant on no square",
            Standard,
            "4k3/8/8/8/8/8/8/R3K3 w - e9 0 1",
        ),
    ];
    for (name, variant, fen) in cases {
        let refused = Position::from_fen(variant, fen);
        assert!(refused.is_err(), "{name}: {fen}");
        assert!(!refused.unwrap_err().to_string().is_empty());
    }
    let mated = Position::from_fen(Standard, "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1");
    assert_eq!(mated, Err(InvalidFen::Over));
}
