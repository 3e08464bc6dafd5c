//! The thread that syncs is there before somebody needs it: when memory is short, none could be started.
#![cfg(not(any(loom, sim)))]
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use hydra_journal::{Journal, Options};
use hydra_os::clock::Deadline;

/// Longer than anything takes: a test that waits so long fails.
const LONG: std::time::Duration = std::time::Duration::from_secs(60);

fn threads_that_sync() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: &Path| std::fs::read_to_string(task.join("comm")).unwrap_or_default();
    tasks
        .filter(|task| name(&task.as_ref().unwrap().path()) == "hydra-sync\n")
        .count()
}

/// A journal on a device has it from the start and needs no other; one in memory never has one.
#[test]
fn one_thread_from_the_start() {
    let in_memory = Journal::create(Options::default()).unwrap();
    in_memory.writer().append(b"a record", &[]).unwrap();
    assert_eq!(threads_that_sync(), 0);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let options = Options {
        dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let journal = Journal::create(options).unwrap();
    let end = Deadline::after(LONG);
    // A new thread gives itself its name.
    while threads_that_sync() == 0 {
        assert!(!end.is_over(), "no thread is started");
        std::thread::yield_now();
    }
    let position = journal.writer().append(b"a record", &[]).unwrap();
    journal.sync_to(position).unwrap();
    while journal.synced().reached() < position {
        assert!(!end.is_over(), "nothing is synced");
        std::thread::yield_now();
    }
    assert_eq!(threads_that_sync(), 1);
}
