#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::path::Path;
use std::task::Waker;

use hydra_os::atomic::{Ordering as MapOrdering, yield_now};

use super::*;
use crate::{Adopted, Batch, Cursor, CursorState, Damage, Journal, Kind, Options, Read, Reader, SEGMENT_BYTES_MIN};

fn journal(root: &Path) -> (Journal, Cursor) {
    let options = Options {
        dir: Some(root.to_owned()),
        segment_bytes: SEGMENT_BYTES_MIN,
        // Each rescue ends a segment, however full it is.
        quota_bytes: 256 * SEGMENT_BYTES_MIN as u64,
        ..Options::default()
    };
    let journal = Journal::create(options).unwrap();
    let head = journal.cursor("head").unwrap();
    (journal, head)
}

/// Says which of the next writes to the device fail.
fn fail(journal: &Journal, script: impl IntoIterator<Item = bool>) {
    *journal.shared().sync.script.lock().unwrap() = script.into_iter().collect();
}

fn sync(journal: &Journal, position: Position) -> Result<(), Error> {
    journal.sync_to(position).unwrap();
    loop {
        if let Some(result) = journal.synced().poll(position, Waker::noop()) {
            return result;
        }
        yield_now();
    }
}

fn append(journal: &Journal, numbers: std::ops::Range<u32>) -> Position {
    let mut writer = journal.writer();
    let mut append = |number: u32| writer.append(&number.to_le_bytes().repeat(50), &[]).unwrap();
    numbers.map(&mut append).last().unwrap()
}

/// Reads all there is: numbers, each checked against all of its payload, and what was stepped over.
fn read(reader: &mut Reader) -> (Vec<u32>, Vec<Damage>) {
    let (mut batch, mut numbers, mut damage) = (Batch::default(), Vec::new(), Vec::new());
    loop {
        match reader.read(&mut batch, 10_000) {
            Read::Some => {
                for frame in batch.frames().iter().filter(|frame| frame.kind == Kind::Data) {
                    let bytes = batch.payload(frame);
                    assert_eq!(bytes, bytes[..4].repeat(50));
                    numbers.push(u32::from_le_bytes(*bytes.first_chunk().unwrap()));
                }
                damage.extend_from_slice(batch.damage());
            }
            Read::Pending => yield_now(),
            Read::Empty(_) | Read::End => return (numbers, damage),
        }
    }
}

