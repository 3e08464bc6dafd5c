//! The report as Markdown.

use std::fmt::Write as _;

use super::METHOD;
use super::table::Table;
use crate::peers;
use crate::results::Results;

/// The whole text.
pub(super) fn text(results: &Results, tables: &[Table], machine: &[(&str, String)], summary: &str) -> String {
    let mut text = format!("# Hydra-Logger and its peers\n\n{METHOD}\n\n");
    let machine: Vec<String> = machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let _ = writeln!(text, "{}; {summary}.", machine.join("; "));
    for table in tables {
        let _ = writeln!(text, "\n## {}\n\n| {} |", table.caption, table.head.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(table.head.len().saturating_sub(1)));
        for row in &table.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
    }
    text.push_str("\n## How each was set up\n\n");
    for entry in peers::ALL {
        match results.skipped.get(entry.name) {
            Some(why) => {
                let _ = writeln!(text, "- {}: skipped: {why}", entry.name);
            }
            None if results.peers().contains(&entry.name) => {
                let _ = writeln!(text, "- {}: {}", entry.name, entry.setup);
            }
            None => {}
        }
    }
    let failed: Vec<String> = failures(results);
    if !failed.is_empty() {
        let _ = writeln!(text, "\n## Failed runs\n\n{}", failed.join("\n"));
    }
    text
}

/// One line for each run that failed.
pub(super) fn failures(results: &Results) -> Vec<String> {
    let line = |round: &crate::results::Round| {
        let why = round.outcome.as_ref().err()?;
        Some(format!("- {} {}: {why}", round.peer, round.scenario.name))
    };
    results.rounds.iter().filter_map(line).collect()
}
