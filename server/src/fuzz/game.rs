//! Hostile bytes for the game: logs, positions, moves, and what is made of a game for others.

use zeitnot_game::color::Color;
use zeitnot_game::entry::Entry;
use zeitnot_game::event::{Asked, Command, DrawCommand, OfferCommand, Prize};
use zeitnot_game::game::{Decision, Game};
use zeitnot_game::id::{GameId, Tag, Version};
use zeitnot_game::limits::MAX_ENTRY_LEN;
use zeitnot_game::pgn;
use zeitnot_game::rules::{Position, San};
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::Variant;
use zeitnot_game::wire::{Before, ServerMsg, Snapshot, SnapshotFrame, frame_of};

use crate::outbox::encode;

/// A game in which both sides have moved, and offers stand.
const GAME: [&str; 6] = [
    "game1 standard 180+2 casual white:anna:Anna black:bo:Bo created:1795352223456 1795352223000 aZ4k9",
    "e2e4 10 aZ4k9",
    "e7e5 20 bQ7xM",
    "g1f3 1834-56~40 2000 c0LpE",
    "draw-offer white 2100 K1mmT",
    "takeback-offer white 2200 Jw8Ra",
];

/// The longest FEN, and some more.
const MAX_FEN: usize = 200;

/// The longest line of a PGN's moves.
const PGN_LINE: usize = 80;

fn id() -> GameId {
    "q7ZwA0bX".parse().expect("an id")
}

fn tag() -> Tag {
    "zz4Tf".parse().expect("a tag")
}

/// A command, of both sides, while the game goes on and when it is over.
pub(super) fn ask(command: Command, seen: Option<Version>) {
    let running = Game::replay(GAME).expect("a good log");
    let ended = [
        GAME.as_slice(),
        &["end resign win:white by:black 2300 zz4Tf"],
    ]
    .concat();
    let ended = Game::replay(ended).expect("a good log");
    for game in [&running, &ended] {
        for by in [Color::White, Color::Black] {
            carry_out(game, by, (command, seen));
        }
    }
}

/// Decides, and folds in what follows: it is understood, and its log is read again as the same game.
fn carry_out(game: &Game, by: Color, (command, seen): (Command, Option<Version>)) {
    let received = game.at() + Millis(100);
    let asked = Asked {
        by,
        command,
        seen,
        received,
    };
    let (events, not_before) = match game.decide(&asked) {
        Ok(Decision::Append { events, not_before }) => (events, not_before),
        Ok(Decision::TimeIsUp(deadline)) => (vec![deadline.event()], Some(deadline.at)),
        Ok(Decision::Done(version)) => {
            assert!(version <= game.version(), "what was done is in the log");
            return;
        }
        Err(_) => return,
    };
    assert!(!events.is_empty());
    let at = received.max(not_before.unwrap_or_default());
    let mut after = game.clone();
    for event in events {
        follow(&mut after, &Entry::new(event, at, tag()));
        assert!(after.is_readable(), "what was decided is understood");
    }
    assert_eq!(replayed(&after), after);
}

/// Folds an entry in, which makes exactly one frame if it is understood.
fn follow(game: &mut Game, entry: &Entry) {
    let before = Before::of(game);
    let version = game.head().version;
    game.evolve(entry);
    assert_eq!(game.head().version, version.next());
    let frame = frame_of(id(), (&before, game), entry, entry.at());
    assert_eq!(frame.is_some(), game.is_readable());
    if let Some(frame) = frame {
        write(&frame);
    }
}

