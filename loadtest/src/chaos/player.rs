//! A player before one window: random legal moves by rules of our own, and now and then something that must be refused.

use std::time::{Duration, Instant};

use rand::Rng as _;
use shakmaty::fen::Fen;
use shakmaty::uci::UciMove;
use shakmaty::{CastlingMode, Chess, Position as _};

use super::history::{Answer, Command};
use super::shared::Phase;
use super::window::Window;

/// How long somebody thinks, in milliseconds. A socket may say five things a second.
const THINK_MS: std::ops::Range<u64> = 250..700;

/// How long players stay after the end.
const AFTERWARDS: Duration = Duration::from_millis(1500);

/// What somebody does now and then, of a hundred moves.
const TWICE: u32 = 10;
const ILLEGAL: u32 = 4;
const OUT_OF_TURN: u32 = 4;
const PREMOVE: u32 = 12;
const OFFER_DRAW: u32 = 3;
const ASK_BACK: u32 = 3;
const RESIGN: u32 = 2;
/// Only in games with short clocks.
const WALK_AWAY: u32 = 4;
const LEAVE: u32 = 3;

/// Plays until the game is over and a little longer, or until everything is.
pub(super) async fn play(mut window: Window, may_flag: bool) -> Window {
    let mut ended: Option<Instant> = None;
    loop {
        if window.phase() == Phase::Over {
            return window;
        }
        let think = window.rng.random_range(THINK_MS);
        window
            .listen_until(Instant::now() + Duration::from_millis(think))
            .await;
        if window.phase() != Phase::Play || window.view.v == 0 {
            continue;
        }
        if window.view.status == "started" {
            act(&mut window, may_flag).await;
            continue;
        }
        let ended = *ended.get_or_insert_with(Instant::now);
        if ended.elapsed() > AFTERWARDS || window.view.next.is_some() {
            return window;
        }
        talk_of_another(&mut window).await;
    }
}

async fn act(window: &mut Window, may_flag: bool) {
    let Some(seat) = window.person.seat else {
        return;
    };
    if window.chance(LEAVE) {
        window.leave();
    }
    let v = window.view.v;
    let other = Some(1 - seat);
    if window.view.draw_offer == other && window.chance(50) {
        let act = if window.chance(30) {
            "accept"
        } else {
            "decline"
        };
        window.ask(&Command::plain("draw", Some(act), v)).await;
        return;
    }
    if window.view.takeback_offer == other && window.chance(60) {
        let act = if window.chance(60) {
            "accept"
        } else {
            "decline"
        };
        window.ask(&Command::plain("takeback", Some(act), v)).await;
        return;
    }
    if window.view.ply > 4 && window.chance(RESIGN) {
        window.ask(&Command::plain("resign", None, v)).await;
        return;
    }
    if window.chance(OFFER_DRAW) {
        window.ask(&Command::plain("draw", Some("offer"), v)).await;
    }
    if window.chance(ASK_BACK) {
        window
            .ask(&Command::plain("takeback", Some("offer"), v))
            .await;
    }
    move_somehow(window, (seat, may_flag)).await;
}

async fn move_somehow(window: &mut Window, (seat, may_flag): (usize, bool)) {
    let Some(position) = position(&window.view.fen) else {
        return;
    };
    let (v, ply) = (window.view.v, window.view.ply);
    let is_mine = position.turn().is_white() == (seat == 0);
    if !is_mine && window.chance(PREMOVE) {
        premove(window, position).await;
        return;
    }
    if !is_mine && !window.chance(OUT_OF_TURN) {
        return;
    }
    if is_mine && may_flag && ply > 4 && window.chance(WALK_AWAY) {
        // Long enough for any clock of such a game, if nobody else moves.
        window
            .listen_until(Instant::now() + Duration::from_secs(6))
            .await;
        return;
    }
    if is_mine && window.chance(ILLEGAL) {
        let uci = nonsense(&position);
        window.ask(&Command::play(uci, ply, v)).await;
        return;
    }
    let Some(uci) = some_move(window, &position) else {
        return;
    };
    let command = Command::play(uci, ply, v);
    let answer = window.ask(&command).await;
    if matches!(answer, Some(Answer::Ok(_))) && window.chance(TWICE) {
        if window.chance(50) {
            window.leave();
        }
        window.ask(&command).await;
    }
}

/// A move for after the opponent's, who may have made it meanwhile.
async fn premove(window: &mut Window, position: Chess) {
    let Ok(mine) = position.swap_turn() else {
        return;
    };
    let (v, ply) = (window.view.v, window.view.ply);
    if let Some(uci) = some_move(window, &mine) {
        window.ask(&Command::play(uci, ply + 1, v)).await;
    }
}

/// One that mates if there is one, else any.
pub(super) fn some_move(window: &mut Window, position: &Chess) -> Option<String> {
    let moves = position.legal_moves();
    let mates = moves.iter().find(|&&mv| {
        let mut after = position.clone();
        after.play_unchecked(mv);
        after.is_checkmate()
    });
    let mv = match mates {
        Some(mv) => *mv,
        None if moves.is_empty() => return None,
        None => moves[window.rng.random_range(0..moves.len())],
    };
    Some(mv.to_uci(CastlingMode::Standard).to_string())
}

pub(super) fn position(fen: &str) -> Option<Chess> {
    let fen: Fen = fen.parse().ok()?;
    fen.into_position(CastlingMode::Standard).ok()
}

/// A move that the rules refuse.
fn nonsense(position: &Chess) -> String {
    let tried = ["a1a8", "e1e8", "h1a8", "b1h7", "d8d1"];
    let is_illegal = |uci: &&str| {
        let parsed = uci.parse::<UciMove>();
        parsed.is_ok_and(|uci| uci.to_move(position).is_err())
    };
    let found = tried.into_iter().find(is_illegal);
    found.unwrap_or("a1h8").to_owned()
}

async fn talk_of_another(window: &mut Window) {
    let Some(seat) = window.person.seat else {
        return;
    };
    let v = window.view.v;
    if window.view.rematch_offer == Some(1 - seat) {
        let act = if window.chance(70) {
            "accept"
        } else {
            "decline"
        };
        window.ask(&Command::plain("rematch", Some(act), v)).await;
    } else if window.view.rematch_offer.is_none() && window.chance(20) {
        window
            .ask(&Command::plain("rematch", Some("offer"), v))
            .await;
    }
}
