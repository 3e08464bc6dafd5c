//! Being told of the process's end, shown by the example `exit_hooks` run as a child process.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::env;
use std::process::Command;

/// Hooks run once each, the last one first, past a panicking one; a forked child's hook runs in the child alone.
#[test]
fn exit_hooks_run() {
    let mut path = env::current_exe().unwrap();
    // The examples lie beside the directory of the tests.
    path.pop();
    path.pop();
    path.push("examples/exit_hooks");
    assert!(
        path.exists(),
        "when tests are picked one by one, build the examples first"
    );
    let output = Command::new(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = [
        "in the child",
        "with an id of its own",
        "main ends",
        "last registered",
        "first registered",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
