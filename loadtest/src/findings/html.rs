//! All runs as one page that needs nothing else: no script, no font, no picture from elsewhere; light or dark as the
//! reader's system is.

use std::fmt::Write as _;

use super::chart::{Across, Chart, Curve, escaped};
use super::growth::Growth;
use super::{Findings, points};
use crate::latencies::{Distribution, Point};
use crate::report::number;
use crate::sampler::{Sample, Usage};

/// How it looks.
const STYLE: &str = include_str!("report.css");

/// The page; `lead` is HTML that comes before the runs.
pub(super) fn page(runs: &[Findings], lead: &str) -> String {
    let scenario = runs.first().map_or("", |run| run.scenario);
    let sections: String = runs.iter().map(section).collect();
    whole(scenario, &format!("{lead}{sections}"))
}

/// The page of what grows: for each thing a table, and charts of times, without what was seen second by second.
pub(super) fn page_of_growth(all: &[Growth]) -> String {
    let sections: String = all.iter().map(section_of_growth).collect();
    whole("growth", &sections)
}

fn whole(scenario: &str, sections: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><title>zeitnot-loadtest \
         {scenario}</title><style>{STYLE}</style></head><body><h1>zeitnot-loadtest {scenario}</h1>{sections}</body></html>\n"
    )
}

fn section(run: &Findings) -> String {
    let mut text = format!("<section><h2>{}: {}</h2>", run.side, escaped(&run.load));
    for (kind, seen) in run.failures.iter() {
        let (count, example) = (seen.count, escaped(&seen.example));
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "<p class=\"failed\">{kind:?} {count} ×, e.g. {example}</p>"
        );
    }
    text.push_str("<table>");
    for one in &run.numbers {
        let (name, value) = (escaped(one.name), number(Some(one.value)));
        let _ = write!(
            text,
            "<tr><th>{name}</th><td>{value} {}</td></tr>",
            one.unit
        );
    }
    text.push_str("</table>");
    text.push_str(&latencies(&run.latencies));
    for chart in charts(run) {
        text.push_str(&chart.html());
    }
    text.push_str("</section>");
    text
}

fn section_of_growth(growth: &Growth) -> String {
    let mut text = format!("<section><h2>{}</h2>", escaped(growth.of));
    for remark in growth.remarks.iter().chain(&growth.failure) {
        // Writing to a string does not fail.
        let _ = write!(text, "<p>{}</p>", escaped(remark));
    }
    for step in &growth.steps {
        for (kind, seen) in step.findings.failures.iter() {
            let (count, example) = (seen.count, escaped(&seen.example));
            let _ = write!(
                text,
                "<p class=\"failed\">{}: {kind:?} {count} ×, e.g. {example}</p>",
                step.at
            );
        }
    }
    text.push_str("<table><tr><th></th>");
    for step in &growth.steps {
        let _ = write!(text, "<th>{}</th>", step.at);
    }
    text.push_str("</tr>");
    let figures = growth.figures();
    for figure in &figures {
        let _ = write!(text, "<tr><th>{}</th>", escaped(&figure.label()));
        for value in &figure.values {
            let _ = write!(text, "<td>{}</td>", number(*value));
        }
        text.push_str("</tr>");
    }
    text.push_str("</table>");
    let costs = figures.into_iter();
    for figure in costs.filter(|figure| matches!(figure.unit, "µs" | "ms")) {
        let steps = growth.steps.iter().map(|step| step.at);
        let points = steps.zip(figure.values);
        let chart = Chart {
            title: figure.name.clone(),
            unit: figure.unit,
            across: Across::Steps(growth.of),
            curves: vec![Curve {
                name: figure.name,
                points: points
                    .filter_map(|(at, value)| Some((at, value?)))
                    .collect(),
            }],
        };
        text.push_str(&chart.html());
    }
    text.push_str("</section>");
    text
}

fn latencies(all: &[Distribution]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text =
        "<table><tr><th>ms</th><th>count</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th>\
                    <th>max</th></tr>"
            .to_owned();
    for one in all {
        let _ = write!(
            text,
            "<tr><th>{}</th><td>{}</td>",
            escaped(one.name),
            one.count
        );
        for micros in one.quantiles.iter().flat_map(points) {
            let _ = write!(text, "<td>{:.2}</td>", micros / 1000.0);
        }
        text.push_str("</tr>");
    }
    text + "</table>"
}

fn charts(run: &Findings) -> Vec<Chart> {
    let over_time = |one: &Distribution, pick: fn(&Point) -> f64| {
        let points = one.seconds.iter();
        points
            .map(|point| (seconds(point.second), pick(point)))
            .collect()
    };
    let mut charts: Vec<Chart> = run
        .latencies
        .iter()
        .map(|one| Chart {
            title: one.name.to_owned(),
            unit: "ms",
            across: Across::Time,
            curves: vec![
                Curve {
                    name: "p50".to_owned(),
                    points: over_time(one, |point| point.p50 / 1000.0),
                },
                Curve {
                    name: "p99".to_owned(),
                    points: over_time(one, |point| point.p99 / 1000.0),
                },
                Curve {
                    name: "max".to_owned(),
                    points: over_time(one, |point| point.max / 1000.0),
                },
            ],
        })
        .collect();
    let counts = run.latencies.iter().map(|one| Curve {
        name: one.name.to_owned(),
        points: over_time(one, |point| point.count as f64),
    });
    charts.push(Chart {
        title: "How many".to_owned(),
        unit: "a second",
        across: Across::Time,
        curves: counts.collect(),
    });
    charts.push(of_processes(run, ("CPU", "cores"), |sample| sample.cores));
    charts.push(of_processes(run, ("Resident memory", "MiB"), |sample| {
        sample.resident as f64 / f64::from(1 << 20)
    }));
    charts
}

fn of_processes(
    run: &Findings,
    (title, unit): (&str, &'static str),
    pick: fn(&Sample) -> f64,
) -> Chart {
    let curve = |usage: &Usage| Curve {
        name: usage.name.clone(),
        points: usage
            .samples
            .iter()
            .map(|sample| (seconds(sample.second), pick(sample)))
            .collect(),
    };
    Chart {
        title: title.to_owned(),
        unit,
        across: Across::Time,
        curves: run.processes.iter().map(curve).collect(),
    }
}

fn seconds(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
