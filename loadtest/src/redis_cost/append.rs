//! What one append costs the server: the store's own script, called by a bare client as fast as it goes.
//!
//! The script's text is the store's; how it is called is written here once more, and a call that it does not take fails.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use zeitnot_loadtest::deployment::{RedisConnection, RedisServer, Reply};

use super::stats::Scripts;

/// What the store loads it with before its text.
const PREFACE: &str = "local RUN = 'none'\n";
const SCRIPT: &str = include_str!("../../../server/src/store/redis/append.lua");

/// The least that a script can do.
const NOOP: &str = "return 1";

/// Games, and the plies that are appended to each: enough for a time of its own.
const GAMES: usize = 800;
const PLIES: usize = 80;

/// Games of a bucket.
const GAMES_A_BUCKET: usize = 4;

/// Commands that are sent at once.
const PIPELINE: usize = 50;

/// Entry 1 as the store writes it, but for its length of no matter.
const FIRST: &str = "game standard created:0 0 aaaaa";

/// After how many milliseconds somebody must look at such a game.
const DUE_IN_MS: u128 = 600_000;

/// A move that its clock charged, as nearly all are.
const BODY: &str = "e7e5 1834-56~40";

/// Microseconds of the server's own time for a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) append: f64,
    pub(super) noop: f64,
}

/// Appends to games of their own, then does nothing as often.
pub(super) fn measure() -> anyhow::Result<Cost> {
    let server = RedisServer::start_with(&[])?;
    let mut redis = server.connect()?;
    let append = load(&mut redis, &format!("{PREFACE}{SCRIPT}"))?;
    let noop = load(&mut redis, NOOP)?;
    let keys: Vec<_> = (0..GAMES).map(keys).collect();
    let firsts: Vec<_> = keys
        .iter()
        .map(|[log, _]| vec!["RPUSH", log, FIRST])
        .collect();
    redis.call_all(&firsts)?;

    let origin = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let (due, origin) = ((origin + DUE_IN_MS).to_string(), origin.to_string());
    let before = Scripts::of(&server)?;
    for ply in 0..PLIES {
        let index = ply.to_string();
        let (version, last, tag) = ((ply + 2).to_string(), tag(ply), tag(ply + 1));
        let call = |[log, set]: &'_ [String; 2]| -> Vec<String> {
            let fixed = ["EVALSHA", &append, "2", log, set, "0", "9999999999999", "0"];
            let noted = if ply == 0 { "" } else { &due };
            let rest = [
                &index, &last, "0", &version, &tag, &origin, "", &due, noted, BODY,
            ];
            fixed
                .iter()
                .chain(&rest)
                .map(|&word| word.to_owned())
                .collect()
        };
        for some in keys.chunks(PIPELINE) {
            let calls: Vec<_> = some.iter().map(call).collect();
            for reply in redis.call_all(&words(&calls))? {
                ensure!(reply.text().is_some(), "the script said {reply}");
            }
        }
    }
    let appends = Scripts::of(&server)?.since(before);
    ensure!(appends.calls == GAMES * PLIES, "other scripts ran too");

    let before = Scripts::of(&server)?;
    for _ in 0..GAMES * PLIES / PIPELINE {
        redis.call_all(&vec![vec!["EVALSHA", &*noop, "0"]; PIPELINE])?;
    }
    let noops = Scripts::of(&server)?.since(before);
    Ok(Cost {
        append: appends.micros / appends.calls as f64,
        noop: noops.micros / noops.calls as f64,
    })
}

fn load(redis: &mut RedisConnection, text: &str) -> anyhow::Result<String> {
    let replies = redis.call_all(&[vec!["SCRIPT", "LOAD", text]])?;
    let sha = replies.first().and_then(Reply::text);
    Ok(sha.context("the script does not load")?.to_owned())
}

/// The log of a game, and what is due in its bucket.
fn keys(game: usize) -> [String; 2] {
    let bucket = game / GAMES_A_BUCKET;
    [
        format!("{{b:{bucket}}}:game:bench{game:03}"),
        format!("{{b:{bucket}}}:due"),
    ]
}

/// The tag of the entry after so many plies.
fn tag(ply: usize) -> String {
    match ply {
        0 => "aaaaa".to_owned(),
        _ => format!("{ply:05}"),
    }
}

fn words(calls: &[Vec<String>]) -> Vec<Vec<&str>> {
    let calls = calls.iter();
    calls
        .map(|call| call.iter().map(String::as_str).collect())
        .collect()
}
