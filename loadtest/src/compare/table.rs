//! All that was compared as one table: a column for each side, medians of the runs. Where a peer is ahead of Zeitnot its
//! figure is bold, and below stands what it does not promise. Pure.

use std::fmt::Write as _;

use super::{Measure, Run};
use crate::findings::{Findings, escaped};
use crate::idle::{CPU_A_SOCKET, MEMORY_A_SOCKET};
use crate::report::{median, number};
use crate::side::Side;
use crate::steps::{CPU_OF_NODES, CPU_OF_REDIS, OPPONENT, OWN, RATE};
use crate::watch::{ALL_CPU_A_FRAME, LAST, MEDIAN};

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    sides: Vec<Side>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    /// Whether more is better.
    is_more_better: bool,
    /// One for each side.
    cells: Vec<Option<f64>>,
}

/// What a row shows of a run.
type Pick = fn(&Findings) -> Option<f64>;

const fn millis(micros: f64) -> f64 {
    micros / 1000.0
}

/// At one rate.
const AT_RATE: [(&str, Pick); 7] = [
    ("opponent has it, p50, ms", |run| {
        Some(millis(run.quantiles(OPPONENT)?.p50))
    }),
    ("p99", |run| Some(millis(run.quantiles(OPPONENT)?.p99))),
    ("p99.9", |run| Some(millis(run.quantiles(OPPONENT)?.p999))),
    ("own answer, p50, ms", |run| {
        Some(millis(run.quantiles(OWN)?.p50))
    }),
    ("p99", |run| Some(millis(run.quantiles(OWN)?.p99))),
    ("CPU of both processes a move, µs", |run| {
        run.value(CPU_OF_NODES)
    }),
    ("CPU of Redis a move, µs", |run| run.value(CPU_OF_REDIS)),
];

const OF_IDLE: [(&str, Pick); 2] = [
    ("memory of an idle socket, bytes", |run| {
        run.value(MEMORY_A_SOCKET)
    }),
    ("CPU of an idle socket a second, µs", |run| {
        run.value(CPU_A_SOCKET)
    }),
];

const OF_WATCH: [(&str, Pick); 4] = [
    ("the last spectator has it, p50 of the moves, ms", |run| {
        Some(millis(run.quantiles(LAST)?.p50))
    }),
    ("the median spectator has it, ms", |run| {
        Some(millis(run.quantiles(MEDIAN)?.p50))
    }),
    ("CPU of both processes a frame, all included, µs", |run| {
        run.value(ALL_CPU_A_FRAME)
    }),
    ("the opponent has it meanwhile, p99, ms", |run| {
        Some(millis(run.quantiles(OPPONENT)?.p99))
    }),
];

const OF_KNEE: [(&str, Pick); 2] = [
    ("CPU of both processes a move there, µs", |run| {
        run.value(CPU_OF_NODES)
    }),
    ("CPU of Redis a move there, µs", |run| {
        run.value(CPU_OF_REDIS)
    }),
];

impl Table {
    /// Of all runs, with these columns.
    pub(super) fn of(sides: &[Side], runs: &[Run]) -> Self {
        let mut table = Self {
            sides: sides.to_vec(),
            rows: Vec::new(),
        };
        let mut rates: Vec<u32> = Vec::new();
        for run in runs {
            if let Measure::Rate(rate) = run.measure
                && !rates.contains(&rate)
            {
                rates.push(rate);
            }
        }
        for rate in rates {
            for (name, pick) in AT_RATE {
                let name = format!("{rate} moves/s: {name}");
                table.add((name, false), runs, |run| {
                    (run.measure == Measure::Rate(rate)).then(|| pick(&run.findings))?
                });
            }
        }
        let of = |measure: Measure| move |run: &Run| run.measure == measure;
        table.add_all(&OF_IDLE, runs, of(Measure::Idle));
        table.add_all(&OF_WATCH, runs, of(Measure::Watch));
        table.add(("knee, moves/s".to_owned(), true), runs, |run| {
            (run.measure == Measure::Step(true)).then(|| run.findings.value(RATE))?
        });
        table.add_all(&OF_KNEE, runs, of(Measure::Step(true)));
        let failures = |side: Side| {
            let of_side = runs.iter().filter(|run| run.side == side);
            let count: u64 = of_side.map(|run| run.findings.failures.total()).sum();
            Some(count as f64)
        };
        table.rows.push(Row {
            name: "lost, doubled, wrong, late".to_owned(),
            is_more_better: false,
            cells: sides.iter().copied().map(failures).collect(),
        });
        table
    }

    fn add_all(&mut self, rows: &[(&str, Pick)], runs: &[Run], is_of: impl Fn(&Run) -> bool) {
        for (name, pick) in rows {
            self.add(((*name).to_owned(), false), runs, |run| {
                is_of(run).then(|| pick(&run.findings))?
            });
        }
    }

