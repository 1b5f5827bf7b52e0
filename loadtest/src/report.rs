//! What people read: tables on stdout, progress on stderr.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;

/// One figure of several runs of both sides, in the order in which they were run.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) floor: Vec<f64>,
    pub(crate) ours: Vec<f64>,
    /// How many times the floor's it may be.
    pub(crate) budget: Option<f64>,
}

/// Figures under each other, with what they are compared with where there is that.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text =
        line(["", "floor", "zeitnot", "ratio", "least–most", "budget"].map(str::to_owned));
    for figure in figures {
        let pairs = figure.floor.iter().zip(&figure.ours);
        let compared = pairs.filter(|(floor, _)| **floor > 0.0);
        let ratios: Vec<f64> = compared.map(|(floor, ours)| ours / floor).collect();
        let ratio = median(&ratios);
        let mut sorted = ratios;
        sorted.sort_by(f64::total_cmp);
        let range = match (sorted.first(), sorted.last()) {
            (Some(least), Some(most)) => format!("{least:.2}–{most:.2}"),
            _ => String::new(),
        };
        let budget = figure.budget.filter(|_| ratio.is_some()).map(|budget| {
            let is_met = ratio.is_some_and(|ratio| ratio <= budget);
            format!("{budget} {}", if is_met { "met" } else { "missed" })
        });
        text.push_str(&line([
            figure.name.clone(),
            number(median(&figure.floor)),
            number(median(&figure.ours)),
            ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            range,
            budget.unwrap_or_default(),
        ]));
    }
    text
}

/// The middle one; of two, what lies between.
pub(crate) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    let high = sorted.get(sorted.len() / 2)?;
    Some(f64::midpoint(*low, *high))
}

/// Writes to stdout.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes()).context("print")?;
    stdout.flush().context("print")
}

/// Says on stderr what is going on; on a terminal in the place of what was said before.
pub(crate) fn progress(text: &str) -> anyhow::Result<()> {
    let mut stderr = std::io::stderr();
    let written = if stderr.is_terminal() {
        write!(stderr, "\r\x1b[K{text}")
    } else if text.is_empty() {
        Ok(())
    } else {
        writeln!(stderr, "{text}")
    };
    written.and_then(|()| stderr.flush()).context("print")
}

/// How far something is: on a terminal only, in the place of what was said before.
pub(crate) fn update(text: &str) -> anyhow::Result<()> {
    if std::io::stderr().is_terminal() {
        return progress(text);
    }
    Ok(())
}

fn line([name, floor, ours, ratio, range, budget]: [String; 6]) -> String {
    let text = format!("{name:>48} {floor:>10} {ours:>10} {ratio:>7} {range:>12}  {budget}");
    format!("{}\n", text.trim_end())
}

pub(crate) fn number(number: Option<f64>) -> String {
    match number {
        Some(number) if number < 100.0 => format!("{number:.1}"),
        Some(number) => format!("{number:.0}"),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let cases: [(&[f64], Option<f64>); 4] = [
            (&[], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
            (&[4.0, 1.0, 2.0, 9.0], Some(3.0)),
        ];
        for (numbers, expected) in cases {
            assert_eq!(median(numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn ratios_are_taken_run_by_run() {
        let text = table(&[Figure {
            name: "p50".to_owned(),
            floor: vec![100.0, 200.0, 400.0],
            ours: vec![200.0, 200.0, 1200.0],
            budget: Some(1.25),
        }]);
        let words: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            words,
            ["p50", "200", "200", "2.00", "1.00–3.00", "1.25", "missed"]
        );
    }
}
