//! A head that cannot go on does not work meanwhile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Program, messages};
use hydra_record::Level;
use hydra_sink::Memory;

/// What stands behind bytes that were cut off is waited for without end where no copy can be made: the head needs no
/// processor for it, and goes on once there is one.
#[test]
fn for_what_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (root, away) = (dir.path().join("journal"), dir.path().join("away"));
    let program = Program::on_disk(&root);
    drop(program.journal.cursor("head 77").unwrap());
    for number in 0..100 {
        program.log(1, Level::Info, &format!("{number} {}", "x".repeat(500)));
    }
    let segment = hydra_journal::inspect(&root).unwrap()[0].segments[0].path.clone();
    fs::rename(&root, &away).unwrap();
    while fs::write(&root, "").is_err() {
        // It has been made anew meanwhile.
        fs::remove_dir_all(&root).unwrap();
    }
    let moved = away.join(segment.strip_prefix(&root).unwrap());
    let file = fs::OpenOptions::new().write(true).open(moved).unwrap();
    file.set_len(8192).unwrap();

    let memory = Memory::new();
    let head = program.head(77, Level::Info, &memory);
    while head.counts().delivered == 0 {
        std::thread::yield_now();
    }
    let (begun, before) = (Instant::now(), ticks("hydra-head-77"));
    while begun.elapsed() < Duration::from_millis(500) {
        assert!(messages(&memory).len() < 100);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    // Of a hundred a second.
    let used = ticks("hydra-head-77") - before;
    assert!(used < 10, "{used} ticks in {:?}", begun.elapsed());

    fs::remove_file(&root).unwrap();
    program.settle(&head);
    assert!(head.counts().damaged > 0);
    program.log(1, Level::Info, "on");
    program.settle(&head);
    assert_eq!(messages(&memory).last().unwrap(), "on");
}

/// The processor time that a thread of this process has had.
fn ticks(name: &str) -> u64 {
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        if let Some((_, rest)) = stat.split_once(&format!("({name}) ")) {
            let numbers: Vec<&str> = rest.split(' ').collect();
            return numbers[11].parse::<u64>().unwrap() + numbers[12].parse::<u64>().unwrap();
        }
    }
    0
}
