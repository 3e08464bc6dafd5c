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

/// What became of the rows of a run.
#[derive(Debug, Default)]
pub struct Verdicts {
    held: u64,
    failed: Vec<&'static str>,
    skipped: Vec<&'static str>,
}

impl Verdicts {
    /// Takes in a row's.
    pub fn add(&mut self, row: &'static str, outcome: &Outcome) {
        match outcome {
            Outcome { skipped: Some(_), .. } => self.skipped.push(row),
            _ if outcome.is_right() => self.held += 1,
            _ => self.failed.push(row),
        }
    }

    /// Says whether no row failed.
    pub fn are_right(&self) -> bool {
        self.failed.is_empty()
    }

    /// Returns the rows that failed or were skipped.
    pub fn not_held(&self) -> Vec<&'static str> {
        self.failed.iter().chain(&self.skipped).copied().collect()
    }

    /// Prints the last line: it names every row that did not hold.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = self.held as usize + self.failed.len() + self.skipped.len();
        write!(out, "{} of {all} rows hold", self.held)?;
        for (what, rows) in [("FAILED", &self.failed), ("skipped", &self.skipped)] {
            if !rows.is_empty() {
                write!(out, "; {what}: {}", rows.join(", "))?;
            }
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last line names the rows that failed and those that could not be tried; one that could not is no failure.
    #[test]
    fn the_last_line_hides_nothing() {
        let skipped = Outcome {
            skipped: Some("needs root".to_owned()),
            ..Outcome::default()
        };
        let mut failed = Outcome::default();
        let mut verdicts = Verdicts::default();
        let told = |verdicts: &Verdicts| {
            let mut line = Vec::new();
            verdicts.tell(&mut line).unwrap();
            String::from_utf8(line).unwrap()
        };
        verdicts.add("kill-1", &failed);
        assert_eq!(told(&verdicts), "1 of 1 rows hold\n");
        verdicts.add("quota", &skipped);
        assert!(verdicts.are_right());
        failed.found.lost = 1;
        verdicts.add("fork", &failed);
        assert!(!verdicts.are_right());
        assert_eq!(told(&verdicts), "1 of 3 rows hold; FAILED: fork; skipped: quota\n");
    }
}
