//! Every instruction, every system call, every end: the rows of the table that go through all there is, in a form short
//! enough for every test run.

use std::path::Path;

use torture::args::Args;
use torture::rows;

/// Runs a row with so many kills and asserts that it holds, or cannot be tried here.
fn holds(name: &str, kills: u64) {
    let args = Args {
        rows: vec![name.to_owned()],
        seed: hydra_os::random::u64() % 1_000_000_000,
        kills,
        ..Args::default()
    };
    let mut table = Vec::new();
    let held = rows::run(&args, Path::new(env!("CARGO_BIN_EXE_torture")), &mut table);
    assert!(held, "{}", String::from_utf8_lossy(&table));
}

/// A SIGKILL between any two instructions of a call costs nothing.
#[test]
fn any_instruction() {
    holds("every-instruction", 2);
}

/// A SIGKILL instead of any system call costs nothing.
#[test]
fn any_system_call() {
    holds("every-syscall", 16);
}

/// A system call that fails, of any kind, costs nothing that was accepted.
#[test]
fn any_error() {
    holds("every-error", 24);
}

/// An allocation that fails, whichever it is, costs nothing that was accepted.
#[test]
fn any_allocation() {
    holds("every-allocation", 12);
}

/// A signal's handler that logs in the middle of a call gets an answer, and the call goes on.
#[test]
fn any_signal() {
    holds("signal", 1);
}

/// A thread that stands still at any instruction of a call holds nobody up.
#[test]
fn any_standstill() {
    holds("stalled", 6);
}

/// A process loses nothing, however it ends, and ends as it was told.
#[test]
fn any_end() {
    holds("exit-ways", 1);
}

/// Short threads lose nothing, and leave nothing behind.
#[test]
fn short_threads() {
    holds("threads-churn", 1);
}

/// Many threads at once cost a bounded amount of memory each.
#[test]
fn many_threads() {
    holds("threads-crowd", 1);
}

/// A text that misbehaves spoils itself, and holds nobody up.
#[test]
fn bad_texts() {
    holds("display", 1);
}

/// A clock that jumps changes the names of files, and nothing else.
#[test]
fn jumping_clock() {
    holds("clock", 1);
}

/// A record is taken whole, or its caller is told that it is too large.
#[test]
fn limits_of_size() {
    holds("big", 1);
}

/// A process that the kernel kills for its memory loses nothing.
#[test]
fn killed_for_memory() {
    holds("oom-killed", 1);
}
