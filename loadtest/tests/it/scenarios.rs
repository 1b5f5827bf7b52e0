//! Each scenario with small numbers on the built server: it ends well, and its file has what it says.

mod shares;
mod steps;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use zeitnot_loadtest::deployment::Deployment;

pub(crate) const TOOL: &str = env!("CARGO_BIN_EXE_zeitnot-loadtest");

/// The server's binary, which the workspace's tests build beside ours.
pub(crate) fn server() -> PathBuf {
    let server = Path::new(TOOL).with_file_name("zeitnot");
    let advice = "build the server first: cargo build --package zeitnot";
    assert!(server.is_file(), "{advice}");
    server
}

/// A run of the tool.
struct Run {
    tool: Child,
    json: PathBuf,
    _dir: TempDir,
}

impl Run {
    fn start(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let json = dir.path().join("findings.json");
        let tool = Command::new(TOOL)
            .args(args)
            .arg("--json")
            .arg(&json)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Self {
            tool: tool.unwrap(),
            json,
            _dir: dir,
        }
    }

    /// Waits until it says so.
    fn wait_for(&mut self, words: &str) {
        let stderr = self.tool.stderr.as_mut().unwrap();
        // What comes after that line goes nowhere, but is taken.
        let mut lines = BufReader::with_capacity(1, stderr).lines();
        assert!(lines.any(|line| line.unwrap().contains(words)), "{words}");
    }

    /// All runs that it has found something in.
    fn findings(mut self) -> Vec<Value> {
        let mut said = String::new();
        for line in BufReader::new(self.tool.stderr.take().unwrap()).lines() {
            said.push_str(&line.unwrap());
            said.push('\n');
        }
        let ended = self.tool.wait().unwrap();
        let text = fs::read_to_string(&self.json).unwrap_or_default();
        assert!(ended.success(), "{ended}: {said}{text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn run(args: &[&str]) -> Vec<Value> {
    server();
    Run::start(args).findings()
}

/// How many were counted of one kind of latency.
fn count(run: &Value, name: &str) -> u64 {
    latency(run, name)["count"].as_u64().unwrap()
}

fn latency<'a>(run: &'a Value, name: &str) -> &'a Value {
    let latencies = run["latencies"].as_array().unwrap();
    let one = latencies.iter().find(|one| one["name"] == name);
    one.unwrap_or_else(|| panic!("{name} in {run}"))
}

fn number(run: &Value, name: &str) -> f64 {
    let numbers = run["numbers"].as_array().unwrap();
    let one = numbers.iter().find(|one| one["name"] == name);
    one.unwrap_or_else(|| panic!("{name} in {run}"))["value"]
        .as_f64()
        .unwrap()
}

