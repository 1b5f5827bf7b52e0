//! What Redis says of itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use zeitnot_loadtest::deployment::usage::cpu_time;
use zeitnot_loadtest::deployment::{RedisServer, Reply};

/// Keys that are asked for at once.
const PAGE: &str = "1000";

/// Calls of scripts by their hash, until now or between two moments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scripts {
    pub(super) calls: usize,
    /// Of the server's own time.
    pub(super) micros: f64,
}

impl Scripts {
    /// Until now; none at all reads as zero.
    pub(super) fn of(redis: &RedisServer) -> anyhow::Result<Self> {
        let stats = redis.call(&["INFO", "commandstats"])?;
        let stats = stats.text().unwrap_or_default();
        let line = stats
            .lines()
            .find(|line| line.starts_with("cmdstat_evalsha:"));
        let field = |name: &str| {
            let mut fields = line?
                .split([':', ','])
                .filter_map(|field| field.split_once('='));
            Some(fields.find(|(found, _)| *found == name)?.1)
        };
        Ok(Self {
            calls: field("calls").unwrap_or("0").parse()?,
            micros: field("usec").unwrap_or("0").parse()?,
        })
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            micros: self.micros - before.micros,
        }
    }
}

/// What Redis did in some time, for each second of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Activity {
    /// The share of a core that the process used, in percent.
    pub(super) cpu: f64,
    /// Bytes that were added to the file.
    pub(super) file: f64,
    /// Scripts that were called.
    pub(super) scripts: f64,
    /// The share of a core that they used, in percent.
    pub(super) scripts_cpu: f64,
}

impl Activity {
    /// Waits for so long, and looks at what was done meanwhile.
    pub(super) async fn during(redis: &RedisServer, span: Duration) -> anyhow::Result<Self> {
        let look = || {
            anyhow::Ok((
                Scripts::of(redis)?,
                file_size(redis)?,
                cpu_time(redis.pid())?,
            ))
        };
        let start = Instant::now();
        let (scripts_before, file_before, cpu_before) = look()?;
        tokio::time::sleep(span).await;
        let (scripts, file, cpu) = look()?;
        let seconds = start.elapsed().as_secs_f64();
        let scripts = scripts.since(scripts_before);
        Ok(Self {
            cpu: cpu.saturating_sub(cpu_before).as_secs_f64() / seconds * 100.0,
            file: (file - file_before) / seconds,
            scripts: scripts.calls as f64 / seconds,
            scripts_cpu: scripts.micros / 1e6 / seconds * 100.0,
        })
    }
}

/// Bytes of the append-only file; 0 if there is none.
fn file_size(redis: &RedisServer) -> anyhow::Result<f64> {
    let size = info(redis, "persistence", "aof_current_size")?;
    Ok(size.unwrap_or_default())
}

/// Bytes that the server has allocated.
pub(super) fn used_memory(redis: &RedisServer) -> anyhow::Result<f64> {
    info(redis, "memory", "used_memory")?.context("Redis does not tell")
}

/// A number from `INFO`.
fn info(redis: &RedisServer, section: &str, name: &str) -> anyhow::Result<Option<f64>> {
    let info = redis.call(&["INFO", section])?;
    let mut lines = info.text().unwrap_or_default().lines();
    let number = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(number.map(str::parse).transpose()?)
}

/// How many channels somebody hears.
pub(super) fn channels(redis: &RedisServer) -> anyhow::Result<usize> {
    Ok(redis.call(&["PUBSUB", "SHARDCHANNELS"])?.items().len())
}

/// Keys of a kind, and their bytes as `MEMORY USAGE` has them: with name and place, every element looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keys {
    pub(super) count: usize,
    pub(super) bytes: i64,
}

/// All keys by kind, which is their name without what is in braces and without names of games and users.
pub(super) fn keys(redis: &RedisServer) -> anyhow::Result<BTreeMap<String, Keys>> {
    let mut connection = redis.connect()?;
    let (mut kinds, mut cursor) = (BTreeMap::<String, Keys>::new(), "0".to_owned());
    loop {
        let page = redis.call(&["SCAN", &cursor, "COUNT", PAGE])?;
        let [next, names] = page.items() else {
            anyhow::bail!("SCAN answered {page}");
        };
        let names: Vec<_> = names.items().iter().filter_map(Reply::text).collect();
        let asked: Vec<_> = names
            .iter()
            .map(|name| vec!["MEMORY", "USAGE", name, "SAMPLES", "0"])
            .collect();
        for (name, bytes) in names.iter().zip(connection.call_all(&asked)?) {
            let of_kind = kinds.entry(kind(name)).or_default();
            of_kind.count += 1;
            of_kind.bytes += bytes.int().unwrap_or_default();
        }
        cursor = next.text().unwrap_or_default().to_owned();
        if cursor == "0" {
            return Ok(kinds);
        }
    }
}

/// `{b:17}:game:q7ZwA0bX` is of the kind `game`, `{b:17}:user:anna:playing` of `user:playing`.
fn kind(name: &str) -> String {
    let words = name.split(':').skip(2).enumerate();
    let kept: Vec<_> = words
        .filter(|(place, _)| *place != 1)
        .map(|(_, word)| word)
        .collect();
    kept.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_no_names_in_them() {
        let cases = [
            ("{b:17}:game:q7ZwA0bX", "game"),
            ("{b:17}:due", "due"),
            ("{b:17}:user:guest-a:playing", "user:playing"),
        ];
        for (name, expected) in cases {
            assert_eq!(kind(name), expected);
        }
    }
}
