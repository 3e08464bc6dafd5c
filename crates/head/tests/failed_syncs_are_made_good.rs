//! Promises about destinations whose sync fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::{LONG, Program, adopt, messages};
use hydra_head::{Head, SyncPolicy};
use hydra_record::Level;
use hydra_sink::Memory;

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// Where every write is synced, a record counts as delivered only when a sync has covered it: what a failed one took is
/// written again, in order, and once.
#[test]
fn every_write_is_synced_before_it_counts() {
    let (program, memory) = (Program::start(), Memory::new());
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.sync = SyncPolicy::EveryWrite;
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    for number in 0..300u64 {
        if number % 10 == 3 {
            memory.fail_syncs(1 + number % 3);
        }
        program.log(1, Level::Info, &number.to_string());
        if number % 7 == 0 {
            program.settle(&head);
            assert_eq!(memory.records().len() as u64, number + 1);
        }
    }
    program.settle(&head);
    assert_eq!(messages(&memory), numbers(0..300));
    let counts = head.counts();
    assert!(!memory.lost().is_empty() && counts.failures > 0 && counts.last_error.is_some());
    assert_eq!((counts.delivered, counts.rewritten, counts.failing), (300, 0, false));
}

/// When records that were promised to survive a power loss are about to leave the journal, and the destination's sync
/// fails, everything since the last successful one is written again before the journal may forget it.
#[test]
fn a_failed_checkpoint_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (program, memory) = (Program::on_disk(dir.path()), Memory::new());
    let head = program.head(0, Level::Trace, &memory);
    let mut total = 0;
    for round in 0..5u64 {
        for _ in 0..400 {
            program.log(1, Level::Info, &total.to_string());
            total += 1;
        }
        program.settle(&head);
        memory.fail_syncs(round);
        let syncs = memory.syncs();
        program.journal.sync_to(program.journal.tail()).unwrap();
        program.journal.ask_checkpoint();
        while memory.syncs() == syncs {
            head.nudge();
            std::thread::yield_now();
        }
        assert_eq!(messages(&memory), numbers(0..total));
    }
    let counts = head.counts();
    assert_eq!((counts.delivered, counts.settled()), (total, total));
    assert_eq!(counts.rewritten, 400 * (1 + 2 + 3 + 4));
}

/// A head that is stopped before it could write them again leaves the records to the next process, which delivers each.
#[test]
fn the_next_process_writes_what_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    {
        let program = Program::on_disk(dir.path());
        let head = program.head(0, Level::Trace, &memory);
        for number in 0..1000 {
            program.log(1, Level::Info, &number.to_string());
        }
        program.settle(&head);
        memory.fail_syncs(u64::MAX);
        program.journal.sync_to(program.journal.tail()).unwrap();
        program.journal.ask_checkpoint();
        while head.counts().rewritten == 0 {
            head.nudge();
            std::thread::yield_now();
        }
        head.stop();
        assert!(head.join(LONG));
        assert!(head.counts().failing);
        drop(head);
        assert!(!program.journal.close(), "what is not synced stays in the journal");
    }
    memory.fail_syncs(1);
    let adopted = adopt(dir.path());
    assert_eq!(adopted.len(), 1);
    let program = Program::start();
    let spec = program.spec(0, Level::Trace, &memory, None);
    let head = Head::start(spec, &program.journal, &adopted).unwrap();
    assert!(head.wait_recovered(LONG) && head.is_recovered());
    // What a failed sync had not yet taken away when the head was stopped stands there still.
    let mut found = messages(&memory);
    found.sort_by_key(|message| message.parse::<u64>().unwrap());
    found.dedup();
    assert_eq!(found, numbers(0..1000));
    assert!(memory.syncs() > 0 && !head.counts().failing);
}

/// A successor with another sink does not vouch for what the one before it has written: that one syncs before it ends.
#[test]
fn a_head_that_hands_over_syncs() {
    let (program, memory, other) = (Program::start(), Memory::new(), Memory::new());
    let head = program.head(0, Level::Trace, &memory);
    program.log(1, Level::Info, "0");
    program.settle(&head);
    let next = head.succeed(program.spec(0, Level::Trace, &other, None)).unwrap();
    memory.fail_syncs(1);
    head.stop();
    assert!(head.join(LONG));
    assert_eq!(memory.lost().len(), 1);
    assert!(
        other.wait_for_records(1, LONG),
        "what its failed sync has put in doubt is written by the next"
    );
    program.log(1, Level::Info, "1");
    program.settle(&next);
    assert_eq!(messages(&other), numbers(0..2));
    assert_eq!((next.counts().delivered, next.counts().rewritten), (2, 1));
}

/// Within the time it was told to, a head syncs what it has written, and a failure there costs nothing either.
#[test]
fn syncs_within_a_time() {
    let (program, memory) = (Program::start(), Memory::new());
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.sync = SyncPolicy::Within(Duration::from_millis(1));
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    memory.fail_syncs(2);
    for number in 0..100 {
        program.log(1, Level::Info, &number.to_string());
    }
    while memory.syncs() == 0 {
        head.nudge();
        std::thread::yield_now();
    }
    program.settle(&head);
    assert_eq!(messages(&memory), numbers(0..100));
}
