//! Faults in which nodes end with their store: its disk is slow, the power fails, a replica without the last commands takes
//! over. If the nodes stayed they would give back what it lost, and nobody would see it.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Context as _;

use super::faults::{Kind, Outage, REPLICA_BEHIND, STORE_DOWN, Victim};
use super::history::History;

/// How long each sync takes on a slow disk: a store that waits for the disk still answers in time. One that does not wait must
/// be behind for longer.
pub(super) const SYNC_ALWAYS: Duration = Duration::from_millis(300);
pub(super) const SYNC_LATER: Duration = Duration::from_millis(1500);

/// For how long the disk is slow before everything ends.
const SLOW: Duration = Duration::from_millis(2500);

/// How long the node stands still that has what is lost, and how long it may take until all are of one mind again.
const ASLEEP: Duration = Duration::from_secs(5);
const OF_ONE_MIND: Duration = Duration::from_secs(5);

impl Victim {
    /// [`Kind::TailLoss`]; the answer is which node stood still.
    pub(super) fn lose_tail(&mut self, sleeper: usize) -> anyhow::Result<String> {
        let replica = self.deployment.replica().context("no replica")?;
        replica.wait_for_master()?;
        // From now on it hears nothing.
        replica.promote()?;
        sleep(REPLICA_BEHIND);
        self.deployment.node(sleeper).pause()?;
        self.deployment.redis_mut().context("no Redis")?.kill()?;
        let nodes = 0..self.deployment.nodes().len();
        let others: Vec<usize> = nodes.filter(|&node| node != sleeper).collect();
        for &node in &others {
            self.deployment.node_mut(node).kill()?;
        }
        self.turn_to_replica()?;
        for &node in &others {
            self.deployment.node_mut(node).restart()?;
        }
        sleep(ASLEEP);
        self.deployment.node(sleeper).resume()?;
        sleep(OF_ONE_MIND);
        Ok(format!("node-{} has it", sleeper + 1))
    }

    /// [`Kind::SlowDisk`] and [`Kind::PowerCut`].
    pub(super) fn end_machine(
        &mut self,
        kind: Kind,
        history: &History,
    ) -> anyhow::Result<(String, Outage)> {
        self.disk.set_delay(self.sync)?;
        sleep(SLOW);
        if let Some(redis) = self.deployment.redis_mut() {
            redis.kill()?;
        }
        let begin = history.now();
        let nodes = self.deployment.nodes().len();
        for node in 0..nodes {
            self.deployment.node_mut(node).kill()?;
        }
        let what = if kind == Kind::PowerCut {
            let lost = self.disk.lose_power()?;
            format!("{lost} bytes were not on the disk")
        } else {
            String::new()
        };
        self.disk.set_delay(Duration::ZERO)?;
        sleep(STORE_DOWN);
        let end = history.now();
        if let Some(redis) = self.deployment.redis_mut() {
            redis.start_again().context("start Redis again")?;
        }
        for node in 0..nodes {
            self.deployment.node_mut(node).restart()?;
        }
        Ok((what, Some((begin, end))))
    }
}
