//! Many threads append at once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Random, check, journal, payload, save};
use hydra_journal::{Batch, ErrorKind, Journal, Kind, Read, Writer};

const RECORDS_EACH: u64 = 100_000;

/// Appends, waiting for room as a caller that blocks does.
fn append(journal: &Journal, writer: &mut Writer, bytes: &[u8]) {
    loop {
        match writer.append(bytes, &[]) {
            Ok(_) => return,
            Err(error) if error.kind() == ErrorKind::Full => {
                journal.wait_until_room(Duration::from_secs(60));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Appends from `threads` threads through a journal far smaller than that, and checks what the head gets.
fn run(dir: Option<&std::path::Path>, threads: u32, large: bool) {
    let segments = if large { 12 } else { 4 };
    let (journal, cursor) = journal(dir, segments);
    let each = RECORDS_EACH;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (journal, done) = (&journal, &done);
            scope.spawn(move || {
                let (mut writer, mut random) = (journal.writer(), Random(u64::from(thread)));
                for number in 0..each {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    let bytes = payload(thread, number, 16 + random.below(120));
                    if large && random.below(2000) == 0 {
                        let bytes = payload(thread, number, SEGMENTS_LARGE);
                        while let Err(error) = journal.append_large(&bytes, &[]) {
                            assert_eq!(error.kind(), ErrorKind::Full, "{error}");
                            journal.wait_until_room(Duration::from_secs(60));
                        }
                    } else {
                        append(journal, &mut writer, &bytes);
                    }
                }
            });
        }
        // A failing check must not leave the producers waiting for room.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (mut reader, mut batch) = (cursor.reader(), Batch::default());
            let mut next = vec![0; threads as usize];
            let mut got = 0;
            while got < each * u64::from(threads) {
                match reader.read(&mut batch, 64 << 10) {
                    Read::Some => {
                        assert_eq!(batch.damage(), []);
                        for frame in batch.frames().iter().filter(|frame| frame.kind == Kind::Data) {
                            let (thread, number) = check(batch.payload(frame));
                            let expected = &mut next[thread as usize];
                            assert_eq!(number, *expected, "thread {thread} at {}", frame.position);
                            *expected += 1;
                            got += 1;
                        }
                        save(&cursor, reader.position());
                    }
                    Read::Empty(tail) => cursor.park(0, tail, Duration::from_secs(60)),
                    Read::Pending => std::thread::yield_now(),
                    Read::End => panic!("a living journal has no end"),
                }
            }
            assert_eq!(next, vec![each; threads as usize]);
        }));
        if let Err(failure) = result {
            done.store(true, Ordering::Relaxed);
            save(&cursor, hydra_journal::Position::END);
            journal.close();
            std::panic::resume_unwind(failure);
        }
    });
    assert_eq!(journal.records(), each * u64::from(threads));
    assert!(
        journal.bytes() <= segments * common::SEGMENT as u64,
        "{}",
        journal.bytes()
    );
    assert!(journal.metrics().segments_recycled.load(Ordering::Relaxed) > 0);
    assert!(journal.close(), "nothing is left");
}

const SEGMENTS_LARGE: usize = 3 * common::SEGMENT;

/// Through four tiny segments of memory, each thread's records arrive in order, none lost, none twice.
#[test]
fn four_threads_in_memory() {
    run(None, 4, false);
}

/// As in memory, so in files, with more threads than processors.
#[test]
fn thirty_two_threads_in_files() {
    let dir = tempfile::tempdir().unwrap();
    run(Some(dir.path()), 32, false);
    assert!(
        hydra_journal::inspect(dir.path()).unwrap().is_empty(),
        "the directory is removed"
    );
}

/// Records larger than a segment, in between, keep the order and the quota.
#[test]
fn large_ones_in_between() {
    let dir = tempfile::tempdir().unwrap();
    run(Some(dir.path()), 4, true);
}
