//! Promises about a destination's file whose device fails, told by injected errors of system calls.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{LONG, Program};
use hydra_head::{Head, SyncPolicy};
use hydra_journal::Options;
use hydra_record::Level;
use hydra_sink::{FileOptions, FileSink, Memory};

const DIR: &str = "HYDRA_TEST_DIR";
const RECORDS: usize = 60;

/// What a child of this test program is to do.
fn role() -> Option<std::path::PathBuf> {
    std::env::var_os(DIR).map(Into::into)
}

/// Runs the test `name` again, as a process in each of whose threads the `when`-th call of that kind fails with EIO.
/// `None` where that cannot be done.
fn run(name: &str, dir: &Path, call: &str, when: u32) -> Option<()> {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(dir.join("f"))
        .args(["-e", &format!("trace={call}"), "-e"])
        .arg(format!("inject={call}:error=EIO:when={when}"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(DIR, dir)
        .output();
    match output {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("ptrace") => None,
        Ok(output) => panic!(
            "{call} {when}: {}\n{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        ),
        Err(_) => None,
    }
}

/// Has the first calls of that kind fail, each in a process of its own, and gives what is left then to `check`.
fn each_failure(name: &str, call: &str, check: impl Fn(&Path, u32)) {
    for when in 1..7 {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        if run(name, dir.path(), call, when).is_none() {
            println!("skipped: no tracing here");
            return;
        }
        check(dir.path(), when);
    }
}

/// The whole lines of the file and of those put aside, sound ones apart; each must be one of ours.
fn lines(dir: &Path) -> (Vec<String>, Vec<String>) {
    let (mut sound, mut poisoned) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "torn: {text:?}");
        let of = if path.file_name().unwrap() == "f" {
            &mut sound
        } else {
            &mut poisoned
        };
        for line in text.lines() {
            let record = line.rsplit(" - ").next().unwrap();
            let number = record
                .strip_prefix("<")
                .and_then(|rest| rest.strip_suffix(">"))
                .unwrap();
            assert!(number.parse::<usize>().is_ok(), "torn: {line}");
            of.push(record.to_owned());
        }
    }
    (sound, poisoned)
}

fn all() -> Vec<String> {
    (0..RECORDS).map(|number| format!("<{number}>")).collect()
}

fn head(program: &Program, number: u32, dir: &Path, sync: SyncPolicy) -> Head {
    let mut spec = program.spec(number, Level::Trace, &Memory::new(), None);
    spec.sink = Box::new(FileSink::shared(FileOptions::new(dir.join("f"))).unwrap());
    spec.sync = sync;
    Head::start(spec, &program.journal, &[]).unwrap()
}

fn log_and_settle(program: &Program, heads: &[&Head]) {
    for (number, record) in all().iter().enumerate() {
        program.log(1, Level::Info, record);
        if number % 7 == 0 {
            heads.iter().for_each(|head| program.settle(head));
        }
    }
    heads.iter().for_each(|head| program.settle(head));
}

/// A write that fails at any time puts the file aside; its batch is in the next file, nothing is torn, lost or twice.
#[test]
fn a_write_fails() {
    if let Some(dir) = role() {
        let program = Program::start();
        let head = head(&program, 0, &dir, SyncPolicy::Never);
        log_and_settle(&program, &[&head]);
        assert_eq!(head.counts().delivered, RECORDS as u64);
        head.stop();
        assert!(head.join(LONG));
        return;
    }
    each_failure("a_write_fails", "write", |dir, when| {
        let (sound, poisoned) = lines(dir);
        assert_eq!([poisoned, sound].concat(), all(), "at write {when}");
        assert_eq!(std::fs::read_dir(dir).unwrap().count(), 2, "one file is put aside");
    });
}

/// A sync that fails at any time puts the file aside; what no earlier sync covers is in the next file, in order and
/// once, and nothing is lost.
#[test]
fn a_sync_fails() {
    if let Some(dir) = role() {
        let program = Program::start();
        let head = head(&program, 0, &dir, SyncPolicy::EveryWrite);
        log_and_settle(&program, &[&head]);
        assert_eq!((head.counts().delivered, head.counts().rewritten), (RECORDS as u64, 0));
        head.stop();
        assert!(head.join(LONG));
        return;
    }
    each_failure("a_sync_fails", "fdatasync", |dir, when| {
        let (sound, poisoned) = lines(dir);
        let first = sound.first().map_or(RECORDS, |first| {
            all().iter().position(|record| record == first).unwrap()
        });
        assert_eq!(sound, all()[first..], "at sync {when}");
        assert!(poisoned.len() > first, "the batch whose sync failed is in both");
        assert_eq!(poisoned, all()[..poisoned.len()]);
    });
}

/// Two destinations on one file: when the sync that one of them asks for fails, both write again what they had written.
#[test]
fn a_shared_sync_fails() {
    if let Some(dir) = role() {
        let program = Program::with(Options {
            dir: Some(dir.join("journal")),
            ..Options::default()
        });
        let asks = head(&program, 0, &dir, SyncPolicy::Within(Duration::ZERO));
        let other = head(&program, 1, &dir, SyncPolicy::Never);
        log_and_settle(&program, &[&asks, &other]);
        // What was promised to survive a power loss stays in the journal until then.
        program.journal.sync_to(program.journal.tail()).unwrap();
        // Each ends only when a sync has covered what it has written.
        let end = program.journal.turn();
        for head in [asks, other] {
            head.retire(end);
            assert!(head.join(LONG));
            assert_eq!(
                (head.counts().delivered, head.counts().failing),
                (RECORDS as u64, false)
            );
        }
        return;
    }
    each_failure("a_shared_sync_fails", "fdatasync", |dir, when| {
        let (sound, poisoned) = lines(dir);
        assert!(!poisoned.is_empty());
        for record in all() {
            let count = |lines: &[String]| lines.iter().filter(|line| **line == record).count();
            let (sound, poisoned) = (count(&sound), count(&poisoned));
            // Each writes again what no sync of its own has covered: with the first of each failing, everything. One
            // that has synced twice may have put a second file aside, with what its first sync covered.
            let least = usize::from(when == 1);
            let is_whole = (least..=2).contains(&sound) && sound + poisoned >= 2;
            assert!(is_whole, "{record} at sync {when}: {sound} and {poisoned}");
        }
    });
}
