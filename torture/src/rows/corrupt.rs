//! Damage to the files of a dead process's journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Turn;
use crate::oracle::Found;
use crate::round::Round;
use crate::rows::orphans::orphaned;
use crate::spec::JOURNAL;

/// The records of the process that dies.
const RECORDS: u64 = 5_000;
/// The most records that one of several flipped bits may cost: those of the smallest segment, if another has hit the
/// second copy of what it hits.
const COST_MAX: u64 = 2_000;

/// Some bits of the journal's files are flipped: the next start does not panic, no wrong record and none twice is
/// delivered, and what the damage does not overlap is.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = orphaned(turn, RECORDS)?;
    let flips = round.random.pick(&[1, 3, 20]);
    let flipped = flip(&mut round, flips)?;
    round.recover_what_is_left()?;
    turn.outcome.kills += round.kills;
    let Found {
        accepted,
        recovered,
        lost,
        doubled,
        torn,
        disordered,
        invented,
        ..
    } = round.look()?;
    let bound = if flips == 1 { 1 } else { flips * COST_MAX };
    let is_right = doubled + torn + disordered + invented == 0 && lost <= bound;
    if is_right {
        turn.outcome.found.add(Found {
            accepted: accepted - lost,
            recovered,
            ..Found::default()
        });
        return Ok(());
    }
    round.trouble(format!(
        "{flips} bits flipped ({flipped:?}) cost {lost} of {accepted} records; at most {bound} are at stake"
    ));
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Flips bits in random files of the journal, the cursors' and the lock among them; returns where.
fn flip(round: &mut Round, flips: u64) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    collect(&round.dir().join(JOURNAL), &mut files)?;
    files.retain(|path| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0));
    files.sort();
    let mut flipped = Vec::new();
    for _ in 0..flips {
        let index = round.random.below(files.len() as u64) as usize;
        let Some(path) = files.get(index) else { continue };
        let mut bytes = fs::read(path)?;
        // Where something stands: most of a segment may be empty.
        let start = round.random.below(bytes.len() as u64) as usize;
        let written = |at: &usize| bytes.get(*at).is_some_and(|byte| *byte != 0);
        let at = (start..bytes.len()).chain(0..start).find(written).unwrap_or(start);
        let bit = 8 * at as u64 + round.random.below(8);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << (bit % 8);
        }
        fs::write(path, bytes)?;
        flipped.push((path.clone(), bit));
    }
    Ok(flipped)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
