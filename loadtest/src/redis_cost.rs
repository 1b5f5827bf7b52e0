//! `redis-cost`: what an append costs Redis, what is done when nothing happens, and what a game takes.

mod append;
mod games;
mod stats;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::time::sleep;
use zeitnot_loadtest::deployment::{Deployment, RedisKind, RedisServer, Settings};

use crate::binary;
use crate::report::{progress, say};
use stats::Activity;

/// Nodes over one Redis.
const NODES: usize = 3;

/// What was acknowledged is on disk within a second.
const REDIS_OPTIONS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

/// Games are set up long before they are played.
const NODE_ARGS: [&str; 2] = ["--first-move", "1h"];

/// Until nodes that were just started, or games that just began, are at rest: buckets that were looked at go on being
/// for ten rounds.
const SETTLING: Duration = Duration::from_secs(15);

/// Until nodes have left games that nobody follows any more.
const LEAVING: Duration = Duration::from_secs(90);

/// Plies of a game whose memory is told.
const PLIES: u16 = 80;

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long it is looked at what Redis does
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// Games that run while nobody moves
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    games: u16,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Measures and prints all of it.
///
/// # Errors
/// Something does not start, or a game does not go as it is played.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let binary = binary::find(args.binary.as_deref())?;
    progress("appends by a bare client")?;
    let cost = append::measure()?;
    progress("")?;
    say(&format!(
        "\nappend: {:.2} µs of the server's time a call; a script that does nothing: {:.2} µs\n\n",
        cost.append, cost.noop
    ))?;
    let deployment = Settings::new(&binary)
        .nodes(NODES)
        .over(RedisKind::Single)
        .redis_on_a_port()
        .redis_options(&REDIS_OPTIONS)
        .args(&NODE_ARGS)
        .start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(watch(&deployment, args))
}

async fn watch(deployment: &Deployment, args: &Args) -> anyhow::Result<()> {
    let Some(redis) = deployment.redis() else {
        anyhow::bail!("it has a Redis");
    };
    let span = Duration::from_secs(args.seconds.into());
    progress("three nodes, no games")?;
    sleep(SETTLING).await;
    show("no games", Activity::during(redis, span).await?)?;
    let (memory, channels) = (stats::used_memory(redis)?, stats::channels(redis)?);

    progress("games begin")?;
    let mut games = games::begin(deployment, args.games.into()).await?;
    games.play(2).await?;
    progress("games in which nobody moves")?;
    games.rest(SETTLING).await?;
    let resting = games.rest(span);
    let (rested, activity) = tokio::join!(resting, Activity::during(redis, span));
    rested?;
    show(&format!("{} games, nobody moves", args.games), activity?)?;

    progress("the games go on")?;
    games.play(PLIES).await?;
    drop(games);
    progress("everybody leaves")?;
    until_left(redis, channels).await?;
    progress("")?;
    let count = f64::from(args.games);
    let grown = stats::used_memory(redis)? - memory;
    say(&format!(
        "\na live game of {PLIES} plies: {:.0} bytes of used_memory; by key\n",
        grown / count
    ))?;
    for (kind, keys) in stats::keys(redis)? {
        let bytes = f64::from(i32::try_from(keys.bytes)?) / count;
        say(&format!(
            "{kind:>20} {:>7} keys {bytes:>8.0} bytes a game\n",
            keys.count
        ))?;
    }
    Ok(())
}

fn show(name: &str, activity: Activity) -> anyhow::Result<()> {
    let Activity {
        cpu,
        file,
        scripts,
        scripts_cpu,
    } = activity;
    progress("")?;
    say(&format!(
        "{name}: Redis {cpu:.2} % of a core, {file:.0} bytes/s to the file; {scripts:.0} scripts/s, {scripts_cpu:.2} % of a core\n"
    ))
}

/// Nodes leave games some time after their followers: what that took is not the games'.
async fn until_left(redis: &RedisServer, channels: usize) -> anyhow::Result<()> {
    let give_up = Instant::now() + LEAVING;
    while stats::channels(redis)? > channels {
        ensure!(Instant::now() < give_up, "the nodes still follow games");
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
