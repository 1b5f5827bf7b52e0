//! The logs as they lie in the store, past every node: from Redis by its own commands, from SQLite by its file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use zeitnot_loadtest::deployment::{RedisCluster, RedisServer};

/// The lines of each game.
pub(super) type Logs = BTreeMap<Arc<str>, Vec<String>>;

pub(super) fn of_redis(redis: &RedisServer) -> anyhow::Result<Logs> {
    let mut logs = Logs::new();
    let keys = redis.call(&["KEYS", "*:game:*"])?;
    for key in keys.items() {
        let key = key.text().context("a key that is no text")?;
        let Some((_, game)) = key.rsplit_once(":game:") else {
            continue;
        };
        let lines = redis.call(&["LRANGE", key, "0", "-1"])?;
        let lines = lines.items().iter().filter_map(|line| line.text());
        logs.insert(game.into(), lines.map(str::to_owned).collect());
    }
    Ok(logs)
}

pub(super) fn of_cluster(cluster: &RedisCluster) -> anyhow::Result<Logs> {
    let mut logs = Logs::new();
    for server in cluster.servers() {
        // A replica has the same, or less, and refers to its master.
        let role = server.call(&["ROLE"])?;
        if role.items().first().and_then(|role| role.text()) == Some("master") {
            logs.extend(of_redis(server)?);
        }
    }
    Ok(logs)
}

pub(super) async fn of_file(path: &Path) -> anyhow::Result<Logs> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await.context("open the database")?;
    let rows = sqlx::query("SELECT game, line FROM entry ORDER BY game, version")
        .fetch_all(&mut connection)
        .await?;
    let mut logs = Logs::new();
    for row in rows {
        let (game, line): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        logs.entry(game.into()).or_default().push(line);
    }
    Ok(logs)
}
