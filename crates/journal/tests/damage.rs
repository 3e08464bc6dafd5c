//! Damage of every kind: never a panic, never a wrong payload, nothing lost but what overlaps the damage.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Random, SEGMENT, adopt, check, copy_journal, journal, payload, read_all, save};
use hydra_journal::{Adopted, Damage, DamageKind, Kind, Position, inspect};

/// A journal as a dead process left it, and what is in it.
struct Sample {
    root: tempfile::TempDir,
    dir: PathBuf,
    records: BTreeMap<Position, Vec<u8>>,
    /// Where the head's cursor stands: after some of the records.
    cursor: Position,
}

impl Sample {
    /// Three segments, the last one with little in it.
    fn new() -> Sample {
        Sample::of(150, 1000)
    }

    fn of(count: u64, len: usize) -> Sample {
        let live = tempfile::tempdir().unwrap();
        let (journal, head) = journal(Some(live.path()), 6);
        let mut writer = journal.writer();
        for number in 0..count {
            writer
                .append(&payload(7, number, 16 + (number as usize * 37) % len), &[])
                .unwrap();
        }
        let mut reader = head.reader();
        let (entries, _) = read_all(&mut reader);
        let cursor = entries[3].1;
        save(&head, cursor);
        let root = tempfile::tempdir().unwrap();
        let dir = copy_journal(journal.dir().unwrap(), root.path());
        let records = entries.into_iter().map(|(_, position, bytes)| (position, bytes));
        Sample {
            root,
            dir,
            records: records.filter(|(position, _)| *position >= cursor).collect(),
            cursor,
        }
    }

    /// The files of segments with frames, in order.
    fn segments(&self) -> Vec<PathBuf> {
        let mut found = inspect(self.root.path()).unwrap();
        found
            .pop()
            .unwrap()
            .segments
            .into_iter()
            .map(|segment| segment.path)
            .collect()
    }

    /// What is read now, each record checked; `None` if the journal cannot be adopted.
    fn read(&self) -> (BTreeMap<Position, Vec<u8>>, Vec<Damage>) {
        let adopted = adopt(self.root.path());
        let Some(cursor) = adopted.cursor("head").unwrap() else {
            // Only when both the head's slot and the count of slots are damaged.
            return Default::default();
        };
        let (entries, damage) = read_all(&mut cursor.reader());
        let data = entries.into_iter().filter(|(kind, ..)| *kind == Kind::Data);
        let found: BTreeMap<_, _> = data.map(|(_, position, bytes)| (position, bytes)).collect();
        for (position, bytes) in &found {
            check(bytes);
            assert!(
                self.records.get(position).is_none_or(|record| record == bytes),
                "at {position}"
            );
        }
        (found, damage)
    }

