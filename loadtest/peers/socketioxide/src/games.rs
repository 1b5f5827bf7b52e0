//! Games in Redis, one hash each, moved on by compare-and-set.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, Script};

use crate::game::Game;

const COMMIT: &str = include_str!("../../commit.lua");

/// How long a game is kept, in seconds.
const KEPT: i64 = 24 * 3600;

/// All games. Cheap to clone.
#[derive(Clone)]
pub struct Games {
    redis: MultiplexedConnection,
    commit: Arc<Script>,
}

impl Games {
    pub fn new(redis: MultiplexedConnection) -> Self {
        Self {
            redis,
            commit: Arc::new(Script::new(COMMIT)),
        }
    }

    pub async fn create(&self, game: &Game) -> anyhow::Result<()> {
        let key = key(&game.id);
        let mut fields = changed(game).to_vec();
        fields.extend([
            ("id", game.id.clone()),
            ("white", game.white.clone()),
            ("black", game.black.clone()),
            ("initial", game.initial.to_string()),
            ("increment", game.increment.to_string()),
        ]);
        let mut pipe = redis::pipe();
        pipe.atomic()
            .hset_multiple(&key, &fields)
            .ignore()
            .expire(&key, KEPT)
            .ignore();
        pipe.query_async::<()>(&mut self.redis.clone())
            .await
            .context("create")
    }

    /// The game, or none if there is none.
    pub async fn read(&self, id: &str) -> anyhow::Result<Option<Game>> {
        let mut fields: HashMap<String, String> = self.redis.clone().hgetall(key(id)).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let mut text = |name: &str| fields.remove(name).with_context(|| format!("no {name}"));
        Ok(Some(Game {
            id: text("id")?,
            white: text("white")?,
            black: text("black")?,
            v: text("v")?.parse()?,
            ply: text("ply")?.parse()?,
            fen: text("fen")?,
            moves: text("moves")?,
            status: text("status")?,
            initial: text("initial")?.parse()?,
            increment: text("increment")?.parse()?,
            wms: text("wms")?.parse()?,
            bms: text("bms")?.parse()?,
            at: text("at")?.parse()?,
        }))
    }

    /// Writes `next` in the place of `game`; false if that is not the stored one any more.
    pub async fn commit(&self, game: &Game, next: &Game) -> anyhow::Result<bool> {
        let mut call = self.commit.prepare_invoke();
        // The adapter publishes, so the script does not.
        call.key(key(&game.id)).key("").arg(game.v).arg("");
        for (name, value) in changed(next) {
            call.arg(name).arg(value);
        }
        let done: i64 = call.invoke_async(&mut self.redis.clone()).await?;
        Ok(done == 1)
    }
}

/// The fields that a move changes.
fn changed(game: &Game) -> [(&'static str, String); 8] {
    [
        ("v", game.v.to_string()),
        ("ply", game.ply.to_string()),
        ("fen", game.fen.clone()),
        ("moves", game.moves.clone()),
        ("wms", game.wms.to_string()),
        ("bms", game.bms.to_string()),
        ("at", game.at.to_string()),
        ("status", game.status.clone()),
    ]
}

fn key(id: &str) -> String {
    format!("game:{id}")
}
