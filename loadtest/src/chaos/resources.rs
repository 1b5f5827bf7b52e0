//! What nodes use, by their own metrics: whether they were told what happened when nothing was wrong (I14), and whether
//! they give back in the end what games took (I16).
//!
//! Nothing of I11 (ratings), I12 (the archive), I13 (analysis jobs) and I15 (private games) is looked at, here or elsewhere:
//! there are none of these yet. Their checks belong beside this one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::sleep;
use zeitnot_loadtest::deployment::{Deployment, RedisCluster, RedisSentinels, RedisServer};

use crate::entrance::Entrance;
use crate::report::progress;

use super::check::Violation;
use super::faults::{BUCKETS, Victim};

/// When nothing is wrong, a node that follows a game is told of each entry. One in so many it may find by looking: that comes
/// of looks for other reasons, just before the message.
const TOLD_OF: f64 = 5.0;

/// With fewer commits nothing is said of this.
const MIN_COMMITS: f64 = 15.0;

/// Files that a node may have more than before its first game: connections to the store that it opened again, and one that a
/// load balancer keeps for the next request.
const MORE_FILES: f64 = 24.0;

/// Bytes that it may have more: what an allocator keeps of what a few hundred sockets and games took at once. A leak of whole
/// games or sockets shows sooner in the rooms, the sockets and the files.
const MORE_MEMORY: f64 = 96.0 * 1024.0 * 1024.0;

/// Keys of Redis for each game: its log, its challenge, its chat, who is there, and two players with what they play and seek.
const KEYS_OF_GAME: usize = 8;

/// Keys of each bucket: its clock and what is due; and all others: nodes, the lobby, revoked tokens.
const KEYS_OF_BUCKET: usize = 2;
const OTHER_KEYS: usize = 16;

/// How long a node may take to notice that everybody has left, and to close the rooms, which stay open for half a minute.
const LEFT: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(180);

/// The metrics of one node. Shape of a key: `zeitnot_store_appends_total{result="committed"}`.
pub(super) type Metrics = BTreeMap<String, f64>;

/// Those of all nodes in their order.
pub(super) async fn all(deployment: &Deployment) -> anyhow::Result<Vec<Metrics>> {
    let mut all = Vec::new();
    for node in deployment.nodes() {
        let watcher = Entrance::at(node.internal_address());
        let text = watcher.text("/metrics").await.context("read metrics")?;
        all.push(parse(&text));
    }
    Ok(all)
}

fn parse(text: &str) -> Metrics {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    samples.filter_map(sample).collect()
}

fn get(metrics: &Metrics, name: &str) -> f64 {
    let name = format!("zeitnot_{name}");
    metrics.get(&name).copied().unwrap_or(0.0)
}

fn violation(invariant: &'static str, why: String) -> Violation {
    Violation {
        invariant,
        game: "-".into(),
        version: 0,
        why,
        at: None,
    }
}

/// A time in which nothing was wrong.
#[derive(Debug, Default)]
pub(super) struct Calm {
    pub(super) begin: Vec<Metrics>,
    pub(super) end: Vec<Metrics>,
}

impl Calm {
    /// I14: whoever follows a game is told of it. By counts alone: however slow the machine is, a message comes before the
    /// look that would find the same, but for a few.
    pub(super) fn check(&self) -> Vec<Violation> {
        let grown = |number: usize, name: &str| {
            let of = |all: &[Metrics]| all.get(number).map_or(0.0, |node| get(node, name));
            of(&self.end) - of(&self.begin)
        };
        let committed = r#"store_appends_total{result="committed"}"#;
        let nodes = 0..self.end.len();
        let commits: f64 = nodes.clone().map(|node| grown(node, committed)).sum();
        let missed = nodes.map(|node| (node + 1, grown(node, "missed_entries_total")));
        missed
            .filter(|(_, missed)| commits >= MIN_COMMITS && missed * TOLD_OF > commits)
            .map(|(node, missed)| {
                let why = format!(
                    "all was well, and of the entries of {commits} commits node-{node} was not told of {missed}: it found them"
                );
                violation("I14", why)
            })
            .collect()
    }
}

