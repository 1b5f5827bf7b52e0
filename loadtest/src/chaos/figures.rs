//! What a run did, in numbers: how much was tried, and how long it took to go on.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::delivery;
use super::faults::Kind;
use super::history::{Answer, Moment, Records};

/// A game that goes on later than this after a fault had another reason, such as its end.
const MAX_RECOVERY: Moment = 20_000_000;

/// What one kind of fault did.
#[derive(Debug, Default)]
pub(super) struct OfKind {
    pub(super) times: usize,
    /// Commands that had been sent and had no answer when they began.
    pub(super) in_flight: usize,
    /// From the beginning of a fault until each game had a command acknowledged that was answered after it; microseconds.
    recovery: Vec<Moment>,
}

/// A run.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) acknowledged: usize,
    refused: usize,
    unknown: usize,
    told: usize,
    /// Microseconds, in order.
    latencies: Vec<Moment>,
    /// How long after somebody knew of an entry each frame came, when all was well; in order.
    delays: Vec<Moment>,
    pub(super) kinds: BTreeMap<Kind, OfKind>,
}

impl Figures {
    pub(super) fn of(records: &Records) -> Self {
        let mut figures = Self {
            told: records.told.len(),
            delays: delivery::delays(records),
            ..Self::default()
        };
        let mut oks: HashMap<&str, Vec<Moment>> = HashMap::new();
        for tried in &records.tries {
            match tried.answer {
                Answer::Ok(_) => {
                    figures.acknowledged += 1;
                    figures.latencies.push(tried.done - tried.sent);
                    oks.entry(&tried.game).or_default().push(tried.done);
                }
                Answer::Refused(_) => figures.refused += 1,
                Answer::Unknown(_) => figures.unknown += 1,
            }
        }
        figures.latencies.sort_unstable();
        oks.values_mut().for_each(|oks| oks.sort_unstable());
        for fault in &records.faults {
            let of_kind = figures.kinds.entry(fault.kind).or_default();
            of_kind.times += 1;
            of_kind.in_flight += fault.in_flight;
            let begin = fault.outage.map_or(fault.begin, |(begin, _)| begin);
            for oks in oks.values() {
                let next = oks.partition_point(|ok| *ok < begin);
                if let (1.., Some(ok)) = (next, oks.get(next))
                    && ok - begin < MAX_RECOVERY
                {
                    of_kind.recovery.push(ok - begin);
                }
            }
        }
        for of_kind in figures.kinds.values_mut() {
            of_kind.recovery.sort_unstable();
        }
        figures
    }

    /// The 99th percentile of the time to an `ok`, in milliseconds.
    pub(super) fn slow_ok_ms(&self) -> u64 {
        millis(at(&self.latencies, 99))
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{} commands acknowledged, {} refused, {} tries without an answer; {} frames read\n",
            self.acknowledged, self.refused, self.unknown, self.told
        );
        let _ = writeln!(
            text,
            "ok after {} ms at the median, {} ms at p99, {} ms at the most",
            millis(at(&self.latencies, 50)),
            millis(at(&self.latencies, 99)),
            millis(at(&self.latencies, 100)),
        );
        let _ = writeln!(
            text,
            "when all was well, a frame came {} ms after somebody knew of it at the median, {} ms at p99",
            millis(at(&self.delays, 50)),
            millis(at(&self.delays, 99)),
        );
        let _ = writeln!(
            text,
            "\n  {:<16}{:>6}{:>11}   a game went on after, from the fault's beginning (ms)\n  {:<33}   {:>8}{:>8}{:>8}",
            "fault", "times", "in flight", "", "median", "p95", "most"
        );
        for (kind, of_kind) in &self.kinds {
            let OfKind {
                times,
                in_flight,
                recovery,
            } = of_kind;
            let [median, p95, most] = [50, 95, 100].map(|percent| millis(at(recovery, percent)));
            let _ = writeln!(
                text,
                "  {:<16}{times:>6}{in_flight:>11}   {median:>8}{p95:>8}{most:>8}",
                kind.name()
            );
        }
        text
    }
}

fn at(sorted: &[Moment], percent: usize) -> Moment {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}

const fn millis(micros: Moment) -> u64 {
    micros / 1000
}