#[test]
fn moves_go_from_node_to_node_beside_the_floor() {
    let args = [
        "relay",
        "--rate",
        "20",
        "--seconds",
        "1",
        "--repeat",
        "1",
        "--against",
        "floor",
    ];
    let runs = run(&args);
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(
            (&run["undelivered"], &run["errors"]),
            (&json!(0), &json!([]))
        );
        assert!(run["opponent"]["p50"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn cores_are_kept_awake_by_what_gives_way_and_ends_with_its_input() {
    const IDLE_POLICY: &str = "5";
    let mut awake = Command::new("chrt")
        .args(["--idle", "0", TOOL, "keep-awake"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    awake.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", awake.id())).unwrap();
    // What is behind the name, which may contain anything, begins with the third field; the policy is the 41st.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    assert_eq!(fields.split_whitespace().nth(41 - 3), Some(IDLE_POLICY));
    drop(awake.stdin.take());
    assert!(awake.wait().unwrap().success());
}

#[test]
fn every_spectator_is_told_of_every_move_beside_the_floor() {
    let args = [
        "watch",
        "--spectators",
        "20",
        "--moves",
        "4",
        "--pace",
        "100",
        "--others",
        "2",
        "--against",
        "floor",
    ];
    let runs = run(&args);
    let sides: Vec<_> = runs
        .iter()
        .map(|run| run["side"].as_str().unwrap())
        .collect();
    assert_eq!(sides, ["floor", "zeitnot"]);
    for run in &runs {
        assert_eq!(count(run, "any spectator has it"), 80);
        assert_eq!(count(run, "last spectator has it"), 4);
        assert_eq!(count(run, "opponent has it"), 4);
    }
    assert_eq!(count(&runs[1], "own answer"), 4);
}

#[test]
fn idle_sockets_are_held_and_answered() {
    let args = [
        "idle",
        "--sockets",
        "20",
        "--step",
        "10",
        "--hold",
        "6",
        "--games",
        "3",
    ];
    let runs = run(&args);
    assert!(count(&runs[0], "a ping is answered") >= 20);
    assert!(number(&runs[0], "CPU of the node a socket and second") >= 0.0);
}

#[test]
fn games_are_played_to_their_end_with_spectators_on_other_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    let args = [
        "play",
        "--games",
        "6",
        "--spectators",
        "2",
        "--think",
        "200",
        "--seconds",
        "5",
        "--nodes",
        "3",
        "--html",
        page.to_str().unwrap(),
    ];
    let runs = run(&args);
    // One of the six has ten plies.
    assert!(number(&runs[0], "games played to their end") >= 1.0);
    let opponents = count(&runs[0], "opponent has it");
    assert!(opponents > 0);
    assert_eq!(count(&runs[0], "own answer"), opponents);
    assert_eq!(count(&runs[0], "a spectator has it"), 2 * opponents);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<polyline") && page.contains("node-3"));
    for elsewhere in ["http", "src=", "url(", "@import", "<script"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn everybody_comes_back_after_a_cut_and_is_at_the_head() {
    let args = [
        "storm",
        "--sockets",
        "30",
        "--games",
        "4",
        "--jitter",
        "100",
        "--rounds",
        "2",
    ];
    let runs = run(&args);
    assert_eq!(count(&runs[0], "back at the head"), 60);
}

#[test]
fn whoever_seeks_finds_somebody() {
    let args = ["lobby", "--rate", "10", "--watchers", "2", "--seconds", "2"];
    let runs = run(&args);
    assert_eq!(count(&runs[0], "seek is answered"), 20);
    assert_eq!(count(&runs[0], "game has begun"), 20);
}

#[test]
fn a_node_shows_whole_games_that_it_has_never_seen() {
    let args = ["open", "--rate", "60", "--seconds", "1", "--plies", "30"];
    let runs = run(&args);
    for name in ["the node has never seen it", "the node has it"] {
        assert_eq!(count(&runs[0], name), 60);
    }
    assert_eq!(runs[0]["failures"], json!({}));
}

#[test]
fn a_peer_does_the_same_work_and_passes_the_same_oracle() {
    let args = [
        "compare",
        "--let-cores-sleep",
        "--peers",
        "ws,floor,storing-floor",
        "--peers-in",
        concat!(env!("CARGO_MANIFEST_DIR"), "/peers"),
        "--rate",
        "20",
        "--seconds",
        "2",
        "--from",
        "10",
        "--to",
        "10",
        "--limit",
        "60000",
        "--sockets",
        "0",
        "--spectators",
        "0",
    ];
    let runs = run(&args);
    let of = |scenario: &str| {
        let of_scenario = runs.iter().filter(|run| run["scenario"] == scenario);
        of_scenario.collect::<Vec<_>>()
    };
    let [peer, floor, storing] = of("compare")[..] else {
        panic!("three at the same rate: {runs:?}");
    };
    assert_eq!(
        [&peer["side"], &floor["side"], &storing["side"]],
        [&json!("ws"), &json!("floor"), &json!("storing-floor")]
    );
    assert_eq!(count(peer, "opponent has it"), 40);
    assert_eq!(count(peer, "own answer"), 40);
    assert_eq!(count(floor, "opponent has it"), 40);
    assert_eq!(count(storing, "opponent has it"), 40);
    assert_eq!(count(storing, "own answer"), 40);
    assert_eq!(of("steps").len(), 3);
}

#[test]
fn whatever_grows_has_a_figure_at_each_step() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    let args = [
        "growth",
        "--other-games",
        "3",
        "--nodes",
        "1,2",
        "--masters",
        "1",
        "--plies",
        "4,8",
        "--seconds",
        "1",
        "--only",
        "nodes",
        "--only",
        "masters",
        "--only",
        "plies",
        "--html",
        page.to_str().unwrap(),
    ];
    let grown = run(&args);
    let steps: Vec<_> = grown
        .iter()
        .map(|one| {
            let steps = one["steps"].as_array().unwrap();
            for step in steps {
                assert!(number(step, "CPU of all nodes a move") >= 0.0);
                assert!(count(step, "opponent has it") > 0);
            }
            (one["of"].as_str().unwrap(), steps.len())
        })
        .collect();
    assert_eq!(steps, [("nodes", 2), ("masters", 1), ("plies", 2)]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<polyline") && page.contains("over nodes"));
}

#[test]
fn a_plan_says_what_it_assumes_and_how_far_it_is_from_a_run() {
    let plan = |args: &[&str]| {
        let output = Command::new(TOOL).arg("plan").args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = plan(&["--players", "100000"]);
    for word in ["nodes", "masters of Redis", "Assumed:", "make bench-play"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let json: Value = serde_json::from_str(&plan(&["--players", "100000", "--json"])).unwrap();
    assert!(
        json["nodes"].as_u64().unwrap() >= 2 && json["redis"]["masters"].as_u64().unwrap() >= 1
    );
    let more: Value = serde_json::from_str(&plan(&["--players", "400000", "--json"])).unwrap();
    assert!(more["nodes"].as_u64() > json["nodes"].as_u64());
}

/// Latencies count from when moves were due, so whoever is kept waiting by a server that stands still counts each move
/// that he would have made: one that asks again only after an answer would count one for each table.
#[test]
fn a_server_that_freezes_is_seen_in_the_latencies_of_all_that_was_due() {
    const TABLES: u64 = 10;
    const FROZEN: Duration = Duration::from_secs(1);
    let deployment = Deployment::embedded_with(&server(), (&["--first-move", "1h"], &[])).unwrap();
    let url = format!("ws://{}", deployment.address());
    let mut run = Run::start(&[
        "play",
        "--url",
        &url,
        "--games",
        &TABLES.to_string(),
        "--spectators",
        "0",
        "--think",
        "200",
        "--seconds",
        "8",
    ]);
    run.wait_for("moves count from now on");
    let frozen = Instant::now();
    deployment.node(0).pause().unwrap();
    while let Some(left) = FROZEN.checked_sub(frozen.elapsed()) {
        std::thread::park_timeout(left);
    }
    deployment.node(0).resume().unwrap();
    let runs = run.findings();
    let own = latency(&runs[0], "own answer");
    // About five moves a second are due at each table: four of them more than 200 ms before it goes on.
    let late = own["over_ms"]["200"].as_u64().unwrap();
    assert!(late >= 2 * TABLES, "{late}: {own}");
    assert!(own["p99"].as_f64().unwrap() > 200e3, "{own}");
}
