//! `chaos`: real games on a real deployment that is hurt all the time, and then the proof, from what everybody saw, that
//! nothing was lost, doubled, reordered or charged wrongly.

mod check;
mod commands;
mod delivery;
mod entry;
mod faults;
mod figures;
mod fold;
mod history;
mod player;
mod reader;
mod refusals;
mod round;
mod shared;
mod stored;
mod story;
mod times;
mod window;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Settings, SkewedClock};

use crate::binary;
use crate::entrance::Entrance;
use crate::report::{progress, say};

use check::{Evidence, Final, Violation, check};
use faults::{Kind, Victim};
use figures::Figures;
use shared::{Phase, Shared};
use stored::Logs;

/// How long games go on before the first fault and after the last.
const CALM: Duration = Duration::from_secs(3);

/// The pause between two faults, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 500..1500;

/// Within how long everybody has to be at the head when all is well again.
const HEALED: Duration = Duration::from_secs(10);

/// How long one look at a game may take in the end.
const LOOK: Duration = Duration::from_secs(5);

/// Seconds for an acknowledged command of each game: a run with fewer proves too little.
const MAX_PACE: usize = 3;

/// Violations of one promise that are listed.
const MAX_LISTED: usize = 4;

/// Characters of each.
const WIDTH: usize = 200;

/// The same flags for every node. A drain is short, so that there is time for many.
const NODE_ARGS: [&str; 2] = ["--drain-window", "1s"];

