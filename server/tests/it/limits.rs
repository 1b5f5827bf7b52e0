//! Every bound that a client can exceed: it gets an error, and neither the game nor other sockets notice.

mod addresses;
mod garbled;
mod http;
mod places;
mod quotas;
mod rooms;
mod slow;
mod sockets;

use serde_json::json;
use zeitnot_loadtest::deployment::Deployment;

use crate::support::binary;
use crate::support::table::Table;

fn start(args: &[&str]) -> Deployment {
    Deployment::embedded_with(binary(), (args, &[])).unwrap()
}

/// The game goes on for everybody else.
async fn assert_undisturbed(table: &mut Table, ply: usize, uci: &str) {
    let answer = table.seats[ply % 2].play(table.game, uci, ply).await;
    assert_eq!(
        (&answer["t"], &answer["v"]),
        (&json!("ok"), &json!(ply + 2)),
        "{answer}"
    );
    let seen = table.spectator.next_of("move").await;
    assert_eq!(seen["ply"], ply + 1);
}
