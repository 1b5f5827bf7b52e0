//! When all is well, everybody is told at once, whichever node tells him: one that has to look for what it was not told
//! is found here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Evidence, Violation};
use super::history::{Answer, Moment};

/// A frame is late that comes so long after somebody knew of its entry, in microseconds: its node had to look. Usual are
/// a few milliseconds.
const LATE: Moment = 500_000;

/// Of so many frames of a way in, one may be late.
const ONE_OF: usize = 10;

/// How long after the last fault all is well.
const AFTER: Moment = 1_000_000;

/// With fewer frames nothing is said of a way in.
const MIN_FRAMES: usize = 15;

/// I14: each way in is as quick as it should be after the last fault.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let records = &evidence.records;
    let ends = records.faults.iter().map(|fault| fault.end);
    let well = ends.max().unwrap_or(0) + AFTER;
    let mut known: BTreeMap<(&str, u64), Moment> = BTreeMap::new();
    let mut know = |key, at: Moment| {
        let first = known.entry(key).or_insert(at);
        *first = at.min(*first);
    };
    for tried in &records.tries {
        if let Answer::Ok(v) = tried.answer {
            know((&*tried.game, u64::from(v)), tried.done);
        }
    }
    let entries = || {
        let told = records.told.iter();
        told.filter(|told| told.frame.get("initial_fen").is_none())
    };
    for told in entries() {
        let v = told.frame["v"].as_u64().unwrap_or(0);
        know((&*told.game, v), told.at);
    }
    let mut delays: BTreeMap<&str, Vec<(Moment, &Arc<str>)>> = BTreeMap::new();
    for told in entries() {
        let v = told.frame["v"].as_u64().unwrap_or(0);
        if let Some(first) = known.get(&(&*told.game, v)).filter(|first| **first > well) {
            let delays = delays.entry(&told.entrance).or_default();
            delays.push((told.at - first, &told.game));
        }
    }
    let mut violations = Vec::new();
    for (entrance, delays) in delays {
        let late: Vec<_> = delays.iter().filter(|(delay, _)| *delay > LATE).collect();
        if let Some((_, game)) = late.first()
            && delays.len() >= MIN_FRAMES
            && late.len() * ONE_OF > delays.len()
        {
            let (count, all) = (late.len(), delays.len());
            violations.push(Violation {
                invariant: "I14",
                game: Arc::clone(game),
                version: 1,
                why: format!(
                    "all was well, and of {all} frames that {entrance} told {count} came {} ms after somebody knew",
                    LATE / 1000
                ),
                at: None,
            });
        }
    }
    violations
}
