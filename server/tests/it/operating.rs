//! A node as its operator watches it: what it counts, whether it is ready, what is wrong, all on the built binary.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use zeitnot_loadtest::deployment::{Deployment, Node, NodeSettings, RedisServer};

use crate::support::binary;
use crate::support::entrance::Entrance;
use crate::support::table::Table;
use crate::support::wait::until_fit;

fn watcher(node: &Node) -> Entrance {
    Entrance::at(node.internal_address())
}

/// Samples of `/metrics` by name and labels. Shape of a key: `zeitnot_refusals_total{code="stale"}`.
async fn metrics(watcher: &Entrance) -> BTreeMap<String, f64> {
    let (status, text) = watcher.text("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    samples.map(sample).collect()
}

/// The rows of the table of metrics in the operators' manual: name, type, labels, what it says.
fn documented() -> Vec<String> {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../OPERATING.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let rows = manual
        .lines()
        .filter(|line| line.starts_with("| `zeitnot_"));
    rows.map(str::to_owned).collect()
}

/// The same rows made of what a node prints.
fn printed(text: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let Some((name, says)) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let kind = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")))
            .unwrap();
        let suffix = if kind == "counter" { "_total" } else { "" };
        let mut labels: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.split_once('{'))
            .filter(|(suffix, _)| ["", "_total", "_bucket"].contains(suffix))
            .flat_map(|(_, rest)| rest.split('}').next().unwrap().split(','))
            .filter_map(|pair| pair.split('=').next())
            .filter(|label| *label != "le")
            .collect();
        labels.sort_unstable();
        labels.dedup();
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let says = says.trim_end_matches('.');
        rows.push(format!(
            "| `{name}{suffix}` | {kind} | {} | {says} |",
            labels.join(", ")
        ));
    }
    rows
}

#[tokio::test]
async fn the_manual_has_every_metric_and_no_other() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let (_, text) = watcher(deployment.node(0)).text("/metrics").await;
    let printed = printed(&text);
    assert!(printed.len() > 25 && text.ends_with("# EOF\n"), "{text}");
    assert_eq!(
        documented(),
        printed,
        "OPERATING.md should have\n{}\n",
        printed.join("\n")
    );
    for row in printed {
        let name = row.split('`').nth(1).unwrap();
        assert!(name.starts_with("zeitnot_"), "{name}");
        assert!(
            !row.contains("| counter |") || name.ends_with("_total"),
            "{name}"
        );
        assert!(
            !row.contains("| histogram |") || name.ends_with("_seconds"),
            "{name}"
        );
    }
}

/// What the test below counts.
const COUNTED: [(&str, f64); 14] = [
    ("sockets", 3.0),
    ("streams", 0.0),
    ("rooms", 1.0),
    ("store_silent_buckets", 0.0),
    ("commands_total{kind=\"move\",result=\"ok\"}", 2.0),
    ("commands_total{kind=\"move\",result=\"refused\"}", 1.0),
    ("commands_total{kind=\"say\",result=\"ok\"}", 1.0),
    ("commands_total{kind=\"watch\",result=\"ok\"}", 3.0),
    ("command_duration_seconds_count{kind=\"move\"}", 3.0),
    ("refusals_total{code=\"not_your_turn\"}", 1.0),
    ("refusals_total{code=\"unauthorized\"}", 1.0),
    ("tokens_refused_total{reason=\"malformed\"}", 1.0),
    ("store_appends_total{result=\"committed\"}", 3.0),
    ("flag_delay_seconds_count", 1.0),
];

/// What it counts among other things.
const AT_LEAST: [(&str, f64); 8] = [
    ("store_append_duration_seconds_count", 3.0),
    ("messages_received_total", 7.0),
    ("frames_sent_total", 10.0),
    ("connections_accepted_total", 4.0),
    ("process_resident_memory_bytes", 1e6),
    ("process_open_fds", 5.0),
    ("process_threads", 1.0),
    ("process_cpu_seconds_total", 0.001),
];

#[tokio::test]
async fn what_happens_is_counted_and_nobody_is_named() {
    let deployment = Deployment::over_redis(binary(), 1).unwrap();
    let (entrance, watcher) = (
        Entrance::of(deployment.node(0)),
        watcher(deployment.node(0)),
    );
    let terms = json!({"clock.limit": 1, "clock.increment": 0});
    let mut table = Table::sit_down([&entrance; 3], &terms).await;
    let [white, black] = &mut table.seats;
    assert_eq!(
        black.play(table.game, "e7e5", 0).await["code"],
        "not_your_turn"
    );
    assert_eq!(white.play(table.game, "e2e4", 0).await["t"], "ok");
    assert_eq!(black.play(table.game, "e7e5", 1).await["t"], "ok");
    let say = json!({"t": "say", "game": table.game, "room": "players", "text": "hello"});
    assert_eq!(white.ask(say).await["t"], "ok");
    assert_eq!(white.next_of("end").await["t"], "end", "the flag falls");
    assert_eq!(
        entrance.refusal(Some("x.y.z")).await,
        StatusCode::UNAUTHORIZED
    );

    let after = metrics(&watcher).await;
    for (name, value) in COUNTED {
        assert_eq!(
            after.get(&format!("zeitnot_{name}")),
            Some(&value),
            "{name} in {after:#?}"
        );
    }
    for (name, least) in AT_LEAST {
        assert!(
            after[&format!("zeitnot_{name}")] >= least,
            "{name} in {after:#?}"
        );
    }
    let late = after["zeitnot_flag_delay_seconds_sum"];
    println!("a flag was called {late} s late");
    assert!(late >= 0.0);

    let (_, text) = watcher.text("/metrics").await;
    for secret in [table.game.as_str(), "guest-", "127.0.0.1", "Anna", "node-1"] {
        assert!(!text.contains(secret), "{secret} is in the metrics");
    }
    drop(table);
    until_fit(
        async || metrics(&watcher).await,
        |now| {
            now["zeitnot_sockets"] == 0.0
                && now["zeitnot_sockets_closed_total{reason=\"gone\"}"] == 3.0
        },
    )
    .await;
}

