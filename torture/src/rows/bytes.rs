//! A dead process's journal, damaged at every place there is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Turn;
use crate::oracle::Found;
use crate::power::{self, Files};
use crate::random::Random;
use crate::round::Round;
use crate::rows::orphans::orphaned_small;
use crate::spec::{HEALTH, JOURNAL, PLAIN, TAPE};

/// Records of the process that dies: they fill a small segment and begin the next.
const RECORDS: u64 = 400;
/// Damages of a run that does not try all there are.
const TRIES: u64 = 300;
const PAGE: usize = 4096;
/// Where frames begin in a segment, what stands before a frame's payload, and what its length is a multiple of.
const FRAMES_START: usize = 4096;
const HEAD_BYTES: usize = 16;

/// One damage to one file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// A bit is another one.
    Flip(usize),
    /// A page is empty.
    Zero(usize),
    /// A page stands in another one's place.
    Copy(usize, usize),
    /// Two pages stand in each other's places.
    Swap(usize, usize),
    /// The file ends early.
    Cut(usize),
}

/// Every bit is flipped, every page emptied, doubled and exchanged, the file cut at every length, one at a time: the
/// next start does not panic and delivers nothing wrong or twice; only records that the damage overlaps are missing;
/// what is missing is told, and the damaged file is kept.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = orphaned_small(turn, RECORDS)?;
    let whole = power::copy(&[round.dir().join(JOURNAL), round.dir().join(TAPE)])?;
    let (life, mut random) = (round.spec.life, Random::of(&[turn.seed, 2]));
    let files: Vec<_> = whole
        .iter()
        .filter(|(path, _)| path.starts_with(round.dir().join(JOURNAL)))
        .map(|(path, bytes)| (path.clone(), bytes.len()))
        .collect();
    let all: u64 = files.iter().map(|(_, len)| ways(*len)).sum();
    let tries = if turn.exhaustive { all } else { TRIES };
    let mut complaints: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for number in 0..tries {
        let index = if turn.exhaustive { number } else { random.below(all) };
        let Some((path, damage)) = pick(&files, index) else {
            break;
        };
        round.spec.life = life;
        let (damaged, overlapped) = apply(&whole, path, damage);
        power::place(&damaged, &round.dir().join(JOURNAL))?;
        remove(&round.dir().join(PLAIN))?;
        round.recover_what_is_left()?;
        turn.outcome.kills += 1;
        let found = round.look()?;
        if let Some(complaint) = judge(&round, &found, overlapped, damaged.get(path))? {
            let name = path.file_name().unwrap_or_default();
            let what = format!("{damage:?} of {}: {found:?}, overlaps {overlapped}", name.display());
            complaints.entry(complaint).or_insert((0, what)).0 += 1;
        }
        turn.outcome.found.add(Found {
            lost: found.lost.saturating_sub(overlapped),
            accepted: found.accepted - found.lost,
            troubles: Vec::new(),
            ..found
        });
    }
    let troubles = complaints.iter();
    let troubles = troubles.map(|(what, (times, first))| format!("{times} of {tries} times {what}; first: {first}"));
    turn.outcome.found.troubles.extend(troubles);
    if round.has_trouble() {
        turn.outcome.found.add(round.finish()?);
    }
    Ok(())
}

/// How often each damage to a page is counted, as often as the bits of one: else nobody would ever draw one.
const PAGE_TIMES: u64 = PAGE as u64;

/// The number of damages there can be to a file of `len` bytes.
fn ways(len: usize) -> u64 {
    let pages = (len / PAGE) as u64;
    9 * len as u64 + PAGE_TIMES * (pages + 2 * pages.saturating_sub(1))
}

/// The damage with that number.
fn pick(files: &[(PathBuf, usize)], mut number: u64) -> Option<(&Path, Damage)> {
    for (path, len) in files {
        if number < ways(*len) {
            return Some((path, damage(*len, number)));
        }
        number -= ways(*len);
    }
    None
}