/// As it is written for all that are told.
pub(super) fn write(msg: &ServerMsg) {
    assert!(encode(msg).starts_with(r#"{"t":"#));
}

fn replayed(game: &Game) -> Game {
    let lines = (1..=game.head().version.0).map(|v| game.log().line(Version(v)));
    Game::replay(lines.map(|line| line.expect("it is there"))).expect("it was read before")
}

/// A stored log, a line an entry, as far as its lines are entries.
fn game_of(data: &[u8]) -> Option<Game> {
    let mut lines = str::from_utf8(data).ok()?.split('\n');
    let mut game = Game::begin(lines.next()?).ok()?;
    for line in lines {
        let Ok(entry) = line.parse::<Entry>() else {
            continue;
        };
        assert_eq!(entry.as_str(), line, "kept byte for byte");
        if let Some(event) = entry.event() {
            let written = Entry::new(event, entry.at(), entry.tag());
            let again: Entry = written.as_str().parse().expect("ours can be read");
            assert_eq!(again.event(), Some(event));
        }
        follow(&mut game, &entry);
    }
    Some(game)
}

/// A stored log: folded, shown, and played on.
pub fn log(data: &[u8]) {
    let Some(game) = game_of(data) else {
        return;
    };
    assert_eq!(replayed(&game), game);
    let setup = game.setup().to_string();
    let line = format!(
        "{setup} created:{} {} {}",
        game.created().0,
        game.origin().0,
        tag()
    );
    // Names that nobody has cleaned take more when they are escaped.
    if line.len() <= MAX_ENTRY_LEN {
        let again = Game::begin(&line).expect("a set-up of ours can be read");
        assert_eq!(again.setup().to_string(), setup);
    }

    for now in [game.at(), Timestamp(u64::MAX)] {
        let snapshot = Snapshot::of(id(), &game, now);
        let frame = SnapshotFrame { re: None, snapshot };
        write(&ServerMsg::Game(Box::new(frame)));
        assert_eq!(game.remaining_at(now).is_some(), game.clock().is_some());
    }
    for command in commands(&game) {
        for by in [Color::White, Color::Black] {
            carry_out(&game, by, (command, Some(game.version())));
        }
    }
}

/// One of each, and the first legal move.
fn commands(game: &Game) -> Vec<Command> {
    let offers = [
        OfferCommand::Offer,
        OfferCommand::Accept,
        OfferCommand::Decline,
    ];
    let mut commands = vec![
        Command::Resign,
        Command::Abort,
        Command::Draw(DrawCommand::Claim),
        Command::GiveTime,
    ];
    for prize in [Prize::Win, Prize::Draw] {
        commands.push(Command::Claim {
            prize,
            claim_at: Some(game.at()),
        });
    }
    for offer in offers {
        commands.push(Command::Draw(DrawCommand::Negotiate(offer)));
        commands.push(Command::Takeback(offer));
        commands.push(Command::Rematch(offer, id()));
    }
    let position = game.position();
    commands.extend(position.legal_moves().first().map(|&mv| Command::Play {
        mv: position.uci(mv),
        ply: game.ply(),
        lag: zeitnot_game::clock::Lag::default(),
        offers_draw: true,
    }));
    commands
}

/// A stored log, written as PGN and read again: we read no PGN of others.
pub fn pgn(data: &[u8]) {
    let Some(game) = game_of(data) else {
        return;
    };
    let text = pgn::pgn(id(), &game, "https://chess.example/q7ZwA0bX");
    let (tags, moves) = text.split_once("\n\n").expect("tags, then moves");
    let mut names = Vec::new();
    for tag in tags.lines() {
        let inside = tag.strip_prefix('[').and_then(|tag| tag.strip_suffix(']'));
        let (name, value) = inside
            .and_then(|inside| inside.split_once(' '))
            .expect("a tag");
        assert!(!names.contains(&name), "{name} stands twice");
        names.push(name);
        assert_quoted(value);
    }
    assert!(moves.lines().all(|line| line.len() <= PGN_LINE), "{moves}");

    let mut position = game.setup().terms.start.clone();
    let mut turns = game.turns().iter();
    let (mut is_comment, mut result) = (false, None);
    for word in moves.split_ascii_whitespace() {
        match word {
            "{" => is_comment = true,
            "}" => is_comment = false,
            _ if is_comment || word.ends_with('.') => {}
            "*" | "1-0" | "0-1" | "1/2-1/2" => result = Some(word),
            _ => {
                let san: San = word.parse().expect("a move for people");
                let mv = position.legal_san(san).expect("a legal move");
                let turn = turns.next().expect("no more moves than were played");
                assert_eq!(position.uci(mv), turn.mv);
                position.play(mv);
            }
        }
    }
    assert!(turns.next().is_none(), "every move is there");
    assert!(result.is_some(), "it ends with its result");
    assert_eq!(position, *game.position());
}

/// A text in quotes on one line, in which only a quote and a backslash stand behind a backslash.
fn assert_quoted(value: &str) {
    let inside = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let mut chars = inside.expect("in quotes").chars();
    while let Some(c) = chars.next() {
        assert!(!c.is_control() && c != '"', "{value:?}");
        if c == '\\' {
            assert!(matches!(chars.next(), Some('"' | '\\')), "{value:?}");
        }
    }
}

/// One byte for the variant, then a FEN.
pub fn fen(data: &[u8]) {
    let Some((variant, fen)) = variant_and_text(data) else {
        return;
    };
    let Ok(position) = Position::from_any_fen(variant, fen) else {
        return;
    };
    let text = position.fen();
    let again = Position::from_any_fen(variant, &text).expect("a FEN of ours can be read");
    assert_eq!(again.fen(), text);
    assert_eq!(again.key(), position.key());
    assert_eq!(again.ending(), position.ending());
    for mv in position.legal_moves() {
        assert_eq!(position.legal(position.uci(mv)), Some(mv));
        let san = position.san(mv).to_string();
        let read = san.parse().ok().and_then(|san| position.legal_san(san));
        assert_eq!(read, Some(mv), "{san}");
        let mut after = position.clone();
        after.play(mv);
        assert!(!after.legal_moves().is_empty() || after.ending().is_some());
        assert!(after.fen().len() <= MAX_FEN);
    }
}

/// One byte for the variant, then a move for people. No client sends these: the server writes them, and tests read them.
pub fn san(data: &[u8]) {
    let Some((variant, text)) = variant_and_text(data) else {
        return;
    };
    let Ok(san) = text.parse::<San>() else {
        return;
    };
    let written = san.to_string();
    assert_eq!(written.parse(), Ok(san), "{written}");
    let position = Position::start(variant);
    if let Some(mv) = position.legal_san(san) {
        assert!(position.legal_moves().contains(&mv));
        assert_eq!(position.legal_san(position.san(mv)), Some(mv));
    }
}

fn variant_and_text(data: &[u8]) -> Option<(Variant, &str)> {
    let (&variant, text) = data.split_first()?;
    let variant = Variant::ALL[usize::from(variant) % Variant::ALL.len()];
    Some((variant, str::from_utf8(text).ok()?))
}
