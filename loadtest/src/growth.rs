//! `growth`: what a move costs while one thing grows and all else stays. It is the other scenarios, again and again.

mod long;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Runtime;
use zeitnot_loadtest::deployment::RedisKind;

use crate::drive::{Course, Tables};
use crate::findings::growth::{Growth, Step, publish};
use crate::findings::{Findings, OutputArgs};
use crate::line::Line;
use crate::report::progress;
use crate::sampler::Sampler;
use crate::schedule::Schedule;
use crate::seating::gather;
use crate::share::Spread;
use crate::side::Side;
use crate::site::{Site, SiteArgs, nodes_for};
use crate::tally::Tally;
use crate::{play, watch};

/// Nodes, where it is not they that grow.
const NODES: u8 = 2;

/// From one move of a game to the next where games grow: each player makes one in 10 s.
const SLOW: u32 = 5000;

/// The same where nodes and masters grow.
const FAST: u32 = 1000;

/// For so many spectators a second goes by between moves: more of them want more.
const SPECTATORS_A_SECOND: u32 = 10_000;

/// Most games whose logs grow, and moves a second in each: fewer than a player's rate limit allows.
const LONG_GAMES: u16 = 100;
const LONG_BEAT: u16 = 8;

/// The last plies of a log, which count.
const COUNTED_PLIES: u16 = 100;

/// From the end of the set-up to the first move.
const PAUSE: Duration = Duration::from_millis(200);

/// What may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Thing {
    /// Games at once, a move by each player in 10 s
    Games,
    /// Spectators of one game
    Spectators,
    /// Nodes over one Redis
    Nodes,
    /// Masters of a Redis Cluster
    Masters,
    /// Plies of a log
    Plies,
}

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What grows; repeatable. Without it, all of them, one after the other
    #[arg(long, value_name = "THING")]
    only: Vec<Thing>,
    /// Steps of games
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [100, 1000, 5000, 20_000, 50_000], value_parser = clap::value_parser!(u16).range(1..))]
    games: Vec<u16>,
    /// Games where it is not they that grow; of long ones at most 100
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000))]
    other_games: u16,
    /// Steps of spectators
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [10, 100, 1000, 5000, 10_000, 50_000], value_parser = clap::value_parser!(u16).range(1..))]
    spectators: Vec<u16>,
    /// Steps of nodes
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 2, 3, 4], value_parser = clap::value_parser!(u8).range(1..=64))]
    nodes: Vec<u8>,
    /// Steps of masters
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 2, 3], value_parser = clap::value_parser!(u8).range(1..=16))]
    masters: Vec<u8>,
    /// Steps of plies
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [20, 100, 200, 400, 590], value_parser = clap::value_parser!(u16).range(2..=598))]
    plies: Vec<u16>,
    /// How long moves count at each step, where the length of logs does not say it; and how many a spectator sees
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=90))]
    seconds: u16,
    /// Who plays what
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What runs scenarios, and how far they may go.
struct Bench<'a> {
    args: &'a Args,
    runtime: Runtime,
    /// Of very many spectators.
    crowd: Runtime,
    site: SiteArgs,
}

/// Measures all that is to grow, and prints a table of each.
///
/// # Errors
/// Something does not start, or somebody was told something wrong, late or not at all.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let bench = Bench {
        args,
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        crowd: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?,
        site: SiteArgs::of(args.binary.clone()),
    };
    let all = [
        Thing::Games,
        Thing::Spectators,
        Thing::Nodes,
        Thing::Masters,
        Thing::Plies,
    ];
    let things = all
        .into_iter()
        .filter(|thing| args.only.is_empty() || args.only.contains(thing));
    let grown = things.map(|thing| bench.grow(thing));
    let grown = grown.collect::<anyhow::Result<Vec<Growth>>>()?;
    progress("")?;
    publish(&grown, &args.output)
}

