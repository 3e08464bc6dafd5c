//! Promises about a head's counters.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::ErrorKind;

use common::{LONG, Program, messages};
use hydra_head::{Head, Overflow, SyncPolicy};
use hydra_journal::Options;
use hydra_record::Level;
use hydra_sink::Memory;
use proptest::prelude::*;

/// What may go wrong in a test.
#[derive(Clone, Debug)]
struct Plan {
    overflow: Overflow,
    has_fallback: bool,
    keeps_dead_letters: bool,
    sync: SyncPolicy,
    /// Before the record with a number something happens.
    events: Vec<(u64, Event)>,
    /// Whether the head is stopped before it has delivered everything.
    stops: bool,
}

#[derive(Clone, Debug)]
enum Event {
    Fail(u64, ErrorKind),
    FallbackFails(u64),
    FailSyncs(u64),
    Limit(usize),
    Reject,
    PanicAt,
}

const RECORDS: u64 = 3_000;

fn plans() -> impl Strategy<Value = Plan> {
    let overflow = prop_oneof![
        Just(Overflow::Block),
        Just(Overflow::DropOldest),
        Just(Overflow::DropNewest)
    ];
    let kinds = prop_oneof![
        Just(ErrorKind::StorageFull),
        Just(ErrorKind::PermissionDenied),
        Just(ErrorKind::Other),
        Just(ErrorKind::BrokenPipe),
    ];
    let event = prop_oneof![
        (1..6u64, kinds).prop_map(|(count, kind)| Event::Fail(count, kind)),
        (1..4u64).prop_map(Event::FallbackFails),
        (1..4u64).prop_map(Event::FailSyncs),
        (1..40usize).prop_map(Event::Limit),
        Just(Event::Reject),
        Just(Event::PanicAt),
    ];
    let sync = prop_oneof![
        Just(SyncPolicy::Never),
        Just(SyncPolicy::Within(std::time::Duration::from_millis(1))),
        Just(SyncPolicy::EveryWrite),
    ];
    let events = proptest::collection::vec((0..RECORDS, event), 0..12);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (overflow, sync, events, flags).prop_map(|(overflow, sync, events, flags)| {
        let (has_fallback, keeps_dead_letters, stops) = flags;
        Plan {
            overflow,
            has_fallback,
            keeps_dead_letters,
            sync,
            events,
            stops,
        }
    })
}

