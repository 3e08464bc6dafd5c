//! The sink for tests does what tests ask of it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::io;
use std::time::Duration;

use common::{Lines, deliver};
use hydra_sink::{ErrorKind, Memory, Sink};

const LONG: Duration = Duration::from_secs(60);

/// Writes fail as often as asked, and then succeed.
#[test]
fn fails() {
    let memory = Memory::new();
    let mut sink = memory.sink();
    let lines = Lines::new(["one", "two"]);
    memory.fail(2, io::ErrorKind::BrokenPipe);
    for _ in 0..2 {
        assert_eq!(deliver(&mut sink, lines.batch()).unwrap_err().kind(), ErrorKind::Closed);
    }
    deliver(&mut sink, lines.batch()).unwrap();
    assert_eq!(memory.records(), [b"one\n", b"two\n"]);
    assert_eq!(
        (memory.writes(), sink.metrics().unwrap().counts().writes_failed),
        (1, 2)
    );
}

/// A blocked write waits until it is let go.
#[test]
fn blocks() {
    let memory = Memory::new();
    let mut sink = memory.sink();
    memory.block();
    let writer = std::thread::spawn(move || deliver(&mut sink, Lines::new(["one"]).batch()).unwrap());
    assert!(memory.wait_until_held(LONG));
    assert!(!memory.wait_for_records(1, Duration::ZERO));
    memory.unblock();
    assert!(memory.wait_for_records(1, LONG));
    writer.join().unwrap();
}

/// A sink resumes what another has written, in any batches.
#[test]
fn resumes() {
    let memory = Memory::new();
    let lines = Lines::numbered("line", 0..5);
    let mut sink = memory.sink();
    memory.limit_records(2);
    let mark = sink.begin(lines.batch()).unwrap().mark;
    drop(sink);
    deliver(&mut memory.sink(), lines.batch().take(3)).unwrap();
    assert_eq!(memory.writes(), 2);
    let mut sink = memory.sink();
    sink.resume(mark).unwrap();
    assert_eq!(sink.already(lines.batch().take(2)).unwrap(), 2);
    assert_eq!(sink.already(lines.batch().skip(2)).unwrap(), 1);
    assert_eq!(sink.already(lines.batch().skip(3)).unwrap(), 0);
    sink.sync().unwrap();
    assert_eq!(memory.syncs(), 1);
}

/// A record that is rejected takes its whole batch with it; others are taken.
#[test]
fn rejects() {
    let memory = Memory::new();
    let mut sink = memory.sink();
    memory.reject("two");
    let lines = Lines::new(["one", "two"]);
    let error = deliver(&mut sink, lines.batch()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    deliver(&mut sink, lines.batch().take(1)).unwrap();
    assert_eq!(memory.records(), [b"one\n"]);
}

/// A failed sync takes what was written since the last one, and the next is of what is written then.
#[test]
fn loses_what_is_not_synced() {
    let memory = Memory::new();
    let mut sink = memory.sink();
    deliver(&mut sink, Lines::new(["one"]).batch()).unwrap();
    sink.sync().unwrap();
    deliver(&mut sink, Lines::new(["two"]).batch()).unwrap();
    memory.fail_syncs(1);
    assert_eq!(sink.sync().unwrap_err().kind(), ErrorKind::Untrusted);
    assert_eq!(
        (memory.records(), memory.lost()),
        (vec![b"one\n".to_vec()], vec![b"two\n".to_vec()])
    );
    sink.sync().unwrap();
}

/// A sink that panics has written what comes before the record it panics at, and can be used again.
#[test]
fn panics() {
    let memory = Memory::new();
    let mut sink = memory.sink();
    memory.panic_at("two");
    let lines = Lines::new(["one", "two", "three"]);
    let write = std::panic::AssertUnwindSafe(|| deliver(&mut sink, lines.batch()));
    assert!(std::panic::catch_unwind(write).is_err());
    deliver(&mut sink, lines.batch().skip(2)).unwrap();
    assert_eq!(memory.records(), [&b"one\n"[..], b"three\n"]);
}
