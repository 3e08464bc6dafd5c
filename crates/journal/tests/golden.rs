//! Journals that earlier versions wrote are read by this one: what is in `tests/golden` is never written again.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::path::Path;

use common::{copy_journal, given, journal, options, payload, read_all, save};
use hydra_journal::{CursorState, DamageKind, Journal, Kind, Note, NoteSlot, Options, Position, inspect};

/// Version 1 as it was at first, and with payloads summed by folding.
const GOLDEN: [&str; 2] = ["v1", "v1-folded"];

fn golden(name: &str) -> std::path::PathBuf {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    all.join(name).join("j-1-00000000")
}

/// Writes the files that are committed, when `HYDRA_GOLDEN` names where to.
#[test]
fn write() {
    let Some(to) = given("HYDRA_GOLDEN") else { return };
    let root = tempfile::tempdir().unwrap();
    let options = Options {
        preamble: b"preamble".to_vec(),
        ..options(Some(root.path()), 4)
    };
    let journal = Journal::create(options).unwrap();
    let head = journal.cursor("file:/var/log/golden.log").unwrap();
    journal.cursor("console").unwrap();
    let (mut writer, slot) = (journal.writer(), NoteSlot::new());
    let notes = [Note {
        slot: &slot,
        write: &|out| out.extend(b"a note"),
    }];
    for (number, len) in (0..).zip(LENS) {
        let end = writer.append(&payload(1, number, len), &notes).unwrap();
        if number == 1 {
            head.save(&CursorState {
                position: end,
                mark: std::array::from_fn(|index| index as u8),
            });
        }
    }
    let copy = copy_journal(journal.dir().unwrap(), Path::new(&to));
    std::fs::rename(copy, Path::new(&to).join("j-1-00000000")).unwrap();
}

const LENS: [usize; 6] = [16, 17, 31, 32, 500, 5000];

/// Version 1: records, notes, positions, names and marks come out of the committed bytes as they went in.
#[test]
fn version_1_is_read() {
    GOLDEN.into_iter().for_each(is_read);
}

fn is_read(name: &str) {
    let root = tempfile::tempdir().unwrap();
    copy_journal(&golden(name), root.path());
    let found = inspect(root.path()).unwrap().remove(0);
    assert!(!found.is_corrupt() && found.newer.is_empty());
    assert_eq!((found.segments[0].records, found.segments[0].notes), (6, 2));
    let adopted = common::adopt(root.path());
    let names: Vec<_> = adopted.cursors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["file:/var/log/golden.log", "console"]);
    let head = adopted.cursor("file:/var/log/golden.log").unwrap().unwrap();
    let state = head.state();
    assert_eq!(state.mark, std::array::from_fn(|index| index as u8));
    assert_eq!(state.position, Position::new(1, 4096 + 32 + 32 + 32 + 48));
    let (entries, damage) = read_all(&mut head.reader());
    assert_eq!(damage, []);
    let notes: Vec<_> = entries
        .iter()
        .filter(|(kind, ..)| *kind == Kind::Note)
        .map(|(.., bytes)| bytes)
        .collect();
    assert_eq!(notes, [&b"preamble".to_vec(), &b"a note".to_vec()]);
    let data: Vec<_> = entries
        .iter()
        .filter(|(kind, ..)| *kind == Kind::Data)
        .map(|(.., bytes)| bytes)
        .collect();
    let expected: Vec<_> = (2..)
        .zip(&LENS[2..])
        .map(|(number, len)| payload(1, number, *len))
        .collect();
    assert_eq!(data, expected.iter().collect::<Vec<_>>());
}

/// A journal of a later version is left as it is, byte for byte, and reported; this process goes on beside it.
#[test]
fn a_later_version_is_untouched() {
    // Version 2: the frames may mean anything.
    is_untouched(|version| version[0] = 2);
}

/// Likewise one with a flag that a reader must know and this one does not.
#[test]
fn an_unknown_flag_is_untouched() {
    is_untouched(|version| version[4] |= 2);
    is_untouched(|version| version[7] |= 0x80);
}

fn is_untouched(change: impl Fn(&mut [u8])) {
    let root = tempfile::tempdir().unwrap();
    let dir = copy_journal(&golden("v1-folded"), root.path());
    let segment = inspect(root.path()).unwrap().remove(0).segments.remove(0).path;
    let mut bytes = std::fs::read(&segment).unwrap();
    for base in [0, bytes.len() - 128] {
        change(&mut bytes[base + 8..base + 16]);
        let check = xxhash_rust::xxh3::xxh3_64(&bytes[base..base + 56]);
        bytes[base + 56..base + 64].copy_from_slice(&check.to_le_bytes());
    }
    std::fs::write(&segment, &bytes).unwrap();
    let image = || {
        let names = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        names
            .map(|path| (std::fs::read(&path).unwrap(), path))
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = image();
    let found = hydra_journal::Adopted::all(root.path()).unwrap().remove(0);
    assert_eq!(found.unwrap_err().kind(), hydra_journal::ErrorKind::Newer);
    assert_eq!(inspect(root.path()).unwrap()[0].newer, [segment]);
    let (own, head) = journal(Some(root.path()), 4);
    save(&head, own.tail());
    assert!(own.close());
    assert!(before == image());
}

/// Damage in old files is named as it would be in new ones.
#[test]
fn damage_in_version_1_is_seen() {
    GOLDEN.into_iter().for_each(damage_is_seen);
}

fn damage_is_seen(name: &str) {
    let root = tempfile::tempdir().unwrap();
    copy_journal(&golden(name), root.path());
    let segment = inspect(root.path()).unwrap().remove(0).segments.remove(0).path;
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[4096 + 32 + 32 + 20] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let found = inspect(root.path()).unwrap().remove(0);
    assert!(found.is_corrupt());
    assert_eq!(
        (found.damage[0].kind, found.damage[0].at),
        (DamageKind::Corrupt, Position::new(1, 4096 + 64))
    );
}