    /// Adds a row, unless nothing of it was measured.
    fn add(
        &mut self,
        (name, is_more_better): (String, bool),
        runs: &[Run],
        pick: impl Fn(&Run) -> Option<f64>,
    ) {
        let cell = |side: &Side| {
            let of_side = runs.iter().filter(|run| run.side == *side);
            median(&of_side.filter_map(&pick).collect::<Vec<f64>>())
        };
        let cells: Vec<_> = self.sides.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            self.rows.push(Row {
                name,
                is_more_better,
                cells,
            });
        }
    }

    /// Whether a cell is a peer's that is ahead of ours.
    fn is_ahead(&self, row: &Row, column: usize) -> bool {
        let ours = self.sides.iter().position(|side| *side == Side::Zeitnot);
        let ours = ours.and_then(|ours| row.cells[ours]);
        match (self.sides[column], row.cells[column], ours) {
            (Side::Peer(_), Some(theirs), Some(ours)) => {
                (row.is_more_better && theirs > ours) || (!row.is_more_better && theirs < ours)
            }
            _ => false,
        }
    }

    /// As Markdown.
    pub(super) fn text(&self) -> String {
        let names: Vec<_> = self.sides.iter().map(ToString::to_string).collect();
        let mut text = format!("\n| | {} |\n|---|", names.join(" | "));
        text.push_str(&"---|".repeat(names.len()));
        for row in &self.rows {
            let _ = write!(text, "\n| {} |", row.name);
            for (column, cell) in row.cells.iter().enumerate() {
                let mark = if self.is_ahead(row, column) { "**" } else { "" };
                // Writing to a string does not fail.
                let _ = write!(text, " {mark}{}{mark} |", number(*cell));
            }
        }
        text.push_str("\n\nBold: ahead of Zeitnot. What Zeitnot promises and they do not:\n");
        for (side, lacks) in self.lacks() {
            let _ = writeln!(text, "- {side}: {lacks}");
        }
        text
    }

    /// The same for a page.
    pub(super) fn html(&self) -> String {
        let mut html = "<table><tr><th></th>".to_owned();
        for side in &self.sides {
            let _ = write!(html, "<th>{side}</th>");
        }
        html.push_str("</tr>");
        for row in &self.rows {
            let _ = write!(html, "<tr><th>{}</th>", escaped(&row.name));
            for (column, cell) in row.cells.iter().enumerate() {
                let cell = number(*cell);
                let _ = if self.is_ahead(row, column) {
                    write!(html, "<td><b>{cell}</b></td>")
                } else {
                    write!(html, "<td>{cell}</td>")
                };
            }
            html.push_str("</tr>");
        }
        html.push_str(
            "</table><p>Bold: ahead of Zeitnot. What Zeitnot promises and they do not:</p><ul>",
        );
        for (side, lacks) in self.lacks() {
            let _ = write!(html, "<li>{side}: {}</li>", escaped(lacks));
        }
        html + "</ul>"
    }

    fn lacks(&self) -> impl Iterator<Item = (Side, &'static str)> {
        self.sides.iter().filter_map(|side| match side {
            Side::Peer(peer) => Some((*side, peer.lacks())),
            Side::Floor => Some((
                *side,
                "everything: there is no token, no rule, no clock, no state, and what is lost stays lost",
            )),
            Side::StoringFloor => Some((
                *side,
                "everything but that a move which was answered is stored, once and in its place",
            )),
            Side::Zeitnot => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;

    fn run(side: Side, measure: Measure, (name, value): (&'static str, f64)) -> Run {
        let mut findings = Findings::new("compare", String::new(), side);
        findings.number(name, value, "");
        Run {
            side,
            measure,
            findings,
        }
    }

    #[test]
    fn a_peer_that_is_ahead_is_bold_with_what_it_lacks_and_the_floor_never_is() {
        let (peer, ours, floor) = (Side::Peer(Peer::Ws), Side::Zeitnot, Side::Floor);
        let runs = [
            run(peer, Measure::Idle, (MEMORY_A_SOCKET, 9000.0)),
            run(ours, Measure::Idle, (MEMORY_A_SOCKET, 6000.0)),
            run(peer, Measure::Idle, (CPU_A_SOCKET, 7.0)),
            run(ours, Measure::Idle, (CPU_A_SOCKET, 8.0)),
            run(peer, Measure::Step(false), (RATE, 500.0)),
            run(peer, Measure::Step(true), (RATE, 750.0)),
            run(ours, Measure::Step(true), (RATE, 500.0)),
            run(floor, Measure::Step(true), (RATE, 9000.0)),
        ];
        let text = Table::of(&[peer, ours, floor], &runs).text();
        for line in [
            "| | ws | zeitnot | floor |",
            "| memory of an idle socket, bytes | 9000 | 6000 | – |",
            "| CPU of an idle socket a second, µs | **7.0** | 8.0 | – |",
            "| knee, moves/s | **750** | 500 | 9000 |",
            "| lost, doubled, wrong, late | 0 | 0 | 0 |",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
        assert!(
            text.contains(&format!("- ws: {}", Peer::Ws.lacks())),
            "{text}"
        );
        let html = Table::of(&[peer, ours], &runs).html();
        assert!(html.contains("<td><b>7.0</b></td><td>8.0</td>"), "{html}");
    }
}
