//! A Redis cluster: masters that share the slots, with replicas or without, put together by hand.

mod view;

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use self::view::{Seen, masters_seen_by, seen_by};

use super::{RedisServer, Reply};
use crate::deployment::port::Port;
use crate::deployment::proxy::{FaultProxy, Target};
use crate::deployment::wait::until;

/// Slots of every cluster.
const SLOTS: u16 = 16_384;

/// After how many milliseconds of silence a server counts as gone. Short, so that a failover is.
const NODE_TIMEOUT_MS: &str = "2000";

/// Keys that move at once.
const KEYS_A_STEP: &str = "100";

/// How long one such step may take, in milliseconds.
const STEP_TIMEOUT_MS: &str = "5000";

/// What every server of a cluster is started with. A dead master is to stop its own games and no others.
const OPTIONS: [&str; 6] = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    NODE_TIMEOUT_MS,
    "--cluster-require-full-coverage",
    "no",
];

/// A cluster that ends with its value. Its servers have numbers: first the masters, then the replicas, as they were at the
/// start; a failover or a restart changes no number.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<RedisServer>,
    /// One before each server, if there are any.
    proxies: Vec<FaultProxy>,
    masters: usize,
    /// Of the bus between them.
    bus_ports: Vec<Port>,
}

impl RedisCluster {
    /// Starts masters, and waits until each knows all and all slots are served.
    ///
    /// # Errors
    /// `redis-server` is not installed, or they do not come together in time.
    pub fn start(masters: usize) -> anyhow::Result<Self> {
        Self::start_with((masters, 0), &[])
    }

    /// The same with so many replicas for each master, and with further options for every server.
    ///
    /// # Errors
    /// As [`RedisCluster::start`].
    pub fn start_with(
        (masters, replicas): (usize, usize),
        options: &[&str],
    ) -> anyhow::Result<Self> {
        Self::start_each((masters, replicas), |cluster| cluster.start_server(options))
    }

    /// The same with a proxy before each server, whose address is the one that it tells everybody, its replica too.
    ///
    /// # Errors
    /// As [`RedisCluster::start`].
    pub fn start_with_proxies(
        (masters, replicas): (usize, usize),
        options: &[&str],
    ) -> anyhow::Result<Self> {
        Self::start_each((masters, replicas), |cluster| {
            cluster.start_behind_proxy(options)
        })
    }

    fn start_each(
        (masters, replicas): (usize, usize),
        start: impl Fn(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let mut cluster = Self {
            servers: Vec::new(),
            proxies: Vec::new(),
            masters,
            bus_ports: Vec::new(),
        };
        for _ in 0..masters * (1 + replicas) {
            start(&mut cluster)?;
        }
        cluster.share_slots()?;
        cluster.meet()?;
        cluster.add_replicas()?;
        Ok(cluster)
    }

    fn start_behind_proxy(&mut self, options: &[&str]) -> anyhow::Result<()> {
        let proxy = FaultProxy::reserve_redis()?;
        let port = proxy.address().port().to_string();
        self.start_server(&[&["--cluster-announce-port", &port], options].concat())?;
        let server = self.servers.last().context("it was started")?;
        proxy.set_target(Target::Unix(server.socket()));
        self.proxies.push(proxy);
        Ok(())
    }

    fn start_server(&mut self, options: &[&str]) -> anyhow::Result<()> {
        let bus = Port::reserve()?;
        let port = bus.address().port().to_string();
        let all = [&OPTIONS[..], &["--cluster-port", &port], options].concat();
        self.servers.push(RedisServer::start_on_port(&all)?);
        self.bus_ports.push(bus);
        Ok(())
    }

    /// The port that a server tells the others.
    fn announced(&self, number: usize) -> anyhow::Result<u16> {
        match self.proxies.get(number) {
            Some(proxy) => Ok(proxy.address().port()),
            None => self.servers[number].port(),
        }
    }

    /// What is before a server, if anything.
    #[must_use]
    pub fn proxy(&self, number: usize) -> Option<&FaultProxy> {
        self.proxies.get(number)
    }

    fn share_slots(&self) -> anyhow::Result<()> {
        let masters = u16::try_from(self.masters)?;
        for (number, server) in (0_u16..).zip(&self.servers[..self.masters]) {
            // Else the first conflict between two of them would be settled by chance.
            let epoch = (number + 1).to_string();
            server.call(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
            let first = u32::from(number) * u32::from(SLOTS) / u32::from(masters);
            let next = u32::from(number + 1) * u32::from(SLOTS) / u32::from(masters);
            let range = [first, next - 1].map(|slot| slot.to_string());
            server.call(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]])?;
        }
        Ok(())
    }

