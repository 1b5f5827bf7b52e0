//! A line chart over time as SVG, which stands in a page by itself and takes that page's colors.

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

/// One line: seconds and values.
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
    pub(super) curves: Vec<Curve>,
}

impl Chart {
    /// A figure of a page; nothing if there are no two points to connect.
    pub(super) fn html(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        if points().count() < 2 {
            return String::new();
        }
        let last = points().map(|(x, _)| *x).fold(1.0, f64::max);
        let most = ceiling(points().map(|(_, y)| *y).fold(0.0, f64::max));
        let x = |second: f64| LEFT + second / last * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
        let mut svg = String::new();
        for mark in 0..=MARKS {
            let share = f64::from(mark) / f64::from(MARKS);
            let (value, at) = (share * most, y(share * most));
            let second = (share * last).round();
            // Writing to a string does not fail.
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{}" y1="{at:.1}" y2="{at:.1}"/><text class="end" x="{}" y="{:.1}">{}</text><text class="mid" x="{:.1}" y="{}">{second} s</text>"#,
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                short(value),
                x(second),
                HEIGHT - 8.0
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
        format!(
            r#"<figure><figcaption>{title}, {unit}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title} over time">{svg}</svg><ul>{legend}</ul></figure>"#
        )
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
            curves: vec![Curve {
                name: "\"&".to_owned(),
                points: vec![(0.0, 1.0), (1.0, 2.0)],
            }],
        };
        let html = chart.html();
        assert!(html.contains("a &lt;b&gt;") && html.contains("&quot;&amp;"));
        assert!(html.contains(r#"points="64.0,102.0 708.0,12.0""#), "{html}");
    }
}
