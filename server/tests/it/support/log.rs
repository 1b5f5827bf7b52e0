//! Games' logs as they lie in Redis, against what clients were told.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use zeitnot_game::id::GameId;
use zeitnot_game::rules::Move;
use zeitnot_loadtest::deployment::{Deployment, RedisServer};

use super::player::Acknowledged;

/// The key of a game's log, as the store has to name it: 256 buckets by FNV-1a.
pub(crate) fn key(game: GameId) -> String {
    let hash = game.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{{b:{}}}:game:{game}", hash % 256)
}

/// The entries of a game's log.
pub(crate) fn lines(deployment: &Deployment, game: GameId) -> Vec<String> {
    let server = master_of(deployment, game);
    let reply = server.call(&["LRANGE", &key(game), "0", "-1"]).unwrap();
    let lines = reply.items().iter();
    lines.map(|line| line.text().unwrap().to_owned()).collect()
}

/// The Redis that has a game.
fn master_of(deployment: &Deployment, game: GameId) -> &RedisServer {
    if let Some(cluster) = deployment.cluster() {
        return cluster.server(cluster.master_of(&key(game)).unwrap());
    }
    if let Some(sentinels) = deployment.sentinels() {
        return sentinels.server(sentinels.master().unwrap());
    }
    let master = deployment.redis().unwrap();
    // Once it is dead its replica has taken over.
    let is_dead = master.command("PING").is_err();
    deployment.replica().filter(|_| is_dead).unwrap_or(master)
}

/// Nothing is lost, doubled or unasked for: each command that got `ok` is one append of the log, at the version that it
/// was told, and each append is one such command.
pub(crate) fn assert_is(lines: &[String], acknowledged: &[Acknowledged]) {
    let mut told = BTreeMap::new();
    for Acknowledged { version, command } in acknowledged {
        // The same again is the same.
        let before = told.insert(*version, command);
        assert!(before.is_none_or(|before| before == command), "{command}");
    }
    let told: Vec<(u64, String)> = told
        .into_iter()
        .map(|(version, command)| (version, word_of(command)))
        .collect();
    assert_eq!(appends(lines), told, "{lines:#?}");
}

/// The last version of each append, and the word with which it begins. The tag, the last word of a line, is the append's.
fn appends(lines: &[String]) -> Vec<(u64, String)> {
    let tag = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
    let mut appends: Vec<(u64, String)> = Vec::new();
    let (mut tags, mut last) = (HashSet::new(), tag(&lines[0]));
    for (version, line) in (2_u64..).zip(&lines[1..]) {
        let tag = tag(line);
        if tag == last {
            appends.last_mut().expect("entry 1 is alone").0 = version;
            continue;
        }
        assert!(tags.insert(tag.clone()), "again: {line}");
        appends.push((version, word(line.split(' ').next().unwrap())));
        last = tag;
    }
    appends
}

/// A move in one notation; other words as they are.
fn word(text: &str) -> String {
    match text.parse::<Move>() {
        Ok(mv) => mv.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// The word with which a command's append begins.
fn word_of(command: &Value) -> String {
    match command["t"].as_str() {
        Some("move") => word(command["uci"].as_str().unwrap()),
        Some("resign") => "end".to_owned(),
        _ => panic!("nobody knows what it writes: {command}"),
    }
}