/// What another process finds after this one's death: the numbers behind the head's cursor, and the damage.
fn after_a_crash(journal: &Journal) -> (Vec<u32>, Vec<Damage>) {
    let (from, root) = (journal.dir().unwrap(), tempfile::tempdir().unwrap());
    let to = root.path().join(from.file_name().unwrap());
    disk::create_dir_all(&to).unwrap();
    for name in disk::list(from).unwrap() {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
    let adopted = Adopted::all(root.path()).unwrap().remove(0).unwrap();
    assert_eq!(adopted.unreadable(), []);
    read(&mut adopted.cursor("head").unwrap().unwrap().reader())
}

fn files_ending_in(journal: &Journal, end: &str) -> usize {
    let names = disk::list(journal.dir().unwrap()).unwrap();
    names
        .iter()
        .filter(|name| name.to_str().unwrap().ends_with(end))
        .count()
}

fn count(counter: &std::sync::atomic::AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// A sync that fails once costs nothing: the records are copied, synced, called synced; nobody reads or counts them
/// twice, in this process or after its death; and the poisoned file stays until they are delivered.
#[test]
fn a_failed_sync_is_made_good() {
    let root = tempfile::tempdir().unwrap();
    let (journal, head) = journal(root.path());
    let mut reader = head.reader();
    let end = append(&journal, 0..30);
    sync(&journal, end).unwrap();
    assert_eq!(read(&mut reader).0.len(), 30);
    let end = append(&journal, 30..60);
    fail(&journal, [true]);
    sync(&journal, end).unwrap();
    let metrics = journal.metrics();
    assert_eq!(
        [&metrics.segments_poisoned, &metrics.segments_rescued].map(count),
        [1, 1]
    );
    assert_eq!([&metrics.syncs_failed, &metrics.bytes_lost].map(count), [0, 0]);
    assert_eq!(files_ending_in(&journal, POISONED), 1);
    let end = append(&journal, 60..90);
    sync(&journal, end).unwrap();
    // A reader that was in the middle goes on, one that begins finds the same; so does the next process.
    assert_eq!(read(&mut reader), ((30..90).collect(), Vec::new()));
    assert_eq!(read(&mut head.reader()), ((0..90).collect(), Vec::new()));
    assert_eq!(after_a_crash(&journal), ((0..90).collect(), Vec::new()));
    head.save(&CursorState {
        position: reader.position(),
        ..CursorState::default()
    });
    head.checkpointed();
    while files_ending_in(&journal, POISONED) > 0 {
        head.checkpointed();
        yield_now();
    }
    assert!(journal.close());
}

/// While the device is dead, those who ask are told, nothing is called synced, no segment is used up, and records stay
/// where the next process finds them; when it works again, so does everything.
#[test]
fn a_dead_device_comes_back() {
    let root = tempfile::tempdir().unwrap();
    let (journal, head) = journal(root.path());
    let synced = append(&journal, 0..10);
    sync(&journal, synced).unwrap();
    let reached = journal.synced().reached();
    fail(&journal, std::iter::repeat_n(true, 1000));
    for round in 1..20 {
        let end = append(&journal, round * 10..round * 10 + 10);
        assert_eq!(sync(&journal, end).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(journal.synced().reached(), reached);
        assert!(journal.synced().failure().is_some());
    }
    let metrics = journal.metrics();
    assert_eq!(count(&metrics.segments_poisoned), 1);
    assert!(count(&metrics.segments_begun) <= 2 && count(&metrics.segments_rescued) == 0);
    assert_eq!(after_a_crash(&journal), ((0..200).collect(), Vec::new()));
    fail(&journal, []);
    let end = append(&journal, 200..210);
    sync(&journal, end).unwrap();
    assert!(journal.synced().failure().is_none());
    assert_eq!(count(&metrics.segments_rescued), 1);
    assert_eq!(read(&mut head.reader()), ((0..210).collect(), Vec::new()));
    assert_eq!(after_a_crash(&journal), ((0..210).collect(), Vec::new()));
}

/// Whichever write to the device fails on the way to a copy, and whether or not the process dies of it: every record
/// is there, once.
#[test]
fn a_rescue_that_fails_at_any_step() {
    for step in 0..12 {
        let root = tempfile::tempdir().unwrap();
        let (journal, head) = journal(root.path());
        let end = append(&journal, 0..300);
        // The first sync writes file, directory and map, each of which may be what fails first.
        let first = step % 3;
        let script = (0..first).map(|_| false).chain([true]);
        fail(&journal, script.chain((0..step / 3).map(|_| false)).chain([true]));
        let result = sync(&journal, end);
        assert_eq!(after_a_crash(&journal), ((0..300).collect(), Vec::new()), "step {step}");
        if result.is_err() {
            sync(&journal, end).unwrap();
        }
        assert_eq!(after_a_crash(&journal), ((0..300).collect(), Vec::new()), "step {step}");
        assert_eq!(read(&mut head.reader()), ((0..300).collect(), Vec::new()));
    }
}

/// Records that are appended, read and synced while syncs fail all the time are neither lost nor repeated nor out of
/// order.
#[test]
fn failing_under_load() {
    let root = tempfile::tempdir().unwrap();
    let (journal, head) = journal(root.path());
    let read = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3_u32)
            .map(|thread| {
                let journal = &journal;
                scope.spawn(move || {
                    for round in 0..20 {
                        let from = (thread << 16) + round * 10;
                        let end = append(journal, from..from + 10);
                        fail(journal, [round % 3 == 0, round % 4 == 0, false, round % 5 == 0]);
                        // An error is an answer as well.
                        let _ = sync(journal, end);
                    }
                })
            })
            .collect();
        let (mut reader, mut found) = (head.reader(), Vec::new());
        while !threads.iter().all(|thread| thread.is_finished()) {
            found.extend(read(&mut reader).0);
        }
        found.extend(read(&mut reader).0);
        found
    });
    fail(&journal, []);
    sync(&journal, journal.tail()).unwrap();
    assert!(count(&journal.metrics().segments_rescued) > 0);
    for found in [read, after_a_crash(&journal).0] {
        for thread in 0..3 {
            let own: Vec<_> = found.iter().copied().filter(|number| number >> 16 == thread).collect();
            assert_eq!(own, (thread << 16..(thread << 16) + 200).collect::<Vec<_>>());
        }
    }
}

/// What has gone from memory as well is not copied as if it were whole: it is counted, and reported to every reader.
#[test]
fn what_is_gone_is_reported() {
    let root = tempfile::tempdir().unwrap();
    let (journal, head) = journal(root.path());
    let from = append(&journal, 0..100);
    append(&journal, 100..110);
    let end = append(&journal, 110..300);
    let segment = journal.shared().log.segment_from(from.segment()).unwrap();
    // A word of one record's payload, and all of the next one's.
    let at = from.offset() as usize;
    segment.mapping.map.store(at + 64, 0, MapOrdering::Relaxed);
    segment.mapping.map.zero(at + 224 + 16, 200);
    fail(&journal, [true]);
    sync(&journal, end).unwrap();
    let whole: Vec<_> = (0..300).filter(|number| ![100, 101].contains(number)).collect();
    for (numbers, damage) in [read(&mut head.reader()), after_a_crash(&journal)] {
        assert_eq!(numbers, whole);
        assert_eq!(damage.len(), 1);
        assert_eq!((damage[0].at, damage[0].bytes), (from, 448));
    }
    assert_eq!(count(&journal.metrics().bytes_lost), 448);
    drop(segment);
}
