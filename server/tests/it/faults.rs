//! Faults of a deployment while games are played on it: what players are told, and that each clock stays right.
//!
//! What the log's stamps say is asserted to the millisecond; how late something came is printed.

mod asleep;
mod cut;
mod disk;
mod drain;
mod lag;
mod outage;
mod player;
mod reckoning;
mod skew;
mod unattended;

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::{RedisKind, Settings};

use self::player::{Player, Seat};
use crate::support::binary;
use crate::support::entrance::{Entrance, Guest};

/// How often a condition is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(5);

/// The pause before something is tried again that was refused: a socket takes a hundred messages in 20 s.
const RETRY_PAUSE: Duration = Duration::from_millis(220);

/// So many nodes over one Redis.
fn nodes(count: usize) -> Settings {
    Settings::new(binary()).nodes(count).over(RedisKind::Single)
}

/// A node's number as for `Deployment::node`, by its name.
fn number(name: &str) -> usize {
    let number: usize = name.strip_prefix("node-").unwrap().parse().unwrap();
    number - 1
}

/// Makes a game of two guests with a clock: limit and increment in seconds.
async fn begin(entrance: &Entrance, (limit, increment): (u32, u32)) -> (GameId, [Guest; 2]) {
    let terms = json!({"clock": {"limit": limit, "increment": increment}});
    let game = entrance.open_challenge(&terms).await;
    let guests = [entrance.guest("Anna").await, entrance.guest("Bo").await];
    for (color, guest) in ["white", "black"].into_iter().zip(&guests) {
        let accepted = entrance.accept(game, color, guest).await;
        assert_eq!(accepted, StatusCode::OK);
    }
    (game, guests)
}

/// The players of a new game, White first, who come to these addresses and do not think.
async fn seat(
    entrance: &Entrance,
    (limit, increment): (u32, u32),
    addresses: [&str; 2],
) -> (GameId, [Player; 2]) {
    let (game, guests) = begin(entrance, (limit, increment)).await;
    let players = [0, 1].map(|side| {
        Player::new(Seat {
            address: addresses[side].to_owned(),
            token: guests[side].token.clone(),
            game,
            side,
            pace: Duration::ZERO,
            echoes_pings: true,
            tells_thought: false,
        })
    });
    (game, players)
}

/// A move for each ply of a long game: knights go out and come back, and now and then a pawn makes it another position.
fn uci_at(ply: usize) -> String {
    const KNIGHTS: [&str; 4] = ["b1a3", "b8a6", "a3b1", "a6b8"];
    const FILES: [char; 6] = ['c', 'd', 'e', 'f', 'g', 'h'];
    let (block, within) = (ply / 14, ply % 14);
    if within < 12 {
        return KNIGHTS[within % 4].to_owned();
    }
    let (file, step) = (FILES[block % 6], block / 6);
    assert!(step < 2, "no more moves for ply {ply}");
    let [from, to] = if within == 12 {
        [2 + step, 3 + step]
    } else {
        [7 - step, 6 - step]
    };
    format!("{file}{from}{file}{to}")
}
