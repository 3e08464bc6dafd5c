//! A head is retired, or hands its work over to another one, while records go on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{LONG, Program, messages};
use hydra_record::Level;
use hydra_sink::Memory;

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
