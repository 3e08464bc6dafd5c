//! `hydra pipe --progress`: killed at any moment and started again on the rest, every line is logged exactly once.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod common;

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Place, Random, progress, wait_until};

/// Bytes of each line of the input, its end included.
const LINE_BYTES: u64 = 33;

fn input(place: &Place, count: u64) {
    let text: String = (0..count)
        .map(|number| format!("line {number:08} of the whole input\n"))
        .collect();
    assert_eq!(text.len() as u64, count * LINE_BYTES);
    place.write("input", &text);
}

/// Starts on the input from line `first` on.
fn start(place: &Place, first: u64, level: &str) -> Child {
    let mut rest = File::open(place.path("input")).unwrap();
    rest.seek(SeekFrom::Start(first * LINE_BYTES)).unwrap();
    let arguments = [
        "pipe",
        "--config",
        "hydra.toml",
        "--level",
        level,
        "--progress",
        "count",
    ];
    place
        .hydra(&arguments)
        .stdin(rest)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the run at a random moment after about `accepted` lines. Returns how many it had counted.
fn kill(mut child: Child, accepted: u64, spins: u64, count: &Path) -> u64 {
    let mut last = 0;
    wait_until("the run gets on", || {
        let now = progress(count);
        assert!(now >= last, "the count fell from {last} to {now}");
        last = now;
        now >= accepted || child.try_wait().unwrap().is_some()
    });
    (0..spins).for_each(|_| std::hint::spin_loop());
    // It may have come to the end by itself.
    let _ = child.kill();
    child.wait().unwrap();
    progress(count)
}

/// Kills ten runs, lets one come to the end, and looks at every destination.
fn kill_ten_times(what: &str, lines: u64, level: &str, formats: &[&str]) {
    let mut random = Random::new(what);
    let place = Place::new();
    place.config(formats, "");
    input(&place, lines);
    let (mut done, count) = (0, place.path("count"));
    for _ in 0..10 {
        // What the run before has counted says nothing about the next one, should that be killed before it begins.
        let _ = std::fs::remove_file(&count);
        let child = start(&place, done, level);
        let moment = (random.below(lines / 12), random.below(100_000));
        done += kill(child, moment.0, moment.1, &count);
        assert!(done <= lines, "{done} lines of {lines} counted");
    }
    // This time it stays: then it is the count itself that the next run goes by.
    let ended = start(&place, done, level).wait().unwrap();
    assert_eq!((ended.code(), ended.signal()), (Some(0), None));
    assert_eq!(done + progress(&count), lines);
    for format in formats {
        let text = place.read(&format!("{format}.log"));
        let numbers = text
            .lines()
            .map(|line| line.split_once("line ").unwrap().1[..8].parse::<u64>().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        if let Some(at) = (0..lines).zip(&numbers).position(|(wanted, found)| wanted != *found) {
            let around = &numbers[at.saturating_sub(2)..(at + 3).min(numbers.len())];
            panic!("{format}: at line {at} of {}: {around:?}", numbers.len());
        }
        assert_eq!(numbers.len() as u64, lines, "{format}");
    }
}

/// With lines that are safe once they are in the journal, into three formats.
#[test]
fn every_line_exactly_once() {
    kill_ten_times(
        "every line exactly once",
        200_000,
        "INFO",
        &["plain-text", "json", "syslog"],
    );
}

/// With lines that wait to be synced, thousands at a time.
#[test]
fn every_synced_line_exactly_once() {
    kill_ten_times("every synced line exactly once", 100_000, "ERROR", &["plain-text"]);
}

/// A second run on a progress file that is in use is refused, with the reason.
#[test]
fn one_run_at_a_time() {
    let place = Place::new();
    place.config(&["json"], "");
    let arguments = ["pipe", "--config", "hydra.toml", "--progress", "count"];
    let mut first = place.hydra(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    wait_until("the first run has begun", || place.path("count").exists());
    let second = place.run(&arguments);
    assert_eq!(second.code, Some(1));
    let reason = "cannot keep the progress in `count`: another `hydra pipe` that is running keeps its count there";
    assert_eq!(second.err, format!("hydra: {reason}\n"));
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());
}

/// The number is what a shell, with its arithmetic, takes for a number.
#[test]
fn a_shell_can_count_with_it() {
    let place = Place::new();
    place.config(&["json"], "");
    place.feed(
        &["pipe", "--config", "hydra.toml", "--progress", "count"],
        &b"a line\n".repeat(18),
    );
    let sum = Command::new("sh")
        .args(["-c", "echo $(( $(cat count) + 1 ))"])
        .current_dir(place.path(""))
        .output();
    assert_eq!(String::from_utf8(sum.unwrap().stdout).unwrap(), "19\n");
    assert!(place.read("count").starts_with("18\n"));
}
