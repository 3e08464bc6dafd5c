//! Somebody empties the end of a dead process's journal: what is left is delivered, and that there had been more is
//! told.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Entry, adopt, check, copy_journal, journal, payload, read_all, save};
use hydra_journal::{Damage, DamageKind, Journal, Kind, Position, inspect};
use hydra_os::clock::Deadline;

const PAGE: u64 = 4096;

/// Records `numbers`; returns where the last one ends.
fn append(journal: &Journal, numbers: std::ops::Range<u64>) -> Position {
    let mut writer = journal.writer();
    let ends = numbers.map(|number| writer.append(&payload(0, number, 1000), &[]).unwrap());
    ends.last().unwrap()
}

/// A journal that was left with records for its head: 120 in three segments, then twenty from a fresh page on.
fn leave(root: &Path) {
    let (journal, head) = journal(Some(root), 16);
    let synced = append(&journal, 0..120);
    journal.sync_to(synced).unwrap();
    while journal.synced().reached() < synced {
        std::thread::yield_now();
    }
    append(&journal, 120..140);
    drop(head);
    assert!(!journal.close());
}

fn segments(root: &Path) -> Vec<(PathBuf, u64)> {
    let found = inspect(root).unwrap().remove(0).segments;
    found.into_iter().map(|segment| (segment.path, segment.used)).collect()
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    let data = entries.iter().filter(|(kind, ..)| *kind == Kind::Data);
    data.map(|(.., bytes)| check(bytes).1).collect()
}

/// What the head finds, and what is told; whoever looks from outside is told the same.
fn read(root: &Path) -> (Vec<u64>, Vec<Damage>) {
    let told = inspect(root).unwrap().remove(0).damage;
    let adopted = adopt(root);
    let (entries, damage) = read_all(&mut adopted.cursor("head").unwrap().unwrap().reader());
    let places = |damage: &[Damage]| -> Vec<_> { damage.iter().map(|damage| (damage.at, damage.kind)).collect() };
    assert_eq!(places(&damage), places(&told));
    (numbers(&entries), damage)
}

fn zero(path: &Path, from: u64, to: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&vec![0; (to - from) as usize], from).unwrap();
}

/// Nothing is told of a journal that is whole, and it goes when its head has everything.
#[test]
fn nothing_is_missing() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    let (found, damage) = read(root.path());
    assert_eq!((found.len(), damage), (140, Vec::new()));
    let adopted = adopt(root.path());
    let head = adopted.cursor("head").unwrap().unwrap();
    save(&head, adopted.end());
    assert!(adopted.remove_if_done().unwrap());
}

/// The last segments are cut to nothing, or removed, one or all of them.
#[test]
fn segments_are_gone() {
    for gone in 1..=3 {
        for is_removed in [true, false] {
            let root = tempfile::tempdir().unwrap();
            leave(root.path());
            let all = segments(root.path());
            assert_eq!(all.len(), 3);
            for (path, _) in &all[3 - gone..] {
                if is_removed {
                    std::fs::remove_file(path).unwrap();
                } else {
                    OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
                }
            }
            let (found, damage) = read(root.path());
            assert!(found.iter().copied().eq(0..found.len() as u64) && found.len() < 120);
            assert_eq!(found.is_empty(), gone == 3);
            let kinds: Vec<_> = damage.iter().map(|damage| damage.kind).collect();
            assert_eq!(kinds, [DamageKind::Missing], "{gone} gone: {damage:?}");
        }
    }
}

/// The last pages of the last segment are zeros.
#[test]
fn pages_are_zeroed() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    let (path, used) = segments(root.path()).pop().unwrap();
    // Those from the page on that the last records begin: no frame reaches into it.
    let bytes = std::fs::read(&path).unwrap();
    let is_begin = |at: &u64| {
        let record = &bytes[*at as usize + 16..*at as usize + 32];
        record == &payload(0, 120, 1000)[..16]
    };
    let from = (PAGE..used).step_by(PAGE as usize).find(is_begin).unwrap();
    zero(&path, from, used.next_multiple_of(PAGE));
    let (found, damage) = read(root.path());
    assert_eq!(found, (0..120).collect::<Vec<_>>());
    let kinds: Vec<_> = damage.iter().map(|damage| damage.kind).collect();
    assert_eq!(kinds, [DamageKind::Corrupt], "{damage:?}");
    assert_eq!(damage[0].at.offset() as u64, from);
}

/// A process that is killed leaves word, too: of what it had appended a moment before.
#[test]
fn of_the_killed() {
    let root = tempfile::tempdir().unwrap();
    let (journal, _head) = journal(Some(root.path()), 16);
    append(&journal, 0..70);
    let until = Deadline::after(Duration::from_secs(60));
    loop {
        let copy = tempfile::tempdir().unwrap();
        copy_journal(journal.dir().unwrap(), copy.path());
        let (path, used) = segments(copy.path()).pop().unwrap();
        let (found, damage) = read(copy.path());
        assert_eq!((found.len(), damage), (70, Vec::new()));
        zero(&path, PAGE, used);
        let (found, damage) = read(copy.path());
        assert!(found.len() < 70);
        if damage.iter().any(|damage| damage.kind == DamageKind::Corrupt) {
            return;
        }
        assert!(!until.is_over(), "{damage:?}");
    }
}

/// What was left by a process of an earlier version, which left no word, ends where it ends.
#[test]
fn without_a_word() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    let dir = inspect(root.path()).unwrap().remove(0).dir;
    zero(&dir.join("cursors"), 40, 72);
    File::options()
        .write(true)
        .open(&segments(root.path())[2].0)
        .unwrap()
        .set_len(0)
        .unwrap();
    let (found, damage) = read(root.path());
    assert!(found.len() < 120 && damage.is_empty());
}
