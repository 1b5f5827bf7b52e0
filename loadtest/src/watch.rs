//! `watch`: one game with very many spectators on a node or several, beside the same frames written straight to as many sockets.

mod crowd;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::runtime::Handle;
use tokio::time::sleep_until;
use zeitnot_loadtest::deployment::{Node, NodeSettings};

use crate::drive::{Course, Tables};
use crate::findings::{self, Findings, OutputArgs};
use crate::guests::{Begun, begin_games};
use crate::latencies::Latencies;
use crate::line::Line;
use crate::report::progress;
use crate::sampler::Sampler;
use crate::schedule::Schedule;
use crate::seating::{open_lines, sit_down, sit_down_at_floor, sit_down_for};
use crate::share::{Spread, most_sockets};
use crate::side::Side;
use crate::site::{Elsewhere, Part, Site, SiteArgs, Work, clients_work, nodes_for};
use crate::table::Seated;
use crate::tally::Tally;
use crowd::{Crowds, Pace, Sights};

pub(crate) use crowd::{Job, share};

/// What is looked for.
pub(crate) const LAST: &str = "last spectator has it";
pub(crate) const MEDIAN: &str = "median spectator has it";
const CPU_A_FRAME: &str = "CPU of the node a frame, beside heartbeats";
/// The same with all that the nodes did meanwhile.
pub(crate) const ALL_CPU_A_FRAME: &str = "CPU of the node a frame, heartbeats included";

/// Until those who came have been told how many they are, which is said every five seconds.
const SETTLING: Duration = Duration::from_secs(6);

/// How long nobody moves then before the first one: one heartbeat of everybody, whose cost is not the moves'.
const QUIET: Duration = Duration::from_secs(5);

/// What the floor's figures may be multiplied with.
const BUDGETS: [(&str, f64); 1] = [("last spectator has it, p50, ms", 1.2)];

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    show: Show,
    /// What it is compared with
    #[arg(long, value_name = "SIDE")]
    against: Option<Side>,
    /// How often each is run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    repeat: u8,
    #[command(flatten)]
    spread: Spread,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    site: SiteArgs,
}

/// What there is to see.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Show {
    /// Spectators of the game; a node is started for each 19,000 of them unless it is said how many
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) spectators: u32,
    /// Moves that are played
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub(crate) moves: u16,
    /// From one move to the next, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=60_000))]
    pub(crate) pace: u32,
    /// Moves a second of other games on the same nodes
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) others: u32,
    /// Where the moves of the other games fall
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// What is watched: a site, or a node that writes the same without logic.
#[derive(Debug)]
pub(crate) enum Place {
    Fan(Node),
    Site(Site),
}

/// What was seen at the tables and from among the spectators.
struct Told {
    game: Tally,
    others: Tally,
    crowd: Sights,
    /// Within the quiet time, and while moves were made.
    quiet: Work,
    busy: Work,
    took: Duration,
}

/// Runs all of it.
///
/// # Errors
/// Something does not start, or a spectator was not told what he must be told.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let spectators = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let sides: Vec<Side> = args.against.into_iter().chain([Side::Zeitnot]).collect();
    let (count, most) = (usize::try_from(args.show.spectators)?, most_sockets());
    ensure!(
        args.against.is_none() || count <= most,
        "the floor is one process, which has {most} sockets at most: ask for fewer spectators, or for nothing beside"
    );
    let mut runs = Vec::new();
    for repetition in 0..args.repeat {
        for &side in &sides {
            progress(&format!(
                "run {} of {}: {side}",
                repetition + 1,
                args.repeat
            ))?;
            let place = match side {
                Side::Floor => Place::fan()?,
                Side::StoringFloor | Side::Zeitnot | Side::Peer(_) => {
                    Place::Site(args.site.open(nodes_for(args.show.spectators))?)
                }
            };
            let run =
                runtime.block_on(one((&args.show, &args.spread), &place, spectators.handle()));
            runs.push(run.with_context(|| format!("{side}, run {}", repetition + 1))?);
        }
    }
    progress("")?;
    findings::publish(&runs, &args.output, &BUDGETS)
}