impl Bench<'_> {
    fn grow(&self, thing: Thing) -> anyhow::Result<Growth> {
        match thing {
            Thing::Games => each("games", steps(&self.args.games, games_nodes), |games| {
                let site = self.site.start(games_nodes(games), RedisKind::Single)?;
                self.play((games, SLOW, 0), &site)
            }),
            Thing::Spectators => {
                let nodes = |spectators: u16| nodes_for(spectators.into());
                let steps = steps(&self.args.spectators, nodes);
                each("spectators", steps, |spectators| {
                    let site = self.site.start(nodes(spectators), RedisKind::Single)?;
                    self.watch(spectators.into(), site)
                })
            }
            Thing::Nodes => each("nodes", all(&self.args.nodes), |nodes| {
                let site = self.site.start(nodes, RedisKind::Single)?;
                self.play((self.args.other_games, FAST, 1), &site)
            }),
            Thing::Masters => each("masters", all(&self.args.masters), |masters| {
                let redis = RedisKind::Cluster {
                    masters: masters.into(),
                    replicas: 0,
                };
                let site = self.site.start(NODES, redis)?;
                self.play((self.args.other_games, FAST, 1), &site)
            }),
            Thing::Plies => each("plies", all(&self.args.plies), |plies| {
                let site = self.site.start(NODES, RedisKind::Single)?;
                self.runtime.block_on(self.lengthen(plies, &site))
            }),
        }
    }

    fn play(
        &self,
        (games, think, spectators): (u16, u32, u8),
        site: &Site,
    ) -> anyhow::Result<Findings> {
        let args = play::Args {
            games,
            spectators,
            think,
            seconds: self.args.seconds,
            seed: self.args.seed,
            spread: Spread::default(),
            output: self.args.output.clone(),
            site: self.site.clone(),
        };
        self.runtime.block_on(play::play(&args, site))
    }

    fn watch(&self, spectators: u32, site: Site) -> anyhow::Result<Findings> {
        let show = watch::Show {
            spectators,
            moves: self.args.seconds,
            pace: 1000 * spectators.div_ceil(SPECTATORS_A_SECOND),
            others: 0,
            seed: self.args.seed,
        };
        let place = watch::Place::Site(site);
        self.runtime.block_on(watch::one(
            (&show, &Spread::default()),
            &place,
            self.crowd.handle(),
        ))
    }

    /// The last plies of logs of this length.
    async fn lengthen(&self, plies: u16, site: &Site) -> anyhow::Result<Findings> {
        let games = usize::from(LONG_GAMES.min(self.args.other_games));
        let lines = (0..4_u64).map(|seed| {
            let score = long::score(plies, self.args.seed + seed)?;
            anyhow::Ok(Arc::new(Line::open(&score)?))
        });
        let lines = lines.collect::<anyhow::Result<Vec<_>>>()?;
        let tally = Arc::new(Mutex::new(Tally::new()));
        let seats = (0..games).map(|table| {
            let line = Arc::clone(&lines[table % lines.len()]);
            gather(site, table, (0, [line].into()))
        });
        let tables = Tables::open(Side::Zeitnot, seats, &tally).await?;
        let rate = u32::try_from(games)? * u32::from(LONG_BEAT);
        let schedule = Schedule::new(rate, games, self.args.seed);
        let counted = plies.min(COUNTED_PLIES);
        let lasts = |plies: u16| Duration::from_secs(plies.into()) / u32::from(LONG_BEAT);
        let course = Course::after(PAUSE, lasts(plies - counted), lasts(counted));
        let sampler = Sampler::start(site.parts(), course.window.start);
        let (played, work) = tokio::join!(
            tables.play(schedule.dues(), (&course, &tally)),
            site.work_within(&course.window, &[])
        );
        played?;
        let (tally, work) = (Tally::taken(&tally), work?);
        let a_move = |work: Duration| work.as_secs_f64() * 1e6 / tally.arrived.max(1) as f64;
        let load = format!(
            "{games} games at ply {} to {plies}, {rate} moves/s",
            plies - counted
        );
        let mut findings = Findings::new("growth", load, Side::Zeitnot);
        let arrived = tally.arrived as f64 / lasts(counted).as_secs_f64();
        findings.number("moves that arrived", arrived, "moves/s");
        findings.number("CPU of all nodes a move", a_move(work.nodes), "µs");
        findings.number("CPU of Redis a move", a_move(work.redis), "µs");
        findings.number("CPU of the load tool a move", a_move(work.clients), "µs");
        findings.latencies = vec![
            tally.opponent.distribution("opponent has it"),
            tally.own.distribution("own answer"),
        ];
        findings.failures = tally.failures;
        findings.processes = sampler.finish().await;
        Ok(findings)
    }
}

/// Runs all steps, up to one that cannot be run.
fn each<N: Copy + Into<f64> + std::fmt::Display>(
    of: &'static str,
    (sizes, remarks): (Vec<N>, Vec<String>),
    run: impl Fn(N) -> anyhow::Result<Findings>,
) -> anyhow::Result<Growth> {
    let mut growth = Growth {
        of,
        remarks,
        steps: Vec::new(),
        failure: None,
    };
    for at in sizes {
        progress(&format!("{of}: {at}"))?;
        match run(at) {
            Ok(findings) => growth.steps.push(Step {
                at: at.into(),
                findings,
            }),
            // What was measured before is still worth showing.
            Err(error) => {
                growth.failure = Some(format!("{at} {of} could not be measured: {error:#}"));
                break;
            }
        }
    }
    Ok(growth)
}

/// All steps, without a remark.
fn all<N: Copy>(steps: &[N]) -> (Vec<N>, Vec<String>) {
    (steps.to_vec(), Vec::new())
}

/// Nodes of so many games, a socket for each player.
fn games_nodes(games: u16) -> u8 {
    NODES.max(nodes_for(2 * u32::from(games)))
}

/// All steps, and a remark on those that want more nodes than the first.
fn steps(steps: &[u16], nodes: impl Fn(u16) -> u8) -> (Vec<u16>, Vec<String>) {
    let usual = steps.first().map_or(NODES, |&step| nodes(step));
    let more = steps.iter().filter(|&&step| nodes(step) > usual);
    let remarks = more.map(|&step| {
        let count = nodes(step);
        format!("{step} are on {count} nodes, the first on {usual}: a node has so many open files")
    });
    (steps.to_vec(), remarks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_cannot_be_run_ends_the_growth_and_leaves_what_was_measured() {
        let run = |at: u16| {
            anyhow::ensure!(at < 3, "too many");
            Ok(Findings::new("growth", at.to_string(), Side::Zeitnot))
        };
        let growth = each("games", all(&[1, 2, 3, 4]), run).unwrap();
        let sizes: Vec<f64> = growth.steps.iter().map(|step| step.at).collect();
        assert_eq!(sizes, [1.0, 2.0]);
        let failure = growth.failure.as_deref();
        assert_eq!(failure, Some("3 games could not be measured: too many"));
        let output = OutputArgs::default();
        assert!(publish(&[growth], &output).is_err());
    }

    #[test]
    fn more_sockets_than_a_node_has_want_more_nodes_and_a_remark() {
        let (all, remarks) = steps(&[100, 5000, 50_000], games_nodes);
        assert_eq!(all, [100, 5000, 50_000]);
        assert_eq!(remarks.len(), 1);
        assert!(
            remarks[0].starts_with("50000 are on 6 nodes"),
            "{remarks:?}"
        );
        assert!(steps(&[100, 19_000], games_nodes).1.is_empty());
    }
}