/// I16: what is left when everybody has gone. Only after `is_idle` rooms and memory are looked at, since rooms stay open for
/// a while.
pub(super) async fn left(
    victim: &Victim,
    (before, is_idle): (&[Metrics], bool),
    games: usize,
) -> anyhow::Result<Vec<Violation>> {
    let begin = Instant::now();
    let limit = if is_idle { IDLE } else { LEFT };
    let wrong = loop {
        let after = all(&victim.deployment).await?;
        let mut wrong = Vec::new();
        for (number, (before, after)) in before.iter().zip(&after).enumerate() {
            for (name, more) in too_much((before, after), is_idle) {
                wrong.push(format!("node-{}: {more} more {name}", number + 1));
            }
        }
        if wrong.is_empty() || begin.elapsed() > limit {
            progress(&text(&after))?;
            break wrong;
        }
        sleep(Duration::from_millis(200)).await;
    };
    let mut violations: Vec<Violation> = wrong
        .into_iter()
        .map(|why| violation("I16", format!("{why}, {limit:?} after everybody left")))
        .collect();
    let keys = keys(&victim.deployment)?;
    let most = BUCKETS as usize * KEYS_OF_BUCKET + games * KEYS_OF_GAME + OTHER_KEYS;
    let all: usize = keys.values().sum();
    if all > most {
        let why = format!("{all} keys for {games} games, and {most} are the most: {keys:?}");
        violations.push(violation("I16", why));
    }
    Ok(violations)
}

/// What a node has more than it may have, and how much.
fn too_much((before, after): (&Metrics, &Metrics), is_idle: bool) -> Vec<(&'static str, f64)> {
    let mut bounds = vec![
        ("sockets", 0.0),
        ("streams", 0.0),
        ("process_open_fds", MORE_FILES),
    ];
    if is_idle {
        bounds.extend([
            ("rooms", 0.0),
            ("process_resident_memory_bytes", MORE_MEMORY),
        ]);
    }
    let more = |name| get(after, name) - get(before, name);
    let bounds = bounds.into_iter();
    bounds
        .map(|(name, bound)| (name, more(name), bound))
        .filter(|(_, more, bound)| more > bound)
        .map(|(name, more, _)| (name, more))
        .collect()
}

fn text(nodes: &[Metrics]) -> String {
    let mut text = "in the end:".to_owned();
    for (number, node) in nodes.iter().enumerate() {
        let [rooms, files] = ["rooms", "process_open_fds"].map(|name| get(node, name));
        let memory = get(node, "process_resident_memory_bytes") / (1024.0 * 1024.0);
        let number = number + 1;
        text.push_str(&format!(
            " node-{number} {memory:.0} MiB, {files} files, {rooms} rooms;"
        ));
    }
    text
}

/// How many keys of each kind there are. Shape of a key: `{b:17}:game:q7ZwA0bX`.
fn keys(deployment: &Deployment) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut kinds = BTreeMap::new();
    let of_cluster = deployment.cluster().map(RedisCluster::servers);
    let of_sentinels = deployment.sentinels().map(RedisSentinels::servers);
    let servers = of_cluster.or(of_sentinels).unwrap_or_default();
    let single = deployment.redis().into_iter().chain(deployment.replica());
    for server in single.chain(servers) {
        if !is_master(server) {
            continue;
        }
        for key in server.call(&["KEYS", "*"])?.items() {
            let key = key.text().unwrap_or_default();
            let kind = key.split(':').nth(2).unwrap_or(key);
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }
    Ok(kinds)
}

/// One that is dead is none.
fn is_master(server: &RedisServer) -> bool {
    let role = server.call(&["ROLE"]).ok();
    let role = role.as_ref().and_then(|role| role.items().first());
    role.and_then(|role| role.text()) == Some("master")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(missed: f64, committed: f64) -> Metrics {
        parse(&format!(
            "# TYPE a counter\nzeitnot_missed_entries_total {missed}\nzeitnot_store_appends_total{{result=\"committed\"}} {committed}\n"
        ))
    }

    #[test]
    fn a_node_that_finds_what_it_should_be_told_is_blamed() {
        let begin = vec![node(5.0, 100.0), node(7.0, 100.0)];
        let calm = |missed| Calm {
            begin: begin.clone(),
            end: vec![node(5.0, 120.0), node(7.0 + missed, 120.0)],
        };
        assert_eq!(calm(8.0).check(), []);
        assert_eq!(calm(9.0).check().len(), 1);
    }

    #[test]
    fn what_is_left_is_found() {
        let metrics = |rooms: u32, sockets: u32| {
            parse(&format!(
                "zeitnot_rooms {rooms}\nzeitnot_sockets {sockets}\n"
            ))
        };
        let before = metrics(0, 0);
        assert!(too_much((&before, &metrics(3, 0)), false).is_empty());
        assert_eq!(too_much((&before, &metrics(3, 0)), true), [("rooms", 3.0)]);
        assert_eq!(
            too_much((&before, &metrics(0, 1)), false),
            [("sockets", 1.0)]
        );
    }
}
