//! What can happen to a deployment, and making it happen: one fault at a time, each until all is as it was.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde::Serialize;
use zeitnot_loadtest::deployment::{
    Deployment, RedisCluster, RedisSentinels, SkewedClock, SlowDisk, Target,
};

use super::history::{Fault, History, Moment};
use super::lines::LINE_BAD;
use super::shared::Shared;

/// How long a process stands still that was stopped.
const NODE_STOPPED: Duration = Duration::from_secs(4);
const REDIS_STOPPED: Duration = Duration::from_millis(1500);

/// How long a store is away, long enough for the rule of outages.
pub(super) const STORE_DOWN: Duration = Duration::from_secs(3);

/// How long a replica hears nothing before its master dies.
pub(super) const REPLICA_BEHIND: Duration = Duration::from_millis(600);

/// What takes no time happens so often, so long apart: something is under way then.
const REPEATS: usize = 8;
const REPEAT: Duration = Duration::from_millis(100);

/// How long a fault waits for a command that it can hit: games are between their ends and the next for a while, and after an
/// outage everybody has to come back first.
const LULL: Duration = Duration::from_secs(30);

/// Hash tags of the store's keys, and how many of their slots move at a time.
pub(super) const BUCKETS: u32 = 256;
const SLOTS: u32 = 32;

/// Seconds that a clock is off.
const SKEW: i64 = 3600;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    NodeKill,
    NodeStop,
    NodeDrain,
    NodeSkew,
    RedisKill,
    RedisStop,
    PubsubKill,
    PushDrop,
    ReplySwallow,
    LineCut,
    LineBlackhole,
    NginxReload,
    /// To a replica that lost the tail. It happens once.
    Failover,
    /// The same, and nobody who had seen the tail can give it back, but for a node that stands still and wakes up when the
    /// game has gone on without it.
    TailLoss,
    /// One master of a cluster or of sentinels dies, a replica takes over, and it comes back as a replica.
    MasterKill,
    /// The same with a master that stands still, and wakes up as the master that it was.
    MasterStop,
    /// Slots of a cluster move to another master.
    SlotMove,
    /// The disk is slow, and then the store ends at once with every node.
    SlowDisk,
    /// The same, and what was not synced is gone.
    PowerCut,
}

impl Kind {
    /// Those of one node alone.
    pub(super) const ALONE: [Self; 5] = [
        Self::NodeKill,
        Self::PowerCut,
        Self::NodeStop,
        Self::NodeDrain,
        Self::NodeSkew,
    ];
    /// Those of nodes over one Redis.
    pub(super) const OVER_REDIS: [Self; 14] = [
        Self::RedisKill,
        Self::SlowDisk,
        Self::PowerCut,
        Self::NodeKill,
        Self::PubsubKill,
        Self::ReplySwallow,
        Self::NodeStop,
        Self::PushDrop,
        Self::RedisStop,
        Self::LineCut,
        Self::NodeDrain,
        Self::LineBlackhole,
        Self::NodeSkew,
        Self::NginxReload,
    ];

    /// Those of nodes over a Redis with sentinels.
    pub(super) const OVER_SENTINELS: [Self; 8] = [
        Self::MasterKill,
        Self::NodeKill,
        Self::PubsubKill,
        Self::MasterStop,
        Self::NodeStop,
        Self::NodeDrain,
        Self::NodeSkew,
        Self::NginxReload,
    ];

    /// Those of nodes over a cluster.
    pub(super) const OVER_CLUSTER: [Self; 12] = [
        Self::MasterKill,
        Self::NodeKill,
        Self::PubsubKill,
        Self::SlotMove,
        Self::PushDrop,
        Self::ReplySwallow,
        Self::LineCut,
        Self::LineBlackhole,
        Self::NodeStop,
        Self::NodeDrain,
        Self::NodeSkew,
        Self::NginxReload,
    ];

    /// Its name, as in the history. Shape: `node-kill`.
    pub(crate) fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        let name = name.and_then(|name| name.as_str().map(str::to_owned));
        name.unwrap_or_default()
    }
}

/// A deployment that is hurt.
#[derive(Debug)]
pub(super) struct Victim {
    pub(super) deployment: Deployment,
    /// The wall clock of the last node.
    pub(super) clock: SkewedClock,
    /// The store's, where it is one process.
    pub(super) disk: SlowDisk,
    /// How long a sync takes when that is slow.
    pub(super) sync: Duration,
}

