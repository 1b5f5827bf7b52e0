//! A line chart over time, or over something that grows, as SVG, which stands in a page by itself and takes that page's colors.

use std::fmt::Write as _;

/// Size of the whole, and what is left of it for axes.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// Lines across for values, and about as many marks of seconds.
const MARKS: u8 = 4;

/// Lines that have a color of their own; further ones take them again.
const COLORS: usize = 6;

/// Times that the last step is the first one, from which on each doubling is as wide as the next.
const WIDE: f64 = 20.0;

/// What goes from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Across {
    /// Seconds, from 0 on.
    Time,
    /// Steps of this.
    Steps(&'static str),
}

/// One line: seconds or steps, and values.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) across: Across,
    pub(super) curves: Vec<Curve>,
}

impl Chart {
    /// A figure of a page; nothing if there are no two points to connect.
    pub(super) fn html(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        if points().count() < 2 {
            return String::new();
        }
        let most = ceiling(points().map(|(_, y)| *y).fold(0.0, f64::max));
        let place = self.across.places(points().map(|(x, _)| *x));
        let x = |at: f64| LEFT + place(at) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
        let mut svg = String::new();
        for mark in 0..=MARKS {
            let share = f64::from(mark) / f64::from(MARKS);
            let (value, at) = (share * most, y(share * most));
            // Writing to a string does not fail.
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{}" y1="{at:.1}" y2="{at:.1}"/><text class="end" x="{}" y="{:.1}">{}</text>"#,
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                short(value)
            );
        }
        for (at, name) in self.across.marks(points().map(|(x, _)| *x)) {
            let (at, below) = (x(at), HEIGHT - 8.0);
            let _ = write!(
                svg,
                r#"<text class="mid" x="{at:.1}" y="{below}">{name}</text>"#
            );
        }
        let mut legend = String::new();
        for (number, curve) in self.curves.iter().enumerate() {
            let color = number % COLORS;
            let places = curve.points.iter();
            let places =
                places.map(|(second, value)| format!("{:.1},{:.1}", x(*second), y(*value)));
            let places = places.collect::<Vec<_>>().join(" ");
            let peak = curve
                .points
                .iter()
                .map(|(_, value)| *value)
                .fold(0.0, f64::max);
            let (name, peak) = (escaped(&curve.name), short(peak));
            let _ = write!(svg, r#"<polyline class="c{color}" points="{places}"/>"#);
            let _ = write!(
                legend,
                r#"<li><i class="b{color}"></i>{name} <span>at most {peak} {}</span></li>"#,
                self.unit
            );
        }
        let (title, unit) = (escaped(&self.title), self.unit);
        let over = match self.across {
            Across::Time => "time",
            Across::Steps(of) => of,
        };
        format!(
            r#"<figure><figcaption>{title}, {unit}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title} over {over}">{svg}</svg><ul>{legend}</ul></figure>"#
        )
    }
}

impl Across {
    /// Where something stands between left (0) and right (1).
    fn places(self, all: impl Iterator<Item = f64> + Clone) -> impl Fn(f64) -> f64 {
        let last = all.clone().fold(1.0, f64::max);
        let first = match self {
            Self::Time => 0.0,
            Self::Steps(_) => all.fold(last, f64::min),
        };
        let is_wide = first > 0.0 && last / first >= WIDE;
        let span = (last - first).max(f64::MIN_POSITIVE);
        move |at| {
            if is_wide {
                (at / first).ln() / (last / first).ln()
            } else {
                (at - first) / span
            }
        }
    }

    /// What is written below, and where: some seconds, or every step.
    fn marks(self, all: impl Iterator<Item = f64>) -> Vec<(f64, String)> {
        match self {
            Self::Time => {
                let last = all.fold(1.0, f64::max);
                let shares = (0..=MARKS).map(|mark| f64::from(mark) / f64::from(MARKS));
                let seconds = shares.map(|share| (share * last).round());
                seconds
                    .map(|second| (second, format!("{second} s")))
                    .collect()
            }
            Self::Steps(_) => {
                let mut steps: Vec<f64> = all.collect();
                steps.sort_by(f64::total_cmp);
                steps.dedup();
                steps
                    .into_iter()
                    .map(|step| (step, format!("{step}")))
                    .collect()
            }
        }
    }
}

/// The next larger 1, 2 or 5 with zeros.
fn ceiling(most: f64) -> f64 {
    let magnitude = 10_f64.powf(most.max(1e-9).log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * magnitude);
    round
        .into_iter()
        .find(|round| *round >= most)
        .unwrap_or(most)
}

fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 1.0 || value == 0.0 => format!("{}", (value * 10.0).round() / 10.0),
        value => format!("{}", (value * 1000.0).round() / 1000.0),
    }
}

/// As text of a page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_ends_at_a_round_number() {
        for (most, expected) in [(0.7, 1.0), (1.0, 1.0), (37.0, 50.0), (1100.0, 2000.0)] {
            assert!((ceiling(most) - expected).abs() < 1e-9, "{most}");
        }
    }

    #[test]
    fn names_are_text() {
        let chart = Chart {
            title: "a <b>".to_owned(),
            unit: "ms",
            across: Across::Time,
            curves: vec![Curve {
                name: "\"&".to_owned(),
                points: vec![(0.0, 1.0), (1.0, 2.0)],
            }],
        };
        let html = chart.html();
        assert!(html.contains("a &lt;b&gt;") && html.contains("&quot;&amp;"));
        assert!(html.contains(r#"points="64.0,102.0 708.0,12.0""#), "{html}");
    }

    #[test]
    fn steps_stand_by_their_doublings_where_they_grow_far() {
        let far = [100.0, 1000.0, 10_000.0];
        let place = Across::Steps("games").places(far.into_iter());
        assert!((place(1000.0) - 0.5).abs() < 1e-9 && place(100.0).abs() < 1e-9);
        let near = Across::Steps("nodes").places([1.0, 2.0, 3.0].into_iter());
        assert!((near(2.0) - 0.5).abs() < 1e-9);
        let marks = Across::Steps("nodes").marks([2.0, 1.0, 2.0].into_iter());
        assert_eq!(marks, [(1.0, "1".to_owned()), (2.0, "2".to_owned())]);
    }
}
