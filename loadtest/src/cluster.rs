//! `cluster`: several nodes behind nginx on one Redis, to look at, to play on, and to kill.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Settings};

use crate::binary;
use crate::report::say;

/// How often it is looked whether all are alive.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// How long what has died stays so: time to see what that does.
const DOWNTIME: Duration = Duration::from_secs(1);

/// What was acknowledged is on the disk, whatever dies.
const REDIS_OPTIONS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=64))]
    nodes: u8,
    /// Address of nginx, where players go
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Directory for games, keys and logs that stay; without it, they end with this
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Further arguments of every node, behind `--`
    #[arg(last = true, value_name = "ARGS")]
    node_args: Vec<String>,
}

/// Runs it until SIGINT or SIGTERM.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let signaled = signals()?;
    let binary = binary::find(args.binary.as_deref())?;
    drop(TcpListener::bind(args.listen).with_context(|| {
        format!(
            "{} cannot be listened on: end what has it, or choose another address with --listen",
            args.listen
        )
    })?);
    let dir = Folder::open(args)?;
    let settings = Settings::new(&binary)
        .nodes(usize::from(args.nodes))
        .over(RedisKind::Single)
        .redis_options(&REDIS_OPTIONS)
        .behind_nginx_at(args.listen)
        .args(&args.node_args)
        .data_in(&dir.path)
        .logs_in(&dir.path.join("logs"));
    let mut deployment = settings.start()?;
    say(&table(&deployment))?;
    supervise(&mut deployment, &signaled)?;
    say("ending\n")
}

/// Where games, keys and logs are.
struct Folder {
    path: PathBuf,
    /// It ends with us if nobody named it.
    _temporary: Option<TempDir>,
    /// Held while it is ours: two Redis servers would spoil each other's file.
    _lock: File,
}

impl Folder {
    fn open(args: &Args) -> anyhow::Result<Self> {
        let (path, temporary) = match &args.data_dir {
            Some(path) => (path.clone(), None),
            None => {
                let dir = tempfile::tempdir()?;
                (dir.path().to_owned(), Some(dir))
            }
        };
        fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        let lock = File::create(path.join("lock"))?;
        let locked = lock.try_lock();
        locked.with_context(|| format!("{} is in use by another cluster", path.display()))?;
        Ok(Self {
            path: path.canonicalize()?,
            _temporary: temporary,
            _lock: lock,
        })
    }
}

/// Tells of SIGINT and SIGTERM, from now on: what is started meanwhile is ended too.
fn signals() -> anyhow::Result<Receiver<()>> {
    let (tell, told) = sync_channel(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let guard = runtime.enter();
    let interrupt = signal(SignalKind::interrupt())?;
    let terminate = signal(SignalKind::terminate())?;
    drop(guard);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(pass_on([interrupt, terminate], &tell)))?;
    Ok(told)
}

async fn pass_on(signals: [tokio::signal::unix::Signal; 2], tell: &SyncSender<()>) {
    let [mut interrupt, mut terminate] = signals;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // One is as good as two, and whoever has ended needs none.
        let _ = tell.try_send(());
    }
}

/// What can die.
#[derive(Debug, Clone, Copy)]
enum Part {
    Nginx,
    Redis,
    /// By its index.
    Node(usize),
}

impl Part {
    /// In the order in which they need each other.
    fn all(deployment: &Deployment) -> Vec<Self> {
        let nodes = (0..deployment.nodes().len()).map(Self::Node);
        [Self::Redis, Self::Nginx]
            .into_iter()
            .chain(nodes)
            .collect()
    }

    fn name(self) -> String {
        match self {
            Self::Nginx => "nginx".to_owned(),
            Self::Redis => "redis".to_owned(),
            Self::Node(index) => format!("node-{}", index + 1),
        }
    }

    /// Name, address, process, log.
    fn row(self, deployment: &Deployment) -> Option<[String; 4]> {
        let (address, pid, log) = match self {
            Self::Nginx => {
                let nginx = deployment.nginx()?;
                (
                    format!("http://{}", nginx.address()),
                    nginx.pid(),
                    nginx.log(),
                )
            }
            Self::Redis => {
                let redis = deployment.redis()?;
                (redis.url(), redis.pid(), redis.log())
            }
            Self::Node(index) => {
                let node = deployment.node(index);
                let log = node.log().cloned().unwrap_or_default();
                (format!("http://{}", node.address()), node.pid(), log)
            }
        };
        let log = log.display().to_string();
        Some([self.name(), address, pid.to_string(), log])
    }

    fn is_running(self, deployment: &mut Deployment) -> bool {
        match self {
            Self::Nginx => deployment
                .nginx_mut()
                .is_none_or(|nginx| nginx.is_running()),
            Self::Redis => deployment
                .redis_mut()
                .is_none_or(|redis| redis.is_running()),
            Self::Node(index) => deployment.node_mut(index).is_running(),
        }
    }

    fn start_again(self, deployment: &mut Deployment) -> anyhow::Result<()> {
        match self {
            Self::Nginx => deployment
                .nginx_mut()
                .map_or(Ok(()), |nginx| nginx.restart()),
            Self::Redis => deployment
                .redis_mut()
                .map_or(Ok(()), |redis| redis.restart()),
            Self::Node(index) => deployment.node_mut(index).restart(),
        }
    }
}

/// Starts again what has died, at the same address, until it is told to end.
fn supervise(deployment: &mut Deployment, signaled: &Receiver<()>) -> anyhow::Result<()> {
    let mut parts: Vec<(Part, Option<Instant>)> = Part::all(deployment)
        .into_iter()
        .map(|part| (part, None))
        .collect();
    while signaled.recv_timeout(LOOK_PERIOD) == Err(RecvTimeoutError::Timeout) {
        for (part, died) in &mut parts {
            let name = part.name();
            match *died {
                None if part.is_running(deployment) => {}
                None => {
                    say(&format!(
                        "{name} has ended: starting it again in {DOWNTIME:?}\n"
                    ))?;
                    *died = Some(Instant::now());
                }
                Some(at) if at.elapsed() < DOWNTIME => {}
                Some(_) => match part.start_again(deployment) {
                    Ok(()) => {
                        let row = part.row(deployment).unwrap_or_default();
                        say(&format!("{name} is back at {}, pid {}\n", row[1], row[2]))?;
                        *died = None;
                    }
                    Err(error) => {
                        say(&format!("{name} did not start, trying again: {error:#}\n"))?;
                        *died = Some(Instant::now());
                    }
                },
            }
        }
    }
    Ok(())
}

/// What runs, one line each.
fn table(deployment: &Deployment) -> String {
    let head = ["", "address", "pid", "log"].map(str::to_owned);
    let rows = Part::all(deployment).into_iter();
    let mut rows: Vec<_> = rows.filter_map(|part| part.row(deployment)).collect();
    rows.insert(0, head);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (name, address, pid) = (width(0), width(1), width(2));
    let watched_at = deployment.node(0).internal_address();
    let mut text = format!(
        "\nplay at http://{}, and look at the nodes at http://{watched_at}\n\n",
        deployment.address()
    );
    for [n, a, p, log] in &rows {
        text.push_str(&format!("  {n:name$}  {a:address$}  {p:>pid$}  {log}\n"));
    }
    text.push_str(
        "\nKill any of them, `kill -9 PID`: it is started again after a second, and games go on. Ctrl-C ends all.\n\n",
    );
    text
}
