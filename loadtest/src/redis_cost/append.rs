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
const DUE_IN_MS: i64 = 600_000;

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

    let origin = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let due = origin + DUE_IN_MS;
    let before = Scripts::of(&server)?;
    for ply in 0..PLIES {
        let noted = (ply > 0).then_some(due);
        let tick = [0, 9_999_999_999_999, 0];
        let last = [0, origin, -1, due, noted.unwrap_or(-1)];
        let numbers: Vec<u8> = tick
            .into_iter()
            .chain(last)
            .flat_map(i64::to_le_bytes)
            .collect();
        let (index, last, tag) = (ply.to_string(), tag(ply), tag(ply + 1));
        let noted = noted.map(|due| due.to_string()).unwrap_or_default();
        let first_line = format!("{} {last} {noted}", ply + 2);
        let call = |[log, set]: &'_ [String; 2]| -> Vec<Vec<u8>> {
            let words: [&[u8]; 11] = [
                b"EVALSHA",
                append.as_bytes(),
                b"2",
                log.as_bytes(),
                set.as_bytes(),
                &numbers,
                index.as_bytes(),
                last.as_bytes(),
                tag.as_bytes(),
                first_line.as_bytes(),
                BODY.as_bytes(),
            ];
            words.map(<[u8]>::to_vec).into()
        };
        for some in keys.chunks(PIPELINE) {
            let calls: Vec<_> = some.iter().map(call).collect();
            for reply in redis.call_all(&calls)? {
                ensure!(reply.int().is_some(), "the script said {reply}");
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