pub(super) type Outage = Option<(Moment, Moment)>;

impl Victim {
    /// One fault from its beginning to its end. It begins when a command is in flight, if there is one soon.
    pub(super) fn strike(
        &mut self,
        kind: Kind,
        (rng, shared): (&mut StdRng, &Shared),
    ) -> anyhow::Result<Fault> {
        let history = &shared.history;
        let node = rng.random_range(0..self.deployment.nodes().len());
        let waiting = Instant::now();
        while shared.in_flight() == 0 && waiting.elapsed() < LULL {
            sleep(Duration::from_micros(100));
        }
        let in_flight = shared.in_flight();
        let begin = history.now();
        let (what, outage) = self
            .happen(kind, node, (rng, history))
            .with_context(|| kind.name())?;
        let fault = Fault {
            kind,
            what,
            begin,
            end: history.now(),
            in_flight,
            outage,
            lost: kind == Kind::TailLoss,
        };
        history.fault(fault.clone());
        Ok(fault)
    }

    fn happen(
        &mut self,
        kind: Kind,
        node: usize,
        (rng, history): (&mut StdRng, &History),
    ) -> anyhow::Result<(String, Outage)> {
        let named = format!("node-{}", node + 1);
        match kind {
            Kind::NodeKill | Kind::NodeDrain => {
                return self.end_node(kind, node, (rng, history));
            }
            Kind::NodeStop => {
                let begin = history.now();
                self.deployment.node(node).pause()?;
                sleep(NODE_STOPPED);
                let outage = (begin, history.now());
                self.deployment.node(node).resume()?;
                // A node alone is its own store, but its clock goes on and says how long it was.
                return Ok((named, None.or_else(|| self.is_alone().then_some(outage))));
            }
            Kind::NodeSkew => {
                let seconds = if rng.random() { SKEW } else { -SKEW };
                self.clock.set(seconds)?;
                sleep(LINE_BAD);
                self.clock.set(0)?;
                let last = self.deployment.nodes().len();
                return Ok((format!("node-{last} by {seconds} s"), None));
            }
            Kind::RedisKill | Kind::RedisStop | Kind::Failover => {
                let outage = self.stop_store(kind, history)?;
                return Ok((String::new(), Some(outage)));
            }
            Kind::TailLoss => return Ok((self.lose_tail(node)?, None)),
            Kind::SlowDisk | Kind::PowerCut => return self.end_machine(kind, history),
            Kind::PubsubKill => {
                let (cluster, sentinels) = (self.deployment.cluster(), self.deployment.sentinels());
                let servers = cluster
                    .map(RedisCluster::servers)
                    .or(sentinels.map(RedisSentinels::servers))
                    .unwrap_or_default();
                let single = [self.deployment.redis(), self.deployment.replica()];
                let servers: Vec<_> = single.into_iter().flatten().chain(servers).collect();
                for _ in 0..REPEATS {
                    // A master whose replica has taken over is dead.
                    for redis in servers.iter().filter(|redis| redis.call(&["PING"]).is_ok()) {
                        redis.command("CLIENT KILL TYPE pubsub")?;
                    }
                    sleep(REPEAT);
                }
            }
            Kind::MasterKill | Kind::MasterStop if self.deployment.sentinels().is_some() => {
                return self.replace_master(kind, history);
            }
            Kind::MasterKill | Kind::MasterStop | Kind::SlotMove => {
                let bucket = rng.random_range(0..BUCKETS);
                return Ok((self.change_cluster(kind, bucket)?, None));
            }
            Kind::NginxReload => {
                let nodes = self.deployment.nodes().iter();
                let addresses: Vec<String> = nodes.map(|node| node.address().to_owned()).collect();
                let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
                let nginx = self.deployment.nginx_mut().context("no nginx")?;
                nginx.set_nodes(&addresses)?;
            }
            Kind::PushDrop | Kind::ReplySwallow | Kind::LineCut | Kind::LineBlackhole => {
                return Ok((self.spoil_line(kind, (node, rng))?, None));
            }
        }
        Ok((String::new(), None))
    }

    const fn is_alone(&self) -> bool {
        let deployment = &self.deployment;
        deployment.redis().is_none()
            && deployment.cluster().is_none()
            && deployment.sentinels().is_none()
    }

