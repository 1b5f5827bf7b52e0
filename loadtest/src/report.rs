//! What people read: tables on stdout, progress on stderr.

use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::sleep_until;

/// Characters of a bar.
const BAR: usize = 20;

/// How often it is said how far something is that takes its time.
pub(crate) const SAY_EVERY: Duration = Duration::from_secs(1);

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

/// How far something is: a bar, on a terminal only, in the place of what was said before.
pub(crate) fn update((done, of): (usize, usize), text: &str) -> anyhow::Result<()> {
    if std::io::stderr().is_terminal() {
        return progress(&format!("{} {text}", bar((done, of))));
    }
    Ok(())
}

/// Waits, and says how much of that is over.
pub(crate) async fn wait(span: Range<Instant>, text: &str) -> anyhow::Result<()> {
    let whole = span.end.saturating_duration_since(span.start);
    loop {
        let now = Instant::now();
        let left = span.end.saturating_duration_since(now);
        let over = whole.saturating_sub(left);
        let [over, of] = [over, whole].map(|span| usize::try_from(span.as_millis()));
        let left = left.as_secs();
        update((over?, of?), &format!("{text}, {left} s are left"))?;
        if now >= span.end {
            return Ok(());
        }
        sleep_until(span.end.min(now + SAY_EVERY).into()).await;
    }
}

/// Shape: `[######..............]  30 %`.
fn bar((done, of): (usize, usize)) -> String {
    let parts = |parts: usize| (done.min(of) * parts).checked_div(of).unwrap_or(parts);
    let full = parts(BAR);
    format!(
        "[{}{}] {:>3} %",
        "#".repeat(full),
        ".".repeat(BAR - full),
        parts(100)
    )
}

fn line([name, floor, ours, ratio, range, budget]: [String; 6]) -> String {
    let text = format!("{name:>48} {floor:>10} {ours:>10} {ratio:>7} {range:>12}  {budget}");
    format!("{}\n", text.trim_end())
}

pub(crate) fn number(number: Option<f64>) -> String {
    match number {
        Some(0.0) => "0".to_owned(),
        Some(number) if number.abs() < 1.0 => format!("{number:.2}"),
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
    fn a_bar_is_as_full_as_something_is_done() {
        let cases = [
            ((0, 10), "[....................]   0 %"),
            ((3, 10), "[######..............]  30 %"),
            ((10, 10), "[####################] 100 %"),
            ((11, 10), "[####################] 100 %"),
            ((0, 0), "[####################] 100 %"),
        ];
        for (share, expected) in cases {
            assert_eq!(bar(share), expected, "{share:?}");
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
