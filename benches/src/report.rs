//! The reports: `bench.md`, `bench.html`, `bench.json`.

mod html;
mod markdown;
mod svg;
mod table;

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::args::Plan;
use crate::machine;
use crate::peer::Error;
use crate::results::Results;

/// How the figures came about: one text for both reports.
const METHOD: &str = "\
Each peer runs in a process of its own, started again for every scenario and round; rounds are interleaved and figures \
are medians. The message is `user {id} logged in from {ip} in {ms} ms` with (u64, &str, f64). Throughput is records \
divided by the time from the first call until everything is in the file after a clean shutdown. Latency is the time of \
one call by the time stamp counter, reading it included. Lost is how many records, whose call had returned, are not in \
the file after the process has ended in mid-burst, and after the next start where that brings records back. A figure \
with an asterisk comes from a run whose files did not hold every record.";

/// Writes all three reports.
pub(crate) fn write(plan: &Plan, results: &Results, took: Duration) -> Result<(), Error> {
    let machine = machine::describe();
    let mode = if plan.quick { "quick" } else { "full" };
    let summary = format!("{mode} run, {} rounds, {:.0} s", plan.rounds, took.as_secs_f64());
    let tables = table::all(results);
    let head: serde_json::Map<String, serde_json::Value> = machine
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let raw = json!({ "machine": head, "summary": summary, "results": results.raw() });
    let page = html::page(results, &tables, &machine, &summary);
    let text = markdown::text(results, &tables, &machine, &summary);
    fs::write(plan.out.join("bench.json"), format!("{raw:#}\n"))?;
    fs::write(plan.out.join("bench.html"), page)?;
    fs::write(plan.out.join("bench.md"), &text)?;
    #[allow(clippy::print_stdout, reason = "the table is what the command is run for")]
    {
        println!("{text}");
    }
    eprintln!("written: bench.md, bench.html, bench.json in {}", plan.out.display());
    Ok(())
}
