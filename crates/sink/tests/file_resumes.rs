//! After a crash at any moment every record is in the file once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use common::{Lines, deliver, put, text};
use hydra_sink::{FileOptions, FileSink, Mark, Sink};

fn append(path: &Path, bytes: &[u8]) {
    fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

/// A new process: what is already there is not written again.
fn replay(options: FileOptions, mark: Mark, lines: &Lines) -> (usize, FileSink) {
    let mut sink = FileSink::open(options).unwrap();
    sink.resume(mark).unwrap();
    let there = sink.already(lines.batch()).unwrap();
    deliver(&mut sink, lines.batch().skip(there)).unwrap();
    (there, sink)
}

/// However much of a batch was written when the process died, afterwards it is there whole, once.
#[test]
fn at_every_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let lines = Lines::numbered("line", 0..6);
    for before in ["", "before\n"] {
        for cut in 0..=lines.bytes.len() {
            fs::write(&path, before).unwrap();
            let mark = FileSink::open(FileOptions::new(&path))
                .unwrap()
                .begin(lines.batch())
                .unwrap()
                .mark;
            append(&path, &lines.bytes[..cut]);
            let (there, _) = replay(FileOptions::new(&path), mark, &lines);
            assert_eq!(there, lines.ends.iter().filter(|end| **end <= cut).count());
            assert_eq!(
                text(&path).as_bytes(),
                [before.as_bytes(), &lines.bytes].concat(),
                "cut at {cut}"
            );
        }
    }
}

/// A replay may come in other batches than the first time.
#[test]
fn in_other_batches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let lines = Lines::numbered("line", 0..10);
    for cut in 0..=lines.bytes.len() {
        let _ = fs::remove_file(&path);
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        let mark = sink.begin(lines.batch()).unwrap().mark;
        append(&path, &lines.bytes[..cut]);
        drop(sink);
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        sink.resume(mark).unwrap();
        for start in (0..10).step_by(3) {
            let batch = lines.batch().skip(start).take(3);
            let there = sink.already(batch).unwrap();
            deliver(&mut sink, batch.skip(there)).unwrap();
        }
        assert_eq!(text(&path).as_bytes(), lines.bytes, "cut at {cut}");
    }
}

/// A second crash during the replay, with the same mark still, changes nothing.
#[test]
fn again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let lines = Lines::numbered("line", 0..5);
    let mark = FileSink::open(FileOptions::new(&path))
        .unwrap()
        .begin(lines.batch())
        .unwrap()
        .mark;
    for cut in 0..=lines.bytes.len() {
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        sink.resume(mark).unwrap();
        let there = sink.already(lines.batch()).unwrap();
        let rest = lines.batch().skip(there);
        let done = lines.bytes.len() - rest.bytes.len();
        append(&path, &rest.bytes[..cut.saturating_sub(done).min(rest.bytes.len())]);
    }
    replay(FileOptions::new(&path), mark, &lines);
    assert_eq!(text(&path).as_bytes(), lines.bytes);
}

/// After a rename the file is found under its new name, a torn record removed there, and the rest goes to the new file.
#[test]
fn after_a_rename() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let moved = dir.path().join("quite-another-name");
    let lines = Lines::new(["one", "two", "three"]);
    for cut in 0..=lines.bytes.len() {
        let _ = fs::remove_file(&path);
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        let mark = sink.begin(lines.batch()).unwrap().mark;
        append(&path, &lines.bytes[..cut]);
        fs::rename(&path, &moved).unwrap();
        drop(sink);
        let (there, _) = replay(FileOptions::new(&path), mark, &lines);
        let whole = lines.batch().take(there).bytes;
        assert_eq!(text(&moved).as_bytes(), whole);
        assert_eq!(text(&path).as_bytes(), &lines.bytes[whole.len()..]);
    }
}

/// After a rotation by another process the file is found among the rotated ones.
#[test]
fn after_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let options = FileOptions {
        max_size: Some(14),
        backup_count: 5,
        ..FileOptions::new(&path)
    };
    let lines = Lines::new(["one", "two", "three"]);
    let mark = FileSink::open(options.clone())
        .unwrap()
        .begin(lines.batch())
        .unwrap()
        .mark;
    append(&path, b"one\ntwo\n");
    let mut other = FileSink::open(options.clone()).unwrap();
    for line in ["other 1", "other 2", "other 3"] {
        put(&mut other, line);
    }
    let (there, _) = replay(options, mark, &lines);
    assert_eq!(there, 2);
    assert_eq!(common::all_text(&path), "one\ntwo\nother 1\nother 2\nother 3\nthree\n");
}

