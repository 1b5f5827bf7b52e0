//! Stamps against this process's own clock: play time does not run faster than time, and of an outage one second counts.

use super::check::{Case, Violation};
use super::commands::bounds;
use super::history::Moment;

/// Of an outage that is longer than this, [`COUNTED`] counts. In milliseconds, as all spans here.
const OUTAGE: u64 = 2000;
const COUNTED: u64 = 1000;

/// What the stamps and our own moments may differ by: both are cut to milliseconds, and the store's clock and ours go at
/// slightly different paces; of an outage, its beginning and end are seen late.
const ROUNDING: u64 = 20;
const LATENESS: u64 = 300;

/// I9 and I10.
pub(super) fn check(case: &Case<'_>, violations: &mut Vec<Violation>) {
    let bounds = bounds(case);
    // Entries without a command of their own, such as flags, are reached from the last one that has one.
    let mut before: Option<(u64, Moment, Option<Moment>)> = None;
    for ((version, after), (sent, known)) in (1_u32..).zip(&case.folded.states).zip(bounds) {
        if let (Some((at, earliest, latest)), Some(known)) = (before, known) {
            let stamped = after.at.saturating_sub(at);
            let real = millis(known.saturating_sub(earliest));
            let outages = latest.map_or(0, |latest| forgiven(case, latest, known));
            let limit = real.saturating_sub(outages) + ROUNDING;
            if stamped > limit {
                let invariant = if outages > 0 { "I10" } else { "I9" };
                let why = format!(
                    "{stamped} ms of play time since the command before, in which {real} ms had passed, {outages} of them without a store"
                );
                violations.push(case.violation(invariant, (version, Some(known)), why));
            }
        }
        if let Some(sent) = sent {
            before = Some((after.at, sent, known));
        }
    }
}

/// What must not count of the outages between two moments: the entry before was committed by the first, and the one after
/// it was not known before the second.
fn forgiven(case: &Case<'_>, from: Moment, to: Moment) -> u64 {
    let outages = case.records.faults.iter().filter_map(|fault| fault.outage);
    let between = outages.filter(|(begin, end)| from <= *begin && *end <= to);
    let lengths = between.map(|(begin, end)| millis(end - begin));
    let long = lengths.filter(|length| *length > OUTAGE);
    long.map(|length| length.saturating_sub(COUNTED + LATENESS))
        .sum()
}

const fn millis(micros: Moment) -> u64 {
    micros.div_ceil(1000)
}
