//! `chaos`: real games on a real deployment that is hurt all the time, and then the proof, from what everybody saw, that
//! nothing was lost, doubled, reordered or charged wrongly.

mod check;
mod commands;
mod delivery;
mod entry;
mod faults;
mod figures;
mod fold;
mod forgive;
mod history;
mod last;
mod lines;
mod machine;
mod player;
mod reader;
mod refusals;
mod resources;
mod round;
mod run;
mod sample;
mod shared;
mod stored;
mod story;
mod stranger;
mod stream;
mod times;
mod verdict;
mod window;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use tempfile::TempDir;
use zeitnot_loadtest::deployment::{RedisKind, Settings, SkewedClock, SlowDisk, preload_all};

use crate::binary;
use crate::report::{progress, say};

use faults::{Kind, Victim};
use sample::Sample;

/// The same flags for every node. A drain is short, so that there is time for many.
const NODE_ARGS: [&str; 2] = ["--drain-window", "1s"];

/// What Redis acknowledged is on the disk; nothing but this keeps it.
const REDIS_OPTIONS: [&str; 4] = ["--appendonly", "yes", "--save", ""];

/// When Redis and the embedded store wait for the disk, always and now and then, and how long a sync takes on a slow one.
const SYNC_ALWAYS: (&str, &str, Duration) = ("always", "full", machine::SYNC_ALWAYS);
const SYNC_LATER: (&str, &str, Duration) = ("everysec", "normal", machine::SYNC_LATER);

/// What the nodes have between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    /// Nothing: one node, which is killed and started again on its data
    Embedded,
    /// One Redis, with three nodes
    Redis,
    /// The same, with a replica that takes over once although it has lost the last commands
    Replicated,
    /// The same with two replicas, of which sentinels make one the master when it dies or stands still
    Sentinel,
    /// A cluster of three masters, each with a replica, with three nodes
    Cluster,
}

impl Store {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What keeps the games; several with commas between them are hurt one after the other
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Store::Redis])]
    store: Vec<Store>,
    /// How long faults happen, in seconds; each kind happens at least once
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds: usize,
    /// Games at a time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    games: u16,
    /// Which faults happen in which order, and what people do
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Runs on each store, with this seed and the next ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Only these faults, with commas between them; without it, all that the store can have
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    faults: Vec<String>,
    /// Lets the store acknowledge what is not on the disk yet: then the faults of the disk must be found
    #[arg(long)]
    relaxed: bool,
    /// Lets nobody play after the last fault: what it broke must mend by itself
    #[arg(long)]
    abrupt: bool,
    /// Waits in the end until every node has closed its games, and looks at what it still has: takes half a minute
    #[arg(long)]
    idle: bool,
    /// A file for all that was seen, a line of JSON each; of one run
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// A file for some games of each run, a line of JSON each, to be replayed by other rules
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let seeds = args.seed..args.seed.saturating_add(args.seeds);
    let stores = args.store.iter();
    let runs: Vec<(Store, u64)> = stores
        .flat_map(|&store| seeds.clone().map(move |seed| (store, seed)))
        .collect();
    ensure!(!runs.is_empty(), "no run was asked for");
    if args.history.is_some() && runs.len() > 1 {
        bail!("--history is for one run");
    }
    let mut sample = args.sample.as_deref().map(Sample::create).transpose()?;
    let mut summary = verdict::head();
    let mut red = 0;
    for (number, &(store, seed)) in runs.iter().enumerate() {
        let of = format!("run {} of {}", number + 1, runs.len());
        progress(&format!("{of}: {}, seed {seed}", store.name()))?;
        let done = run::run(args, (store, seed))
            .with_context(|| format!("{}, seed {seed}", store.name()))?;
        if let Some(path) = &args.history {
            done.evidence.records.write(path)?;
        }
        if let Some(sample) = &mut sample {
            sample.add(&done)?;
        }
        let why = done.judge(args.games)?;
        summary.push_str(&done.line(why.as_deref()));
        red += usize::from(why.is_some());
        if let (Some(why), 1) = (why, runs.len()) {
            bail!("{}, seed {seed}: {why}", store.name());
        }
    }
    if runs.len() > 1 {
        say(&summary)?;
    }
    ensure!(red == 0, "{red} of {} runs are not green", runs.len());
    Ok(())
}

impl Args {
    fn kinds(&self, (store, seed): (Store, u64)) -> anyhow::Result<Vec<Kind>> {
        let mut kinds = match store {
            Store::Embedded => Kind::ALONE.to_vec(),
            Store::Redis => Kind::OVER_REDIS.to_vec(),
            Store::Sentinel => Kind::OVER_SENTINELS.to_vec(),
            Store::Cluster => Kind::OVER_CLUSTER.to_vec(),
            Store::Replicated => {
                let of_master = [
                    Kind::RedisKill,
                    Kind::RedisStop,
                    Kind::SlowDisk,
                    Kind::PowerCut,
                ];
                let stays = |kind: &Kind| !of_master.contains(kind);
                let kinds = Kind::OVER_REDIS.into_iter().filter(stays);
                // There is one replica: each seed tries another way to lose the tail.
                let loses = if seed.is_multiple_of(2) {
                    Kind::TailLoss
                } else {
                    Kind::Failover
                };
                kinds.chain([loses]).collect()
            }
        };
        for name in &self.faults {
            if !kinds.iter().any(|kind| kind.name() == *name) {
                let names: Vec<String> = kinds.iter().map(|kind| kind.name()).collect();
                bail!("no fault {name} here: there are {}", names.join(", "));
            }
        }
        kinds.retain(|kind| self.faults.is_empty() || self.faults.contains(&kind.name()));
        Ok(kinds)
    }

    fn victim(&self, store: Store, dir: &TempDir) -> anyhow::Result<Victim> {
        let (clock, disk) = (SkewedClock::new()?, SlowDisk::new()?);
        let (appendfsync, embedded_sync, sync) = if self.relaxed {
            SYNC_LATER
        } else {
            SYNC_ALWAYS
        };
        let binary = binary::find(self.binary.as_deref())?;
        let settings = Settings::new(&binary)
            .args(&NODE_ARGS)
            .logs_in(&dir.path().join("logs"))
            .redis_options(&REDIS_OPTIONS)
            .redis_options(&["--appendfsync", appendfsync]);
        let settings = match store {
            Store::Embedded => settings
                .data_in(dir.path())
                .args(&["--embedded-sync", embedded_sync])
                .variables_of(0, &preload_all(&[clock.variables(), disk.variables()])),
            Store::Redis => over(settings, RedisKind::Single, &clock)
                .with_proxies()
                .redis_variables(&disk.variables()),
            Store::Replicated => over(settings, RedisKind::Replicated, &clock).with_proxies(),
            Store::Sentinel => over(settings, RedisKind::Sentinel { replicas: 2 }, &clock),
            Store::Cluster => {
                let cluster = RedisKind::Cluster {
                    masters: 3,
                    replicas: 1,
                };
                over(settings, cluster, &clock).with_proxies()
            }
        };
        let deployment = settings.start()?;
        Ok(Victim {
            deployment,
            clock,
            disk,
            sync,
        })
    }
}

/// Three nodes behind nginx, the last of them by a clock of its own.
fn over(settings: Settings, redis: RedisKind, clock: &SkewedClock) -> Settings {
    settings
        .nodes(3)
        .over(redis)
        .behind_nginx()
        .variables_of(2, &clock.variables())
}
