//! A disk that is full: moves are refused and never acknowledged, reading goes on, and so does play once there is room.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::{Node, NodeSettings, RedisServer, SmallDisk};

use super::{RETRY_PAUSE, uci_at};
use crate::support::client::Client;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

/// Room for any of the stores, in KiB, but not for long.
const ROOM: u32 = 8 * 1024;

/// Moves before and after.
const SOME: usize = 6;

const BINARY: &str = env!("CARGO_BIN_EXE_zeitnot");

/// A node with these arguments, perhaps launched in another way.
fn node(launcher: Vec<OsString>, args: &[&str]) -> Node {
    let mut words = launcher;
    words.push(BINARY.into());
    words.extend(args.iter().map(OsString::from));
    Node::start(NodeSettings {
        binary: words.remove(0).into(),
        args: words,
        variables: Vec::new(),
        log: None,
    })
    .unwrap()
}

/// A game on a node, of which every acknowledged move is known.
struct Game {
    entrance: Entrance,
    table: Table,
    played: usize,
}

impl Game {
    async fn begin(node: &Node) -> Self {
        let entrance = Entrance::of(node);
        let terms = json!({"clock.limit": 600, "clock.increment": 5});
        let table = Table::sit_down([&entrance; 3], &terms).await;
        Self {
            entrance,
            table,
            played: 0,
        }
    }

    const fn id(&self) -> GameId {
        self.table.game
    }

    /// Tries the next move once; the answer is what it got, if the socket is still there.
    async fn try_next(&mut self) -> Option<Value> {
        let ply = self.played;
        let mover = &mut self.table.seats[ply % 2];
        let mv = json!({"t": "move", "game": self.table.game, "uci": uci_at(ply), "ply": ply});
        let Ok(id) = mover.try_send(mv).await else {
            return None;
        };
        loop {
            let frame = mover.try_receive().await.ok()?;
            if frame["re"] == id {
                self.played += usize::from(frame["t"] == "ok");
                return Some(frame);
            }
        }
    }

    /// Who was sent away comes back.
    async fn come_back(&mut self) {
        let seat = self.played % 2;
        let guest = Some(&self.table.guests[seat]);
        self.table.seats[seat] = self.entrance.connect(guest).await;
    }

    /// Plays on until a move is refused because it cannot be kept.
    async fn until_refused(&mut self) {
        loop {
            match self.try_next().await {
                Some(answer) if answer["t"] == "ok" => {}
                Some(answer) => {
                    assert_eq!(answer["code"], "unavailable", "{answer}");
                    return;
                }
                None => self.come_back().await,
            }
        }
    }

    /// Plays up to a ply, saying again what is refused.
    async fn play_on(&mut self, until: usize) {
        while self.played < until {
            match self.try_next().await {
                Some(answer) if answer["t"] == "ok" => {}
                Some(answer) => {
                    assert_eq!(answer["code"], "unavailable", "{answer}");
                    sleep(RETRY_PAUSE).await;
                }
                None => self.come_back().await,
            }
        }
    }

    fn moves(&self) -> String {
        let moves: Vec<String> = (0..self.played).map(uci_at).collect();
        moves.join(" ")
    }

    /// Whoever asks is shown every acknowledged move and no other: by a request, and on a new socket.
    async fn assert_shown(&self) {
        let path = format!("/api/games/{}", self.id());
        let nothing = (&Value::Null, None);
        let (status, shown) = self.entrance.request(Method::GET, &path, nothing).await;
        assert_eq!(
            (status, &shown["moves"]),
            (StatusCode::OK, &json!(self.moves()))
        );
        let mut watcher: Client = self.entrance.connect(None).await;
        assert_eq!(watcher.watch(self.id()).await["moves"], self.moves());
    }
}

/// Fills the disk under a game, looks at it, frees the disk, and plays on.
async fn fill_under(game: &mut Game, disk: &SmallDisk) {
    game.play_on(SOME).await;
    disk.fill().unwrap();
    game.until_refused().await;
    let kept = game.played;
    println!("{} moves were still kept on the full disk", kept - SOME);
    game.assert_shown().await;
    // Still, and for as long as it is full.
    game.until_refused().await;
    assert_eq!(game.played, kept);
    game.assert_shown().await;
    disk.free().unwrap();
    game.play_on(kept + SOME).await;
    game.assert_shown().await;
}

#[tokio::test]
async fn a_redis_whose_disk_is_full_acknowledges_nothing_and_then_goes_on() {
    let disk = SmallDisk::new(ROOM).unwrap();
    let aof = ["--appendonly", "yes", "--appendfsync", "everysec"];
    let mut redis = RedisServer::start_on_disk(&disk, &aof).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys.json");
    let made = Command::new(BINARY).args(["keys", "new"]).output().unwrap();
    std::fs::write(&keys, made.stdout).unwrap();
    let args = [
        "--redis-url",
        &redis.url(),
        "--jwt-keys",
        keys.to_str().unwrap(),
    ];
    let node = node(Vec::new(), &args);
    let mut game = Game::begin(&node).await;
    fill_under(&mut game, &disk).await;
    // What it could not write then it has written since.
    redis.restart().unwrap();
    game.play_on(game.played + SOME).await;
    game.assert_shown().await;
}

#[tokio::test]
async fn an_embedded_node_whose_disk_is_full_acknowledges_nothing_and_then_goes_on() {
    let disk = SmallDisk::new(ROOM).unwrap();
    let data: &Path = &disk.path().join("data");
    let mut node = node(disk.launcher(), &["--data-dir", data.to_str().unwrap()]);
    let mut game = Game::begin(&node).await;
    fill_under(&mut game, &disk).await;
    node.restart().unwrap();
    game.come_back().await;
    game.play_on(game.played + SOME).await;
    game.assert_shown().await;
}