impl Place {
    /// One without logic.
    pub(crate) fn fan() -> anyhow::Result<Self> {
        let node = Node::start(NodeSettings {
            binary: std::env::current_exe()?,
            args: vec!["fan-node".into()],
            variables: Vec::new(),
            log: None,
        });
        Ok(Self::Fan(node?))
    }

    const fn side(&self) -> Side {
        match self {
            Self::Fan(_) => Side::Floor,
            Self::Site(site) => site.side(),
        }
    }

    /// As the process of this number sees it.
    fn view(&self, spread: &Spread, process: usize) -> Elsewhere {
        match self {
            Self::Fan(node) => Elsewhere {
                side: Side::Floor,
                addresses: vec![node.address().to_owned()],
                source: None,
            },
            Self::Site(site) => spread.view(site, process),
        }
    }

    fn parts(&self) -> Vec<Part> {
        match self {
            Self::Fan(node) => vec![Part {
                name: "floor".to_owned(),
                pid: node.pid(),
            }],
            Self::Site(site) => site.parts(),
        }
    }

    fn work(&self, shares: &[Part]) -> anyhow::Result<Work> {
        match self {
            Self::Fan(node) => Ok(Work {
                nodes: node.cpu_time()?,
                redis: Duration::ZERO,
                clients: clients_work(shares)?,
            }),
            Self::Site(site) => site.work(shares),
        }
    }

    /// The game; the floor has none.
    async fn begin(&self) -> anyhow::Result<Option<Begun>> {
        match self {
            Self::Fan(_) => Ok(None),
            Self::Site(site) => Ok(begin_games(site, 1).await?.pop()),
        }
    }

    /// Both players of the game, at the first nodes.
    async fn seat_players(&self, begun: Option<Begun>, line: &Arc<Line>) -> anyhow::Result<Seated> {
        match (self, begun) {
            (Self::Fan(node), _) => {
                sit_down_at_floor([(node.address(), "/play"); 2], line, "floor").await
            }
            (Self::Site(site), Some(begun)) => sit_down_for(site, &begun, line).await,
            (Self::Site(_), None) => bail!("there is no game"),
        }
    }
}

/// Shows it once; spectators live on a runtime of their own.
///
/// # Errors
/// Somebody cannot come, or time cannot be told.
pub(crate) async fn one(
    (args, spread): (&Show, &Spread),
    place: &Place,
    spectators: &Handle,
) -> anyhow::Result<Findings> {
    let lines = open_lines()?;
    let [game, others] = [(); 2].map(|()| Arc::new(Mutex::new(Tally::new())));
    let begun = place.begin().await.context("begin the game")?;
    let game_id = begun.as_ref().map(|begun| begun.game.clone());
    let mut watching = Crowds::gather(
        (
            |process| place.view(spread, process),
            &game_id.unwrap_or_default(),
        ),
        (usize::try_from(args.spectators)?, spread),
        spectators,
    )
    .await?;
    let parts = watching.parts();
    let seats = [place.seat_players(begun, &lines[0])].into_iter();
    // Large, and done once.
    let tables = Box::pin(Tables::open(place.side(), seats, &game)).await?;
    let other_tables = match place {
        Place::Fan(_) => None,
        Place::Site(site) => Some(open_others(args, (site, &lines), &others).await?),
    };

    let period = Duration::from_millis(args.pace.into());
    let course = Course::after(
        SETTLING + QUIET,
        Duration::ZERO,
        period * u32::from(args.moves),
    );
    let pace = Pace {
        first: course.start,
        period,
        moves: args.moves,
    };
    let sampler = Sampler::start([place.parts(), parts.clone()].concat(), course.start);
    watching.expect(pace).await?;
    progress(&format!("{}: everybody is here", place.side()))?;
    sleep_until((course.start - QUIET).into()).await;
    let before = place.work(&parts)?;
    let dues = (0..u32::from(args.moves)).map(|number| (period * number, 0));
    let (played, played_too, at_first) = tokio::join!(
        tables.play(dues, (&course, &game)),
        play_others(args, other_tables, (&course, &others)),
        async {
            sleep_until(course.start.into()).await;
            place.work(&parts)
        }
    );
    played?;
    played_too?;
    sleep_until(course.window.end.into()).await;
    let crowd = watching.finish().await?;
    let at_first = at_first?;
    let told = Told {
        game: Tally::taken(&game),
        others: Tally::taken(&others),
        crowd,
        quiet: at_first.since(before),
        busy: place.work(&parts)?.since(at_first),
        took: course.start.elapsed(),
    };
    let mut findings = summary(args, place.side(), told);
    findings.processes = sampler.finish().await;
    Ok(findings)
}

