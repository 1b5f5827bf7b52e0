//! Which master has which bucket. A cluster's map is asked of whoever of it answers; a single server has them all.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, Value};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::ConnectError;
use super::driver::{self, Access, Layout, info_field};
use super::hub::Hub;
use super::keys::Bucket;
use super::master::Master;
use crate::limits::{MAP_PAUSE, MAP_PERIOD, STORE_TIMEOUT, TICKS_AT_ONCE};

/// The masters, and who of them has what. Cheap to clone.
#[derive(Clone)]
pub(super) struct Masters(Arc<Inner>);

struct Inner {
    layout: Layout,
    hub: Arc<Hub>,
    map: RwLock<Map>,
}

#[derive(Default)]
struct Map {
    masters: HashMap<String, Arc<Master>>,
    /// By bucket; empty or nobody: it is not known, or cannot be reached.
    owners: Vec<Option<Arc<Master>>>,
}

/// What a server says of its cluster.
struct Told {
    /// Whether it believes that the cluster works. One that is cut off from the others does not.
    is_ok: bool,
    /// The newest change that it knows of.
    epoch: u64,
    /// First and last slot of each part, and its master.
    parts: Vec<(u16, u16, Server)>,
}

impl Masters {
    /// Connects to all masters, and learns the time.
    pub(super) async fn connect(layout: Layout, hub: Arc<Hub>) -> Result<Self, ConnectError> {
        let masters = Self(Arc::new(Inner {
            layout,
            hub,
            map: RwLock::default(),
        }));
        let begun = masters.begin().await;
        if let Err(error) = begun {
            masters.close().await;
            return Err(error);
        }
        Ok(masters)
    }

