//! What many runs have come to together: a line for each row of each run, added to a file.
//!
//! A day's worth of kills is made in slices. Each line names its seed, so that a slice can be run again.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::table::Outcome;

/// The counts of a line, in their order.
const COUNTS: [&str; 7] = ["runs", "kills", "accepted", "in files", "lost", "doubled", "torn"];

/// Adds a row's outcome. A row that was skipped has none.
///
/// # Errors
/// Whatever the system says.
pub fn add(path: &Path, seed: u64, row: &str, outcome: &Outcome) -> io::Result<()> {
    if outcome.skipped.is_some() {
        return Ok(());
    }
    let found = &outcome.found;
    let counts = [
        outcome.runs,
        outcome.kills,
        found.accepted,
        found.recovered,
        found.lost,
        found.doubled,
        found.torn,
    ];
    let counts = counts.map(|count| count.to_string()).join(" ");
    let verdict = if found.is_right() { "holds" } else { "FAILS" };
    // One write, so that runs at the same time do not tear each other's lines.
    let line = format!("{row} {seed} {verdict} {counts}\n");
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())
}

/// Prints what all lines come to, row by row.
///
/// # Errors
/// Whatever the system says; [`io::ErrorKind::InvalidData`] for a line that is none.
pub fn sum(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: BTreeMap<String, (u64, Vec<String>, [u64; COUNTS.len()])> = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines() {
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, format!("no line of a ledger: {line:?}"));
        let mut words = line.split(' ');
        let (row, seed) = (words.next().ok_or_else(wrong)?, words.next().ok_or_else(wrong)?);
        let held = words.next().ok_or_else(wrong)? == "holds";
        let (slices, failed, sums) = rows.entry(row.to_owned()).or_default();
        *slices += 1;
        failed.extend((!held).then(|| seed.to_owned()));
        for sum in sums {
            let count: u64 = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
            *sum += count;
        }
    }
    writeln!(out, "in all, by {}:", path.display())?;
    for (row, (slices, failed, sums)) in &rows {
        let counts = COUNTS.iter().zip(sums).map(|(name, sum)| format!("{name} {sum}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        writeln!(out, "    {row}: {slices} slices, {counts}")?;
        if !failed.is_empty() {
            writeln!(out, "        failed with the seeds {}", failed.join(", "))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices add up, row by row, and those that failed are named by their seeds.
    #[test]
    fn slices_add_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut outcome = Outcome {
            runs: 2,
            kills: 3,
            ..Outcome::default()
        };
        add(&path, 1, "kill-1", &outcome).unwrap();
        add(&path, 2, "kill-4", &outcome).unwrap();
        outcome.found.lost = 5;
        add(&path, 7, "kill-1", &outcome).unwrap();
        let mut told = Vec::new();
        sum(&path, &mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("kill-1: 2 slices, runs 4, kills 6,"), "{told}");
        assert!(
            told.contains("lost 5") && told.contains("failed with the seeds 7\n"),
            "{told}"
        );
        assert!(told.contains("kill-4: 1 slices, runs 2, kills 3,"), "{told}");
    }
}
