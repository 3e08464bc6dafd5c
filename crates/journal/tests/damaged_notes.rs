//! Damage to notes costs no record that it does not touch: each note stands in its segment twice, far apart.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use common::{SEGMENT, adopt, check, copy_journal, options, payload, read_all};
use hydra_journal::{Journal, Kind, Note, NoteSlot, Options, Position, inspect};

const PAGE: usize = 4096;
/// Notes that records need, beside the preamble.
const NOTES: u32 = 20;

fn note(number: u32) -> Vec<u8> {
    payload(1000 + number, 0, 16 + number as usize * 5 % 60)
}

fn preamble() -> Vec<u8> {
    b"what every record needs".to_vec()
}

/// A dead process's journal: records that need one note each, and where everything stands.
struct Sample {
    root: tempfile::TempDir,
    segments: Vec<PathBuf>,
    /// Each record's thread is the number of the note that it needs.
    records: BTreeMap<Position, Vec<u8>>,
    notes: Vec<(Position, usize)>,
}

impl Sample {
    /// The notes come one after the other, so that they stand in many pages; `large` adds a record with a segment of
    /// its own.
    fn new(count: u64, large: Option<usize>) -> Sample {
        let live = tempfile::tempdir().unwrap();
        let options = Options {
            preamble: preamble(),
            ..options(Some(live.path()), 16)
        };
        let journal = Journal::create(options).unwrap();
        let head = journal.cursor("head").unwrap();
        let (mut writer, slots) = (journal.writer(), [const { NoteSlot::new() }; NOTES as usize]);
        let mut append = |number: u64, len: Option<usize>| {
            let needed = number as u32 % NOTES.min(1 + number as u32 / 7);
            let write = |out: &mut Vec<u8>| out.extend(note(needed));
            let notes = [Note {
                slot: &slots[needed as usize],
                write: &write,
            }];
            match len {
                None => writer.append(&payload(needed, number, 16 + number as usize * 37 % 300), &notes),
                Some(len) => journal.append_large(&payload(needed, number, len), &notes),
            }
            .unwrap();
        };
        (0..count).for_each(|number| append(number, None));
        large.into_iter().for_each(|len| append(count, Some(len)));
        let (entries, _) = read_all(&mut head.reader());
        let root = tempfile::tempdir().unwrap();
        copy_journal(journal.dir().unwrap(), root.path());
        let segments = inspect(root.path()).unwrap().remove(0).segments;
        let mut sample = Sample {
            root,
            segments: segments.into_iter().map(|segment| segment.path).collect(),
            records: BTreeMap::new(),
            notes: Vec::new(),
        };
        for (kind, position, bytes) in entries {
            match kind {
                Kind::Data => _ = sample.records.insert(position, bytes),
                _ => sample.notes.push((position, frame_bytes(bytes.len()))),
            }
        }
        sample
    }

    /// Damages a segment's file; asserts that every record is read that no damaged byte belongs to, that each finds the
    /// notes it needs, and that all of it is as it was.
    fn survives(&self, number: u32, what: &str, damage: impl Fn(&mut Vec<u8>)) {
        let path = &self.segments[number as usize - 1];
        let whole = fs::read(path).unwrap();
        let mut damaged = whole.clone();
        damage(&mut damaged);
        fs::write(path, &damaged).unwrap();
        let found = self.read();
        for (position, bytes) in &self.records {
            let start = position.offset() as usize;
            let frame = start..start + frame_bytes(bytes.len());
            let is_hit = position.segment() == number && damaged.get(frame.clone()) != Some(&whole[frame]);
            assert!(
                is_hit || found.get(position) == Some(bytes),
                "{what}: {position} is lost"
            );
        }
        fs::write(path, &whole).unwrap();
    }

    /// Reads the records whose notes have been read before them, in their own segment.
    fn read(&self) -> BTreeMap<Position, Vec<u8>> {
        let adopted = adopt(self.root.path());
        let cursor = adopted.cursor("head").unwrap().unwrap();
        let (entries, _) = read_all(&mut cursor.reader());
        let (mut found, mut known) = (BTreeMap::new(), Vec::new());
        let mut last = Position::START;
        for (kind, position, bytes) in entries {
            assert!(position > last, "{position} comes after {last}");
            if position.segment() > last.segment() {
                known.clear();
            }
            last = position;
            match kind {
                Kind::Data => {
                    let needed = [preamble(), note(check(&bytes).0)];
                    if needed.iter().all(|note| known.contains(note)) {
                        found.insert(position, bytes);
                    }
                }
                _ => {
                    let is_one = (0..NOTES).any(|number| bytes == note(number));
                    assert!(is_one || bytes == preamble(), "{position} is no note");
                    known.push(bytes);
                }
            }
        }
        found
    }

    fn notes_in(&self, number: u32) -> impl Iterator<Item = Range<usize>> {
        let notes = self.notes.iter().filter(move |(at, _)| at.segment() == number);
        notes.map(|(at, len)| at.offset() as usize..at.offset() as usize + len)
    }
}