/// Logs a record, and makes room or drops it as the head's policy says.
fn log(program: &Program, head: &Head, text: &str) {
    while program.try_log(1, Level::Info, text).is_err() {
        match head.overflow() {
            Overflow::Block => _ = program.journal.wait_until_room(LONG),
            Overflow::DropOldest => {
                head.drop_oldest();
                program.journal.wait_until_room(std::time::Duration::from_millis(1));
            }
            Overflow::DropNewest => return head.drop_newest(0),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever fails and whatever gives way: each record meant for the head is delivered, taken by the fallback, a
    /// dead letter, discarded, dropped or pending, and counted there exactly once; what is counted as delivered is
    /// there.
    #[test]
    fn everything_is_counted_once(plan in plans()) {
        let program = Program::with(Options { segment_bytes: 64 << 10, quota_bytes: 256 << 10, ..Options::default() });
        let (memory, second, dir) = (Memory::new(), Memory::new(), tempfile::tempdir().unwrap());
        let mut spec = program.spec(0, Level::Trace, &memory, plan.has_fallback.then_some(&second));
        (spec.overflow, spec.sync) = (plan.overflow, plan.sync);
        spec.dead_letter = plan.keeps_dead_letters.then(|| dir.path().join("dead"));
        let head = Head::start(spec, &program.journal, &[]).unwrap();
        for number in 0..RECORDS {
            let text = format!("<{number}> {}", "x".repeat(200));
            for (_, event) in plan.events.iter().filter(|(at, _)| *at == number) {
                match event {
                    Event::Fail(count, kind) => memory.fail(*count, *kind),
                    Event::FallbackFails(count) => second.fail(*count, ErrorKind::Other),
                    Event::FailSyncs(count) => memory.fail_syncs(*count),
                    Event::Limit(count) => memory.limit_records(*count),
                    Event::Reject => memory.reject(format!("<{number}>")),
                    Event::PanicAt => memory.panic_at(format!("<{number}>")),
                }
            }
            log(&program, &head, &text);
        }
        if !plan.stops {
            while head.needed_from() < program.journal.tail() {
                std::thread::yield_now();
            }
        }
        head.stop();
        prop_assert!(head.join(LONG));
        head.count_lost_in_hand();
        let counts = head.counts();
        let pending = head.pending().for_each(|_| {});
        prop_assert_eq!(counts.settled() + pending, RECORDS, "{:?} and {} pending", counts, pending);
        prop_assert!(plan.stops || pending == 0);
        let is_ours = |message: &String| message.starts_with('<');
        // What a failed sync has put into doubt is written again to whichever of the two serves.
        let second = messages(&second).iter().filter(|m| is_ours(m)).count() as u64;
        let again = counts.fell_back + counts.rewritten;
        prop_assert!((counts.fell_back..=again).contains(&second), "{second} {counts:?}");
        let letters = std::fs::read_to_string(dir.path().join("dead")).unwrap_or_default();
        prop_assert!(letters.lines().count() as u64 >= counts.dead_lettered);
        // What a failed sync took and had not yet been written again when the head was stopped is in doubt.
        let there = messages(&memory).iter().filter(|m| is_ours(m)).count() as u64;
        let in_doubt = memory.lost().len() as u64;
        prop_assert!(there <= counts.delivered + counts.rewritten, "{there} {counts:?}");
        prop_assert!(there + in_doubt >= counts.delivered, "{there} {counts:?}");
        prop_assert!(plan.sync != SyncPolicy::EveryWrite || there == counts.delivered, "{there} {counts:?}");
    }
}

/// While a write hangs it can be seen for how long; before and after there is nothing to see.
#[test]
fn a_hanging_destination_is_seen() {
    let (program, memory) = (Program::start(), Memory::new());
    let head = program.head(0, Level::Trace, &memory);
    assert_eq!(head.counts().busy_for, None);
    memory.block();
    program.log(1, Level::Info, "stuck");
    assert!(memory.wait_until_held(LONG));
    let first = head.counts().busy_for.unwrap();
    while head.counts().busy_for.unwrap() <= first {
        std::thread::yield_now();
    }
    memory.unblock();
    program.settle(&head);
    while head.counts().busy_for.is_some() {
        std::thread::yield_now();
    }
}

/// A destination is said to be failing from its first failed write or sync until one of the same kind succeeds, also
/// while a fallback serves; that it rejects a record does not make it one.
#[test]
fn failing_means_failing() {
    let (program, memory, second) = (Program::start(), Memory::new(), Memory::new());
    let head = program.head_with_fallback(0, Level::Trace, &memory, Some(&second));
    memory.fail(u64::MAX, ErrorKind::Other);
    program.log(1, Level::Info, "one");
    program.settle(&head);
    assert!(head.counts().failing && second.records().len() == 1);

    let (program, memory) = (Program::start(), Memory::new());
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.sync = SyncPolicy::Within(std::time::Duration::ZERO);
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    memory.fail(2, ErrorKind::Other);
    program.log(1, Level::Info, "one");
    program.settle(&head);
    while memory.syncs() == 0 || head.counts().failing {
        std::thread::yield_now();
    }
    memory.fail_syncs(u64::MAX);
    program.log(1, Level::Info, "two");
    while head.counts().rewritten < 3 {
        std::thread::yield_now();
    }
    assert!(head.counts().failing, "writes succeed and syncs do not");
    memory.fail_syncs(0);
    while head.counts().failing {
        std::thread::yield_now();
    }
    memory.reject("three");
    program.log(1, Level::Info, "three");
    program.log(1, Level::Info, "four");
    program.settle(&head);
    assert_eq!(messages(&memory), ["one", "two", "four"]);
    assert!(!head.counts().failing && head.counts().discarded == 1);
}

/// However busy the head is, at each look every record is either counted or pending, and none is both.
#[test]
fn an_account_is_of_one_moment() {
    const RECORDS: u64 = 20_000;
    let program = Program::start();
    let memory = Memory::new();
    memory.block();
    let mut spec = program.spec(0, Level::Info, &memory, None);
    spec.batch_bytes = 100;
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    for number in 0..RECORDS {
        program.log(1, Level::Info, &number.to_string());
    }
    memory.unblock();
    let mut looks = 0;
    loop {
        let (counts, pending) = head.account();
        assert_eq!(counts.delivered + pending, RECORDS, "at look {looks}");
        looks += 1;
        if pending == 0 {
            break;
        }
    }
    assert!(looks > 1);
}
