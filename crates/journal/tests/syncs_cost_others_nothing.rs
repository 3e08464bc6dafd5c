//! A sync costs nothing but time of its own: whoever appends meanwhile, or after it, meets no page fault for it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::time::Duration;

use common::{options, save};
use hydra_journal::{Batch, Journal, Position, Read};

/// Longer than anything takes: a test that waits so long fails.
const LONG: Duration = Duration::from_secs(60);
/// So many segments are filled before it counts, so that all there are have been synced once.
const BEFORE: u32 = 60;
const SYNCS: u64 = 500;

/// How many page faults this thread has met.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // The name, in brackets, may hold anything; eight fields are between it and this one.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(7).unwrap().parse().unwrap()
}

/// Each sync leaves the next record a fresh page; that page can be written, whichever life of its file this is.
#[test]
fn fresh_pages_are_writable() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = Journal::create(options(Some(dir.path()), 100)).unwrap();
    let head = journal.cursor("head").unwrap();
    let (mut writer, mut reader, mut batch) = (journal.writer(), head.reader(), Batch::default());
    let mut append_and_sync = || {
        let position = writer.append(&[1; 1000], &[]).unwrap();
        journal.sync_to(position).unwrap();
        let end = hydra_os::clock::Deadline::after(LONG);
        while journal.synced().reached() < position {
            assert!(!end.is_over(), "nothing is synced");
            std::thread::yield_now();
        }
        while reader.read(&mut batch, 1 << 20) == Read::Some {}
        save(&head, reader.position());
        head.checkpointed();
    };
    while journal.tail() < Position::new(BEFORE, 0) {
        append_and_sync();
    }
    let recycled = || {
        journal
            .metrics()
            .segments_recycled
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let (lives, before) = (recycled(), faults());
    (0..SYNCS).for_each(|_| append_and_sync());
    let met = faults() - before;
    assert!(recycled() > lives, "segments are used again");
    // The system writes a page back of its own accord now and then, and segments are told from one another on the heap.
    assert!(met < SYNCS / 5, "{met} page faults in {SYNCS} syncs");
}
