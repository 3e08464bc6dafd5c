//! A head that sleeps looks again whenever the journal's tail has moved, be it that nothing was appended: then it has
//! everything, and the journal is at rest. Nobody else has to wake it.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{journal, payload, save};
use hydra_journal::{Batch, Cursor, ErrorKind, Journal, Position, Read};
use hydra_os::clock::Deadline;

/// Only a failing test waits that long.
const SLEEPS: Duration = Duration::from_secs(60);

/// Reads and sleeps until there is something behind `end`; false when nobody has woken it.
fn follow(head: &Cursor, end: Position, is_asleep: &AtomicBool) -> bool {
    let (mut reader, mut batch) = (head.reader(), Batch::default());
    while reader.position() <= end {
        if let Read::Empty(tail) = reader.read(&mut batch, 1 << 20) {
            let since = Deadline::after(SLEEPS);
            is_asleep.store(true, Ordering::Relaxed);
            head.park(7, tail, SLEEPS);
            if since.is_over() {
                return false;
            }
        }
        save(head, reader.position());
    }
    true
}

/// Has a head follow the journal while `move_tail` does something, and checks that it has everything then.
fn check(journal: &Journal, end: Position, move_tail: impl FnOnce()) {
    let head = journal.cursor("asleep").unwrap();
    let is_asleep = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let follows = scope.spawn(|| follow(&head, end, &is_asleep));
        while !is_asleep.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        move_tail();
        assert!(follows.join().unwrap(), "nobody rang");
    });
    assert_eq!(head.delivered().reached(), journal.tail());
}

/// Its segment is ended and replaced, because the journal's directory was removed.
#[test]
fn a_segment_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    // One that is behind: there is something to look after.
    let (journal, behind) = journal(Some(root.path()), 32);
    let end = journal.writer().append(&payload(0, 0, 1000), &[]).unwrap();
    check(&journal, end, || {
        std::fs::remove_dir_all(journal.dir().unwrap()).unwrap()
    });
    drop(behind);
}

/// Its segment is full, and there is no room for another.
#[test]
fn there_is_no_room() {
    let (journal, behind) = journal(None, 4);
    let mut writer = journal.writer();
    let mut end = journal.tail();
    // The quota's last segment, nearly to its end.
    while end < Position::new(4, common::SEGMENT as u32 - 2_000) {
        end = writer.append(&payload(0, 0, 500), &[]).unwrap();
    }
    check(&journal, end, || {
        let error = writer.append(&payload(0, 0, 8_000), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
    });
    drop(behind);
}
