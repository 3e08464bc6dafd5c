//! Promises of filtering, order and retrying.
#![allow(clippy::unwrap_used)]

mod common;

use std::task::Waker;
use std::time::Duration;

use common::{LONG, Program, messages};
use hydra_record::Level;
use hydra_sink::Memory;

/// A head takes its layer's records from its level on, in the journal's order, and nothing else.
#[test]
fn filters_and_keeps_order() {
    let (program, memory) = (Program::start(), Memory::new());
    let head = program.head(0, Level::Warning, &memory);
    for number in 0..100 {
        program.log(1, Level::Warning, &format!("w{number}"));
        program.log(1, Level::Info, "too low");
        program.log(2, Level::Critical, "another layer");
    }
    program.settle(&head);
    assert_eq!(
        messages(&memory),
        (0..100).map(|number| format!("w{number}")).collect::<Vec<_>>()
    );
    assert_eq!(head.counts().delivered, 100);
}

/// A write that fails is tried again until it succeeds: nothing is lost, doubled or out of order.
#[test]
fn failed_writes_are_tried_again() {
    let (program, memory) = (Program::start(), Memory::new());
    let head = program.head(0, Level::Trace, &memory);
    for number in 0..1000 {
        if number % 100 == 7 {
            memory.fail(3, std::io::ErrorKind::StorageFull);
        }
        memory.limit_records(1 + number % 5);
        program.log(1, Level::Info, &number.to_string());
    }
    program.settle(&head);
    assert_eq!(
        messages(&memory),
        (0..1000).map(|number| number.to_string()).collect::<Vec<_>>()
    );
    let counts = head.counts();
    assert_eq!(counts.delivered, 1000);
    assert!(counts.last_error.is_some() == (counts.failures > 0));
}

/// A blocked destination delays no other, and has everything once it goes on.
#[test]
fn one_blocked_head_delays_no_other() {
    let (program, slow, fast) = (Program::start(), Memory::new(), Memory::new());
    let _heads = [
        program.head(0, Level::Trace, &slow),
        program.head(1, Level::Trace, &fast),
    ];
    slow.block();
    program.log(1, Level::Info, "first");
    assert!(slow.wait_until_held(LONG));
    for number in 0..5000 {
        program.log(1, Level::Info, &number.to_string());
    }
    assert!(
        fast.wait_for_records(5001, LONG),
        "the healthy one has everything while the other is blocked"
    );
    assert_eq!(slow.writes(), 0);
    slow.unblock();
    assert!(slow.wait_for_records(5001, LONG));
    assert_eq!(messages(&slow), messages(&fast));
}

/// A head that is stopped leaves the rest in the journal, where it can be read.
#[test]
fn stopping_leaves_the_rest_in_the_journal() {
    let (program, memory) = (Program::start(), Memory::new());
    let head = program.head(0, Level::Trace, &memory);
    program.log(1, Level::Info, "delivered");
    program.settle(&head);
    head.stop();
    assert!(head.join(LONG));
    program.log(1, Level::Info, "left");
    program.log(2, Level::Info, "not ours");
    let mut left = Vec::new();
    assert_eq!(head.pending().for_each(|record| left.push(record.message())), 1);
    assert_eq!(left, ["left"]);
}

/// A head that has slept for want of records wakes for the next one.
#[test]
fn a_sleeping_head_wakes() {
    let (program, memory) = (Program::start(), Memory::new());
    let _head = program.head(0, Level::Trace, &memory);
    // Longer idle times than a head polls for; the promise is that none of them is for ever.
    for number in 1..20 {
        program.log(1, Level::Info, "ping");
        assert!(memory.wait_for_records(number, LONG));
        std::thread::park_timeout(std::time::Duration::from_millis(number as u64 * 3));
    }
}

/// While a destination fails its fallback takes every record, in order, once; the failures and the way taken are
/// counted.
#[test]
fn the_fallback_takes_what_the_destination_does_not() {
    let (program, broken, second) = (Program::start(), Memory::new(), Memory::new());
    broken.fail(u64::MAX, std::io::ErrorKind::PermissionDenied);
    let head = program.head_with_fallback(0, Level::Trace, &broken, Some(&second));
    for number in 0..500 {
        program.log(1, Level::Info, &number.to_string());
    }
    program.settle(&head);
    assert_eq!(
        messages(&second),
        (0..500).map(|number| number.to_string()).collect::<Vec<_>>()
    );
    assert!(broken.records().is_empty());
    let counts = head.counts();
    assert_eq!((counts.delivered, counts.fell_back), (0, 500));
    assert!(counts.failures >= 3 && counts.last_error.is_some());
}

/// A destination that fails for less than the tries allowed loses nothing to its fallback.
#[test]
fn the_fallback_is_left_alone_for_a_passing_failure() {
    let (program, flaky, second) = (Program::start(), Memory::new(), Memory::new());
    flaky.fail(2, std::io::ErrorKind::StorageFull);
    let head = program.head_with_fallback(0, Level::Trace, &flaky, Some(&second));
    program.log(1, Level::Info, "once");
    program.settle(&head);
    assert_eq!(messages(&flaky), ["once"]);
    assert!(second.records().is_empty());
}

/// A head whose destination nobody reads any more has settled once it has given up everything, not when it begins to.
#[test]
fn giving_up_is_waited_for() {
    let (program, memory) = (Program::start(), Memory::new());
    memory.fail(2, std::io::ErrorKind::BrokenPipe);
    memory.block();
    let head = program.head(0, Level::Trace, &memory);
    program.log(1, Level::Info, "first");
    assert!(memory.wait_until_held(LONG));
    program.log(1, Level::Info, "second");
    let tail = program.journal.tail();
    assert!(
        memory.step(LONG) && memory.wait_until_held(LONG),
        "it is held at the second"
    );
    assert!(matches!(head.poll_delivered(tail, Waker::noop()), Some(Err(_))));
    assert!(!head.wait_settled(tail, Duration::ZERO));
    memory.unblock();
    assert!(head.wait_settled(tail, LONG));
    assert_eq!((head.counts().discarded, head.account().1), (2, 0));
}

/// A head that has ended has settled: nothing more comes of waiting for it.
#[test]
fn one_that_has_ended_is_not_waited_for() {
    let (program, memory) = (Program::start(), Memory::new());
    memory.block();
    let head = program.head(0, Level::Trace, &memory);
    program.log(1, Level::Info, "first");
    assert!(memory.wait_until_held(LONG));
    program.log(1, Level::Info, "second");
    head.stop();
    memory.unblock();
    assert!(head.wait_settled(program.journal.tail(), LONG));
    assert_eq!(head.counts().delivered, 1);
}
