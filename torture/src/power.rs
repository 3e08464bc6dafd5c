//! Power cuts without a plug: what a device with a cache of its own may hold when the power goes.
//!
//! Everything that was synced is there. Of everything else each page, or each sector, is there as it was at some
//! earlier moment or as it was in the end, whatever order it was written in; so are names of files and their lengths.
//! The earlier moment is a copy made while the victim was running, the end is what stands there once it is dead, and
//! what was synced in between a trace of its system calls tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::random::Random;
use crate::trace::Synced;

/// What a device writes in one piece: a sector at least, a page of the system's as a rule.
const UNITS: [usize; 2] = [512, 4096];
/// How many of a thousand unsynced units have reached the device.
const REACHED: [u64; 5] = [0, 100, 500, 900, 1000];

/// Files by their paths, with what is in them.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Copies some files, and all that are under directories among them. What vanishes meanwhile is left out.
///
/// # Errors
/// Whatever the system says.
pub fn copy(paths: &[PathBuf]) -> io::Result<Files> {
    let mut files = Files::new();
    let mut left = paths.to_vec();
    while let Some(path) = left.pop() {
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if path.is_dir() {
            match fs::read_dir(&path) {
                Err(error) if gone(&error) => {}
                entries => {
                    for entry in entries? {
                        left.push(entry?.path());
                    }
                }
            }
            continue;
        }
        match fs::read(&path) {
            Err(error) if gone(&error) => {}
            bytes => {
                files.insert(path, bytes?);
            }
        }
    }
    Ok(files)
}

/// Returns how many bytes the files under a directory take.
///
/// # Errors
/// Whatever the system says.
pub fn sizes(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_dir = entry.file_type()?.is_dir();
        bytes += if is_dir {
            sizes(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}

/// Makes up what the device holds after a cut.
pub fn cut(random: &mut Random, earlier: &Files, last: &Files, synced: &Synced) -> Files {
    let unit = random.pick(&UNITS);
    let mut device = Files::new();
    let paths: BTreeSet<&PathBuf> = earlier.keys().chain(last.keys()).collect();
    for path in paths {
        let dir = path.parent().unwrap_or(path);
        let reached = random.pick(&REACHED);
        let bytes = match (earlier.get(path), last.get(path)) {
            (Some(earlier), Some(last)) => mix(random, reached, unit, (earlier, last), |at| synced.covers(path, at)),
            (None, Some(last)) => {
                // A name is there for certain once the directory, or the file with it, was synced.
                let is_named = synced.covers_all(dir) || synced.covers_all(path);
                if !is_named && random.below(2) == 0 {
                    continue;
                }
                mix(random, reached, unit, (&Vec::new(), last), |at| synced.covers(path, at))
            }
            (Some(earlier), None) if !synced.covers_all(dir) && !synced.touches(path) && random.below(2) == 0 => {
                earlier.clone()
            }
            _ => continue,
        };
        device.insert(path.clone(), bytes);
    }
    device
}

/// Mixes two versions of a file; what `is_synced` covers is of the last one.
fn mix(
    random: &mut Random,
    reached: u64,
    unit: usize,
    (earlier, last): (&Vec<u8>, &Vec<u8>),
    is_synced: impl Fn(u64) -> bool,
) -> Vec<u8> {
    let len = length(random, unit, (earlier.len(), last.len()), &is_synced);
    let mut mixed = Vec::with_capacity(len);
    let pieces = |bytes: &Vec<u8>, at: usize, end: usize| {
        let mut piece = bytes
            .get(at.min(bytes.len())..end.min(bytes.len()))
            .unwrap_or_default()
            .to_vec();
        // Blocks that were never written read as zeros.
        piece.resize(end - at, 0);
        piece
    };
    for at in (0..len).step_by(unit) {
        let end = (at + unit).min(len);
        let is_new = is_synced(at as u64) || random.below(1000) < reached;
        mixed.extend(pieces(if is_new { last } else { earlier }, at, end));
    }
    mixed
}

/// The length of a file whose length was changing.
fn length(random: &mut Random, unit: usize, (earlier, last): (usize, usize), is_synced: impl Fn(u64) -> bool) -> usize {
    // A sync of the whole file covers its length.
    if is_synced(u64::MAX - 1) || earlier == last {
        return last;
    }
    let (low, high) = (earlier.min(last), earlier.max(last));
    let between = low + random.below((high - low) as u64) as usize;
    let drawn = random.pick(&[earlier, last, between, between.next_multiple_of(unit).min(high)]);
    // What was synced in part is at least so long.
    let needed = (0..last).step_by(unit).rev().find(|at| is_synced(*at as u64));
    drawn.max(needed.map_or(0, |at| (at + unit).min(last)))
}

/// Puts files where they belong. A file that is there already stays the same file, with other bytes in it; under
/// `emptied` nothing else is left.
///
/// # Errors
/// Whatever the system says.
pub fn place(files: &Files, emptied: &Path) -> io::Result<()> {
    match fs::remove_dir_all(emptied) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(emptied)?;
    for (path, bytes) in files {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        file.write_all(bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was synced is there, and every other page is one of the two it can be.
    #[test]
    fn a_cut_keeps_what_was_synced() {
        let (earlier, last) = (vec![1; 8 * 4096], vec![2; 8 * 4096]);
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mixed = mix(&mut random, 500, 4096, (&earlier, &last), |at| at / 4096 == 3);
            assert_eq!(mixed.len(), last.len());
            assert!(mixed[3 * 4096..4 * 4096].iter().all(|byte| *byte == 2));
            for page in mixed.chunks(4096) {
                assert!(page.iter().all(|byte| *byte == page[0]), "a page is whole");
                seen.insert(page[0]);
            }
        }
        assert_eq!(seen, BTreeSet::from([1, 2]));
    }

    /// A file that grew has its old length, its new one or one in between, and never less than was synced.
    #[test]
    fn lengths_are_between() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mixed = mix(&mut random, 900, 512, (&vec![1; 1000], &vec![2; 9000]), |at| at < 2000);
            assert!((2000..=9000).contains(&mixed.len()), "{}", mixed.len());
            assert!(mixed[..2000].iter().all(|byte| *byte == 2));
        }
    }
}
