//! A write that fails leaves nothing torn, and names the file.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Lines, child, deliver, put, text};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Mark, Sink};

const PATH: &str = "HYDRA_TEST_PATH";

/// A device that is full says so, by name, each time.
#[test]
fn full_device() {
    let mut sink = FileSink::open(FileOptions::new("/dev/full")).unwrap();
    let lines = Lines::new(["one"]);
    for _ in 0..3 {
        let error = deliver(&mut sink, lines.batch()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(
            error.to_string().contains("/dev/full") && error.to_string().contains("make room"),
            "{error}"
        );
    }
    assert_eq!(sink.metrics().unwrap().counts().writes_failed, 3);
    let mut sink = FileSink::open(FileOptions::new("/dev/null")).unwrap();
    put(&mut sink, "gone");
    sink.sync().unwrap();
}

/// At the limit on file size the host is not killed: records that fit are written, the others refused; with rotation
/// they go on in the next file.
#[test]
fn limited_file_size() {
    if let Ok(path) = std::env::var(PATH) {
        return write_to_the_limit(Path::new(&path));
    }
    let dir = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    // 4 KiB, in blocks of 512 bytes; the dash.
    let run = Command::new("sh")
        .args(["-c", "ulimit -f 8; exec \"$0\" --exact limited_file_size --nocapture"])
        .arg(program)
        .env(PATH, dir.path())
        .status()
        .unwrap();
    assert!(run.success(), "{run}");
}

fn write_to_the_limit(dir: &Path) {
    let lines = Lines::new((0..50).map(|_| "x".repeat(99)));
    let path = dir.join("f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    let begun = sink.begin(lines.batch()).unwrap();
    let limit = begun.records * 100;
    assert!((4_000..=8_192).contains(&(limit + 99)) || begun.records < 50);
    sink.write(lines.batch().take(begun.records)).unwrap();
    let mut rest = lines.batch().skip(begun.records);
    while rest.is_empty() {
        deliver(&mut sink, lines.batch()).unwrap();
        rest = lines.batch();
    }
    let error = sink.begin(rest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(text(&path).len(), limit);

    let path = dir.join("g");
    let mut sink = FileSink::open(FileOptions {
        max_size: Some(1 << 30),
        ..FileOptions::new(&path)
    })
    .unwrap();
    deliver(&mut sink, lines.batch()).unwrap();
    assert_eq!(common::all_text(&path).as_bytes(), lines.bytes);
}

/// On a full disk nothing torn stays, and once there is room again everything goes on.
#[test]
fn full_disk() {
    if let Ok(dir) = std::env::var(PATH) {
        return fill_disk(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=64k none {path}");
    let can = Command::new("unshare").args(["-Urm", "sh", "-c", &mount]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!("skipped: no mount of our own on this machine");
        return;
    }
    let program = child("full_disk", PATH, path);
    let run = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &format!("{mount} && exec \"$0\" \"$@\"")])
        .arg(program.get_program())
        .args(program.get_args())
        .env(PATH, path)
        .status()
        .unwrap();
    assert!(run.success(), "{run}");
}

fn fill_disk(dir: &Path) {
    let path = dir.join("f");
    std::fs::write(dir.join("ballast"), vec![0; 30_000]).unwrap();
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    let mut expected = Vec::new();
    // Batches do not end where pages do, so the last one is written in part before the disk is full.
    let failed = loop {
        let lines = Lines::numbered("line", 0..130);
        if let Err(error) = deliver(&mut sink, lines.batch()) {
            break error;
        }
        expected.extend_from_slice(&lines.bytes);
    };
    assert_eq!(failed.kind(), ErrorKind::Full);
    assert!(failed.to_string().contains("/f: No space left"), "{failed}");
    assert_eq!(std::fs::read(&path).unwrap(), expected);
    let counts = sink.metrics().unwrap().counts();
    assert_eq!(
        (counts.writes_failed, counts.torn_records_removed, counts.files_poisoned),
        (1, 1, 0)
    );
    std::fs::remove_file(dir.join("ballast")).unwrap();
    put(&mut sink, "again");
    expected.extend_from_slice(b"again\n");
    assert_eq!(std::fs::read(&path).unwrap(), expected);
}

/// A failed write of part of a batch, as a broken device gives it, moves the file aside and goes on in a new one.
#[test]
fn broken_device() {
    if let Ok(path) = std::env::var(PATH) {
        return write_past_a_failure(Path::new(&path));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, "").unwrap();
    let program = child("broken_device", PATH, path.to_str().unwrap());
    let run = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=write",
            "-P",
            path.to_str().unwrap(),
        ])
        .args(["-e", "inject=write:error=EIO:when=2"])
        .arg(program.get_program())
        .args(program.get_args())
        .env(PATH, &path)
        .output();
    match run {
        Ok(output) if output.status.success() => {
            assert_eq!(text(dir.path().join("f.poisoned")), "one\n");
            assert_eq!(text(&path), "two\nthree\n");
        }
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("ptrace") => {
            println!("skipped: no tracing here")
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => println!("skipped: no strace here"),
    }
}

fn write_past_a_failure(path: &Path) {
    let mut sink = FileSink::open(FileOptions::new(path)).unwrap();
    put(&mut sink, "one");
    let lines = Lines::new(["two"]);
    assert_eq!(deliver(&mut sink, lines.batch()).unwrap_err().kind(), ErrorKind::Io);
    deliver(&mut sink, lines.batch()).unwrap();
    put(&mut sink, "three");
    assert_eq!(sink.metrics().unwrap().counts().files_poisoned, 1);
}

/// A sync that could not even be tried, for want of descriptors, puts nothing into doubt: what dead processes wrote is
/// synced when there are some again, and the file stays the file.
#[test]
fn sync_without_descriptors() {
    if let Ok(path) = std::env::var(PATH) {
        return sync_in_want(Path::new(&path));
    }
    let dir = tempfile::tempdir().unwrap();
    let run = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 32; exec \"$0\" --exact sync_without_descriptors --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(PATH, dir.path())
        .status()
        .unwrap();
    assert!(run.success(), "{run}");
}

fn sync_in_want(dir: &Path) {
    let path = dir.join("f");
    std::fs::write(dir.join("f.1"), "of a dead process\n").unwrap();
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    put(&mut sink, "one");
    sink.resume(Mark::NOWHERE).unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    for _ in 0..3 {
        assert_eq!(sink.sync().unwrap_err().kind(), ErrorKind::Busy);
    }
    drop(taken);
    sink.sync().unwrap();
    put(&mut sink, "two");
    assert_eq!(text(&path), "one\ntwo\n");
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 2, "nothing is put aside");
}
