//! What a process that has no memory left gets for a new thread, shown by this program run once more as a child.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::env;
use std::process::Command;

use hydra_os::map::Map;
use hydra_os::thread::spawn;

const CHILD: &str = "HYDRA_TEST_CHILD";
/// A gigabyte of addresses, in KiB: enough to begin with, and soon used up.
const LIMIT: &str = "ulimit -v 1048576; exec \"$0\" --exact no_memory_is_an_error --nocapture";

/// A thread that cannot be had for want of memory is an error, also when the stack of one that ended lies ready; the
/// process goes on.
#[test]
fn no_memory_is_an_error() {
    if env::var_os(CHILD).is_some() {
        return ask_in_want();
    }
    let program = env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", LIMIT])
        .arg(program)
        .env(CHILD, "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

fn ask_in_want() {
    spawn("hydra-before", || ()).unwrap().join().unwrap();
    let mut taken = Vec::with_capacity(1_000);
    let mut bytes = 1 << 30;
    while bytes >= 4096 {
        match Map::anonymous(bytes) {
            Ok(map) => taken.push(map),
            Err(_) => bytes /= 2,
        }
    }
    let refused = spawn("hydra-in-want", || ()).is_err();
    drop(taken);
    assert!(refused);
    spawn("hydra-after", || ()).unwrap().join().unwrap();
}
