//! White, Black and a spectator of one game, each of whom comes back.

use axum::http::StatusCode;
use serde_json::Value;
use zeitnot_game::id::GameId;

use super::entrance::Entrance;
use super::player::{Acknowledged, Player};

/// On which nodes they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seating {
    /// Wherever the entrance leads.
    Anywhere,
    /// Each on another node.
    Apart,
    /// Both players on one node, the spectator on another.
    PlayersTogether,
}

/// A game that has begun, with all three at it.
pub(crate) struct Trio {
    pub(crate) game: GameId,
    pub(crate) seats: [Player; 2],
    pub(crate) spectator: Player,
}

impl Trio {
    /// Makes guests and their game, and brings all to it.
    pub(crate) async fn sit_down(entrance: &Entrance, terms: &Value, seating: Seating) -> Self {
        let guests = [entrance.guest("Anna").await, entrance.guest("Bo").await];
        let game = entrance.open_challenge(terms).await;
        for (color, guest) in ["white", "black"].into_iter().zip(&guests) {
            let accepted = entrance.accept(game, color, guest).await;
            assert_eq!(accepted, StatusCode::OK);
        }
        let [white, black] = guests.each_ref().map(|guest| (game, Some(guest)));
        let white = Player::come(entrance, white, |_| true).await;
        let black = Player::come(entrance, black, |node| match seating {
            Seating::Anywhere => true,
            Seating::Apart => node != white.node(),
            Seating::PlayersTogether => node == white.node(),
        });
        let black = black.await;
        let spectator = Player::come(entrance, (game, None), |node| {
            seating == Seating::Anywhere || ![white.node(), black.node()].contains(&node)
        });
        Self {
            game,
            spectator: spectator.await,
            seats: [white, black],
        }
    }

    /// All three.
    pub(crate) fn everyone(&self) -> [&Player; 3] {
        let [white, black] = &self.seats;
        [white, black, &self.spectator]
    }

    /// The same, to go on.
    pub(crate) fn everyone_mut(&mut self) -> [&mut Player; 3] {
        let [white, black] = &mut self.seats;
        [white, black, &mut self.spectator]
    }

    /// The side to move plays, and all see it. The answer is what came to each, as [`Player::until`] says.
    pub(crate) async fn play(&mut self, uci: &str, ply: usize) -> [Vec<Value>; 3] {
        let version = self.seats[ply % 2].play(uci, ply).await;
        self.until(version).await
    }

    /// One side resigns, and all see it.
    pub(crate) async fn resign(&mut self, seat: usize) {
        let version = self.seats[seat].resign().await;
        self.until(version).await;
        assert!(self.everyone().iter().all(|one| one.status() == "resign"));
    }

    /// All follow up to a version.
    pub(crate) async fn until(&mut self, version: u64) -> [Vec<Value>; 3] {
        let [white, black] = &mut self.seats;
        [
            white.until(version).await,
            black.until(version).await,
            self.spectator.until(version).await,
        ]
    }

    /// What got `ok`, of both sides.
    pub(crate) fn acknowledged(&self) -> Vec<Acknowledged> {
        let both = self.seats.iter().flat_map(Player::acknowledged);
        both.cloned().collect()
    }
}
