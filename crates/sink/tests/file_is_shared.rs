//! Several destinations of one process may have one path.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::collections::HashMap;
use std::thread;

use common::{Lines, all_text, deliver, put, text};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Mark, SharedFileSink, Sink};

/// Every writer's lines are there once, whole, and in its own order.
fn check(all: &str, writers: usize, lines: usize) {
    let mut next: HashMap<String, usize> = HashMap::new();
    for line in all.lines() {
        let (who, rest) = line.split_once(' ').unwrap();
        let number = next.entry(who.to_owned()).or_default();
        let expected = Lines::numbered(who, *number..*number + 1);
        assert_eq!(
            format!("{who} {rest}\n").as_bytes(),
            expected.bytes,
            "torn or out of order"
        );
        *number += 1;
    }
    assert_eq!(next.len(), writers);
    assert!(next.values().all(|count| *count == lines), "{next:?}");
}

/// Eight threads with a handle each never mix their lines, over many rotations.
#[test]
fn threads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let options = FileOptions {
        max_size: Some(4_000),
        backup_count: 1_000,
        ..FileOptions::new(&path)
    };
    let handles: Vec<_> = (0..8).map(|_| FileSink::shared(options.clone()).unwrap()).collect();
    thread::scope(|scope| {
        for (number, mut sink) in handles.into_iter().enumerate() {
            scope.spawn(move || {
                for start in (0..300).step_by(3) {
                    let lines = Lines::numbered(&format!("t{number}"), start..start + 3);
                    deliver(&mut sink, lines.batch()).unwrap();
                }
            });
        }
    });
    check(&all_text(&path), 8, 300);
}

/// Two sinks of their own on one path, as in two processes, do not mix their lines either.
#[test]
fn unshared() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let options = FileOptions {
        max_size: Some(2_000),
        backup_count: 1_000,
        ..FileOptions::new(&path)
    };
    thread::scope(|scope| {
        for number in 0..3 {
            let mut sink = FileSink::open(options.clone()).unwrap();
            scope.spawn(move || {
                for start in (0..200).step_by(2) {
                    let lines = Lines::numbered(&format!("t{number}"), start..start + 2);
                    deliver(&mut sink, lines.batch()).unwrap();
                }
            });
        }
    });
    check(&all_text(&path), 3, 200);
}

/// One file under different options is refused, with both named; other spellings of the path are the same file.
#[test]
fn conflicts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let path = dir.path().join("f");
    let one = FileSink::shared(FileOptions::new(&path)).unwrap();
    let other = FileOptions {
        max_size: Some(7),
        ..FileOptions::new(dir.path().join("sub/../f"))
    };
    let error = FileSink::shared(other.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let message = error.to_string();
    assert!(
        message.contains("max size: None and Some(7)") && message.matches("/f").count() >= 2,
        "{message}"
    );
    FileSink::shared(FileOptions::new(dir.path().join("sub/../f"))).unwrap();
    drop(one);
    FileSink::shared(other).unwrap();
}

/// A handle that is dropped or abandoned between `begin` and `write` lets the others go on.
#[test]
fn turns_are_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let handle = || FileSink::shared(FileOptions::new(&path)).unwrap();
    let (mut one, mut two) = (handle(), handle());
    let lines = Lines::new(["never"]);
    one.begin(lines.batch()).unwrap();
    assert_eq!(two.write(lines.batch()).unwrap_err().kind(), ErrorKind::Misuse);
    drop(one);
    two.begin(lines.batch()).unwrap();
    two.abandon();
    let mut three = handle();
    put(&mut three, "three");
    three.close().unwrap();
    put(&mut two, "two");
    assert_eq!(text(&path), "three\ntwo\n");
}

/// Each handle resumes by its own mark; one that wants to write waits with it until a record another left torn is
/// mended.
#[test]
fn resume() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let handle = || FileSink::shared(FileOptions::new(&path)).unwrap();
    let (ones, twos) = (Lines::new(["one 1", "one 2"]), Lines::new(["two 1", "two 2"]));
    let begin = |sink: &mut SharedFileSink, lines: &Lines| -> Mark { sink.begin(lines.batch()).unwrap().mark };
    let (mark_one, mark_two) = {
        let (mut one, mut two) = (handle(), handle());
        let mark_one = begin(&mut one, &ones);
        one.write(ones.batch()).unwrap();
        let mark_two = begin(&mut two, &twos);
        (mark_one, mark_two)
    };
    // The process dies in the middle of the second write.
    std::fs::write(&path, "one 1\none 2\ntwo 1\ntw").unwrap();
    let (mut one, mut two) = (handle(), handle());
    one.resume(mark_one).unwrap();
    two.resume(mark_two).unwrap();
    assert_eq!(one.already(ones.batch()).unwrap(), 2);
    let more = Lines::new(["one 3"]);
    assert_eq!(one.already(more.batch()).unwrap(), 0);
    assert_eq!(one.begin(more.batch()).unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(two.already(twos.batch()).unwrap(), 1);
    put(&mut one, "one 3");
    deliver(&mut two, twos.batch().skip(1)).unwrap();
    assert_eq!(text(&path), "one 1\none 2\ntwo 1\none 3\ntwo 2\n");
}
