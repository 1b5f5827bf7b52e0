//! Two people and who watches them: one game after the other, each with new windows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::entrance::Entrance;

use super::fold::name;
use super::history::Command;
use super::player;
use super::reader;
use super::shared::{Phase, Shared};
use super::stranger;
use super::stream;
use super::window::{Person, Window};

/// How long the way into a game may take before it is tried elsewhere.
const OPENING: Duration = Duration::from_secs(3);

/// Seconds on the clocks of most games, which nobody loses by, and of those in which flags fall.
const LONG: (u32, u32) = (60, 1);
const SHORT: (u32, u32) = (4, 1);

/// Of a hundred games: those with short clocks, with a player who has two windows, with somebody who polls, with somebody
/// who reads a stream, and with a stranger who wants to play.
const SHORT_GAMES: u32 = 25;
const TWO_WINDOWS: u32 = 20;
const READERS: u32 = 40;
const STREAMS: u32 = 40;
const STRANGERS: u32 = 40;

/// Plays until the run is over.
pub(super) async fn run(shared: Arc<Shared>, mut rng: StdRng) {
    let mut next: Option<(Arc<str>, [String; 2], bool)> = None;
    while shared.phase() == Phase::Play {
        let begun = match next.take() {
            Some(rematch) => Some(rematch),
            None => begin(&shared, &mut rng).await,
        };
        let Some((game, tokens, may_flag)) = begun else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        shared.begun(&game);
        let rematch = one_game(&shared, (&game, &tokens, may_flag), &mut rng).await;
        let [white, black] = tokens;
        next = rematch.map(|game| (game, [black, white], may_flag));
    }
}

/// The answer is the game that was agreed on.
async fn one_game(
    shared: &Arc<Shared>,
    (game, tokens, may_flag): (&Arc<str>, &[String; 2], bool),
    rng: &mut StdRng,
) -> Option<Arc<str>> {
    let window = |person: Person, rng: &mut StdRng| {
        let rng = StdRng::seed_from_u64(rng.random());
        Window::new(person, game, (shared, rng))
    };
    let mut players = JoinSet::new();
    for (seat, token) in tokens.iter().enumerate() {
        let windows = if rng.random_range(0..100) < TWO_WINDOWS {
            2
        } else {
            1
        };
        for number in 1..=windows {
            let person = Person {
                who: format!("{game} {} {number}", name(seat)).into(),
                seat: Some(seat),
                token: Some(token.clone()),
            };
            players.spawn(player::play(window(person, rng), may_flag));
        }
    }
    let mut others = JoinSet::new();
    let person = Person {
        who: format!("{game} spectator").into(),
        seat: None,
        token: None,
    };
    others.spawn(watch(window(person, rng)));
    if rng.random_range(0..100) < READERS {
        let rng = StdRng::seed_from_u64(rng.random());
        others.spawn(reader::read(Arc::clone(shared), Arc::clone(game), rng));
    }
    if rng.random_range(0..100) < STREAMS {
        let rng = StdRng::seed_from_u64(rng.random());
        others.spawn(stream::read(Arc::clone(shared), Arc::clone(game), rng));
    }
    if rng.random_range(0..100) < STRANGERS {
        let of_stranger = StdRng::seed_from_u64(rng.random());
        let meddling = meddle(Arc::clone(shared), Arc::clone(game), of_stranger);
        others.spawn(meddling);
    }
    let mut next = None;
    while let Some(Ok(window)) = players.join_next().await {
        next = next.or(window.view.next.clone());
    }
    next.map(Arc::from)
}

/// A stranger, who first becomes somebody.
async fn meddle(shared: Arc<Shared>, game: Arc<str>, mut rng: StdRng) {
    let Some(token) = stranger::token(&shared, &mut rng).await else {
        return;
    };
    let person = Person {
        who: format!("{game} stranger").into(),
        seat: None,
        token: Some(token),
    };
    let window = Window::new(person, &game, (&shared, rng));
    stranger::meddle(window, shared).await;
}

/// A spectator, who wants to move, too. Every other one comes from elsewhere now and then.
async fn watch(mut window: Window) {
    let stays = window.chance(50);
    while window.phase() != Phase::Over {
        let stay = window.rng.random_range(1000..6000);
        window
            .listen_until(Instant::now() + Duration::from_millis(stay))
            .await;
        if window.phase() == Phase::Play && window.chance(15) {
            let command = Command::play("e2e4".to_owned(), window.view.ply, window.view.v);
            window.ask(&command).await;
        }
        if window.phase() == Phase::Play && !stays {
            window.leave();
        }
    }
}

async fn begin(shared: &Shared, rng: &mut StdRng) -> Option<(Arc<str>, [String; 2], bool)> {
    let may_flag = rng.random_range(0..100) < SHORT_GAMES;
    let terms = if may_flag { SHORT } else { LONG };
    let address = shared.any_entrance(rng);
    let opened = timeout(OPENING, open(&address, terms)).await;
    let (game, tokens) = opened.ok()?.ok()?;
    Some((game.into(), tokens, may_flag))
}

async fn open(
    address: &str,
    (limit, increment): (u32, u32),
) -> anyhow::Result<(String, [String; 2])> {
    let entrance = Entrance::at(address);
    let tokens = [entrance.guest().await?, entrance.guest().await?];
    let terms = json!({"clock": {"limit": limit, "increment": increment}});
    let game = entrance.begin_with(&terms, [&tokens[0], &tokens[1]]).await;
    Ok((game.context("begin a game")?, tokens))
}