    /// Reads, and asserts that only records in bytes `from..to` of segment `number` are missing, and that it is
    /// reported.
    fn loses_only(&self, number: u32, from: usize, to: usize) {
        let (found, damage) = self.read();
        for (position, bytes) in &self.records {
            let start = position.offset() as usize;
            let end = start + 16 + bytes.len().next_multiple_of(16);
            let is_hit = position.segment() == number && start < to && end > from;
            match found.contains_key(position) {
                true => {}
                false => assert!(
                    is_hit,
                    "{position} is lost, damage at {number}:{from}..{to}: {damage:?}"
                ),
            }
        }
        if found.len() < self.records.len() {
            assert!(!damage.is_empty(), "a loss at {number}:{from}..{to} is reported");
        }
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    // In place: a new file would be another one for those who have it open.
    fs::write(path, bytes).unwrap();
}

/// What was appended comes back as it was, after the cursor's place, and nothing is called damaged.
#[test]
fn a_whole_journal_comes_back() {
    let sample = Sample::new();
    assert_eq!(sample.segments().len(), 2);
    let (found, damage) = sample.read();
    assert_eq!((&found, damage.len()), (&sample.records, 0));
    assert_eq!(found.keys().next(), Some(&sample.cursor));
    assert!(!inspect(sample.root.path()).unwrap()[0].is_corrupt());
}

/// Every byte of a segment changed, one at a time: only the record that it belongs to is lost.
#[test]
fn every_byte_of_a_segment() {
    let sample = Sample::of(40, 300);
    let path = sample.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    let used = sample.records.keys().next_back().unwrap().offset() as usize + 400;
    let mut random = Random::new("every_byte_of_a_segment");
    let header = (0..128).chain(SEGMENT - 128..SEGMENT);
    let rest = (0..200).map(|_| used + random.below(SEGMENT - used));
    for at in header.chain(4096..used).chain(rest.collect::<Vec<_>>()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << random.below(8);
        fs::write(&path, &bytes).unwrap();
        sample.loses_only(1, at, at + 1);
    }
}

/// Every byte of the cursors' table changed, one at a time: at worst records come twice.
#[test]
fn every_byte_of_the_cursors() {
    let sample = Sample::of(10, 300);
    let path = sample.dir.join("cursors");
    let whole = fs::read(&path).unwrap();
    let mut random = Random::new("every_byte_of_the_cursors");
    for at in (0..1100).chain((0..100).map(|_| random.below(whole.len())).collect::<Vec<_>>()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << random.below(8);
        fs::write(&path, &bytes).unwrap();
        let (found, _) = sample.read();
        assert!(
            sample.records.keys().all(|position| found.contains_key(position)),
            "byte {at}"
        );
    }
}

/// The lock file's contents do not matter, nor whether it is there.
#[test]
fn the_lock_file_is_only_a_lock() {
    let sample = Sample::of(10, 300);
    let path = sample.dir.join("lock");
    for bytes in [&b""[..], b"\xFF\xFF\xFF", b"1\n", &[0; 5000]] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(sample.read().0, sample.records);
        inspect(sample.root.path()).unwrap();
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(sample.read().0, sample.records);
}

/// A file that is cut loses what was behind the cut, and says so.
#[test]
fn cut_at_every_page() {
    let sample = Sample::new();
    let paths = sample.segments();
    for (number, path) in (1..).zip(&paths) {
        let whole = fs::read(path).unwrap();
        for len in (0..SEGMENT)
            .step_by(4096)
            .flat_map(|len| [len, len + 1, len + 72, len + 1000])
        {
            fs::write(path, &whole[..len]).unwrap();
            // Less than a header: the file cannot even say which segment it was.
            let from = if len < 128 { 0 } else { len / 16 * 16 };
            if len > 128 || number < paths.len() as u32 {
                sample.loses_only(number, from, SEGMENT);
            } else {
                sample.read();
            }
        }
        fs::write(path, &whole).unwrap();
    }
}

/// A page that is zeroed, twice there or swapped with another loses the records in it.
#[test]
fn pages_zeroed_doubled_swapped() {
    let sample = Sample::new();
    let path = sample.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    let pages = SEGMENT / 4096;
    for page in 0..pages {
        let at = page * 4096;
        let other = (page + 1) % pages * 4096;
        let lost = if page == 0 { (0, 0) } else { (at, at + 4096) };
        edit(&path, |bytes| bytes[at..at + 4096].fill(0));
        sample.loses_only(1, lost.0, lost.1);
        fs::write(&path, &whole).unwrap();
        if page > 0 && other > 0 {
            edit(&path, |bytes| bytes.copy_within(other..other + 4096, at));
            sample.loses_only(1, at, at + 4096);
            fs::write(&path, &whole).unwrap();
            edit(&path, |bytes| {
                bytes[at..at + 4096].copy_from_slice(&whole[other..other + 4096]);
                bytes[other..other + 4096].copy_from_slice(&whole[at..at + 4096]);
            });
            sample.loses_only(1, at.min(other), at.max(other) + 4096);
            fs::write(&path, &whole).unwrap();
        }
    }
}

/// Holes, as producers leave them that die between reserving and publishing, are stepped over.
#[test]
fn holes_hide_nothing() {
    let sample = Sample::new();
    let path = sample.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    let in_first: Vec<_> = sample
        .records
        .keys()
        .filter(|position| position.segment() == 1)
        .collect();
    let mut random = Random::new("holes_hide_nothing");
    for _ in 0..100 {
        let mut bytes = whole.clone();
        let mut holes = std::collections::BTreeSet::new();
        for _ in 0..1 + random.below(8) {
            holes.insert(*in_first[random.below(in_first.len())]);
        }
        for position in &holes {
            let start = position.offset() as usize;
            // The first word is what is stored last; how much else was written is anybody's guess.
            bytes[start..start + 8].fill(0);
            let len = sample.records[position].len();
            let from = start + 8 + random.below(len);
            bytes[from..start + 16 + len].fill(0);
        }
        fs::write(&path, &bytes).unwrap();
        let (found, damage) = sample.read();
        let lost: Vec<_> = sample
            .records
            .keys()
            .filter(|position| !found.contains_key(position))
            .collect();
        assert_eq!(lost, holes.iter().collect::<Vec<_>>());
        assert!(
            damage.iter().all(|damage| damage.kind == DamageKind::Hole),
            "{damage:?}"
        );
    }
}

/// Without its cursors a journal is delivered from the start to whoever comes, and is not removed before; also if the
/// process that found them missing dies in the middle.
#[test]
fn cursors_lost() {
    for change in ["removed", "empty", "zero"] {
        let sample = Sample::of(10, 300);
        let path = sample.dir.join("cursors");
        match change {
            "removed" => fs::remove_file(&path).unwrap(),
            "empty" => fs::write(&path, b"").unwrap(),
            _ => edit(&path, |bytes| bytes.fill(0)),
        }
        for _ in 0..2 {
            let adopted = adopt(sample.root.path());
            assert!(!adopted.remove_if_done().unwrap(), "{change}: nobody has had anything");
        }
        let adopted = adopt(sample.root.path());
        for head in ["head", "another"] {
            let cursor = adopted.cursor(head).unwrap().unwrap();
            assert_eq!(common::data_of(&mut cursor.reader()).len(), 10, "{change}: {head}");
            assert!(!adopted.remove_if_done().unwrap(), "{change}: {head} has saved nothing");
            save(&cursor, adopted.end());
        }
        assert!(adopted.remove_if_done().unwrap());
        assert!(!sample.dir.exists());
    }
}

/// A segment that is not there is reported with its place, and the others are read.
#[test]
fn a_missing_segment_is_reported() {
    let sample = Sample::of(400, 1000);
    let paths = sample.segments();
    assert!(paths.len() >= 4);
    fs::remove_file(&paths[1]).unwrap();
    sample.loses_only(2, 0, SEGMENT);
    let (_, damage) = sample.read();
    assert_eq!(
        (damage[0].kind, damage[0].at),
        (DamageKind::Missing, Position::new(2, 0))
    );
    // Also when it is the one the head was in.
    fs::remove_file(&paths[0]).unwrap();
    let (found, damage) = sample.read();
    assert_eq!(damage[0].at, Position::new(1, 0));
    assert_eq!(found.keys().next().unwrap().segment(), 3);
}

/// A file with both headers damaged, a later version's file and a stray file are left alone; the rest is read.
#[test]
fn foreign_files_are_kept() {
    let sample = Sample::new();
    let paths = sample.segments();
    edit(&paths[0], |bytes| {
        bytes[3] ^= 1;
        bytes[SEGMENT - 125] ^= 1;
    });
    fs::write(
        sample.dir.join("stray.seg"),
        b"no segment at all, but not nothing either",
    )
    .unwrap();
    let adopted = adopt(sample.root.path());
    assert_eq!(adopted.unreadable().len(), 1, "{:?}", adopted.unreadable());
    let cursor = adopted.cursor("head").unwrap().unwrap();
    save(&cursor, adopted.end());
    assert!(!adopted.remove_if_done().unwrap(), "what cannot be read is kept");
    drop((adopted, cursor));
    edit(&paths[1], |bytes| bytes[8] = 2);
    let found = Adopted::all(sample.root.path()).unwrap();
    assert!(found[0].is_ok(), "a version without its checksum is damage");
    assert!(paths.iter().all(|path| path.exists()));
}

/// What is left of making a segment does not count: an empty file, a blank one, half a header.
#[test]
fn half_made_segments_are_nothing() {
    let sample = Sample::of(10, 300);
    fs::write(sample.dir.join("1.seg"), b"").unwrap();
    fs::write(sample.dir.join("2.seg"), vec![0; 40_000]).unwrap();
    let mut half = vec![0; SEGMENT];
    half[8] = 1;
    half[16..32].fill(9);
    fs::write(sample.dir.join("3.seg"), half).unwrap();
    let adopted = adopt(sample.root.path());
    assert_eq!(adopted.unreadable(), []);
    let cursor = adopted.cursor("head").unwrap().unwrap();
    assert_eq!(common::data_of(&mut cursor.reader()).len(), sample.records.len());
    save(&cursor, adopted.end());
    assert!(adopted.remove_if_done().unwrap());
}

/// Random changes of random files, a few at a time: never a panic, never a wrong payload.
#[test]
fn random_changes() {
    let mut random = Random::new("random_changes");
    let samples = [Sample::of(60, 300), Sample::new()];
    for sample in &samples {
        let mut files: Vec<_> = sample.segments();
        files.push(sample.dir.join("cursors"));
        let whole: Vec<_> = files.iter().map(|path| fs::read(path).unwrap()).collect();
        for _ in 0..1000 {
            let mut touched = Vec::new();
            for _ in 0..1 + random.below(3) {
                let index = random.below(files.len());
                edit(&files[index], |bytes| mutate(bytes, &mut random));
                touched.push(index);
            }
            sample.read();
            inspect(sample.root.path()).unwrap();
            for index in touched {
                fs::write(&files[index], &whole[index]).unwrap();
            }
        }
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    // Half of the time where the frames and headers are.
    let near = bytes.len().min(if random.below(2) == 0 { 12_000 } else { usize::MAX });
    let at = random.below(near);
    let len = (1 << random.below(13)).min(bytes.len() - at);
    match random.below(7) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at..at + len].fill(0),
        2 => bytes[at..at + len].fill(0xFF),
        3 => bytes[at..at + len]
            .iter_mut()
            .for_each(|byte| *byte = random.next() as u8),
        4 => {
            let from = random.below(bytes.len() - len + 1);
            bytes.copy_within(from..from + len, at);
        }
        5 => bytes.truncate(at),
        _ => bytes.extend(std::iter::repeat_n(7, len)),
    }
}
