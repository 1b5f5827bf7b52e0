//! A game with two players and a spectator at it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use zeitnot_game::id::GameId;

use super::client::Client;
use super::entrance::{Entrance, Guest};

/// A game that has begun, with White, Black and a spectator at it, each on the next node.
pub(crate) struct Table {
    pub(crate) game: GameId,
    pub(crate) seats: [Client; 2],
    pub(crate) guests: [Guest; 2],
    pub(crate) spectator: Client,
}

impl Table {
    /// Makes guests at the first two, and seats them there; the spectator comes to the third.
    pub(crate) async fn sit_down(at: [&Entrance; 3], terms: &Value) -> Self {
        let guests = [at[0].guest("Anna").await, at[1].guest("Bo").await];
        let game = at[2].open_challenge(terms).await;
        for (number, color) in ["white", "black"].into_iter().enumerate() {
            let accepted = at[number].accept(game, color, &guests[number]).await;
            assert_eq!(accepted, StatusCode::OK);
        }
        let mut seats = [
            at[0].connect(Some(&guests[0])).await,
            at[1].connect(Some(&guests[1])).await,
        ];
        let mut spectator = at[2].connect(None).await;
        let [white, black] = &mut seats;
        for (client, seat) in [
            (white, json!("white")),
            (black, json!("black")),
            (&mut spectator, Value::Null),
        ] {
            let snapshot = client.watch(game).await;
            assert_eq!((&snapshot["v"], &snapshot["seat"]), (&json!(1), &seat));
        }
        Self {
            game,
            seats,
            guests,
            spectator,
        }
    }

    pub(crate) fn everyone(&mut self) -> [&mut Client; 3] {
        let [white, black] = &mut self.seats;
        [white, black, &mut self.spectator]
    }
}
