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

/// Where a machine keeps logs of its own.
const REAL_LOGS: [&str; 5] = [
    "/var/log/syslog",
    "/var/log/messages",
    "/var/log/dpkg.log",
    "/var/log/apt/history.log",
    "/var/log/alternatives.log",
];

/// Lines of the same length that are all different.
fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("line {number:08} of the whole input"))
        .collect()
}

/// The lines of the logs that this machine has, again and again until there are enough.
fn real(count: usize) -> Vec<String> {
    let logs = REAL_LOGS.iter().filter_map(|path| std::fs::read(path).ok());
    let mut text = logs
        .map(|log| String::from_utf8_lossy(&log).into_owned())
        .collect::<String>();
    if text.is_empty() {
        println!("this machine has no log that may be read: its place is taken by Cargo.lock");
        text = include_str!("../../../Cargo.lock").to_owned();
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(str::to_owned).cycle().take(count).collect()
}

/// Starts on the rest of the input, from byte `start` on.
fn start(place: &Place, start: u64, level: &str) -> Child {
    let mut rest = File::open(place.path("input")).unwrap();
    rest.seek(SeekFrom::Start(start)).unwrap();
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

/// What a line of a file says, as somebody else's parser understands it.
fn message(format: &str, line: &str) -> String {
    match format {
        "plain-text" => line.splitn(4, " - ").nth(3).unwrap().to_owned(),
        "json" => {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["message"].as_str().unwrap().to_owned()
        }
        "syslog" => syslog_rfc5424::parse_message(line).unwrap().msg,
        other => panic!("no parser for {other}"),
    }
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
fn kill_ten_times(what: &str, lines: &[String], level: &str, formats: &[&str]) {
    let mut random = Random::new(what);
    let place = Place::new();
    place.config(formats, "");
    place.write("input", &lines.iter().flat_map(|line| [line, "\n"]).collect::<String>());
    let mut starts = vec![0];
    starts.extend(lines.iter().scan(0, |end, line| {
        *end += line.len() as u64 + 1;
        Some(*end)
    }));
    let all = lines.len() as u64;
    let (mut done, count) = (0, place.path("count"));
    for _ in 0..10 {
        // What the run before has counted says nothing about the next one, should that be killed before it begins.
        let _ = std::fs::remove_file(&count);
        let child = start(&place, starts[done as usize], level);
        let moment = (random.below(all / 12), random.below(100_000));
        done += kill(child, moment.0, moment.1, &count);
        assert!(done <= all, "{done} lines of {all} counted");
    }
    // This time it stays: then it is the count itself that the next run goes by.
    let ended = start(&place, starts[done as usize], level).wait().unwrap();
    assert_eq!((ended.code(), ended.signal()), (Some(0), None));
    assert_eq!(done + progress(&count), all);
    for format in formats {
        let text = place.read(&format!("{format}.log"));
        assert_eq!(text.lines().count() as u64, all, "{format}");
        for (at, (line, wanted)) in text.lines().zip(lines).enumerate() {
            assert_eq!(message(format, line), *wanted, "{format}: line {at}");
        }
    }
}

/// The lines of a real log, a million of them in a release build, into three formats.
#[test]
fn every_line_of_a_real_log_exactly_once() {
    let lines = real(if cfg!(debug_assertions) { 100_000 } else { 1_000_000 });
    let formats = ["plain-text", "json", "syslog"];
    kill_ten_times("every line of a real log exactly once", &lines, "INFO", &formats);
}

/// With lines that are safe once they are in the journal, into three formats.
#[test]
fn every_line_exactly_once() {
    let formats = ["plain-text", "json", "syslog"];
    kill_ten_times("every line exactly once", &numbered(200_000), "INFO", &formats);
}

/// With lines that wait to be synced, thousands at a time.
#[test]
fn every_synced_line_exactly_once() {
    let what = "every synced line exactly once";
    kill_ten_times(what, &numbered(100_000), "ERROR", &["plain-text"]);
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
