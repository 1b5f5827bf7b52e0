//! Deliberate faults of the server, for one purpose: to show that the chaos checker finds them. It exists only with the
//! feature `breakages`, which no build that serves anybody has. `ZEITNOT_BREAKAGE` names those that are on, with commas.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use zeitnot_game::time::PlayTime;

static NAMES: LazyLock<String> =
    LazyLock::new(|| std::env::var("ZEITNOT_BREAKAGE").unwrap_or_default());

static STARTED: LazyLock<(Instant, SystemTime)> =
    LazyLock::new(|| (Instant::now(), SystemTime::now()));

/// What is changed in which script: a name, words of the script, and what stands there instead.
const EDITS: [(&str, &str, &str); 7] = [
    // An append fits whatever has the right length.
    ("compare-by-length", "head:sub(-5) ~= before", "false"),
    // An append fits whatever there is.
    ("compare-nothing", "head:sub(-5) ~= before", "false"),
    ("compare-nothing", "if newer then", "if false then"),
    // An append that is sent again is not recognized.
    ("forget-own-tag", "newer:sub(-5) == tag", "false"),
    // A flag falls when a node says so.
    ("ignore-not-before", "not_before >= 0", "false"),
    // All of an outage is play time.
    ("charge-outages", "gap > outage and counted", "false"),
    ("charge-outages", "math.min(gap, counted)", "gap"),
];

/// Whether a fault is on.
pub(crate) fn is_on(name: &str) -> bool {
    LazyLock::force(&STARTED);
    NAMES.split(',').any(|on| on == name)
}

/// A script of the Redis store with the faults that are on.
pub(crate) fn edit(script: &str) -> String {
    let on = EDITS.into_iter().filter(|(name, ..)| is_on(name));
    on.fold(script.to_owned(), |script, (_, words, instead)| {
        script.replace(words, instead)
    })
}

/// The version that a follower says it has, unless nobody asks for it.
pub(crate) fn version_of<T>(since: Option<T>) -> Option<T> {
    since.filter(|_| !is_on("snapshot-without-version"))
}

/// A moment by the wall clock, as far as that was set since the start.
pub(crate) fn by_wall(now: PlayTime) -> PlayTime {
    if !is_on("wall-deadlines") {
        return now;
    }
    let (began, wall) = *STARTED;
    let real = began.elapsed();
    let shown = wall.elapsed().unwrap_or_default();
    let ahead = u64::try_from(shown.saturating_sub(real).as_millis()).unwrap_or(u64::MAX);
    PlayTime(now.0.saturating_add(ahead))
}
