//! What a fallback takes is there once, whatever else fails.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::{Flaky, LONG, Program, adopt, messages, plain};
use hydra_head::{Fallback, Head, Spec, SyncPolicy};
use hydra_record::Level;
use hydra_sink::Memory;

/// A head whose destination fails for ever, with `second` as its fallback.
fn head(program: &Program, broken: &Memory, second: Flaky, sync: SyncPolicy) -> Head {
    broken.fail(u64::MAX, ErrorKind::PermissionDenied);
    let spec = Spec {
        sync,
        fallback: Some(Fallback::new(plain(), Box::new(second), 2)),
        ..program.spec(0, Level::Trace, broken, None)
    };
    Head::start(spec, &program.journal, &[]).unwrap()
}

/// A fallback that takes a batch in pieces and fails in between is given the rest, and not the whole again.
#[test]
fn pieces_come_once() {
    let (program, broken, second) = (Program::start(), Memory::new(), Memory::new());
    second.limit_records(2);
    broken.block();
    let head = head(&program, &broken, Flaky::failing_at(&second, 3), SyncPolicy::Never);
    program.log(1, Level::Info, "first");
    assert!(broken.wait_until_held(LONG));
    for number in 0..4 {
        program.log(1, Level::Info, &number.to_string());
    }
    broken.unblock();
    program.settle(&head);
    assert_eq!(messages(&second), ["first", "0", "1", "2", "3"]);
    assert_eq!(head.counts().fell_back, 5);
}

/// Where every write is synced and the fallback cannot be for a while, it is synced again, and not written to again.
#[test]
fn a_sync_that_fails_repeats_nothing() {
    let (program, broken, second) = (Program::start(), Memory::new(), Memory::new());
    let flaky = Flaky::failing_syncs(&second, 3);
    let head = head(&program, &broken, flaky, SyncPolicy::EveryWrite);
    program.log(1, Level::Info, "one");
    program.settle(&head);
    assert_eq!(messages(&second), ["one"]);
}

/// What was dropped is told to the fallback while that serves; nothing waits for a destination that fails.
#[test]
fn drops_are_told_there() {
    let (program, broken, second) = (Program::start(), Memory::new(), Memory::new());
    let head = head(&program, &broken, Flaky::new(&second), SyncPolicy::Never);
    program.log(1, Level::Info, "before");
    assert!(second.wait_for_records(1, LONG));
    head.drop_newest(1);
    program.log(1, Level::Info, "after");
    assert!(second.wait_for_records(3, LONG));
    let told = "1 records dropped because the journal was full";
    assert_eq!(messages(&second), ["before", told, "after"]);
}

/// Copies the journals in a directory as their processes' deaths would leave them.
fn copy_journals(from: &Path, to: &Path) {
    for journal in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let home = to.join(journal.file_name());
        fs::create_dir(&home).unwrap();
        for file in fs::read_dir(journal.path()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), home.join(file.file_name())).unwrap();
        }
    }
}

/// A destination that cannot even be asked what it holds of the last write keeps nothing from the fallback, neither
/// after a reload nor after a death.
#[test]
fn nothing_waits_for_an_answer() {
    let (dir, broken, second) = (tempfile::tempdir().unwrap(), Memory::new(), Memory::new());
    let program = Program::on_disk(dir.path());
    let mute = || Flaky {
        is_mute: true,
        ..Flaky::new(&broken)
    };
    let spec = |program: &Program, sink: Flaky, fallback: Option<Fallback>| Spec {
        sync: SyncPolicy::EveryWrite,
        sink: Box::new(sink),
        fallback,
        ..program.spec(0, Level::Trace, &broken, None)
    };
    let fallback = || Some(Fallback::new(plain(), Box::new(second.sink()), 2));
    let flaky = Flaky::failing_syncs(&broken, u64::MAX);
    let syncs = Arc::clone(&flaky.syncs);
    let head = Head::start(spec(&program, flaky, None), &program.journal, &[]).unwrap();
    program.log(1, Level::Info, "one");
    while syncs.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    head.stop();
    assert!(head.join(LONG));
    broken.fail(u64::MAX, ErrorKind::PermissionDenied);
    let copy = tempfile::tempdir().unwrap();
    copy_journals(dir.path(), copy.path());

    let next = head.succeed(spec(&program, mute(), fallback())).unwrap();
    program.log(1, Level::Info, "two");
    program.settle(&next);
    assert_eq!(messages(&second), ["one", "two"]);

    let program = Program::start();
    let _later = Head::start(
        spec(&program, mute(), fallback()),
        &program.journal,
        &adopt(copy.path()),
    )
    .unwrap();
    assert!(second.wait_for_records(3, LONG));
    assert_eq!(messages(&second), ["one", "two", "one"]);
}