/// A line of someone else after ours is kept, and so is one after a record of ours that was cut short.
#[test]
fn foreign_lines_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let lines = Lines::new(["one", "two"]);
    for (written, expected) in [
        ("foreign\n", "foreign\none\ntwo\n"),
        ("one\nforeign\n", "one\nforeign\ntwo\n"),
        ("one\ntwo\nforeign\n", "one\ntwo\nforeign\n"),
        ("one\ntw\nforeign\n", "one\ntw\nforeign\ntwo\n"),
        ("one\ntwo", "one\ntwo\n"),
        ("one\ntwi", "one\ntwi\ntwo\n"),
    ] {
        fs::write(&path, "").unwrap();
        let mark = FileSink::open(FileOptions::new(&path))
            .unwrap()
            .begin(lines.batch())
            .unwrap()
            .mark;
        append(&path, written.as_bytes());
        replay(FileOptions::new(&path), mark, &lines);
        assert_eq!(text(&path), expected);
    }
}

/// Zeros at the end, as a loss of power leaves them, are removed with the record they cut short.
#[test]
fn zeros_are_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let lines = Lines::new(["one", "two"]);
    for written in ["", "o", "one\n", "one\nt"] {
        fs::write(&path, "").unwrap();
        let mark = FileSink::open(FileOptions::new(&path))
            .unwrap()
            .begin(lines.batch())
            .unwrap()
            .mark;
        append(&path, written.as_bytes());
        append(&path, &[0; 100_000]);
        replay(FileOptions::new(&path), mark, &lines);
        assert_eq!(text(&path), "one\ntwo\n");
    }
}

/// A mark that leads nowhere any more means that nothing is there: everything is written.
#[test]
fn lost_marks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let lines = Lines::new(["one", "two"]);
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    let mark = sink.begin(lines.batch()).unwrap().mark;
    sink.write(lines.batch()).unwrap();
    drop(sink);
    assert_eq!(replay(FileOptions::new(&path), Mark::NOWHERE, &lines).0, 0);
    assert_eq!(
        replay(FileOptions::new(&path), Mark::from_bytes(&[255; 48]), &lines).0,
        0
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(replay(FileOptions::new(&path), mark, &lines).0, 0);
    assert_eq!(text(&path), "one\ntwo\n");
    // Emptied by someone, and shorter than the mark now.
    let end = Lines::new(["three"]);
    let mark = FileSink::open(FileOptions::new(&path))
        .unwrap()
        .begin(end.batch())
        .unwrap()
        .mark;
    fs::write(&path, "x\n").unwrap();
    assert_eq!(replay(FileOptions::new(&path), mark, &end).0, 0);
    assert_eq!(text(&path), "x\nthree\n");
}

/// A file that was copied and emptied, moved to another directory or put aside after a failed sync is not looked for:
/// the records of its last write, and no others, come once more. None is lost.
#[test]
fn files_that_cannot_be_found() {
    let dir = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (dir.path().join("f"), dir.path().join("old"));
    fs::create_dir(&elsewhere).unwrap();
    let (before, lines) = (Lines::new(["before"]), Lines::new(["one", "two"]));
    let copied = |to: &Path| {
        fs::copy(&path, to).unwrap();
        fs::write(&path, "").unwrap();
    };
    let moved = |to: &Path| fs::rename(&path, to).unwrap();
    type Case<'c> = (&'c dyn Fn(&Path), &'c Path);
    let cases: [Case<'_>; 3] = [
        (&copied, &dir.path().join("f.copy")),
        (&moved, &elsewhere.join("f")),
        (&moved, &dir.path().join("f.poisoned.3")),
    ];
    for (happen, to) in cases {
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        deliver(&mut sink, before.batch()).unwrap();
        let mark = sink.begin(lines.batch()).unwrap().mark;
        sink.write(lines.batch()).unwrap();
        drop(sink);
        happen(to);
        assert_eq!(replay(FileOptions::new(&path), mark, &lines).0, 0);
        assert_eq!(text(to), "before\none\ntwo\n");
        assert_eq!(text(&path), "one\ntwo\n");
        fs::remove_file(&path).unwrap();
    }
}
