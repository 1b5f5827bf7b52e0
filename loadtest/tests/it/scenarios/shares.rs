//! A load that several processes share.

use std::io::{BufReader, Read as _};
use std::time::{Duration, Instant};

use serde_json::json;
use zeitnot_loadtest::deployment::{RedisKind, Settings};

use super::{Run, count, run, server};

#[test]
fn several_processes_share_the_sockets_that_are_held() {
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
        "--nodes",
        "2",
        "--processes",
        "3",
        "--source",
        "127.0.0.2",
        "--source",
        "127.0.0.3",
    ];
    let runs = run(&args);
    assert!(count(&runs[0], "a ping is answered") >= 20);
    let processes = runs[0]["processes"].as_array().unwrap();
    let names = processes.iter().filter_map(|one| one["name"].as_str());
    let tools = names.filter(|name| name.starts_with("load tool"));
    assert_eq!(tools.count(), 4, "the one that asks, and three that do");
}

#[test]
fn several_processes_share_the_spectators_of_several_nodes() {
    let args = [
        "watch",
        "--spectators",
        "21",
        "--moves",
        "4",
        "--pace",
        "100",
        "--others",
        "0",
        "--nodes",
        "2",
        "--processes",
        "2",
    ];
    let runs = run(&args);
    assert_eq!(count(&runs[0], "any spectator has it"), 84);
    assert_eq!(count(&runs[0], "last spectator has it"), 4);
    assert_eq!(count(&runs[0], "opponent has it"), 4);
}

#[test]
fn several_processes_share_the_games_that_are_played() {
    let args = [
        "play",
        "--games",
        "5",
        "--think",
        "200",
        "--seconds",
        "3",
        "--processes",
        "2",
    ];
    let runs = run(&args);
    let opponents = count(&runs[0], "opponent has it");
    assert!(opponents > 0);
    assert_eq!(count(&runs[0], "own answer"), opponents);
    assert_eq!(count(&runs[0], "a spectator has it"), opponents);
    assert_eq!(runs[0]["failures"], json!({}));
}

#[test]
fn what_fails_in_another_process_is_said() {
    let mut tool = Run::start(&[
        "idle",
        "--sockets",
        "4",
        "--step",
        "2",
        "--processes",
        "2",
        "--source",
        "192.0.2.1",
    ]);
    let mut said = String::new();
    let stderr = tool.tool.stderr.take().unwrap();
    BufReader::new(stderr).read_to_string(&mut said).unwrap();
    assert!(!tool.tool.wait().unwrap().success());
    let words = "in a process with a part of the load: connect to 127.0.0.1:";
    assert!(said.contains(words), "{said}");
}

#[test]
fn processes_that_share_a_load_end_with_whoever_started_them() {
    let deployment = Settings::new(&server()).over(RedisKind::Embedded);
    let deployment = deployment.start().unwrap();
    let url = format!("ws://{}", deployment.node(0).address());
    let mut tool = Run::start(&[
        "play",
        "--games",
        "4",
        "--seconds",
        "3600",
        "--processes",
        "2",
        "--url",
        &url,
    ]);
    tool.wait_for("4 games are played");
    let parent = tool.tool.id();
    let children = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let children: Vec<_> = children.split_whitespace().collect();
    assert_eq!(children.len(), 2);
    // As nobody can see it coming.
    tool.tool.kill().unwrap();
    tool.tool.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_there = |child: &&str| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat"));
        // Dead ones whose record nobody has read are gone as well.
        stat.is_ok_and(|stat| !stat.contains(") Z"))
    };
    while children.iter().any(is_there) {
        assert!(Instant::now() < deadline, "they still run");
        std::thread::sleep(Duration::from_millis(20));
    }
}
