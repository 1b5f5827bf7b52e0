//! One run: a deployment, games on it, faults, calm, and the judgement. It prints how far it is, and judges nothing itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::report::progress;

use super::check::{Evidence, Violation, check};
use super::faults::{Kind, Victim};
use super::figures::Figures;
use super::last;
use super::resources::{self, Calm};
use super::round;
use super::shared::{Phase, Shared};
use super::{Args, Store};

/// How long games go on before the first fault, and how long in the end when all is well.
const CALM: Duration = Duration::from_secs(3);

/// After the last fault, all is well again within this time: a store heals, and what a dead subscription kept back is found.
const RECOVERY: Duration = Duration::from_secs(4);

/// The pause between two faults, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 500..1500;

/// A run that is over.
pub(super) struct Done {
    pub(super) store: Store,
    pub(super) seed: u64,
    pub(super) kinds: Vec<Kind>,
    pub(super) evidence: Evidence,
    pub(super) figures: Figures,
    pub(super) violations: Vec<Violation>,
    /// From the first game to the last fault.
    pub(super) hurt_for: Duration,
}

pub(super) fn run(args: &Args, (store, seed): (Store, u64)) -> anyhow::Result<Done> {
    let kinds = args.kinds((store, seed))?;
    let dir = tempfile::tempdir()?;
    let mut victim = args.victim(store, &dir)?;
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
    let before = runtime.block_on(resources::all(&victim.deployment))?;
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rounds = JoinSet::new();
    for _ in 0..args.games {
        let of_round = StdRng::seed_from_u64(rng.random());
        rounds.spawn_on(round::run(Arc::clone(&shared), of_round), runtime.handle());
    }
    let began = Instant::now();
    // What is tried here is the passing of time.
    std::thread::sleep(CALM);
    hurt(&mut victim, (&kinds, args.seconds, &mut rng), &shared)?;
    let hurt_for = began.elapsed();
    let calm = if args.abrupt {
        Calm::default()
    } else {
        calm(&victim, &runtime)?
    };
    let _ = shared.phase.send(Phase::Quiet);
    let mut evidence = Evidence::default();
    let data = dir.path().join("data/zeitnot.db");
    let mut violations = runtime.block_on(async {
        let behind =
            last::settle(&shared, (&victim, &data), (Instant::now(), args.relaxed)).await?;
        evidence.finals = last::look(&shared, &nodes).await;
        let _ = shared.phase.send(Phase::Over);
        while rounds.join_next().await.is_some() {}
        for (game, lines) in last::logs(&victim, &data).await? {
            evidence.finals.entry(game).or_default().lines = lines;
        }
        anyhow::Ok(behind)
    })?;
    evidence.records = shared.history.records();
    violations.extend(check(&evidence));
    violations.extend(calm.check());
    let left = resources::left(&victim, (&before, args.idle), evidence.finals.len());
    violations.extend(runtime.block_on(left)?);
    Ok(Done {
        store,
        seed,
        kinds,
        figures: Figures::of(&evidence.records),
        evidence,
        violations,
        hurt_for,
    })
}

/// Lets games go on when nothing is wrong any more.
fn calm(victim: &Victim, runtime: &Runtime) -> anyhow::Result<Calm> {
    std::thread::sleep(RECOVERY);
    let begin = runtime.block_on(resources::all(&victim.deployment))?;
    std::thread::sleep(CALM);
    let end = runtime.block_on(resources::all(&victim.deployment))?;
    Ok(Calm { begin, end })
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
                "{:>7} ms  {} {}, {} ms, {} in flight; {} commands acknowledged",
                fault.begin / 1000,
                kind.name(),
                fault.what,
                (fault.end - fault.begin) / 1000,
                fault.in_flight,
                shared.history.acknowledged()
            ))?;
            std::thread::sleep(Duration::from_millis(rng.random_range(PAUSE_MS)));
        }
        // It has no second replica.
        kinds.retain(|kind| !matches!(kind, Kind::Failover | Kind::TailLoss));
        is_first = false;
    }
    Ok(())
}
