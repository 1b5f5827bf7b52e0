//! Faults of the lines to the store: of one node's to a single Redis, of everybody's to one master of a cluster.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use zeitnot_loadtest::deployment::{FaultProxy, Swallow, is_append, is_commit};

use super::faults::{BUCKETS, Kind, Victim};

/// How long a line is bad.
pub(super) const LINE_BAD: Duration = Duration::from_millis(2500);

impl Victim {
    /// The answer is which line it was.
    pub(super) fn spoil_line(
        &self,
        kind: Kind,
        (node, rng): (usize, &mut StdRng),
    ) -> anyhow::Result<String> {
        let Some(cluster) = self.deployment.cluster() else {
            let proxy = self.deployment.proxy(node).context("no proxy")?;
            let how = spoil(kind, proxy, rng)?;
            return Ok(format!("node-{}{how}", node + 1));
        };
        let bucket = rng.random_range(0..BUCKETS);
        let master = cluster.master_of(&format!("{{b:{bucket}}}:clock"))?;
        let proxy = cluster.proxy(master).context("no proxy")?;
        let how = spoil(kind, proxy, rng)?;
        // A master that dies next is to have a replica which can take its place.
        cluster.wait_for_replicas()?;
        Ok(format!("server {master}{how}"))
    }
}

fn spoil(kind: Kind, proxy: &FaultProxy, rng: &mut StdRng) -> anyhow::Result<&'static str> {
    match kind {
        Kind::PushDrop => {
            // With all of them gone a node hears nothing; with each second it hears of gaps.
            let each: u64 = rng.random_range(1..=2);
            let count = AtomicU64::new(0);
            let dropped = proxy.drop_pushes(move |channel| {
                let is_of_game = contains(channel, b":game:");
                is_of_game && count.fetch_add(1, Ordering::Relaxed).is_multiple_of(each)
            });
            sleep(LINE_BAD);
            drop(dropped);
            return Ok(if each == 1 { ", all" } else { ", half" });
        }
        Kind::ReplySwallow => {
            let swallowed = proxy.swallow(Swallow::each(2, is_append).answered(is_commit));
            sleep(LINE_BAD);
            drop(swallowed);
        }
        Kind::LineBlackhole => {
            proxy.blackhole();
            sleep(LINE_BAD);
            proxy.pass()?;
        }
        _ => {
            proxy.refuse()?;
            proxy.cut()?;
            sleep(LINE_BAD);
            proxy.pass()?;
        }
    }
    Ok("")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
