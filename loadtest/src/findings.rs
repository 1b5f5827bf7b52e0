//! What one run has shown, for people and for machines: numbers, distributions, processes, failures.

mod chart;
pub(crate) mod growth;
mod html;

pub(crate) use chart::escaped;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::failures::Failures;
use crate::latencies::{Distribution, Quantiles};
use crate::report::{Figure, number, say};
use crate::sampler::Usage;
use crate::side::Side;

/// Where findings go beside the terminal. The doc comments are the text of `--help`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct OutputArgs {
    /// File for all figures of all runs
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// File for a page with charts, which needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// One number.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Number {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Findings {
    pub(crate) scenario: &'static str,
    /// What was asked for.
    pub(crate) load: String,
    pub(crate) side: Side,
    pub(crate) numbers: Vec<Number>,
    pub(crate) latencies: Vec<Distribution>,
    pub(crate) processes: Vec<Usage>,
    pub(crate) failures: Failures,
}

impl Findings {
    pub(crate) const fn new(scenario: &'static str, load: String, side: Side) -> Self {
        Self {
            scenario,
            load,
            side,
            numbers: Vec::new(),
            latencies: Vec::new(),
            processes: Vec::new(),
            failures: Failures::none(),
        }
    }

    pub(crate) fn number(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.numbers.push(Number { name, value, unit });
    }

    /// One of its numbers.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        let mut numbers = self.numbers.iter();
        Some(numbers.find(|one| one.name == name)?.value)
    }

    /// The distribution of one of its latencies.
    pub(crate) fn quantiles(&self, name: &str) -> Option<Quantiles> {
        let mut latencies = self.latencies.iter();
        latencies.find(|one| one.name == name)?.quantiles
    }

    fn text(&self) -> String {
        let mut text = format!("\n{}: {}\n\n", self.scenario, self.load);
        for one in &self.numbers {
            text.push_str(&format!(
                "{:>44} {:>10} {}\n",
                one.name,
                number(Some(one.value)),
                one.unit
            ));
        }
        if !self.latencies.is_empty() {
            let head = ["count", "p50", "p90", "p99", "p99.9", "max"];
            text.push_str(&row("in ms", head.map(str::to_owned)));
        }
        for one in &self.latencies {
            let count = one.count.to_string();
            let points = one.quantiles.map_or([None; 5], |quantiles| {
                points(&quantiles).map(|micros| Some(micros / 1000.0))
            });
            let [p50, p90, p99, p999, max] = points.map(millis);
            text.push_str(&row(one.name, [count, p50, p90, p99, p999, max]));
        }
        text
    }

    fn complaints(&self) -> String {
        let lines = self.failures.iter().map(|(kind, seen)| {
            let times = seen.count;
            format!(
                "FAILED {}: {kind:?} {times} ×, e.g. {}\n",
                self.side, seen.example
            )
        });
        lines.collect()
    }
}

const fn points(quantiles: &Quantiles) -> [f64; 5] {
    let Quantiles {
        p50,
        p90,
        p99,
        p999,
        max,
    } = *quantiles;
    [p50, p90, p99, p999, max]
}

fn row(name: &str, [count, p50, p90, p99, p999, max]: [String; 6]) -> String {
    format!("{name:>44} {count:>10} {p50:>9} {p90:>9} {p99:>9} {p999:>9} {max:>9}\n")
}

fn millis(millis: Option<f64>) -> String {
    millis.map_or_else(|| "–".to_owned(), |millis| format!("{millis:.2}"))
}

/// Shows all runs, and keeps them where it was asked for. A budget is for a figure by its name: how many times the
/// floor's it may be.
///
/// # Errors
/// Something failed in one of them, or a file cannot be written.
pub(crate) fn publish(
    runs: &[Findings],
    output: &OutputArgs,
    budgets: &[(&str, f64)],
) -> anyhow::Result<()> {
    keep(runs, output, "")?;
    if runs.iter().any(|run| run.side == Side::Floor) {
        say(&compared(runs, budgets))?;
    } else {
        for run in runs {
            say(&run.text())?;
        }
    }
    complain(runs)
}

/// Writes all runs where it was asked for; the page begins with this HTML.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn keep(runs: &[Findings], output: &OutputArgs, lead: &str) -> anyhow::Result<()> {
    if let Some(path) = &output.json {
        let text = serde_json::to_string_pretty(runs)?;
        fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    }
    if let Some(path) = &output.html {
        let page = html::page(runs, lead);
        fs::write(path, page).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Shows what failed.
///
/// # Errors
/// Something did.
pub(crate) fn complain(runs: &[Findings]) -> anyhow::Result<()> {
    let complaints: String = runs.iter().map(Findings::complaints).collect();
    say(&complaints)?;
    ensure!(complaints.is_empty(), "some runs failed");
    Ok(())
}

/// Our runs beside the floor's: medians, and ratios run by run.
fn compared(runs: &[Findings], budgets: &[(&str, f64)]) -> String {
    let Some(first) = runs.iter().find(|run| run.side == Side::Zeitnot) else {
        return String::new();
    };
    let values = |side: Side, pick: &dyn Fn(&Findings) -> Option<f64>| {
        let of_side = runs.iter().filter(|run| run.side == side);
        of_side.filter_map(pick).collect::<Vec<f64>>()
    };
    let figure = |name: String, pick: &dyn Fn(&Findings) -> Option<f64>| Figure {
        floor: values(Side::Floor, pick),
        ours: values(Side::Zeitnot, pick),
        budget: budgets
            .iter()
            .find(|(of, _)| *of == name)
            .map(|(_, most)| *most),
        name,
    };
    let mut figures = Vec::new();
    for Number { name, unit, .. } in &first.numbers {
        let of_run = |run: &Findings| run.value(name);
        figures.push(figure(format!("{name}, {unit}"), &of_run));
    }
    for Distribution { name, .. } in &first.latencies {
        for (place, point) in [(0, "p50"), (2, "p99"), (4, "max")] {
            let of_run = |run: &Findings| Some(points(&run.quantiles(name)?)[place] / 1000.0);
            let name = if place == 0 {
                format!("{name}, {point}, ms")
            } else {
                point.to_owned()
            };
            figures.push(figure(name, &of_run));
        }
    }
    let count = runs.iter().filter(|run| run.side == Side::Zeitnot).count();
    format!(
        "\n{}: {}, {count} times each: medians, ratios run by run\n\n{}",
        first.scenario,
        first.load,
        crate::report::table(&figures)
    )
}
