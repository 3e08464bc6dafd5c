//! A named pipe in the place of a file.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use hydra_sink::{Batch, ErrorKind, FileOptions, FileSink, Sink};

/// `O_NONBLOCK`.
const NONBLOCKING: i32 = 0o4000;

/// A reader that takes nothing for a while, in the middle of a batch, gets every record once and whole all the same.
#[test]
fn a_pause_of_the_reader_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut pipe = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(NONBLOCKING)
        .open(&path)
        .unwrap();
    let mut filling = 0;
    while let Ok(written) = pipe.write(&[b'-'; 4096]) {
        filling += written;
    }
    // Room for a part of the batch.
    pipe.read_exact(&mut [0; 3 * 4096]).unwrap();
    filling -= 3 * 4096;
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for number in 0..20 {
        bytes.extend_from_slice(format!("{number:0>999}\n").as_bytes());
        ends.push(bytes.len());
    }
    let batch = Batch {
        bytes: &bytes,
        ends: &ends,
    };
    let mut sink = FileSink::shared(FileOptions::new(&path)).unwrap();
    sink.begin(batch).unwrap();
    assert_eq!(sink.write(batch).unwrap_err().kind(), ErrorKind::Busy);
    let (mut read, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    let mut take = |read: &mut Vec<u8>| {
        while let Ok(count) = pipe.read(&mut buffer) {
            read.extend_from_slice(&buffer[..count]);
        }
    };
    take(&mut read);
    assert!(read.len() > filling, "it had taken a part");
    sink.begin(batch).unwrap();
    sink.write(batch).unwrap();
    take(&mut read);
    assert!(read[filling..] == bytes);
}