    fn end_node(
        &mut self,
        kind: Kind,
        node: usize,
        (rng, history): (&mut StdRng, &History),
    ) -> anyhow::Result<(String, Outage)> {
        let is_alone = self.is_alone();
        let victim = self.deployment.node_mut(node);
        let begin = history.now();
        let down = if kind == Kind::NodeDrain {
            victim.terminate()?;
            Duration::from_millis(300)
        } else {
            victim.kill()?;
            Duration::from_millis(rng.random_range(300..1500))
        };
        let down = if is_alone { STORE_DOWN } else { down };
        // Nobody needs to begin while it is away.
        sleep(down);
        let away = (begin, history.now());
        victim.restart()?;
        let outage = (is_alone && kind == Kind::NodeKill).then_some(away);
        Ok((format!("node-{}", node + 1), outage))
    }

    /// Redis is away, and comes back; the answer is when nobody could commit anything.
    fn stop_store(&mut self, kind: Kind, history: &History) -> anyhow::Result<(Moment, Moment)> {
        if kind == Kind::Failover {
            return self.fail_over(history);
        }
        let redis = self.deployment.redis_mut().context("no Redis")?;
        if kind == Kind::RedisStop {
            redis.pause()?;
            let begin = history.now();
            sleep(REDIS_STOPPED);
            let end = history.now();
            redis.resume()?;
            return Ok((begin, end));
        }
        redis.kill()?;
        let begin = history.now();
        sleep(STORE_DOWN);
        let end = history.now();
        redis.start_again()?;
        Ok((begin, end))
    }

    /// The replica has not heard of the last commands when the master dies.
    fn fail_over(&mut self, history: &History) -> anyhow::Result<(Moment, Moment)> {
        let replica = self.deployment.replica().context("no replica")?;
        replica.wait_for_master()?;
        // From now on it hears nothing.
        replica.promote()?;
        sleep(REPLICA_BEHIND);
        self.deployment.redis_mut().context("no Redis")?.kill()?;
        let begin = history.now();
        sleep(STORE_DOWN);
        let end = history.now();
        self.turn_to_replica()?;
        Ok((begin, end))
    }

    /// From now on all nodes are sent to the replica.
    pub(super) fn turn_to_replica(&self) -> anyhow::Result<()> {
        let replica = self.deployment.replica().context("no replica")?;
        let target = Target::Unix(replica.socket());
        for node in 0..self.deployment.nodes().len() {
            let proxy = self.deployment.proxy(node).context("no proxy")?;
            proxy.set_target(target.clone());
            proxy.cut()?;
        }
        Ok(())
    }

    /// Sentinels make another server the master; the answer is who was, and when nobody could commit anything.
    fn replace_master(
        &mut self,
        kind: Kind,
        history: &History,
    ) -> anyhow::Result<(String, Outage)> {
        let sentinels = self.deployment.sentinels_mut().context("no sentinels")?;
        let old = sentinels.master()?;
        if kind == Kind::MasterStop {
            sentinels.server(old).pause()?;
        } else {
            sentinels.server_mut(old).kill()?;
        }
        let begin = history.now();
        let new = sentinels.wait_for_failover(old)?;
        let end = history.now();
        if kind == Kind::MasterStop {
            sentinels.server(old).resume()?;
        } else {
            sentinels.server_mut(old).start_again()?;
        }
        sentinels.wait_until_together()?;
        Ok((format!("server {old}, then {new}"), Some((begin, end))))
    }

    fn change_cluster(&mut self, kind: Kind, first: u32) -> anyhow::Result<String> {
        let cluster = self.deployment.cluster_mut().context("no cluster")?;
        let slot = cluster.slot_of(&format!("{{b:{first}}}:clock"))?;
        let owner = cluster.owner(slot)?;
        if kind == Kind::MasterKill {
            cluster.kill_master(owner)?;
            let new = cluster.wait_for_failover(slot, owner)?;
            cluster.server_mut(owner).start_again()?;
            cluster.wait_until_together()?;
            return Ok(format!("server {owner}, then {new}"));
        }
        for bucket in 0..BUCKETS {
            let other = cluster.slot_of(&format!("{{b:{bucket}}}:clock"))?;
            let to = cluster.owner(other)?;
            if to != owner {
                for next in 0..SLOTS {
                    let tag = (first + next) % BUCKETS;
                    let slot = cluster.slot_of(&format!("{{b:{tag}}}:clock"))?;
                    cluster.migrate_slot(slot, to)?;
                }
                return Ok(format!("{SLOTS} slots to server {to}"));
            }
        }
        anyhow::bail!("one server has all slots")
    }
}
