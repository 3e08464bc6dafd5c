//! A damaged file is kept when its journal goes; a sound one is not.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{SEGMENT, adopt, copy_journal, data_of, journal, payload, save};
use hydra_journal::{DAMAGED_FILES_MAX, damaged_files, inspect};

const RECORDS: u64 = 150;

/// What a dead process left under `root`; returns the files of its segments.
fn left(root: &Path) -> Vec<PathBuf> {
    let live = tempfile::tempdir().unwrap();
    let (journal, _head) = journal(Some(live.path()), 6);
    let mut writer = journal.writer();
    for number in 0..RECORDS {
        writer.append(&payload(1, number, 600), &[]).unwrap();
    }
    copy_journal(journal.dir().unwrap(), root);
    let found = inspect(root).unwrap().remove(0);
    found.segments.into_iter().map(|segment| segment.path).collect()
}

/// Delivers everything that can be and removes the journal; returns how many records there were, and what was kept.
fn deliver(root: &Path) -> (usize, Vec<PathBuf>) {
    let adopted = adopt(root);
    let head = adopted.cursor("head").unwrap().unwrap();
    let count = data_of(&mut head.reader()).len();
    save(&head, adopted.end());
    assert!(adopted.remove_if_done().unwrap());
    assert!(!adopted.dir().exists());
    (count, adopted.kept())
}

/// Whatever damage a segment has, its file is kept as it was found, and told; of a sound journal nothing is.
#[test]
fn as_it_was_found() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change, bool); 7] = [
        ("nothing", |_| {}, false),
        ("a record", |bytes| bytes[6000] ^= 1, true),
        ("a page", |bytes| bytes[8192..12288].fill(0), true),
        ("the first page", |bytes| bytes[4096..8192].fill(0), true),
        ("the first header", |bytes| bytes[40] ^= 1, true),
        ("the second header", |bytes| bytes[SEGMENT - 128] ^= 1, true),
        ("the end", |bytes| bytes.truncate(9999), true),
    ];
    for (what, change, is_kept) in changes {
        let root = tempfile::tempdir().unwrap();
        let path = left(root.path()).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let (count, kept) = deliver(root.path());
        assert!(count <= RECORDS as usize && count > 50, "{what}: {count} records");
        assert_eq!(kept.len(), usize::from(is_kept), "{what}");
        assert_eq!(damaged_files(root.path()).unwrap(), kept);
        assert!(kept.iter().all(|path| fs::read(path).unwrap() == bytes), "{what}");
        assert!(inspect(root.path()).unwrap().is_empty());
    }
}

/// What a producer had reserved and not filled when the process died is no damage; nor is a table of cursors that was
/// not made yet.
#[test]
fn a_hole_is_none() {
    let root = tempfile::tempdir().unwrap();
    let path = left(root.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    // The first record: nothing of it is there yet.
    bytes[4096..4096 + 300].fill(0);
    bytes[4096 + 300..4096 + 616].fill(7);
    fs::write(&path, &bytes).unwrap();
    fs::write(path.with_file_name("cursors"), b"").unwrap();
    let (count, kept) = deliver(root.path());
    assert_eq!((count, kept.len()), (RECORDS as usize - 1, 0));
}

/// There are never more than a few of them: the oldest go.
#[test]
fn a_few_of_them() {
    let root = tempfile::tempdir().unwrap();
    let mut last = PathBuf::new();
    for round in 0..DAMAGED_FILES_MAX + 3 {
        let path = left(root.path()).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[6000] ^= 1;
        fs::write(&path, &bytes).unwrap();
        last = deliver(root.path()).1.remove(0);
        let kept = damaged_files(root.path()).unwrap();
        assert_eq!(kept.len(), DAMAGED_FILES_MAX.min(round + 1));
        assert!(kept.contains(&last));
    }
    assert_eq!(damaged_files(root.path()).unwrap().last(), Some(&last));
}

/// A file that somebody cut to less than a header cannot say what it was: that is told, and it stays where it is.
#[test]
fn less_than_a_header() {
    for len in [1, 7, 8, 100, 127] {
        let root = tempfile::tempdir().unwrap();
        let path = left(root.path()).pop().unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..len]).unwrap();
        let adopted = adopt(root.path());
        assert_eq!(adopted.unreadable().len(), 1, "{len} bytes");
        let head = adopted.cursor("head").unwrap().unwrap();
        save(&head, adopted.end());
        assert!(!adopted.remove_if_done().unwrap());
        assert_eq!(fs::read(&path).unwrap(), bytes[..len]);
    }
}
