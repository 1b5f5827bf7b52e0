//! How soon everybody is told when all is well. Only a figure: what a busy machine makes of it says nothing of a promise.

use std::collections::HashMap;

use super::history::{Answer, Moment, Records};

/// How long after the last fault all is well: a store may heal for two seconds.
const AFTER: Moment = 4_000_000;

/// How long after somebody knew of its entry each frame came, in microseconds, in order; of entries after the last fault.
pub(super) fn delays(records: &Records) -> Vec<Moment> {
    let ends = records.faults.iter().map(|fault| fault.end);
    let well = ends.max().unwrap_or(0) + AFTER;
    let mut known: HashMap<(&str, u64), Moment> = HashMap::new();
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
    let mut delays: Vec<Moment> = entries()
        .filter_map(|told| {
            let v = told.frame["v"].as_u64().unwrap_or(0);
            let first = known.get(&(&*told.game, v))?;
            (*first > well).then_some(told.at - first)
        })
        .collect();
    delays.sort_unstable();
    delays
}
