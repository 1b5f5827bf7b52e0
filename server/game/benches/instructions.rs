//! How many instructions the pure core takes, counted by callgrind: unlike times, the same on a busy machine.
//!
//! `make instructions` compares them with `instructions.txt` and fails where one is off; `UPDATE=1` writes that file anew.
//! Each count is of one call in this very program, which is started again below valgrind with the call's name.

#![expect(clippy::print_stdout, reason = "figures, for who runs it")]

use std::hint::black_box;
use std::process::{Command as Process, ExitCode};
use std::{env, fs};

use zeitnot_game::clock::Lag;
use zeitnot_game::entry::Entry;
use zeitnot_game::event::{Asked, Command};
use zeitnot_game::game::{Decision, Game};
use zeitnot_game::id::{GameId, Tag};
use zeitnot_game::pgn::pgn;
use zeitnot_game::rules::Position;
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::wire::{Before, MoveMsg, Snapshot, frame_of};

/// What was counted last.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// How far a count may be off, in percent.
const TOLERANCE: f64 = 3.0;

/// How often a call is made before it is counted: the first one meets an allocator with nothing in it.
const WARM_UP: usize = 3;

/// The function of this program whose instructions count, with all that it calls.
const COUNTED: &str = "instructions::counted*";

const SETUP: &str = "game1 standard 180+2 casual white:guest-k2x9w0q4ab:Anna black:guest-0aab12cd34:Bo \
                     created:1795352223456 1795352223000 aZ4k9";

const PLIES: u64 = 100;

const FRAME: &str =
    r#"{"t":"move","id":17,"game":"q7ZwA0bX","uci":"g1f3","ply":24,"v":25,"think":1850}"#;

/// Something that is counted.
type Call = fn(&Bench);

/// What is counted, by name.
const CALLS: [(&str, Call); 5] = [
    ("move", |bench| {
        black_box(bench.play_on());
    }),
    ("replay", |bench| {
        let lines = bench.lines.iter().map(String::as_str);
        black_box(Game::replay(lines).expect("readable"));
    }),
    ("frame", |_| {
        black_box(serde_json::from_str::<MoveMsg>(black_box(FRAME)).expect("a move"));
    }),
    ("snapshot", |bench| {
        let snapshot = Snapshot::of(bench.id, &bench.game, bench.now);
        black_box(serde_json::to_string(&snapshot).expect("JSON"));
    }),
    ("pgn", |bench| {
        black_box(pgn(bench.id, &bench.game, "https://chess.example/q7ZwA0bX"));
    }),
];

/// A game of [`PLIES`], and its next move.
struct Bench {
    id: GameId,
    game: Game,
    lines: Vec<String>,
    now: Timestamp,
    asked: Asked,
}

impl Bench {
    fn new() -> Self {
        let mut game = Game::begin(SETUP).expect("the set-up is readable");
        let mut lines = vec![SETUP.to_owned()];
        for ply in 0..PLIES {
            let now = Timestamp(1_900 * (ply + 1));
            let entry = entry(&game, &asked(&game, now));
            game.evolve(&entry);
            lines.push(entry.as_str().to_owned());
        }
        let now = game.at() + Millis(1_900);
        Self {
            id: "q7ZwA0bX".parse().expect("an id"),
            asked: asked(&game, now),
            game,
            lines,
            now,
        }
    }

    /// Decides, folds, and writes the frame: what a node does for a move between the store and the sockets.
    fn play_on(&self) -> String {
        let mut game = self.game.clone();
        let entry = entry(&game, &self.asked);
        let before = Before::of(&game);
        game.evolve(&entry);
        let frame = frame_of(self.id, (&before, &game), &entry, self.now).expect("a frame");
        serde_json::to_string(&frame).expect("frames are JSON")
    }
}

fn entry(game: &Game, asked: &Asked) -> Entry {
    let Ok(Decision::Append { events, .. }) = game.decide(asked) else {
        panic!("a legal move in time");
    };
    let tag: Tag = "bQ7xM".parse().expect("a tag");
    Entry::new(events[0], asked.received, tag)
}

/// The last legal move that takes nothing and ends nothing, so that the game goes on for long.
fn asked(game: &Game, now: Timestamp) -> Asked {
    let position = game.position();
    let legal = position.legal_moves();
    let goes_on = |after: &Position| {
        after.ending().is_none()
            && after.material(after.turn()) == position.material(!position.turn())
    };
    let mv = legal.iter().rev().copied().find(|&mv| {
        let mut after = position.clone();
        after.play(mv);
        goes_on(&after)
    });
    Asked {
        by: game.turn(),
        command: Command::Play {
            mv: position.uci(mv.unwrap_or(legal[0])),
            ply: game.ply(),
            lag: Lag {
                think: Some(Millis(1_850)),
                round_trip: Some(Millis(40)),
            },
            offers_draw: false,
        },
        seen: None,
        received: now,
    }
}

#[inline(never)]
fn counted(call: Call, bench: &Bench) {
    call(black_box(bench));
}

/// The instructions of a call, by callgrind.
fn count(name: &str) -> u64 {
    let out = env::temp_dir().join(format!("callgrind.{}.{name}", std::process::id()));
    let output = Process::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().expect("this program has a file"))
        .arg(name)
        .output()
        .expect("valgrind starts: see deploy/test-deps.sh");
    // It may be gone already.
    let _ = fs::remove_file(out);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = collected.unwrap_or_else(|| panic!("it counts: {said}"));
    count.trim().parse().expect("a number")
}

/// The counts of the file, by name.
fn known() -> Vec<(String, u64)> {
    let text = fs::read_to_string(FILE).unwrap_or_default();
    let line = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn main() -> ExitCode {
    if let Some((_, call)) = env::args()
        .nth(1)
        .and_then(|name| CALLS.into_iter().find(|(other, _)| *other == name))
    {
        let bench = Bench::new();
        for _ in 0..WARM_UP {
            call(black_box(&bench));
        }
        counted(call, &bench);
        return ExitCode::SUCCESS;
    }
    let known = known();
    let (mut text, mut is_off) = (String::new(), false);
    println!("{:>10} {:>12} {:>12}", "", "before", "now");
    for (name, _) in CALLS {
        let now = count(name);
        let before = known.iter().find(|(other, _)| other == name);
        let before = before.map_or(f64::NAN, |(_, count)| *count as f64);
        let change = (now as f64 / before - 1.0) * 100.0;
        // What is not known is off, too.
        is_off |= change.is_nan() || change.abs() > TOLERANCE;
        println!("{name:>10} {before:>12} {now:>12} {change:>+7.1} %");
        text.push_str(&format!("{name} {now}\n"));
    }
    if env::var("UPDATE").is_ok_and(|update| !update.is_empty()) {
        fs::write(FILE, text).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    if is_off {
        println!(
            "more than {TOLERANCE} % off: say why in the commit, with `make instructions UPDATE=1`"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