/// Nothing that Redis acknowledged is lost with it.
const REDIS_OPTIONS: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--save",
    "",
];

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

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What keeps the games
    #[arg(long, value_enum, default_value_t = Store::Redis)]
    store: Store,
    /// How long faults happen, in seconds; each kind happens at least once
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds: usize,
    /// Games at a time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    games: u16,
    /// Which faults happen in which order, and what people do
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only these faults, with commas between them; without it, all that the store can have
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    faults: Vec<String>,
    /// A file for all that was seen, a line of JSON each
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let kinds = args.kinds()?;
    let dir = tempfile::tempdir()?;
    let mut victim = args.victim(&dir)?;
    let nginx = victim.deployment.nginx();
    let nginx = nginx.map(|nginx| nginx.address().to_owned());
    let nodes = victim.deployment.nodes().iter();
    let nodes: Vec<String> = nodes.map(|node| node.address().to_owned()).collect();
    let shared = Arc::new(Shared::new(
        nginx.into_iter().chain(nodes.clone()).collect(),
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let before = uses(&victim.deployment)?;
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut rounds = JoinSet::new();
    for _ in 0..args.games {
        let of_round = StdRng::seed_from_u64(rng.random());
        rounds.spawn_on(round::run(Arc::clone(&shared), of_round), runtime.handle());
    }
    // What is tried here is the passing of time.
    std::thread::sleep(CALM);
    hurt(&mut victim, (&kinds, args.seconds, &mut rng), &shared)?;
    let healed = Instant::now();
    std::thread::sleep(CALM);
    let _ = shared.phase.send(Phase::Quiet);
    let mut evidence = Evidence {
        records: history::Records::default(),
        finals: BTreeMap::new(),
    };
    let data = dir.path().join("data/zeitnot.db");
    let mut violations = runtime.block_on(async {
        let behind = settle(&shared, (&victim, &data), healed + CALM).await?;
        evidence.finals = look(&shared, &nodes).await;
        let _ = shared.phase.send(Phase::Over);
        while rounds.join_next().await.is_some() {}
        for (game, lines) in logs(&victim, &data).await? {
            evidence.finals.entry(game).or_default().lines = lines;
        }
        anyhow::Ok(behind)
    })?;
    let after = uses(&victim.deployment)?;
    evidence.records = shared.history.records();
    if let Some(path) = &args.history {
        evidence.records.write(path)?;
    }
    violations.extend(check(&evidence));
    violations.extend(delivery::check(&evidence));
    let figures = Figures::of(&evidence.records);
    say(&format!(
        "\nseed {}, {} games\n{}\n{before}\n{after}\n",
        args.seed,
        evidence.finals.len(),
        figures.text()
    ))?;
    args.judge(&violations, (&evidence, &figures, &kinds))
}

impl Args {
    fn kinds(&self) -> anyhow::Result<Vec<Kind>> {
        let mut kinds = match self.store {
            Store::Embedded => Kind::ALONE.to_vec(),
            Store::Redis => Kind::OVER_REDIS.to_vec(),
            Store::Sentinel => Kind::OVER_SENTINELS.to_vec(),
            Store::Cluster => Kind::OVER_CLUSTER.to_vec(),
            Store::Replicated => {
                let stays = |kind: &Kind| *kind != Kind::RedisKill && *kind != Kind::RedisStop;
                let kinds = Kind::OVER_REDIS.into_iter().filter(stays);
                kinds.chain([Kind::Failover]).collect()
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

    fn victim(&self, dir: &TempDir) -> anyhow::Result<Victim> {
        let clock = SkewedClock::new()?;
        let binary = binary::find(self.binary.as_deref())?;
        let settings = Settings::new(&binary)
            .args(&NODE_ARGS)
            .logs_in(&dir.path().join("logs"));
        let settings = match self.store {
            Store::Embedded => settings
                .data_in(dir.path())
                .variables_of(0, &clock.variables()),
            Store::Redis => over(settings, RedisKind::Single, &clock).with_proxies(),
            Store::Replicated => over(settings, RedisKind::Replicated, &clock).with_proxies(),
            Store::Sentinel => over(settings, RedisKind::Sentinel { replicas: 2 }, &clock),
            Store::Cluster => {
                let cluster = RedisKind::Cluster {
                    masters: 3,
                    replicas: 1,
                };
                over(settings, cluster, &clock)
            }
        };
        let deployment = settings.start()?;
        Ok(Victim { deployment, clock })
    }

    fn judge(
        &self,
        violations: &[Violation],
        (evidence, figures, kinds): (&Evidence, &Figures, &[Kind]),
    ) -> anyhow::Result<()> {
        let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
        for violation in violations {
            let Violation {
                invariant,
                game,
                version,
                why,
                ..
            } = violation;
            let count = listed.entry(invariant).or_default();
            *count += 1;
            if *count <= MAX_LISTED {
                let why: String = why.chars().take(WIDTH).collect();
                say(&format!("{invariant} {game} {version}: {why}\n"))?;
            }
        }
        if let Some(violation) = story::shortest(violations, evidence) {
            say(&format!("\n{}\n", story::tell(violation, evidence)))?;
            bail!("{} violations with seed {}", violations.len(), self.seed);
        }
        let least = usize::from(self.games) * self.seconds.div_ceil(MAX_PACE);
        if figures.acknowledged < least {
            let acknowledged = figures.acknowledged;
            bail!("only {acknowledged} commands were acknowledged: {least} are the least");
        }
        for kind in kinds {
            let of_kind = figures.kinds.get(kind);
            if of_kind.is_none_or(|of_kind| of_kind.in_flight == 0) {
                bail!("{}: no command was under way", kind.name());
            }
        }
        say("every promise was kept\n")
    }
}

/// Three nodes behind nginx, the last of them by a clock of its own.
fn over(settings: Settings, redis: RedisKind, clock: &SkewedClock) -> Settings {
    settings
        .nodes(3)
        .over(redis)
        .redis_options(&REDIS_OPTIONS)
        .behind_nginx()
        .variables_of(2, &clock.variables())
}

/// One fault after the other, each kind once before any comes again, until the time is over.
fn hurt(
    victim: &mut Victim,
    (kinds, seconds, rng): (&[Kind], usize, &mut StdRng),
    shared: &Shared,
) -> anyhow::Result<()> {
    let over = Instant::now() + Duration::from_secs(seconds as u64);
    let mut kinds = kinds.to_vec();
    let mut is_first = true;
    while is_first || Instant::now() < over {
        kinds.shuffle(rng);
        for &kind in &kinds {
            if !is_first && Instant::now() >= over {
                break;
            }
            let fault = victim.strike(kind, (rng, shared))?;
            progress(&format!(
                "{:>7} ms  {} {}, {} ms; {} commands acknowledged",
                fault.begin / 1000,
                kind.name(),
                fault.what,
                (fault.end - fault.begin) / 1000,
                shared.history.acknowledged()
            ))?;
            std::thread::sleep(Duration::from_millis(rng.random_range(PAUSE_MS)));
        }
        // It has no second replica.
        kinds.retain(|kind| *kind != Kind::Failover);
        is_first = false;
    }
    Ok(())
}

async fn logs(victim: &Victim, data: &Path) -> anyhow::Result<Logs> {
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

/// I14: waits until everybody who looks is at the head of his game; the answer is who is not in time.
async fn settle(
    shared: &Shared,
    (victim, data): (&Victim, &Path),
    quiet: Instant,
) -> anyhow::Result<Vec<Violation>> {
    let mut behind: Vec<Violation> = Vec::new();
    // What is said last may take as long as the server tries.
    sleep(Duration::from_secs(1)).await;
    while quiet.elapsed() < HEALED {
        let logs = logs(victim, data).await.context("read the logs")?;
        behind.clear();
        for (who, (game, v)) in shared.heads() {
            let head = logs.get(&game).map_or(0, Vec::len);
            if usize::try_from(v).is_ok_and(|v| v != head) {
                behind.push(Violation {
                    invariant: "I14",
                    game,
                    version: v,
                    why: format!("{who} is at version {v} of {head}, {HEALED:?} after all is well"),
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
async fn look(shared: &Shared, nodes: &[String]) -> BTreeMap<Arc<str>, Final> {
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

/// What each node uses.
fn uses(deployment: &Deployment) -> anyhow::Result<String> {
    let mut text = String::new();
    for (number, node) in deployment.nodes().iter().enumerate() {
        let files = std::fs::read_dir(format!("/proc/{}/fd", node.pid()))?.count();
        let resident = node.memory()?.resident >> 20;
        text.push_str(&format!(
            "node-{}: {resident} MiB, {files} files; ",
            number + 1
        ));
    }
    Ok(text)
}
