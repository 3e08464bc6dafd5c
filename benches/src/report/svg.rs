//! Plots, drawn by hand as SVG: bars, and latency distributions on two logarithmic axes.

use std::fmt::Write as _;

use super::table::nanoseconds;

/// A named row of values.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 110.0;

/// The colour of a peer: ours stand out, the others share a palette that reads on white and on black.
pub(super) fn color(name: &str) -> &'static str {
    const OTHERS: [&str; 9] = [
        "#4e79a7", "#59a14f", "#9c755f", "#b07aa1", "#76b7b2", "#edc948", "#ff9da7", "#8cd17d", "#79706e",
    ];
    match name {
        "hydra" => "#e15759",
        "hydra-async" => "#f28e2b",
        "hydra-memory" => "#d37295",
        "hydra-tracing" => "#bf4a7a",
        "hydra-log" => "#a83240",
        _ => {
            let rank = crate::peers::ALL
                .iter()
                .filter(|entry| !entry.name.starts_with("hydra"));
            let rank = rank.into_iter().position(|entry| entry.name == name).unwrap_or(0);
            OTHERS.get(rank % OTHERS.len()).copied().unwrap_or("#888888")
        }
    }
}

/// Bars, one a peer, longest value full width, with the value written behind.
pub(super) fn bars(title: &str, values: &[(&'static str, f64)], shown: fn(f64) -> String) -> String {
    const STEP: f64 = 24.0;
    let top = 34.0;
    let height = top + STEP * values.len() as f64 + 6.0;
    let greatest = values.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let mut svg = open(title, height);
    for (row, (name, value)) in values.iter().enumerate() {
        let y = top + STEP * row as f64;
        let width = (WIDTH - LEFT - RIGHT) * value / greatest;
        let _ = writeln!(
            svg,
            r#"<text x="{}" y="{}" text-anchor="end">{name}</text>"#,
            LEFT - 8.0,
            y + 14.0
        );
        let _ = writeln!(
            svg,
            r#"<rect x="{LEFT}" y="{y}" width="{width:.1}" height="18" rx="2" fill="{}"/>"#,
            color(name)
        );
        let _ = writeln!(
            svg,
            r#"<text x="{:.1}" y="{}">{}</text>"#,
            LEFT + width + 6.0,
            y + 14.0,
            shown(*value)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Latency by quantile. Both axes are logarithmic: to the right by the part of calls that take longer (one in ten, one
/// in a hundred, ...), upwards by time, so that median and outliers are readable in one picture.
pub(super) fn distribution(title: &str, series: &[Series]) -> String {
    let frame = Frame {
        top: 40.0,
        bottom: 380.0,
        left: 70.0,
        right: WIDTH - 170.0,
    };
    let mut svg = open(title, 430.0);
    frame.grid(&mut svg);
    for (rank, line) in series.iter().enumerate() {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(part, ns)| format!("{:.1},{:.1}", frame.x(*part), frame.y(*ns)))
            .collect();
        let color = color(line.name);
        let _ = writeln!(
            svg,
            r#"<polyline fill="none" stroke="{color}" stroke-width="2" points="{}"><title>{}</title></polyline>"#,
            points.join(" "),
            line.name
        );
        let y = frame.top + 8.0 + 22.0 * rank as f64;
        let x = frame.right + 18.0;
        let _ = writeln!(
            svg,
            r#"<rect x="{x}" y="{}" width="14" height="4" fill="{color}"/>"#,
            y - 4.0
        );
        let _ = writeln!(svg, r#"<text x="{}" y="{y}">{}</text>"#, x + 20.0, line.name);
    }
    svg.push_str("</svg>\n");
    svg
}

fn open(title: &str, height: f64) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<text class=\"title\" x=\"0\" y=\"18\">{title}</text>\n"
    )
}

struct Frame {
    top: f64,
    bottom: f64,
    left: f64,
    right: f64,
}

/// Powers of ten of nanoseconds that the time axis spans: 1 ns to 100 ms.
const DECADES: f64 = 8.0;
/// Nines that the quantile axis spans: the median is near its beginning, 99.999 % and the maximum at its end.
const NINES: f64 = 5.0;

impl Frame {
    fn x(&self, part: f64) -> f64 {
        let nines = -(1.0 - part).max(10_f64.powf(-NINES)).log10();
        self.left + (self.right - self.left) * nines / NINES
    }

    fn y(&self, ns: f64) -> f64 {
        let decades = ns.max(1.0).log10().min(DECADES);
        self.bottom - (self.bottom - self.top) * decades / DECADES
    }

    fn grid(&self, svg: &mut String) {
        for decade in 0..=8_i32 {
            let ns = 10_f64.powi(decade);
            let y = self.y(ns);
            let (left, right) = (self.left, self.right);
            let _ = writeln!(
                svg,
                r#"<line class="grid" x1="{left}" y1="{y:.1}" x2="{right}" y2="{y:.1}"/>"#
            );
            let label = nanoseconds(ns).replace(".0 ", " ");
            let _ = writeln!(
                svg,
                r#"<text x="{}" y="{:.1}" text-anchor="end">{label}</text>"#,
                left - 8.0,
                y + 4.0
            );
        }
        let parts = [
            (0.0, "min"),
            (0.5, "p50"),
            (0.9, "p90"),
            (0.99, "p99"),
            (0.999, "p99.9"),
            (0.9999, "p99.99"),
        ];
        for (part, label) in parts.into_iter().chain([(1.0, "max")]) {
            let x = self.x(part);
            let (top, bottom) = (self.top, self.bottom);
            let _ = writeln!(
                svg,
                r#"<line class="grid" x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{bottom}"/>"#
            );
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"#,
                bottom + 20.0
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plot is one well-formed element with every series named.
    #[test]
    fn plots_close_what_they_open() {
        let line = Series {
            name: "fern",
            points: vec![(0.0, 100.0), (0.5, 120.0), (1.0, 1e7)],
        };
        for svg in [
            distribution("Latency", &[line]),
            bars("Rate", &[("fern", 2.0), ("log4rs", 1.0)], |v| v.to_string()),
        ] {
            assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
            assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
            assert!(svg.contains("fern") && !svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