    async fn begin(&self) -> Result<(), ConnectError> {
        match &self.0.layout {
            Layout::Single(access) => {
                let master =
                    Master::connect((access.name(), access), TICKS_AT_ONCE, self.hub()).await?;
                let everything = Bucket::all().map(|_| Some(Arc::clone(&master))).collect();
                self.change(everything).await;
            }
            Layout::Cluster { seeds, access } => {
                let told = join_all(seeds.iter().map(|seed| visit(access, seed))).await;
                let told = best(told)?;
                self.take(told, access).await;
                if let Some(bucket) = Bucket::all().find(|bucket| self.of(*bucket).is_err()) {
                    let slot = bucket.slot();
                    return Err(ConnectError::NoMaster { slot });
                }
            }
        }
        if let Some(advice) = self.0.layout.advice() {
            warn!("{advice}");
        }
        for master in self.all() {
            for advice in driver::check(&master.client, self.hub().replicas).await? {
                warn!(redis.server = %master.name, "{advice}");
            }
            master.tick_all().await?;
            if master.owns(Bucket::SHARED) {
                // Who has no lease is never gone, so nothing is noted before.
                master.renew_lease().await?;
            }
        }
        Ok(())
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// The master of a bucket.
    pub(super) fn of(&self, bucket: Bucket) -> Result<Arc<Master>, Error> {
        let map = self.map();
        let owner = map.owners.get(bucket.index()).cloned().flatten();
        owner.ok_or_else(|| Error::new(ErrorKind::Cluster, "no master has it that can be reached"))
    }

    /// What should be better about the masters.
    pub(super) async fn advice(&self) -> Result<Vec<String>, ConnectError> {
        let mut all = Vec::from_iter(self.0.layout.advice().map(str::to_owned));
        for master in self.all() {
            all.extend(driver::check(&master.client, self.hub().replicas).await?);
        }
        all.dedup();
        Ok(all)
    }

    /// Where the only master is, if sentinels told.
    pub(super) fn found(&self) -> Option<String> {
        let Layout::Single(access) = &self.0.layout else {
            return None;
        };
        let master = self.all().pop().filter(|_| access.is_told())?;
        let servers = master.client.active_connections();
        servers.first().map(ToString::to_string)
    }

    fn all(&self) -> Vec<Arc<Master>> {
        self.map().masters.values().cloned().collect()
    }

    /// Looks at the map every few seconds and whenever it may be old, for ever.
    pub(super) async fn keep(self) {
        let Layout::Cluster { seeds, access } = &self.0.layout else {
            return;
        };
        loop {
            // Whether woken or not.
            let _ = timeout(MAP_PERIOD, self.hub().look_at_map.notified()).await;
            let masters = self.all();
            let mut told = join_all(masters.iter().map(|master| ask_known(master))).await;
            if told.iter().all(Result::is_err) {
                told = join_all(seeds.iter().map(|seed| visit(access, seed))).await;
            }
            match best(told) {
                Ok(told) => self.take(told, access).await,
                Err(error) => debug!("nobody tells the map of the cluster: {error}"),
            }
            sleep(MAP_PAUSE).await;
        }
    }

    /// Connects to masters that are new, and follows the map.
    async fn take(&self, told: Told, access: &Access) {
        let mut masters = HashMap::new();
        for (_, _, server) in &told.parts {
            masters.insert(server.to_string(), server.clone());
        }
        let known = self.map().masters.clone();
        let reached = masters.iter().map(async |(name, server)| {
            if let Some(master) = known.get(name) {
                return Some((name.clone(), Arc::clone(master)));
            }
            match Master::connect((name.clone(), &access.to(server)), 1, self.hub()).await {
                Ok(master) => Some((name.clone(), master)),
                Err(error) => {
                    warn!(redis.server = %name, "Redis at {name} cannot be reached: {error}");
                    None
                }
            }
        });
        let reached: HashMap<_, _> = join_all(reached).await.into_iter().flatten().collect();
        let owner = |bucket: Bucket| {
            let slot = bucket.slot();
            let mut parts = told.parts.iter();
            let (_, _, server) = parts.find(|(first, last, _)| (*first..=*last).contains(&slot))?;
            reached.get(&server.to_string()).cloned()
        };
        self.change(Bucket::all().map(owner).collect()).await;
    }

    /// Follows a new map: who got a bucket subscribes what is followed there, and who has none any more ends.
    async fn change(&self, owners: Vec<Option<Arc<Master>>>) {
        let masters: HashMap<String, Arc<Master>> = owners
            .iter()
            .flatten()
            .map(|master| (master.name.clone(), Arc::clone(master)))
            .collect();
        let before = {
            let mut map = self.0.map.write().unwrap_or_else(PoisonError::into_inner);
            map.owners = owners.clone();
            std::mem::replace(&mut map.masters, masters.clone())
        };
        for (name, master) in &before {
            if !masters.contains_key(name) {
                info!(redis.server = %name, "Redis at {name} is left: it has no slots");
                let master = Arc::clone(master);
                // It may be dead, which nobody waits for.
                tokio::spawn(async move { master.close().await });
            }
        }
        let mut moved: HashMap<String, Vec<Bucket>> = HashMap::new();
        for (bucket, owner) in Bucket::all().zip(&owners) {
            for (name, master) in before.iter().chain(&masters) {
                let is_here = owner.as_ref().is_some_and(|owner| owner.name == *name);
                if master.set_owned(bucket, is_here) && is_here {
                    moved.entry(name.clone()).or_default().push(bucket);
                }
            }
        }
        let orphans = Bucket::all()
            .zip(&owners)
            .filter(|(_, owner)| owner.is_none());
        self.hub()
            .set_silent(orphans.map(|(bucket, _)| bucket), true);
        for (name, buckets) in moved {
            let Some(master) = masters.get(&name) else {
                continue;
            };
            info!(redis.server = %name, count = buckets.len(), "Redis at {name} has {} more buckets", buckets.len());
            let is_new = |bucket: Bucket| buckets.contains(&bucket);
            let topics = self.hub().topics(is_new);
            self.hub().set_silent(buckets.iter().copied(), false);
            let ticks = buckets.iter().map(|bucket| master.tick(*bucket));
            // What fails is done by the next ticks, and by the next connection.
            let _ = tokio::join!(
                join_all(ticks),
                timeout(STORE_TIMEOUT, master.resubscribe(topics))
            );
        }
    }

    /// Ends all connections. Whatever is asked afterwards is unavailable.
    pub(super) async fn close(&self) {
        join_all(self.all().iter().map(|master| master.close())).await;
    }

    /// Ends all tasks, without waiting for that.
    pub(super) fn end(&self) {
        self.all().iter().for_each(|master| master.end());
    }

    fn map(&self) -> RwLockReadGuard<'_, Map> {
        // What is inside is whole even if a holder panicked: each change is made at once.
        self.0.map.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody says whose view is the newest among those that believe that the cluster works.
fn best(told: Vec<Result<Told, Error>>) -> Result<Told, Error> {
    let mut last = Error::new(ErrorKind::Config, "no server of the cluster is named");
    let mut best: Option<Told> = None;
    for told in told {
        match told {
            Ok(told) => {
                let rank = |told: &Told| (told.is_ok, told.epoch);
                if best.as_ref().is_none_or(|best| rank(best) < rank(&told)) {
                    best = Some(told);
                }
            }
            Err(error) => last = error,
        }
    }
    best.ok_or(last)
}

async fn visit(access: &Access, seed: &Server) -> Result<Told, Error> {
    let client = access.to(seed).visit().await?;
    let told = ask(&client, seed).await;
    // It answered, or it is gone: either way nothing more is asked.
    let _ = timeout(STORE_TIMEOUT, client.quit()).await;
    told
}

async fn ask_known(master: &Master) -> Result<Told, Error> {
    master.reach(&master.client).await?;
    let server = master.client.active_connections();
    let server = server.first().cloned();
    let server = server.ok_or_else(|| Error::new(ErrorKind::IO, "not connected"))?;
    ask(&master.client, &server).await
}

async fn ask(client: &impl ClientLike, asked: &Server) -> Result<Told, Error> {
    let command = || CustomCommand::new_static("CLUSTER", ClusterHash::Random, false);
    let info: String = client.custom(command(), vec!["INFO"]).await?;
    let slots: Value = client.custom(command(), vec!["SLOTS"]).await?;
    let parts = slots.into_array();
    Ok(Told {
        is_ok: info_field(&info, "cluster_state") == Some("ok"),
        epoch: info_field(&info, "cluster_current_epoch")
            .and_then(|epoch| epoch.parse().ok())
            .unwrap_or(0),
        parts: parts
            .into_iter()
            .filter_map(|part| part_of(part, asked))
            .collect(),
    })
}

/// Reads `first, last, (host, port, …), …` of `CLUSTER SLOTS`. No host means that of the server that says it.
fn part_of(part: Value, asked: &Server) -> Option<(u16, u16, Server)> {
    let mut part = part.into_array().into_iter();
    let (first, last) = (part.next()?.convert().ok()?, part.next()?.convert().ok()?);
    let mut master = part.next()?.into_array().into_iter();
    let host: Option<String> = master.next()?.convert().ok()?;
    let port: u16 = master.next()?.convert().ok()?;
    let host = host.filter(|host| !host.is_empty() && host != "?");
    let host = host.unwrap_or_else(|| asked.host.to_string());
    Some((first, last, Server::new(host, port)))
}
