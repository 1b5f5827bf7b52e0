//! The last looks of a run: who is at the head, what each node shows, what the store has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::{sleep, timeout};

use crate::entrance::Entrance;
use crate::report::progress;

use super::check::{Final, Violation};
use super::faults::Victim;
use super::forgive::Loss;
use super::history::Moment;
use super::shared::Shared;
use super::stored::{self, Logs};

/// Within how long everybody has to be at the head when all is well again. Usual is a second: it is so long that a machine
/// which is busy with other things blames nobody.
const HEALED: Duration = Duration::from_secs(60);

/// The same where the store loses what it acknowledged, and some wait for it in vain.
const SHORT: Duration = Duration::from_secs(3);

/// How long one look at a game may take.
const LOOK: Duration = Duration::from_secs(20);

pub(super) async fn logs(victim: &Victim, data: &Path) -> anyhow::Result<Logs> {
    if let Some(cluster) = victim.deployment.cluster() {
        return stored::of_cluster(cluster);
    }
    if let Some(sentinels) = victim.deployment.sentinels() {
        return stored::of_redis(sentinels.server(sentinels.master()?));
    }
    let Some(redis) = victim.deployment.redis() else {
        return stored::of_file(data).await;
    };
    // The replica has taken over if the master is gone.
    let replica = victim.deployment.replica();
    match (stored::of_redis(redis), replica) {
        (Err(_), Some(replica)) => stored::of_redis(replica),
        (logs, _) => logs,
    }
}

/// I14: waits until everybody who looks is at the head of his game; the answer is who never comes there.
pub(super) async fn settle(
    shared: &Shared,
    (victim, data): (&Victim, &Path),
    (quiet, is_red_anyway): (Instant, bool),
) -> anyhow::Result<Vec<Violation>> {
    let patience = if is_red_anyway { SHORT } else { HEALED };
    // Then a game may be lost altogether that had just begun.
    let may_lose = Loss::of(&shared.history.records()).is_before(Moment::MAX);
    let mut behind: Vec<Violation> = Vec::new();
    // What is said last may take as long as the server tries.
    sleep(Duration::from_secs(1)).await;
    while quiet.elapsed() < patience {
        let logs = logs(victim, data).await.context("read the logs")?;
        behind.clear();
        for (who, (game, v)) in shared.heads() {
            let log = logs.get(&game);
            if log.is_none() && may_lose {
                continue;
            }
            let head = log.map_or(0, Vec::len);
            if usize::try_from(v).is_ok_and(|v| v != head) {
                behind.push(Violation {
                    invariant: "I14",
                    game,
                    version: v,
                    why: format!(
                        "{who} is at version {v} of {head}, {patience:?} after all is well"
                    ),
                    at: None,
                });
            }
        }
        if behind.is_empty() {
            let elapsed = quiet.elapsed();
            progress(&format!(
                "everybody is at the head {elapsed:?} after the last command"
            ))?;
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    Ok(behind)
}

/// Every game as each node shows it.
pub(super) async fn look(shared: &Shared, nodes: &[String]) -> BTreeMap<Arc<str>, Final> {
    let mut finals: BTreeMap<Arc<str>, Final> = BTreeMap::new();
    for node in nodes {
        let entrance = Entrance::at(node);
        for game in shared.games() {
            let path = format!("/api/games/{game}");
            if let Ok(Ok(snapshot)) = timeout(LOOK, entrance.get(&path)).await {
                let last = finals.entry(game).or_default();
                last.snapshots.push((node.clone(), snapshot));
            }
        }
    }
    finals
}
