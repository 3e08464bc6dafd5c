//! A head is retired, or hands its work over to another one, while records go on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Flaky, LONG, Program, adopt, messages};
use hydra_head::{Head, Overflow, Spec, SyncPolicy};
use hydra_os::clock::Deadline;
use hydra_record::Level;
use hydra_sink::{Batch, Begun, Error, FileOptions, FileSink, Mark, Memory, MemorySink, Sink};

/// A retired head delivers what is before its end, then ends, and no longer keeps the journal.
#[test]
fn a_retired_head_drains_and_goes() {
    let program = Program::start();
    let memory = Memory::new();
    memory.fail(3, std::io::ErrorKind::Other);
    let head = program.head(0, Level::Info, &memory);
    for number in 0..100 {
        program.log(1, Level::Info, &number.to_string());
    }
    head.retire(program.journal.turn());
    while head
        .poll_delivered(program.journal.tail(), std::task::Waker::noop())
        .is_none()
    {
        std::thread::yield_now();
    }
    assert!(head.join(LONG) && head.is_removed() && !head.keep());
    assert_eq!(messages(&memory).len(), 100);
    assert!(program.journal.cursors().is_empty());
    let again = program.head(0, Level::Info, &memory);
    program.log(1, Level::Info, "again");
    program.settle(&again);
    assert_eq!(messages(&memory).last().unwrap(), "again");
    assert_eq!((head.counts().delivered, again.counts().delivered), (100, 1));
}

/// Whoever takes over goes on where the other one was, with its counts: each record is delivered by one of them, in
/// order, also when they are stopped before they have begun.
#[test]
fn a_successor_goes_on() {
    let program = Program::start();
    let memory = Memory::new();
    let mut head = program.head(0, Level::Info, &memory);
    for number in 0..2_000 {
        program.log(1, Level::Info, &number.to_string());
        if number % 100 == 0 {
            // Retired or not, it is kept and gives way to the next one.
            if number % 200 == 0 {
                head.retire(hydra_journal::Position::END);
            }
            assert!(head.keep());
            let next = head
                .succeed(program.spec(number % 2 + 1, Level::Info, &memory, None))
                .unwrap();
            head.stop();
            head = next;
        }
    }
    program.settle(&head);
    let expected: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    assert_eq!(messages(&memory), expected);
    assert_eq!(head.counts().delivered, 2_000);
}

/// A successor of a head that may drop goes on in the middle of a long segment, too.
#[test]
fn a_successor_goes_on_far_into_a_segment() {
    let program = Program::start();
    let memory = Memory::new();
    let spec = || Spec {
        overflow: Overflow::DropOldest,
        ..program.spec(0, Level::Info, &memory, None)
    };
    let first = Head::start(spec(), &program.journal, &[]).unwrap();
    for number in 0..4_000 {
        program.log(1, Level::Info, &number.to_string());
    }
    program.settle(&first);
    assert!(first.delivered().offset() > 128 << 10, "further than one look goes");
    let next = first.succeed(spec()).unwrap();
    first.stop();
    program.log(1, Level::Info, "again");
    let until = Deadline::after(LONG);
    while next.delivered() < program.journal.tail() {
        assert!(!until.is_over(), "it never gets to where it is to go on");
        std::thread::yield_now();
    }
    assert_eq!(messages(&memory).last().unwrap(), "again");
}

/// A successor that is told to stop before it could begin lets go of its file while the one before goes on, which may
/// be about to open it; and it ends after that one all the same.
#[test]
fn a_successor_that_never_began_holds_no_file() {
    let program = Program::start();
    let (memory, dir) = (Memory::new(), tempfile::tempdir().unwrap());
    let file = |max_size| {
        FileSink::shared(FileOptions {
            max_size: Some(max_size),
            ..FileOptions::new(dir.path().join("a.log"))
        })
    };
    let first = program.head(0, Level::Info, &memory);
    let next = first.succeed(Spec {
        sink: Box::new(file(20_000).unwrap()),
        ..program.spec(1, Level::Info, &memory, None)
    });
    let next = next.unwrap();
    assert!(file(2_000).is_err(), "it has the file");
    next.stop();
    let until = Deadline::after(LONG);
    while file(2_000).is_err() {
        assert!(!until.is_over(), "it never lets go of the file");
        std::thread::yield_now();
    }
    assert!(!next.join(Duration::ZERO));
    program.log(1, Level::Info, "by the first");
    program.settle(&first);
    first.stop();
    assert!(next.join(LONG));
    assert_eq!(messages(&memory), ["by the first"]);
}

