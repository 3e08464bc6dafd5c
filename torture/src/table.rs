//! The table that a run prints, row by row.

use std::io::{self, Write};
use std::time::Duration;

use crate::oracle::Found;

/// The most troubles of a row that are printed in full.
const TROUBLES_MAX: usize = 10;

/// What became of a row.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How often it was run.
    pub runs: u64,
    /// How many victims were killed.
    pub kills: u64,
    /// What was found in all.
    pub found: Found,
    /// What else is worth telling: how many instructions a call took, and the like.
    pub notes: Vec<String>,
    /// Why it could not be run here; none if it was.
    pub skipped: Option<String>,
}

impl Outcome {
    /// Says whether the row holds, or could not be tried.
    pub fn is_right(&self) -> bool {
        self.found.is_right()
    }
}

/// Prints the head of the table.
///
/// # Errors
/// Whatever `out` says.
pub fn head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:42} {:>6} {:>6} {:>10} {:>10} {:>6} {:>7} {:>6} {:>7}  verdict",
        "fault", "runs", "kills", "accepted", "in files", "lost", "doubled", "torn", "s"
    )
}

/// Prints a row.
///
/// # Errors
/// Whatever `out` says.
pub fn row(out: &mut dyn Write, fault: &str, outcome: &Outcome, took: Duration) -> io::Result<()> {
    let Outcome {
        runs,
        kills,
        found,
        notes,
        skipped,
    } = outcome;
    let verdict = match skipped {
        Some(why) => format!("skipped: {why}"),
        None if found.is_right() => "holds".to_owned(),
        None => "FAILS".to_owned(),
    };
    writeln!(
        out,
        "{fault:42} {runs:6} {kills:6} {:10} {:10} {:6} {:7} {:6} {:7.1}  {verdict}",
        found.accepted,
        found.recovered,
        found.lost,
        found.doubled,
        found.torn,
        took.as_secs_f64()
    )?;
    if found.disordered + found.invented > 0 {
        writeln!(
            out,
            "    out of order: {}, never logged: {}",
            found.disordered, found.invented
        )?;
    }
    for note in notes {
        writeln!(out, "    {note}")?;
    }
    if found.repeated > 0 {
        writeln!(out, "    repeated, which this fault allows: {}", found.repeated)?;
    }
    for trouble in found.troubles.iter().take(TROUBLES_MAX) {
        writeln!(out, "    {trouble}")?;
    }
    if found.troubles.len() > TROUBLES_MAX {
        writeln!(out, "    and {} more", found.troubles.len() - TROUBLES_MAX)?;
    }
    out.flush()
}
