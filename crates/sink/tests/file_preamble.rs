//! Every file begins with its preamble, once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;

use common::{Lines, deliver, put, rotated, text};
use hydra_sink::{FileOptions, FileSink, Sink};

fn options(path: &std::path::Path) -> FileOptions {
    FileOptions {
        preamble: Some(b"a,b\n".to_vec()),
        ..FileOptions::new(path)
    }
}

/// One preamble a file: not again when the file is opened again, but in every new file.
#[test]
fn once_per_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for line in ["1,2", "3,4"] {
        put(&mut FileSink::open(options(&path)).unwrap(), line);
    }
    assert_eq!(text(&path), "a,b\n1,2\n3,4\n");
    let mut sink = FileSink::open(FileOptions {
        max_size: Some(12),
        ..options(&path)
    })
    .unwrap();
    deliver(&mut sink, Lines::new(["5,6", "7,8", "9,10,11,12,13,14", "15"]).batch()).unwrap();
    let files: Vec<_> = rotated(&path).iter().map(text).collect();
    assert_eq!(
        files,
        [
            "a,b\n1,2\n3,4\n",
            "a,b\n5,6\n7,8\n",
            "a,b\n9,10,11,12,13,14\n",
            "a,b\n15\n"
        ]
    );
}

/// A preamble that a crash cut short is begun anew, at each length it can have.
#[test]
fn torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for cut in 0..=4 {
        fs::write(&path, &"a,b\n"[..cut]).unwrap();
        put(&mut FileSink::open(options(&path)).unwrap(), "1,2");
        assert_eq!(text(&path), "a,b\n1,2\n");
    }
    fs::write(&path, "x").unwrap();
    put(&mut FileSink::open(options(&path)).unwrap(), "1,2");
    assert_eq!(text(&path), "x\n1,2\n");
}

/// A file emptied by another program gets its preamble again.
#[test]
fn after_copytruncate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path)).unwrap();
    put(&mut sink, "1,2");
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    let begun = sink.begin(Lines::new(["3,4"]).batch()).unwrap();
    assert_eq!(begun.mark.offset(), 4);
    put(&mut sink, "3,4");
    assert_eq!(text(&path), "a,b\n3,4\n");
}
