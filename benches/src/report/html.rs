//! The report as one HTML page without scripts or anything to load.

use std::fmt::Write as _;

use super::METHOD;
use super::svg::{self, Series};
use super::table::Table;
use crate::results::Results;
use crate::scenario::{ALL, Kind};

const STYLE: &str = "
  :root { color-scheme: light dark; --text: #1c1e21; --faint: #6b7280; --line: #d8dade; --back: #ffffff; }
  @media (prefers-color-scheme: dark) {
    :root { --text: #e6e6e6; --faint: #9aa0a6; --line: #3a3d42; --back: #16181b; }
  }
  body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 960px;
         margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; display: block;
          overflow-x: auto; }
  th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }
  tr.ours td { font-weight: 600; }
  svg { width: 100%; height: auto; margin: 1rem 0; font: 12px system-ui, sans-serif; }
  svg text { fill: var(--text); }
  svg .title { font-size: 15px; font-weight: 600; }
  svg .grid { stroke: var(--line); stroke-width: 1; }
  .faint { color: var(--faint); }
";

/// The whole page.
pub(super) fn page(results: &Results, tables: &[Table], machine: &[(&str, String)], summary: &str) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Hydra-Logger and its peers</title>\n\
         <style>{STYLE}</style>\n<h1>Hydra-Logger and its peers</h1>\n<p>{}</p>\n",
        escape(METHOD)
    );
    let machine: Vec<String> = machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let _ = writeln!(
        page,
        "<p class=\"faint\">{}; {}.</p>",
        escape(&machine.join("; ")),
        escape(summary)
    );
    page.push_str(&plots(results));
    for table in tables {
        page.push_str(&html_table(table));
    }
    for (peer, why) in &results.skipped {
        let _ = writeln!(page, "<p class=\"faint\">{peer}: skipped: {}</p>", escape(why));
    }
    for line in super::markdown::failures(results) {
        let _ = writeln!(
            page,
            "<p class=\"faint\">failed: {}</p>",
            escape(line.trim_start_matches("- "))
        );
    }
    page.push_str("</html>\n");
    page
}

fn plots(results: &Results) -> String {
    let mut plots = String::new();
    for scenario in ALL {
        match scenario.kind {
            Kind::Throughput => {
                let rate = |peer| Some((peer, results.median(peer, scenario.name, "records_per_second")?));
                let values: Vec<(&'static str, f64)> = results.peers().into_iter().filter_map(rate).collect();
                if !values.is_empty() {
                    let title = format!("Records per second: {}", scenario.title);
                    plots.push_str(&svg::bars(&title, &values, |rate| format!("{:.2} M", rate / 1e6)));
                }
            }
            Kind::LatencyFull | Kind::LatencyPaced => {
                let line = |name| Series {
                    name,
                    points: results.distribution(name, scenario.name),
                };
                let mut series: Vec<Series> = results.peers().into_iter().map(line).collect();
                series.retain(|line| !line.points.is_empty());
                if !series.is_empty() {
                    let title = format!("Time of a call by quantile: {}", scenario.title);
                    plots.push_str(&svg::distribution(&title, &series));
                }
            }
            Kind::Disabled | Kind::End(_) | Kind::Alone => {}
        }
    }
    plots
}

fn html_table(table: &Table) -> String {
    let mut html = format!("<h2>{}</h2>\n<table>\n<tr>", escape(table.caption));
    for head in &table.head {
        let _ = write!(html, "<th>{}</th>", escape(head));
    }
    html.push_str("</tr>\n");
    for row in &table.rows {
        let is_ours = row.first().is_some_and(|name| name.starts_with("hydra"));
        html.push_str(if is_ours { "<tr class=\"ours\">" } else { "<tr>" });
        for cell in row {
            let _ = write!(html, "<td>{}</td>", escape(cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