/// Other games that go on as if nothing were: a table for each move a second, so that nobody moves faster than people
/// do.
async fn open_others(
    args: &Show,
    (site, lines): (&Site, &[Arc<Line>]),
    tally: &Arc<Mutex<Tally>>,
) -> anyhow::Result<Tables> {
    let seconds = u64::from(args.pace) * u64::from(args.moves) / 1000;
    let plies = usize::try_from(seconds)? + 1;
    let seats = (0..usize::try_from(args.others)?).map(|table| {
        let nodes = [site.address(table), site.address(table + 1)];
        sit_down(nodes, &lines[table % lines.len()], plies)
    });
    Tables::open(Side::Zeitnot, seats, tally).await
}

async fn play_others(
    args: &Show,
    tables: Option<Tables>,
    (course, tally): (&Course, &Arc<Mutex<Tally>>),
) -> anyhow::Result<()> {
    match tables {
        Some(tables) if args.others > 0 => {
            let schedule = Schedule::new(args.others, usize::try_from(args.others)?, args.seed);
            tables.play(schedule.dues(), (course, tally)).await
        }
        Some(_) | None => Ok(()),
    }
}

fn summary(args: &Show, side: Side, told: Told) -> Findings {
    let Show {
        spectators,
        moves,
        pace,
        ..
    } = args;
    let load = format!("{spectators} spectators of one game, {moves} moves, one each {pace} ms");
    let mut findings = Findings::new("watch", load, side);
    let Told {
        game,
        others,
        crowd,
        quiet,
        busy,
        took,
    } = told;
    let now = Instant::now();
    let [mut all, mut median, mut last] = [(); 3].map(|()| Latencies::since(now));
    for (number, mut arrivals) in crowd.arrivals.into_iter().enumerate() {
        arrivals.sort_unstable();
        // Each move stands in the second in which it was due.
        let due =
            now + Duration::from_millis(u64::from(*pace)) * u32::try_from(number).unwrap_or(0);
        let took = |ns: u64| due + Duration::from_nanos(ns);
        for ns in &arrivals {
            all.record(due, took(*ns));
        }
        if let (Some(middle), Some(slowest)) = (arrivals.get(arrivals.len() / 2), arrivals.last()) {
            median.record(due, took(*middle));
            last.record(due, took(*slowest));
        }
    }
    let frames = crowd.frames.max(1) as f64;
    let rest = |busy: Duration, quiet: Duration| {
        let quiet = quiet.as_secs_f64() / QUIET.as_secs_f64() * took.as_secs_f64();
        (busy.as_secs_f64() - quiet) * 1e6 / frames
    };
    let heartbeats = quiet.nodes.as_secs_f64() / QUIET.as_secs_f64() * 100.0;
    findings.number("frames that spectators got", frames, "");
    findings.number(
        "versions that a snapshot stood for",
        crowd.skipped as f64,
        "",
    );
    findings.number(CPU_A_FRAME, rest(busy.nodes, quiet.nodes), "µs");
    let all_cpu = busy.nodes.as_secs_f64() * 1e6 / frames;
    findings.number(ALL_CPU_A_FRAME, all_cpu, "µs");
    findings.number(
        "CPU of the load tool a frame",
        rest(busy.clients, quiet.clients),
        "µs",
    );
    findings.number("CPU of the node for heartbeats", heartbeats, "% of a core");
    findings.latencies = vec![
        last.distribution(LAST),
        median.distribution(MEDIAN),
        all.distribution("any spectator has it"),
        game.opponent.distribution("opponent has it"),
        game.own.distribution("own answer"),
        others.own.distribution("own answer in other games"),
        others
            .opponent
            .distribution("opponent in other games has it"),
    ];
    findings.failures = crowd.failures;
    findings.failures.merge(game.failures);
    findings.failures.merge(others.failures);
    findings
}