/// The damage to a file of `len` bytes with that number, below [`ways`].
fn damage(len: usize, number: u64) -> Damage {
    let (pages, bits) = (len / PAGE, 8 * len as u64);
    if number < bits {
        return Damage::Flip(number as usize);
    }
    let number = number - bits;
    if number < len as u64 {
        return Damage::Cut(number as usize);
    }
    // Every page; then every two neighbours, twice.
    let page = ((number - len as u64) / PAGE_TIMES) as usize;
    match page.checked_sub(pages) {
        None => Damage::Zero(page),
        Some(pair) if pair < pages - 1 => Damage::Copy(pair, pair + 1),
        Some(pair) => Damage::Swap(pair + 1 - pages, pair + 2 - pages),
    }
}

/// Damages one of the files; returns how many records the damage overlaps.
fn apply(whole: &Files, path: &Path, damage: Damage) -> (Files, u64) {
    let mut damaged = whole.clone();
    let Some(bytes) = damaged.get_mut(path) else {
        return (damaged, 0);
    };
    let before = bytes.clone();
    let page = |page: usize| page * PAGE..(page + 1) * PAGE;
    let read = |range: Range<usize>| before.get(range).unwrap_or_default().to_vec();
    let mut write = |range: Range<usize>, with: &[u8]| {
        if let Some(there) = bytes.get_mut(range) {
            there.copy_from_slice(with);
        }
    };
    match damage {
        Damage::Flip(bit) => {
            let byte = before.get(bit / 8).copied().unwrap_or_default();
            write(bit / 8..bit / 8 + 1, &[byte ^ 1 << (bit % 8)]);
        }
        Damage::Zero(at) => write(page(at), &[0; PAGE]),
        Damage::Copy(from, to) => write(page(to), &read(page(from))),
        Damage::Swap(one, other) => {
            write(page(one), &read(page(other)));
            write(page(other), &read(page(one)));
        }
        Damage::Cut(len) => bytes.truncate(len),
    }
    let after = bytes.clone();
    let is_same = |at: usize| before.get(at) == after.get(at);
    let overlaps = |frame: &Range<usize>| frame.clone().any(|at| !is_same(at));
    let frames = if path.extension().is_some_and(|extension| extension == "seg") {
        records(&before)
    } else {
        Vec::new()
    };
    (damaged, frames.iter().filter(|frame| overlaps(frame)).count() as u64)
}

/// Where a segment's records stand.
fn records(segment: &[u8]) -> Vec<Range<usize>> {
    let mut records = Vec::new();
    let mut at = FRAMES_START;
    while let Some(head) = segment.get(at..at + HEAD_BYTES) {
        let word = head.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let (len, kind) = ((word & 0xFFFF_FFFF) as usize, word >> 32 & 0xFF);
        if !(1..=3).contains(&kind) {
            break;
        }
        let end = at + HEAD_BYTES + len.next_multiple_of(HEAD_BYTES);
        if kind == 1 {
            records.push(at..end);
        }
        at = end;
    }
    records
}

/// Says what is wrong with the outcome, if anything is.
fn judge(round: &Round, found: &Found, overlapped: u64, damaged: Option<&Vec<u8>>) -> io::Result<Option<String>> {
    let wrong = |what: &str| Ok(Some(what.to_owned()));
    if found.doubled + found.torn + found.disordered + found.invented > 0 {
        return wrong("something wrong is in the file");
    }
    if found.lost > overlapped {
        return wrong("more is lost than the damage overlaps");
    }
    if found.lost == 0 {
        return Ok(None);
    }
    let health = fs::read_to_string(round.dir().join(HEALTH))?;
    let is_told = [" damaged: ", " undecodable: ", " holes: "].iter().any(|count| {
        let mut counts = health
            .match_indices(count)
            .map(|(at, _)| health.get(at + count.len()..));
        counts.any(|count| !count.unwrap_or_default().starts_with('0'))
    });
    if !is_told && health.contains("problems: []") {
        return wrong("health does not tell of what is lost");
    }
    let left = power::copy(&[round.dir().join(JOURNAL)])?;
    let is_kept = left.values().any(|bytes| Some(bytes) == damaged);
    if is_kept {
        Ok(None)
    } else {
        wrong("the damaged file is not kept")
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
