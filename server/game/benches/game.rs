//! What the pure core costs: one move decided, folded and encoded, and a game of 80 plies replayed.
//!
//! `cargo bench -p zeitnot-game`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use zeitnot_game::clock::Lag;
use zeitnot_game::entry::Entry;
use zeitnot_game::event::{Asked, Command};
use zeitnot_game::game::{Decision, Game};
use zeitnot_game::id::{GameId, Tag};
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::wire::{Before, frame_of};

const SETUP: &str = "game1 standard 180+2 casual white:guest-k2x9w0q4ab:Anna black:guest-0aab12cd34:Bo \
                     created:1795352223456 1795352223000 aZ4k9";

/// A game of 80 plies and its log, made of the first legal move that is no capture.
fn game_of_80_plies() -> (Game, Vec<String>) {
    let mut game = Game::begin(SETUP).expect("the set-up is readable");
    let mut lines = vec![SETUP.to_owned()];
    for ply in 0..80_u64 {
        let entry = next_entry(&game, Timestamp(1_900 * (ply + 1)));
        game.evolve(&entry);
        lines.push(entry.as_str().to_owned());
    }
    (game, lines)
}

fn next_entry(game: &Game, now: Timestamp) -> Entry {
    let Ok(Decision::Append { events, .. }) = game.decide(&asked(game, now)) else {
        panic!("a legal move in time");
    };
    let tag: Tag = "bQ7xM".parse().expect("a tag");
    Entry::new(events[0], now, tag)
}

fn asked(game: &Game, now: Timestamp) -> Asked {
    let position = game.position();
    let legal = position.legal_moves();
    let mv = legal.iter().rev().copied().find(|&mv| {
        let mut after = position.clone();
        after.play(mv);
        after.ending().is_none()
            && after.material(after.turn()) == position.material(!position.turn())
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

fn benches(c: &mut Criterion) {
    let id: GameId = "q7ZwA0bX".parse().expect("an id");
    let (game, lines) = game_of_80_plies();
    let now = game.at() + Millis(1_900);
    let asked = asked(&game, now);
    c.bench_function("decide + evolve + encode one move", |b| {
        b.iter_batched(
            || game.clone(),
            |mut game| {
                let Ok(Decision::Append { events, .. }) = game.decide(black_box(&asked)) else {
                    panic!("a legal move in time");
                };
                let before = Before::of(&game);
                let entry = Entry::new(events[0], now, "bQ7xM".parse().expect("a tag"));
                game.evolve(&entry);
                let frame = frame_of(id, (&before, &game), &entry, now).expect("a frame");
                (
                    game,
                    serde_json::to_string(&frame).expect("frames are JSON"),
                )
            },
            BatchSize::SmallInput,
        );
    });
    c.bench_function("replay 80 plies", |b| {
        b.iter(|| Game::replay(black_box(&lines).iter().map(String::as_str)).expect("readable"));
    });
}

criterion_group! {
    name = game;
    config = Criterion::default().sample_size(50);
    targets = benches
}
criterion_main!(game);
