//! What cannot be looked at for want of a descriptor is looked at later, and not taken for something else.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use common::{Lines, child, deliver, put, text};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Sink};

const DIR: &str = "HYDRA_TEST_DIR";

/// Runs the test `name` as a process of its own that may have few descriptors, in a directory of its own.
fn in_child(name: &str, work: fn(&Path)) {
    if let Ok(dir) = std::env::var(DIR) {
        return work(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let program = child(name, DIR, dir.path().to_str().unwrap());
    let run = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

fn all_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// The file of the last write was renamed: while no descriptor is to be had the comparison is put off; the records that
/// stand there are not written again.
#[test]
fn what_was_renamed_is_compared() {
    in_child("what_was_renamed_is_compared", |dir| {
        let (path, away) = (dir.join("f"), dir.join("f.1"));
        let lines = Lines::new(["one", "two"]);
        let mark = {
            let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
            let begun = sink.begin(lines.batch()).unwrap();
            sink.write(lines.batch().take(1)).unwrap();
            begun.mark
        };
        fs::rename(&path, &away).unwrap();
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        let all = all_descriptors();
        assert_eq!(sink.resume(mark).unwrap_err().kind(), ErrorKind::Busy);
        drop(all);
        sink.resume(mark).unwrap();
        assert_eq!(sink.already(lines.batch()).unwrap(), 1);
        deliver(&mut sink, lines.batch().skip(1)).unwrap();
        assert_eq!((text(&away), text(&path)), ("one\n".to_owned(), "two\n".to_owned()));
    });
}

/// A line that another program has begun is ended before anything is written behind it, if need be later.
#[test]
fn a_foreign_line_is_ended() {
    in_child("a_foreign_line_is_ended", |dir| {
        let path = dir.join("f");
        let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
        put(&mut sink, "one");
        let mut foreign = fs::OpenOptions::new().append(true).open(&path).unwrap();
        foreign.write_all(b"half").unwrap();
        let all = all_descriptors();
        let lines = Lines::new(["two"]);
        assert_eq!(sink.begin(lines.batch()).unwrap_err().kind(), ErrorKind::Busy);
        drop(all);
        put(&mut sink, "two");
        assert_eq!(text(&path), "one\nhalf\ntwo\n");
    });
}
