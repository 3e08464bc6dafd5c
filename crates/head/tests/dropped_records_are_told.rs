//! Promises of `overflow = "drop_oldest"`.
#![allow(clippy::unwrap_used)]

mod common;

use common::{LONG, Program, messages};
use hydra_head::{Head, Overflow};
use hydra_record::Level;
use hydra_sink::Memory;

/// A head that gives up its oldest records makes room, keeps the guaranteed ones, and tells what is missing: what is
/// delivered and what is counted as dropped are together what was logged, and nothing is both.
#[test]
fn what_is_dropped_is_counted_and_told() {
    let program = Program::small();
    let memory = Memory::new();
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.overflow = Overflow::DropOldest;
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    memory.block();
    program.log(1, Level::Info, "0");
    assert!(memory.wait_until_held(LONG));

    let total = 50_000u64;
    for number in 1..total {
        let level = if number == 40_000 { Level::Error } else { Level::Info };
        while program.try_log(1, level, &number.to_string()).is_err() {
            head.drop_oldest();
            if head.counts().dropped > 0 && head.needed_from() >= program.error_at() {
                // The guaranteed record is next: only delivering it makes room.
                memory.unblock();
            }
            program.journal.wait_until_room(std::time::Duration::from_millis(20));
        }
    }
    memory.unblock();
    program.settle(&head);
    let counts = head.counts();
    assert!(counts.dropped > 0, "the journal is far smaller than what was logged");
    assert_eq!(counts.delivered + counts.dropped, total);
    let told = messages(&memory);
    let numbers: Vec<u64> = told.iter().filter_map(|message| message.parse().ok()).collect();
    assert_eq!(numbers.len() as u64, counts.delivered);
    assert!(numbers.is_sorted_by(|a, b| a < b), "in order, none twice");
    assert!(numbers.contains(&40_000), "a guaranteed record is never dropped");
    let summed: u64 = told
        .iter()
        .filter_map(|m| m.strip_suffix(" records dropped because the journal was full"))
        .map(|n| n.parse::<u64>().unwrap())
        .sum();
    assert_eq!(summed, counts.dropped, "every drop is told in band");
}

/// A guaranteed record that the head has read and cannot deliver stays in the journal, and so do those around it.
#[test]
fn a_guaranteed_record_in_hand_stays_in_the_journal() {
    let program = Program::small();
    let memory = Memory::new();
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.overflow = Overflow::DropOldest;
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    memory.block();
    program.log(1, Level::Error, "guaranteed");
    assert!(memory.wait_until_held(LONG));
    let mut total = 1u64;
    while program.try_log(1, Level::Info, "another").is_ok() {
        total += 1;
    }
    let needed = head.needed_from();
    for _ in 0..10 {
        head.drop_oldest();
    }
    assert_eq!((head.counts().dropped, head.needed_from()), (0, needed));
    memory.unblock();
    program.settle(&head);
    assert_eq!(head.counts().delivered, total);
}

/// Drops after which no record comes are told as well.
#[test]
fn the_last_drops_are_told() {
    let program = Program::start();
    let memory = Memory::new();
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.overflow = Overflow::DropNewest;
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    program.log(1, Level::Info, "before");
    program.settle(&head);
    head.drop_newest(7);
    head.stop();
    assert!(head.join(LONG));
    assert_eq!(
        messages(&memory),
        ["before", "1 records dropped because the journal was full"]
    );
}
