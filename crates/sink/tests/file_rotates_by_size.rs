//! A file never passes its size limit, and nothing is lost or out of order when it is rotated.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::{Lines, all_text, deliver, names, put, rotated, text};
use hydra_sink::{FileOptions, FileSink, Sink};

fn options(path: &std::path::Path, max_size: u64, backup_count: u32) -> FileOptions {
    FileOptions {
        max_size: Some(max_size),
        backup_count,
        ..FileOptions::new(path)
    }
}

/// The limit is exact: a file is filled to its last byte, and not one further.
#[test]
fn exact() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path, 8, 2)).unwrap();
    deliver(&mut sink, Lines::new(["abc", "def", "ghi"]).batch()).unwrap();
    assert_eq!(names(dir.path()), ["f", "f.1"]);
    assert_eq!(
        (text(rotated(&path)[0].clone()), text(&path)),
        ("abc\ndef\n".into(), "ghi\n".into())
    );
}

/// A record longer than the limit has a file of its own, whole.
#[test]
fn larger_than_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path, 8, 9)).unwrap();
    let long = "x".repeat(100);
    deliver(&mut sink, Lines::new([&long, "a", &long, &long, "b"]).batch()).unwrap();
    let files: Vec<_> = rotated(&path).iter().map(text).collect();
    let long = format!("{long}\n");
    assert_eq!(files, [&long, "a\n", &long, &long, "b\n"]);
}

/// No more than `backup_count` rotated files are kept, the youngest ones.
#[test]
fn keeps_as_many_as_asked() {
    for keep in 1..=4 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut sink = FileSink::open(options(&path, 4, keep)).unwrap();
        deliver(&mut sink, Lines::new(["aaa", "bbb", "ccc", "ddd"]).batch()).unwrap();
        put(&mut sink, "eee");
        let files: Vec<_> = rotated(&path).iter().map(text).collect();
        assert_eq!(
            files,
            ["aaa\n", "bbb\n", "ccc\n", "ddd\n", "eee\n"][4 - keep as usize..]
        );
        assert_eq!(sink.metrics().unwrap().counts().rotations, 4);
    }
}

/// Where a file is renamed in two steps and a process dies in between, the file loses its second name with the first
/// write of the next process, or with the next rotation of one that was there all along.
#[test]
fn second_names_go() {
    let links = [
        ("f", "f.1"),
        ("f", "f.poisoned"),
        ("f", "f.2024-05-31"),
        ("f.1", "f.2"),
        ("f.1.gz", "f.2.gz"),
        ("f.1", "f.poisoned.1"),
        ("f.2024-05-31", "f.2024-05-31.1"),
    ];
    for (one, other) in links {
        for is_open in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("f");
            let mut sink = FileSink::open(options(&path, 8, 9)).unwrap();
            if is_open {
                put(&mut sink, "abc");
            } else {
                fs::write(&path, "abc\n").unwrap();
            }
            if one != "f" {
                fs::write(dir.path().join(one), "one\n").unwrap();
            }
            fs::hard_link(dir.path().join(one), dir.path().join(other)).unwrap();
            fs::hard_link(&path, dir.path().join("f.mine")).unwrap();
            deliver(&mut sink, Lines::new(["def", "ghi"]).batch()).unwrap();
            let mut lines: Vec<_> = names(dir.path())
                .into_iter()
                .filter(|name| name != "f.mine")
                .flat_map(|name| {
                    text(dir.path().join(name))
                        .lines()
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                })
                .collect();
            lines.sort();
            let mut expected = vec!["abc", "def", "ghi"];
            expected.extend((one != "f").then_some("one"));
            assert_eq!(lines, expected, "{one} and {other}, open: {is_open}");
            assert_eq!(text(dir.path().join("f.mine")), "abc\ndef\n");
        }
    }
}

/// With no rotated files kept the file is emptied.
#[test]
fn keeps_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path, 8, 0)).unwrap();
    deliver(&mut sink, Lines::new(["aaa", "bbb", "ccc"]).batch()).unwrap();
    assert_eq!(
        (names(dir.path()), text(&path)),
        (vec!["f".to_owned()], "ccc\n".to_owned())
    );
}

/// All files together hold every line once and in order, however the limit and the batches fall.
#[test]
fn loses_nothing() {
    for max_size in [1, 10, 63, 64, 65, 1_000] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut expected = String::new();
        let mut sink = FileSink::open(options(&path, max_size, 500)).unwrap();
        for start in (0..200).step_by(7) {
            let lines = Lines::numbered("line", start..start + 7);
            deliver(&mut sink, lines.batch()).unwrap();
            expected.push_str(std::str::from_utf8(&lines.bytes).unwrap());
        }
        assert_eq!(all_text(&path), expected);
        for file in rotated(&path) {
            let text = text(&file);
            assert!(text.len() as u64 <= max_size || text.lines().count() == 1);
        }
    }
}

/// A file found too long when it is opened is rotated before anything is added, and its successor has the same rights.
#[test]
fn an_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "much too long\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    put(&mut FileSink::open(options(&path, 8, 1)).unwrap(), "new");
    assert_eq!(all_text(&path), "much too long\nnew\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

/// What a crash in the middle of a rotation leaves, a gap or an empty successor, is in nobody's way.
#[test]
fn after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for (name, text) in [("f.2", "b\n"), ("f.3", "a\n"), (".f.next", "")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut sink = FileSink::open(options(&path, 2, 3)).unwrap();
    deliver(&mut sink, Lines::new(["c", "d"]).batch()).unwrap();
    assert_eq!(all_text(&path), "a\nb\nc\nd\n");
    assert_eq!(names(dir.path()), ["f", "f.1", "f.2", "f.3"]);
}

/// When rotation cannot be done the sink goes on with the file it has, loses nothing, and counts.
#[test]
fn a_failure_keeps_writing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    // A directory where the oldest rotated file should be cannot be removed as a file.
    fs::create_dir(dir.path().join("f.1")).unwrap();
    let mut sink = FileSink::open(options(&path, 4, 1)).unwrap();
    for line in ["aaa", "bbb", "ccc"] {
        put(&mut sink, line);
    }
    assert_eq!(text(&path), "aaa\nbbb\nccc\n");
    let counts = sink.metrics().unwrap().counts();
    assert_eq!((counts.rotations, counts.rotations_failed), (0, 1));
    assert_eq!(names(dir.path()), ["f", "f.1"]);
}
