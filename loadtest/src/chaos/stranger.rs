//! Somebody with a name and without a seat, who wants to play in other people's games by every way in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use rand::Rng as _;
use tokio::time::{sleep, timeout};

use crate::entrance::Entrance;

use super::history::{Answer, Command, Try};
use super::player::{position, some_move};
use super::shared::{Phase, Shared};
use super::window::Window;

/// How long he looks on before he tries something, in milliseconds.
const WAIT_MS: std::ops::Range<u64> = 500..2500;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Of a hundred times: he asks for a seat, and goes elsewhere afterwards.
const ASK_FOR_SEAT: u32 = 15;
const LEAVE: u32 = 20;

/// A new guest's token; none if the run ended before anybody gave one.
pub(super) async fn token(shared: &Shared, rng: &mut rand::rngs::StdRng) -> Option<String> {
    while shared.phase() == Phase::Play {
        let entrance = Entrance::at(&shared.any_entrance(rng));
        if let Ok(Ok(token)) = timeout(PATIENCE, entrance.guest()).await {
            return Some(token);
        }
        sleep(Duration::from_millis(100)).await;
    }
    None
}

/// Watches until the run is over, and tries.
pub(super) async fn meddle(mut window: Window, shared: Arc<Shared>) {
    while window.phase() != Phase::Over {
        let wait = window.rng.random_range(WAIT_MS);
        let until = Instant::now() + Duration::from_millis(wait);
        window.listen_until(until).await;
        if window.phase() != Phase::Play || window.view.v == 0 {
            continue;
        }
        if window.chance(ASK_FOR_SEAT) {
            ask_for_seat(&mut window, &shared).await;
        } else {
            let command = some_command(&mut window);
            window.ask(&command).await;
        }
        if window.chance(LEAVE) {
            window.leave();
        }
    }
}

/// What one of the players might say now.
fn some_command(window: &mut Window) -> Command {
    let (v, ply) = (window.view.v, window.view.ply);
    let (t, act) = match window.rng.random_range(0..10) {
        0 => ("resign", None),
        1 => ("draw", Some("accept")),
        2 => ("draw", Some("offer")),
        3 => ("takeback", Some("accept")),
        4 => ("rematch", Some("accept")),
        _ => {
            let position = position(&window.view.fen);
            let uci = position.and_then(|position| some_move(window, &position));
            let uci = uci.unwrap_or_else(|| "e2e4".to_owned());
            return Command::play(uci, ply, v);
        }
    };
    Command::plain(t, act, v)
}

/// Both seats have somebody. It is written down like any command, so that one that is granted is found.
async fn ask_for_seat(window: &mut Window, shared: &Shared) {
    let Some(token) = window.person.token.clone() else {
        return;
    };
    let color = if window.chance(50) { "white" } else { "black" };
    let entrance = shared.any_entrance(&mut window.rng);
    let sent = shared.history.now();
    let node = Entrance::at(&entrance);
    let asked = timeout(PATIENCE, node.accept((&window.game, color), &token)).await;
    let answer = match asked {
        Ok(Ok(status)) if status.is_success() => Answer::Ok(window.view.v),
        Ok(Ok(StatusCode::CONFLICT)) => Answer::Refused("conflict".to_owned()),
        Ok(Ok(status)) => Answer::Refused(status.to_string()),
        Ok(Err(_)) => Answer::Unknown("the request failed"),
        Err(_) => Answer::Unknown("no answer in time"),
    };
    shared.history.tried(Try {
        who: Arc::clone(&window.person.who),
        game: Arc::clone(&window.game),
        seat: None,
        op: shared.next_op(),
        command: Command::plain("seat", None, window.view.v),
        entrance,
        sent,
        done: shared.history.now(),
        answer,
    });
}