/// What a head had in hand when it handed over, and was given up by then, is counted by the next one.
#[test]
fn a_successor_counts_what_was_given_up_in_hand() {
    let program = Program::small();
    let memory = Memory::new();
    let spec = || Spec {
        overflow: Overflow::DropOldest,
        ..program.spec(0, Level::Info, &memory, None)
    };
    memory.fail(u64::MAX, std::io::ErrorKind::Other);
    let first = Head::start(spec(), &program.journal, &[]).unwrap();
    let mut total = 0;
    while first.counts().failures == 0 {
        program.log(1, Level::Info, "in hand, some of them");
        total += 1;
    }
    for _ in 0..20_000 {
        while program.try_log(1, Level::Info, "one more").is_err() {
            first.drop_oldest();
            program.journal.wait_until_room(std::time::Duration::from_millis(20));
        }
        total += 1;
    }
    let next = first.succeed(spec()).unwrap();
    first.stop();
    memory.fail(0, std::io::ErrorKind::Other);
    program.settle(&next);
    let counts = next.counts();
    assert!(counts.dropped > 0 && counts.delivered > 0);
    assert_eq!(counts.delivered + counts.dropped, total);
}

/// A head that has gone holds nothing of what dead processes left: one of its name can come back at once.
#[test]
fn a_head_that_has_gone_can_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    let dead = Program::on_disk(dir.path());
    dead.journal.cursor("head 0").unwrap();
    dead.log(1, Level::Info, "left");
    drop(dead);
    let adopted = adopt(dir.path());
    assert_eq!(adopted.len(), 1);
    let program = Program::start();
    let start = || Head::start(program.spec(0, Level::Info, &memory, None), &program.journal, &adopted);
    let first = start().unwrap();
    assert!(first.wait_recovered(LONG));
    first.retire(program.journal.turn());
    let until = Deadline::after(LONG);
    while !first.is_removed() {
        assert!(!until.is_over(), "it never goes");
        std::thread::yield_now();
    }
    let second = start().unwrap();
    assert!(second.wait_recovered(LONG));
    assert_eq!(messages(&memory), ["left"]);
}

/// A sink that lets go of its place when it is told to.
#[derive(Debug)]
struct Clinging(MemorySink, Arc<AtomicBool>);

impl Sink for Clinging {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.0.begin(batch)
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        self.0.write(batch)
    }

    fn abandon(&mut self) {
        self.0.abandon();
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.0.sync()
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        self.0.resume(mark)
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        self.0.already(batch)
    }

    fn close(&mut self) -> Result<(), Error> {
        while !self.1.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        self.0.close()
    }
}

/// A head counts as gone when it has let go of its destination: a file can be opened with other options then.
#[test]
fn a_head_that_has_gone_leaves_its_place() {
    let program = Program::start();
    let lets_go = Arc::new(AtomicBool::new(false));
    let spec = Spec {
        sink: Box::new(Clinging(Memory::new().sink(), Arc::clone(&lets_go))),
        ..program.spec(0, Level::Info, &Memory::new(), None)
    };
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    head.retire(program.journal.turn());
    let until = Deadline::after(LONG);
    while !program.journal.cursors().is_empty() {
        assert!(!until.is_over(), "it never ends");
        std::thread::yield_now();
    }
    assert!(!head.keep(), "it is too late to stay");
    assert!(!head.is_removed(), "it has its place still");
    lets_go.store(true, Ordering::Release);
    assert!(head.join(LONG) && head.is_removed());
}

/// A head that is told to stop between a write and its sync leaves records that are there: its successor does not write
/// them again.
#[test]
fn a_successor_finds_what_was_written() {
    let (program, memory) = (Program::start(), Memory::new());
    let flaky = Flaky::failing_syncs(&memory, u64::MAX);
    let (failing, syncs) = (Arc::clone(&flaky.failing_syncs), Arc::clone(&flaky.syncs));
    let spec = |sink| Spec {
        sync: SyncPolicy::EveryWrite,
        sink,
        ..program.spec(0, Level::Trace, &memory, None)
    };
    let head = Head::start(spec(Box::new(flaky)), &program.journal, &[]).unwrap();
    program.log(1, Level::Info, "one");
    while syncs.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    head.stop();
    assert!(head.join(LONG));
    failing.store(0, Ordering::SeqCst);
    let next = head.succeed(spec(Box::new(memory.sink()))).unwrap();
    program.log(1, Level::Info, "two");
    program.settle(&next);
    assert_eq!(messages(&memory), ["one", "two"]);
    assert_eq!(next.counts().delivered, 2);
}

/// A head that hands over and cannot sync what it took leaves that to its successor, to be written again there: records
/// that were synced leave the journal only when a destination that has them is.
#[test]
fn a_successor_answers_for_what_is_not_synced() {
    let (dir, memory, other) = (tempfile::tempdir().unwrap(), Memory::new(), Memory::new());
    let program = Program::on_disk(dir.path());
    let flaky = Flaky::failing_syncs(&memory, 1);
    let spec = |sink| Spec {
        sink,
        ..program.spec(0, Level::Trace, &memory, None)
    };
    let head = Head::start(spec(Box::new(flaky)), &program.journal, &[]).unwrap();
    program.log(1, Level::Info, "one");
    program.settle(&head);
    program.journal.sync_to(program.journal.tail()).unwrap();
    let next = head.succeed(spec(Box::new(other.sink()))).unwrap();
    head.stop();
    assert!(head.join(LONG));
    program.journal.ask_checkpoint();
    while other.syncs() == 0 {
        next.nudge();
        std::thread::yield_now();
    }
    assert_eq!((memory.syncs(), messages(&other)), (0, vec!["one".to_owned()]));
}
