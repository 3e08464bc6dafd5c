//! Other programs may rename, remove or empty the file at any time.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::path::Path;

use common::{Lines, put, text};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Sink};

/// After a rename a new file is made at the path, and every line is in one of the two.
#[test]
fn rename() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    for round in 0..20 {
        put(&mut sink, &format!("line {round}"));
        fs::rename(&path, dir.path().join(format!("moved.{round}"))).unwrap();
    }
    put(&mut sink, "last");
    for round in 0..20 {
        assert_eq!(
            text(dir.path().join(format!("moved.{round}"))),
            format!("line {round}\n")
        );
    }
    assert_eq!(text(&path), "last\n");
    assert_eq!(sink.metrics().unwrap().counts().reopenings, 20);
    sink.sync().unwrap();
}

/// A file made in its place by the other program is used, and what is in it kept.
#[test]
fn rename_and_create() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    put(&mut sink, "one");
    fs::rename(&path, dir.path().join("f.old")).unwrap();
    fs::write(&path, "header\n").unwrap();
    put(&mut sink, "two");
    assert_eq!(
        (text(dir.path().join("f.old")), text(&path)),
        ("one\n".into(), "header\ntwo\n".into())
    );
}

/// After a removal, also of the directory, both are made again.
#[test]
fn delete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sub/f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    put(&mut sink, "one");
    fs::remove_file(&path).unwrap();
    put(&mut sink, "two");
    assert_eq!(text(&path), "two\n");
    fs::remove_dir_all(dir.path().join("sub")).unwrap();
    put(&mut sink, "three");
    assert_eq!(text(&path), "three\n");
}

/// A removal between `begin` and `write` is an error, and trying again makes a new file with the line in it.
#[test]
fn delete_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    let lines = Lines::new(["one"]);
    sink.begin(lines.batch()).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(sink.write(lines.batch()).unwrap_err().kind(), ErrorKind::Gone);
    put(&mut sink, "one");
    assert_eq!(text(&path), "one\n");
}

/// After `copytruncate` writing goes on at the new end, without a hole.
#[test]
fn copytruncate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let options = FileOptions {
        max_size: Some(12),
        ..FileOptions::new(&path)
    };
    let mut sink = FileSink::open(options).unwrap();
    let mut all = String::new();
    for round in 0..10 {
        put(&mut sink, &format!("line {round}"));
        fs::copy(&path, dir.path().join("copy")).unwrap();
        empty(&path);
        all.push_str(&text(dir.path().join("copy")));
    }
    put(&mut sink, "last");
    assert_eq!(all, (0..10).map(|round| format!("line {round}\n")).collect::<String>());
    assert_eq!(text(&path), "last\n");
    let counts = sink.metrics().unwrap().counts();
    assert_eq!((counts.files_truncated, counts.rotations), (10, 0));
}

/// A file emptied between `begin` and `write` gets the line at its new end.
#[test]
fn truncate_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    put(&mut sink, "one");
    let lines = Lines::new(["two"]);
    sink.begin(lines.batch()).unwrap();
    empty(&path);
    assert_eq!(sink.write(lines.batch()).unwrap().offset(), 4);
    assert_eq!(text(&path), "two\n");
}

/// Empties the file as `copytruncate` does.
fn empty(path: &Path) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(0).unwrap();
}
