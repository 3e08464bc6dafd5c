//! A console that nobody reads kills nobody and holds nobody up for ever.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::io::Read as _;
use std::process::Stdio;

use common::{Lines, child, deliver, put};
use hydra_sink::{ConsoleSink, ErrorKind, Mark, Sink, Stream};

const ROLE: &str = "HYDRA_TEST_ROLE";

/// Records arrive on the stream as they are.
#[test]
fn writes() {
    if std::env::var(ROLE).is_ok() {
        let mut sink = ConsoleSink::new(Stream::Error);
        assert!(!sink.is_terminal());
        sink.resume(Mark::NOWHERE).unwrap();
        put(&mut sink, "one");
        deliver(&mut sink, Lines::new(["two".to_owned(), "x".repeat(10_000)]).batch()).unwrap();
        sink.sync().unwrap();
        sink.close().unwrap();
        return;
    }
    let output = child("writes", ROLE, "1").output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("one\ntwo\n{}\n", "x".repeat(10_000))
    );
}

/// Once the reader has gone the sink says so, and the process lives on.
#[test]
fn closed() {
    if std::env::var(ROLE).is_ok() {
        let mut sink = ConsoleSink::new(Stream::Error);
        let lines = Lines::new(["one"]);
        let error = loop {
            if let Err(error) = deliver(&mut sink, lines.batch()) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert!(error.to_string().contains("standard error"), "{error}");
        return;
    }
    let mut child = child("closed", ROLE, "1")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

/// A reader that does not read makes a write give up after a while; when it reads again, nothing is missing or doubled.
#[test]
fn stalled() {
    if std::env::var(ROLE).is_ok() {
        let mut sink = ConsoleSink::new(Stream::Error);
        let lines = Lines::numbered("line", 0..10_000);
        let error = deliver(&mut sink, lines.batch()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        // Tells the parent to read now.
        drop(std::fs::File::create(std::env::var(ROLE).unwrap()).unwrap());
        while let Err(error) = deliver(&mut sink, lines.batch()) {
            assert_eq!(error.kind(), ErrorKind::Busy);
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let sign = dir.path().join("sign");
    let mut child = child("stalled", ROLE, sign.to_str().unwrap())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !sign.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let mut read = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut read).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(read == Lines::numbered("line", 0..10_000).bytes);
}
