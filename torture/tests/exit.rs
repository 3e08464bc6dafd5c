//! However a process ends, what it logged is in the files: at once where it can still act, after the next start where
//! not.
#![allow(clippy::panic)]

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use torture::life::HANGS_AFTER;
use torture::oracle::{self, Found};
use torture::round::Round;
use torture::spec::{End, Files, Front, TAPE};
use torture::tape::Tape;

/// The most records: a million, where the program was optimised.
const MANY: u64 = if cfg!(debug_assertions) { 1_000 } else { 1_000_000 };

/// Runs a victim for every combination, and asserts that the files hold exactly its records, in order.
fn ends(end: End, journals: &[bool], expected: fn(ExitStatus) -> bool) {
    for front in Front::ALL {
        for files in [Files::Plain, Files::Json] {
            for records in [1, 100, 10_000, MANY] {
                // So many only where it does not take too long.
                for journal in journals.iter().filter(|journal| records <= 10_000 || **journal) {
                    let (exe, seed) = (Path::new(env!("CARGO_BIN_EXE_torture")), records);
                    let mut round = Round::begin(exe, seed).expect("a directory");
                    let spec = &mut round.spec;
                    (spec.front, spec.files, spec.journal) = (*front, files, *journal);
                    (spec.records, spec.end) = (records, end);
                    let status = round
                        .live()
                        .and_then(|mut life| life.end(HANGS_AFTER))
                        .expect("a victim");
                    let case = format!("{end}, {front}, {files}, {records} records, journal: {journal}");
                    let status = status.unwrap_or_else(|| panic!("{case}: the victim hangs"));
                    let said = torture::life::said(round.dir());
                    assert!(expected(status), "{case}: {status}: {said}");
                    exactly(&mut round, records, &case);
                }
            }
        }
    }
}

/// Asserts that the files hold `records` records; a victim that was cut off leaves the rest to the next start.
fn exactly(round: &mut Round, records: u64, case: &str) {
    let end = round.spec.end;
    if matches!(end, End::Abort | End::Kill) {
        // The same configuration again, and nothing logged: starting and shutting down delivers what was left.
        (round.spec.records, round.spec.end) = (0, End::Shutdown);
        let status = round
            .live()
            .and_then(|mut life| life.end(HANGS_AFTER))
            .expect("a second start");
        assert!(
            status.is_some_and(|status| status.success()),
            "{case}: the second start ended with {status:?}"
        );
    }
    let found = oracle::check(&round.spec).expect("readable files");
    let right = Found {
        accepted: records,
        recovered: records,
        ..Found::default()
    };
    assert_eq!(found, right, "{case}: {}", torture::life::said(round.dir()));
}

const BOTH: &[bool] = &[false, true];
const ON_DISK: &[bool] = &[true];

fn well(status: ExitStatus) -> bool {
    status.success()
}

fn by_panic(status: ExitStatus) -> bool {
    status.code() == Some(101)
}

fn by_signal(status: ExitStatus) -> bool {
    status.code().is_none()
}

/// Shutting down delivers everything.
#[test]
fn shutdown() {
    ends(End::Shutdown, BOTH, well);
}

/// SIGTERM and SIGINT, where they are to drain, deliver everything and then end the process as they do.
#[test]
fn drained_on_a_signal() {
    const RECORDS: u64 = 1_000;
    for front in Front::ALL {
        for (name, number) in [("-TERM", 15), ("-INT", 2)] {
            let mut round = Round::begin(Path::new(env!("CARGO_BIN_EXE_torture")), 1).expect("a directory");
            (round.spec.front, round.spec.drains, round.spec.end) = (*front, true, End::Park);
            (round.spec.records, round.spec.errors) = (RECORDS, 7);
            let mut life = round.live().expect("a victim");
            let tape = Tape::open(&round.dir().join(TAPE)).expect("a tape");
            while tape.of(0, 0).1 < RECORDS {
                std::thread::yield_now();
            }
            torture::tools::signal(life.id(), name).expect("the program kill");
            let status = life.end(HANGS_AFTER).expect("a status");
            assert_eq!(status.and_then(|status| status.signal()), Some(number), "{status:?}");
            let found = oracle::check(&round.spec).expect("readable files");
            assert!(found.is_right() && found.accepted == RECORDS, "{found:?}");
        }
    }
}

/// Returning from `main` delivers everything: the last handle drains as it is dropped.
#[test]
fn return_with_handles_in_locals() {
    ends(End::Return, BOTH, well);
}

/// Returning from `main` delivers everything though no handle is ever dropped.
#[test]
fn return_with_a_leaked_handle() {
    ends(End::Leak, BOTH, well);
}

/// Returning from `main` delivers everything from a handle in a static.
#[test]
fn return_with_a_handle_in_a_static() {
    ends(End::Static, BOTH, well);
}

/// `process::exit` delivers everything.
#[test]
fn process_exit() {
    ends(End::Exit, BOTH, well);
}

/// A panic in `main` delivers everything, and is still a panic.
#[test]
fn panic_in_main() {
    ends(End::Panic, BOTH, by_panic);
}

/// A panic in `main` delivers everything though no handle is dropped.
#[test]
fn panic_in_main_with_a_leaked_handle() {
    ends(End::PanicLeak, BOTH, by_panic);
}

/// A panic in a thread costs nothing.
#[test]
fn panic_in_a_thread() {
    ends(End::PanicThread, BOTH, well);
}

/// After an abort the next start delivers the rest.
#[test]
fn abort() {
    ends(End::Abort, ON_DISK, by_signal);
}

/// After SIGKILL the next start delivers the rest.
#[test]
fn kill() {
    ends(End::Kill, ON_DISK, by_signal);
}