fn frame_bytes(len: usize) -> usize {
    16 + len.next_multiple_of(16)
}

/// Every byte of every note, and bytes of the second copies: nothing is lost. Also where sectors go.
#[test]
fn every_byte_of_the_notes() {
    let sample = Sample::new(150, None);
    assert_eq!(sample.segments.len(), 1);
    let notes: Vec<_> = sample.notes_in(1).collect();
    assert_eq!(notes.len(), NOTES as usize + 1);
    assert!(notes.last().unwrap().start > 3 * PAGE, "they stand in many pages");
    let copies = (SEGMENT - PAGE..SEGMENT - PAGE + 2000).step_by(7);
    for at in notes.iter().cloned().flatten().chain(copies) {
        sample.survives(1, &format!("byte {at}"), |bytes| bytes[at] ^= 1 << (at % 8));
    }
    for note in notes {
        let range = note.start & !511..(note.end + 511) & !511;
        sample.survives(1, &format!("sectors {range:?}"), |bytes| {
            bytes[range.clone()].fill(0xFF)
        });
        sample.survives(1, &format!("sectors {range:?}"), |bytes| bytes[range.clone()].fill(0));
    }
}

/// Every page emptied, overwritten, doubled and exchanged with the next, in the segment that was left and in the one
/// before it.
#[test]
fn every_page_of_the_notes() {
    let sample = Sample::new(400, None);
    assert_eq!(sample.segments.len(), 2);
    for (number, page) in (1..=2).flat_map(|number| (0..SEGMENT / PAGE).map(move |page| (number, page))) {
        let (at, what) = (page * PAGE, format!("page {page} of segment {number}"));
        sample.survives(number, &what, |bytes| bytes[at..at + PAGE].fill(0));
        sample.survives(number, &what, |bytes| bytes[at..at + PAGE].fill(0xA5));
        if page > 0 {
            sample.survives(number, &what, |bytes| bytes.copy_within(at - PAGE..at, at));
            sample.survives(number, &what, |bytes| {
                let (before, after) = bytes[at - PAGE..at + PAGE].split_at_mut(PAGE);
                before.swap_with_slice(after);
            });
        }
    }
}

/// The notes of a record that has a segment of its own have their copies there.
#[test]
fn the_notes_of_a_large_record() {
    let sample = Sample::new(3, Some(100_000));
    let notes: Vec<_> = sample.notes_in(2).collect();
    assert_eq!(notes.len(), 2);
    for at in notes.into_iter().flatten() {
        sample.survives(2, &format!("byte {at}"), |bytes| bytes[at] ^= 1 << (at % 8));
    }
    sample.survives(2, "the header", |bytes| bytes[..PAGE].fill(0));
}

/// More notes than a segment keeps copies of: it is left early, and each segment has both of each of its notes.
#[test]
fn many_notes() {
    let live = tempfile::tempdir().unwrap();
    let journal = Journal::create(options(Some(live.path()), 64)).unwrap();
    let head = journal.cursor("head").unwrap();
    let mut writer = journal.writer();
    for number in 0..500 {
        let write = |out: &mut Vec<u8>| out.extend(payload(7, number, 100));
        let (slot, write) = (&NoteSlot::new(), &write as &dyn Fn(&mut Vec<u8>));
        writer.append(&payload(1, number, 16), &[Note { slot, write }]).unwrap();
    }
    // What could never have its copies is refused like what could never fit.
    let write = |out: &mut Vec<u8>| out.resize(6000, 1);
    let (slot, write) = (&NoteSlot::new(), &write as &dyn Fn(&mut Vec<u8>));
    let error = writer.append(&payload(1, 0, 16), &[Note { slot, write }]).unwrap_err();
    assert_eq!(error.kind(), hydra_journal::ErrorKind::TooLarge);
    let large = journal
        .append_large(&payload(1, 500, 16), &[Note { slot, write }])
        .unwrap();
    let (entries, _) = read_all(&mut head.reader());
    assert_eq!(entries.iter().filter(|(kind, ..)| *kind == Kind::Data).count(), 501);
    let root = tempfile::tempdir().unwrap();
    copy_journal(journal.dir().unwrap(), root.path());
    let notes: Vec<_> = entries.iter().filter(|(kind, ..)| *kind == Kind::Note).collect();
    for segment in inspect(root.path()).unwrap().remove(0).segments {
        let mut bytes = fs::read(&segment.path).unwrap();
        for (_, position, _) in notes.iter().filter(|(_, at, _)| at.segment() == segment.number) {
            bytes[position.offset() as usize + 20] ^= 1;
        }
        fs::write(&segment.path, bytes).unwrap();
    }
    let adopted = adopt(root.path());
    let (found, damage) = read_all(&mut adopted.cursor("head").unwrap().unwrap().reader());
    assert_eq!((found, damage.len()), (entries, 501));
    assert!(large.segment() > 10);
}
