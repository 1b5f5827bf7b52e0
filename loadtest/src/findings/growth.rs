//! What the same scenario has shown while one thing grew: the same figures side by side, for people and for machines.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::{Findings, OutputArgs, html};
use crate::report::{number, say};

/// One thing that grows.
#[derive(Debug, Serialize)]
pub(crate) struct Growth {
    /// What, e.g. `games`.
    pub(crate) of: &'static str,
    /// What a reader has to know: how far it went, and why no farther.
    pub(crate) remarks: Vec<String>,
    pub(crate) steps: Vec<Step>,
    /// Why it went no farther, if something failed.
    pub(crate) failure: Option<String>,
}

/// One size of it.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) at: f64,
    #[serde(flatten)]
    pub(crate) findings: Findings,
}

/// One figure at each step, in the order of the steps.
#[derive(Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) values: Vec<Option<f64>>,
}

impl Figure {
    /// With its unit, if it has one.
    pub(super) fn label(&self) -> String {
        match self.unit {
            "" => self.name.clone(),
            unit => format!("{}, {unit}", self.name),
        }
    }
}

impl Growth {
    /// All numbers, and of each kind of latency the middle and p99, where there was any.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let Some(first) = self.steps.first() else {
            return Vec::new();
        };
        let of_steps = |pick: &dyn Fn(&Findings) -> Option<f64>| {
            let findings = self.steps.iter().map(|step| &step.findings);
            findings.map(pick).collect::<Vec<Option<f64>>>()
        };
        let numbers = first.findings.numbers.iter().map(|one| Figure {
            name: one.name.to_owned(),
            unit: one.unit,
            values: of_steps(&|findings| {
                let mut numbers = findings.numbers.iter();
                Some(numbers.find(|other| other.name == one.name)?.value)
            }),
        });
        let latencies = first.findings.latencies.iter().flat_map(|one| {
            let at = |point: &'static str| Figure {
                name: format!("{}, {point}", one.name),
                unit: "ms",
                values: of_steps(&|findings| {
                    let mut latencies = findings.latencies.iter();
                    let same = latencies.find(|other| other.name == one.name)?;
                    let quantiles = same.quantiles?;
                    let micros = if point == "p50" {
                        quantiles.p50
                    } else {
                        quantiles.p99
                    };
                    Some(micros / 1000.0)
                }),
            };
            [at("p50"), at("p99")]
        });
        let all = numbers.chain(latencies);
        all.filter(|figure| figure.values.iter().any(Option::is_some))
            .collect()
    }

    fn text(&self) -> String {
        let mut text = format!("\n{:>48}", self.of);
        // Writing to a string does not fail.
        for step in &self.steps {
            let _ = write!(text, " {:>9}", step.at);
        }
        text.push_str("\n\n");
        for figure in self.figures() {
            let _ = write!(text, "{:>48}", figure.label());
            for value in figure.values {
                let _ = write!(text, " {:>9}", number(value));
            }
            text.push('\n');
        }
        for remark in self.remarks.iter().chain(&self.failure) {
            let _ = writeln!(text, "{remark}");
        }
        text
    }
}

/// Shows all of it, and keeps it where it was asked for.
///
/// # Errors
/// Something failed at one of the steps, or a file cannot be written.
pub(crate) fn publish(all: &[Growth], output: &OutputArgs) -> anyhow::Result<()> {
    if let Some(path) = &output.json {
        let text = serde_json::to_string_pretty(all)?;
        fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    }
    if let Some(path) = &output.html {
        let page = html::page_of_growth(all);
        fs::write(path, page).with_context(|| format!("write {}", path.display()))?;
    }
    for growth in all {
        say(&growth.text())?;
    }
    let steps = all.iter().flat_map(|growth| &growth.steps);
    let complaints: String = steps.map(|step| step.findings.complaints()).collect();
    say(&complaints)?;
    let is_whole = all.iter().all(|growth| growth.failure.is_none());
    ensure!(complaints.is_empty() && is_whole, "some steps failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::Side;

    #[test]
    fn figures_stand_side_by_side() {
        let step = |at: f64, value: Option<f64>| {
            let mut findings = Findings::new("play", String::new(), Side::Zeitnot);
            if let Some(value) = value {
                findings.number("CPU", value, "µs");
            }
            Step { at, findings }
        };
        let growth = Growth {
            of: "games",
            remarks: Vec::new(),
            failure: None,
            steps: vec![step(1.0, Some(5.0)), step(2.0, None), step(3.0, Some(7.0))],
        };
        let expected = Figure {
            name: "CPU".to_owned(),
            unit: "µs",
            values: vec![Some(5.0), None, Some(7.0)],
        };
        assert_eq!(growth.figures(), [expected]);
        let text = growth.text();
        let last: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, ["CPU,", "µs", "5.0", "–", "7.0"]);
    }
}