    fn meet(&self) -> anyhow::Result<()> {
        let (first, others) = self.servers.split_first().context("no server")?;
        for (server, bus) in others.iter().zip(&self.bus_ports[1..]) {
            let ports = [server.port()?, bus.address().port()].map(|port| port.to_string());
            first.call(&["CLUSTER", "MEET", "127.0.0.1", &ports[0], &ports[1]])?;
        }
        until("the cluster has come together", || self.is_together())
    }

    fn is_together(&self) -> anyhow::Result<bool> {
        for server in &self.servers {
            let info = server.call(&["CLUSTER", "INFO"])?;
            let info = info.text().unwrap_or_default();
            let all = seen_by(server)?;
            let knows_all = all.len() == self.servers.len() && all.iter().all(|s| s.is_alive);
            let has = |line: &str| info.lines().any(|other| other == line);
            let serves = has("cluster_state:ok") && has(&format!("cluster_slots_ok:{SLOTS}"));
            if !knows_all || !serves {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add_replicas(&self) -> anyhow::Result<()> {
        let (masters, replicas) = self.servers.split_at(self.masters);
        for (master, replica) in masters.iter().cycle().zip(replicas) {
            let id = master.call(&["CLUSTER", "MYID"])?;
            replica.call(&["CLUSTER", "REPLICATE", id.text().unwrap_or_default()])?;
        }
        for replica in replicas {
            replica.wait_for_master()?;
        }
        until("every server knows the replicas", || {
            let count =
                |server| anyhow::Ok(seen_by(server)?.iter().filter(|s| s.is_master).count());
            for server in &self.servers {
                if count(server)? != self.masters {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Its address in fred's form: `redis-cluster://127.0.0.1:1?node=127.0.0.1:2&node=127.0.0.1:3`.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.servers.iter().enumerate().map(|(number, server)| {
            let url = self.proxies.get(number).map(FaultProxy::redis_url);
            let url = url.unwrap_or_else(|| server.url());
            url.trim_start_matches("redis://").to_owned()
        });
        let hosts: Vec<String> = hosts.collect();
        let hosts = hosts.join("&node=").replacen('&', "?", 1);
        format!("redis-cluster://{hosts}")
    }

    /// A server by its number.
    #[must_use]
    pub fn server(&self, number: usize) -> &RedisServer {
        &self.servers[number]
    }

    /// The same, to be hurt.
    pub fn server_mut(&mut self, number: usize) -> &mut RedisServer {
        &mut self.servers[number]
    }

    /// All servers in the order of their numbers.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The slot of a key, e.g. of `{b:17}:game:q7ZwA0bX`.
    ///
    /// # Errors
    /// No server answers.
    pub fn slot_of(&self, key: &str) -> anyhow::Result<u16> {
        let answers = |server: &RedisServer| server.call(&["CLUSTER", "KEYSLOT", key]).ok();
        let slot = self.servers.iter().find_map(answers);
        let slot = slot
            .and_then(|slot| slot.int())
            .context("no server answers")?;
        Ok(u16::try_from(slot)?)
    }

    /// The number of the server that is master of a key now.
    ///
    /// # Errors
    /// No server answers, or the key has no living master.
    pub fn master_of(&self, key: &str) -> anyhow::Result<usize> {
        self.owner(self.slot_of(key)?)
    }

    /// The number of the server that is master of a slot now, as the first living one of them sees it.
    ///
    /// # Errors
    /// As [`RedisCluster::master_of`].
    pub fn owner(&self, slot: u16) -> anyhow::Result<usize> {
        let seen = self.servers.iter().find_map(|server| seen_by(server).ok());
        let seen = seen.context("no server answers")?;
        let is_owner = |s: &&Seen| s.is_master && s.is_alive && s.has(slot);
        let owner = seen.iter().find(is_owner);
        let port = owner.context("the slot has no living master")?.port;
        self.number_of(port)
    }

    fn number_of(&self, port: u16) -> anyhow::Result<usize> {
        let has = |&number: &usize| self.announced(number).is_ok_and(|own| own == port);
        let number = (0..self.servers.len()).find(has);
        number.context("a server of no number")
    }

    /// Moves a slot with its keys to another master while clients go on: they are told `ASK`, `TRYAGAIN` and at last
    /// `MOVED`. As redis.io tells in "Redis cluster specification", "Live reconfiguration".
    ///
    /// # Errors
    /// A server that has to do with it does not answer, or `to` is no master.
    pub fn migrate_slot(&self, slot: u16, to: usize) -> anyhow::Result<()> {
        let from = self.owner(slot)?;
        if from == to {
            return Ok(());
        }
        let text = slot.to_string();
        let (source, target) = (&self.servers[from], &self.servers[to]);
        let (source_id, target_id) = (id(source)?, id(target)?);
        target.call(&["CLUSTER", "SETSLOT", &text, "IMPORTING", &source_id])?;
        source.call(&["CLUSTER", "SETSLOT", &text, "MIGRATING", &target_id])?;
        move_keys(&text, (source, target))?;
        // The target first: until the source knows, it still says ASK, and the target must already take it.
        let others = (0..self.masters).filter(|&number| number != from && number != to);
        for server in [to, from].into_iter().chain(others) {
            let told =
                self.servers[server].call(&["CLUSTER", "SETSLOT", &text, "NODE", &target_id]);
            // A dead master, or one that is a replica now, hears of it from the others.
            ensure!(told.is_ok() || (server != to && server != from), "{told:?}");
        }
        self.wait_until_agreed()
    }

    /// Waits until all servers that live tell the same of who has which slots since when. Who moved a slot on before that
    /// could leave them divided about it for long.
    fn wait_until_agreed(&self) -> anyhow::Result<()> {
        until("all servers tell the same of the slots", || {
            let views = self
                .servers
                .iter()
                .filter_map(|server| masters_seen_by(server).ok());
            let views: Vec<Vec<Seen>> = views.collect();
            let Some((first, others)) = views.split_first() else {
                return Ok(false);
            };
            let epochs: BTreeSet<u64> = first.iter().map(|master| master.epoch).collect();
            Ok(others.iter().all(|other| other == first) && epochs.len() == first.len())
        })
    }

    /// Ends a server at once, as `kill -9` does. [`RedisServer::start_again`] brings it back.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn kill_master(&mut self, number: usize) -> anyhow::Result<()> {
        self.servers[number].kill()
    }

    /// Returns when another server than this one is master of the slot, after the death of its master.
    ///
    /// # Errors
    /// None becomes it in time.
    pub fn wait_for_failover(&self, slot: u16, dead: usize) -> anyhow::Result<usize> {
        let mut new = dead;
        until("a replica is master", || {
            new = self.owner(slot).unwrap_or(dead);
            Ok(new != dead)
        })?;
        Ok(new)
    }

    /// Returns when every replica has all data of its master.
    ///
    /// # Errors
    /// A server does not answer, or a replica does not get them in time.
    pub fn wait_for_replicas(&self) -> anyhow::Result<()> {
        for server in &self.servers {
            let role = server.call(&["ROLE"])?;
            if role.items().first().and_then(Reply::text) == Some("slave") {
                server.wait_for_master()?;
            }
        }
        Ok(())
    }

    /// Returns when every server is alive to each and all slots are served, as after a restart.
    ///
    /// # Errors
    /// They do not come together in time.
    pub fn wait_until_together(&self) -> anyhow::Result<()> {
        until("the cluster has come together", || self.is_together())
    }
}

fn id(server: &RedisServer) -> anyhow::Result<String> {
    let id = server.call(&["CLUSTER", "MYID"])?;
    Ok(id.text().context("no id")?.to_owned())
}

/// Moves the keys of a slot. Nothing is created at the source meanwhile: it says ASK for what it does not have.
fn move_keys(slot: &str, (source, target): (&RedisServer, &RedisServer)) -> anyhow::Result<()> {
    let port = target.port()?.to_string();
    loop {
        let keys = source.call(&["CLUSTER", "GETKEYSINSLOT", slot, KEYS_A_STEP])?;
        let keys: Vec<&str> = keys.items().iter().filter_map(|key| key.text()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let step = [
            "MIGRATE",
            "127.0.0.1",
            &port,
            "",
            "0",
            STEP_TIMEOUT_MS,
            "KEYS",
        ];
        source.call(&[&step[..], &keys].concat())?;
    }
}