/// Whether a node says that it is ready, and why not.
async fn ready(watcher: &Entrance) -> (u16, Value) {
    let nothing = (&Value::Null, None);
    let (status, answer) = watcher.request(Method::GET, "/readyz", nothing).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_node_whose_store_is_silent_says_so_and_why() {
    let mut deployment = Deployment::over_redis(binary(), 1).unwrap();
    let watcher = watcher(deployment.node(0));
    assert_eq!(
        ready(&watcher).await,
        (200, json!({"ready": true, "reasons": []}))
    );
    deployment.redis_mut().unwrap().pause().unwrap();
    let unready = (503, json!({"ready": false, "reasons": ["store"]}));
    until_fit(async || ready(&watcher).await, |answer| *answer == unready).await;
    assert_eq!(
        watcher.text("/healthz").await,
        (StatusCode::OK, "alive\n".to_owned())
    );
    assert_eq!(
        metrics(&watcher).await["zeitnot_store_silent_buckets"],
        256.0
    );
    let (_, status) = watcher
        .request(Method::GET, "/status.json", (&Value::Null, None))
        .await;
    let problem = status["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("The store does not answer"), "{status}");
    deployment.redis_mut().unwrap().resume().unwrap();
    until_fit(async || ready(&watcher).await, |(status, _)| *status == 200).await;
    deployment.node_mut(0).terminate().unwrap();
}

#[tokio::test]
async fn a_node_that_waits_for_its_store_says_that_it_starts() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Command::new(binary())
        .args(["keys", "new"])
        .output()
        .unwrap()
        .stdout;
    let file = dir.path().join("keys.json");
    std::fs::write(&file, keys).unwrap();
    let redis = RedisServer::start().unwrap();
    let settings = NodeSettings {
        binary: binary().to_owned(),
        args: vec![
            "--redis-url".into(),
            redis.url().into(),
            "--jwt-keys".into(),
            file.into(),
        ],
        variables: Vec::new(),
        log: None,
    };
    // Its ports stay its own over a restart, so that it can be asked before it says where it is.
    let mut node = Node::start(settings).unwrap();
    let watcher = Entrance::at(node.internal_address());
    redis.pause().unwrap();
    let restarted = std::thread::spawn(move || {
        node.restart().unwrap();
        node
    });
    let starting = json!({"ready": false, "reasons": ["starting"]});
    let asked = async || match watcher.try_request("/readyz").await {
        Some((status, answer)) => (status.as_u16(), answer),
        None => (0, Value::Null),
    };
    until_fit(asked, |answer| *answer == (503, starting.clone())).await;
    redis.resume().unwrap();
    until_fit(asked, |(status, _)| *status == 200).await;
    drop(restarted.join().unwrap());
}

#[tokio::test]
async fn the_page_asks_for_nothing_but_its_numbers() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let watcher = watcher(deployment.node(0));
    let (status, page) = watcher.text("/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("fetch('/status.json'"), "{page}");
    let asks = ["src=", "@import", "url(", "innerHTML", "<link"];
    for word in asks {
        assert!(!page.contains(word), "the page says {word}");
    }
    let nothing = (&Value::Null, None);
    let fits = |(_, status): &(StatusCode, Value)| {
        status["moves"]
            .as_array()
            .is_some_and(|moves| moves.len() >= 2)
    };
    let ask = async || watcher.request(Method::GET, "/status.json", nothing).await;
    let (_, status) = until_fit(ask, fits).await;
    assert_eq!(status["serving"]["node"], "node-1");
    assert_eq!(status["serving"]["store"], "embedded");
    assert_eq!(
        (&status["buckets"], &status["silent_buckets"]),
        (&json!(256), &json!(0))
    );
    assert_eq!(status["problems"], json!([]));
    let public = Entrance::of(deployment.node(0));
    for path in ["/metrics", "/status.json", "/readyz", "/healthz"] {
        let (_, text) = public.text(path).await;
        assert!(
            !text.contains("zeitnot_sockets")
                && !text.contains("uptime")
                && !text.contains("alive"),
            "{path}: {text}"
        );
    }
}

#[tokio::test]
async fn the_page_of_any_node_lists_all_of_them() {
    let mut deployment = Deployment::over_redis(binary(), 3).unwrap();
    let here = watcher(deployment.node(0));
    let mut client = Entrance::of(deployment.node(1)).connect(None).await;
    client.ask(json!({"t": "ping"})).await;
    let ask = async || {
        let nothing = (&Value::Null, None);
        let (_, status) = here.request(Method::GET, "/status.json", nothing).await;
        status["nodes"].as_array().unwrap().clone()
    };
    let nodes = until_fit(ask, |nodes| nodes.len() == 3 && nodes[1]["sockets"] == 1).await;
    let names: Vec<_> = nodes.iter().map(|node| node["node"].clone()).collect();
    assert_eq!(names, ["node-1", "node-2", "node-3"]);
    let there = deployment.node(2).internal_address().to_owned();
    assert_eq!(nodes[2]["watched_at"], there);
    deployment.node_mut(2).kill().unwrap();
    until_fit(ask, |nodes| nodes[2]["is_gone"] == true).await;
    deployment.node_mut(2).restart().unwrap();
    let nodes = until_fit(ask, |nodes| {
        nodes.iter().all(|node| node["is_gone"] == false)
    })
    .await;
    assert_eq!(nodes.len(), 3, "{nodes:?}");
}
