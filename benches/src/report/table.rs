//! The figures as tables of text, for both reports.

#[cfg(feature = "hydra")]
use crate::alone::Unit;
use crate::results::Results;
#[cfg(feature = "hydra")]
use crate::run::ALONE;
use crate::scenario::{ALL, Kind, Scenario};

/// A table with a caption; the first column is the peer.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) caption: &'static str,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// All tables that have at least one figure.
pub(crate) fn all(results: &Results) -> Vec<Table> {
    let tables = [
        throughput(results),
        cost(results),
        latency(results),
        losses(results),
        alone(results),
    ];
    let has_figures = |table: &Table| {
        table
            .rows
            .iter()
            .any(|row| row.iter().skip(1).any(|cell| cell != NOTHING))
    };
    tables.into_iter().filter(has_figures).collect()
}

/// A cell that was not measured.
const NOTHING: &str = "–";

fn scenarios(wanted: impl Fn(Kind) -> bool) -> Vec<Scenario> {
    ALL.into_iter().filter(|scenario| wanted(scenario.kind)).collect()
}

/// A figure, marked if its run was not complete; or why there is none.
fn cell(results: &Results, peer: &str, scenario: &str, figure: Option<String>) -> String {
    let mark = if results.is_complete(peer, scenario) { "" } else { " *" };
    match (figure, results.failure(peer, scenario)) {
        (Some(figure), _) => format!("{figure}{mark}"),
        (None, Some(_)) => "failed".to_owned(),
        (None, None) => NOTHING.to_owned(),
    }
}

fn rows(results: &Results, cells: impl Fn(&str) -> Vec<String>) -> Vec<Vec<String>> {
    let row = |peer: &'static str| [vec![peer.to_owned()], cells(peer)].concat();
    results.peers().into_iter().map(row).collect()
}

fn heads<'a>(heads: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    std::iter::once("peer").chain(heads).map(str::to_owned).collect()
}

fn throughput(results: &Results) -> Table {
    let scenarios = scenarios(|kind| kind == Kind::Throughput);
    let rate = |peer: &str, scenario: &str| {
        let rate = results.median(peer, scenario, "records_per_second");
        cell(results, peer, scenario, rate.map(|rate| format!("{:.2} M", rate / 1e6)))
    };
    Table {
        caption: "Throughput, records per second",
        head: heads(scenarios.iter().map(|scenario| scenario.title)),
        rows: rows(results, |peer| {
            scenarios.iter().map(|scenario| rate(peer, scenario.name)).collect()
        }),
    }
}

fn cost(results: &Results) -> Table {
    let one = |peer: &str, scenario: &str, key: &str, shown: fn(f64) -> String| {
        cell(results, peer, scenario, results.median(peer, scenario, key).map(shown))
    };
    Table {
        caption: "Cost, all threads of the process together",
        head: heads(["CPU ns/record", "peak RSS", "disabled level"]),
        rows: rows(results, |peer| {
            vec![
                one(peer, "throughput-1", "cpu_ns_per_record", |ns| format!("{ns:.0}")),
                one(peer, "throughput-1", "peak_rss_bytes", |bytes| {
                    format!("{:.1} MiB", bytes / 1_048_576.0)
                }),
                one(peer, "disabled", "disabled_ns", |ns| format!("{ns:.2} ns")),
            ]
        }),
    }
}

fn latency(results: &Results) -> Table {
    let scenarios = scenarios(|kind| matches!(kind, Kind::LatencyFull | Kind::LatencyPaced));
    let parts = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
    let mut head = vec!["peer".to_owned()];
    for scenario in &scenarios {
        head.extend(parts.iter().map(|(name, _)| format!("{}, {name}", scenario.title)));
    }
    let cells = |peer: &str| {
        let mut cells = Vec::new();
        for scenario in &scenarios {
            for (_, part) in &parts {
                let figure = results.quantile(peer, scenario.name, *part).map(nanoseconds);
                cells.push(cell(results, peer, scenario.name, figure));
            }
        }
        cells
    };
    Table {
        caption: "Time of a call",
        head,
        rows: rows(results, cells),
    }
}

fn losses(results: &Results) -> Table {
    let scenarios = scenarios(|kind| matches!(kind, Kind::End(_)));
    let lost = |peer: &str, scenario: &str| {
        let median = results.median(peer, scenario, "lost");
        let (greatest, of) = (
            results.greatest(peer, scenario, "lost"),
            results.median(peer, scenario, "records"),
        );
        let figure = match (median, greatest, of) {
            (Some(_), Some(greatest), _) if greatest < 0.5 => Some("0".to_owned()),
            (Some(median), Some(greatest), Some(of)) => {
                let share = 100.0 * median / of.max(1.0);
                let share = if share < 0.5 {
                    String::new()
                } else {
                    format!(" ({share:.0} %)")
                };
                Some(format!("{median:.0}{share}, worst {greatest:.0}"))
            }
            _ => None,
        };
        cell(results, peer, scenario, figure)
    };
    Table {
        caption: "Accepted records lost when the process ends in mid-burst",
        head: heads(scenarios.iter().map(|scenario| scenario.title)),
        rows: rows(results, |peer| {
            scenarios.iter().map(|scenario| lost(peer, scenario.name)).collect()
        }),
    }
}

#[cfg(feature = "hydra")]
fn alone(results: &Results) -> Table {
    let rows = crate::alone::FIGURES.iter().filter_map(|figure| {
        let value = results.median(ALONE, figure.scenario, figure.key);
        let shown = cell(
            results,
            ALONE,
            figure.scenario,
            value.map(|value| with_unit(value, figure.unit)),
        );
        let was_asked = shown != NOTHING;
        was_asked.then(|| vec![figure.title.to_owned(), shown, figure.aim.to_owned()])
    });
    Table {
        caption: "Hydra-Logger by itself",
        head: ["what", "median", "aim"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

#[cfg(not(feature = "hydra"))]
fn alone(_: &Results) -> Table {
    Table {
        caption: "",
        head: Vec::new(),
        rows: Vec::new(),
    }
}

#[cfg(feature = "hydra")]
fn with_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Millions => format!("{:.2} M", value / 1e6),
        Unit::PerSecond | Unit::Count => format!("{value:.0}"),
        Unit::Nanoseconds => nanoseconds(value),
        Unit::Mebibytes => format!("{:.1} MiB", value / 1_048_576.0),
        Unit::Percent => format!("{value:.3} %"),
        Unit::Milliseconds => format!("{value:.1} ms"),
        Unit::Times => format!("{value:.0} times"),
    }
}

/// A time with the unit that suits it.
pub(super) fn nanoseconds(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.1} us", ns / 1e3),
        _ => format!("{:.1} ms", ns / 1e6),
    }
}
