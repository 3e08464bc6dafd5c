//! A process that is killed at any system call leaves files that the next one brings in order.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use common::{Lines, child, names};
use hydra_sink::{FileOptions, FileSink, Mark, Sink};

const DIR: &str = "HYDRA_TEST_DIR";
const LINES: usize = 15;

/// Killed at the n-th call of a kind that changes anything, for every n: afterwards each line is there once, in order.
#[test]
fn at_every_system_call() {
    if let Ok(dir) = std::env::var(DIR) {
        return live(Path::new(&dir));
    }
    if !can_trace() {
        println!("skipped: no strace, or no tracing, here");
        return;
    }
    for call in [
        "write",
        "renameat2",
        "unlink",
        "flock",
        "fdatasync",
        "fsetxattr",
        "ftruncate",
    ] {
        let mut number = 1;
        while die_and_recover(call, number) {
            number += 1;
        }
        println!("{call}: {} kills", number - 1);
    }
}

fn can_trace() -> bool {
    let run = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .output();
    run.is_ok_and(|output| output.status.success())
}

/// One life that ends at the call, and one that does not: `false` when the first did not either.
fn die_and_recover(call: &str, number: u32) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let program = child("at_every_system_call", DIR, dir.path().to_str().unwrap());
    let run = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=KILL:when={number}")])
        .arg(program.get_program())
        .args(program.get_args())
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let second = child("at_every_system_call", DIR, dir.path().to_str().unwrap())
        .output()
        .unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stdout));
    let expected = Lines::numbered("line", 0..LINES).bytes;
    let found = all(dir.path());
    assert!(
        found.as_bytes() == expected,
        "after a kill at {call} number {number}: {:?}\n{found}",
        names(dir.path())
    );
    !run.status.success()
}

/// A head in miniature: keeps its position and mark in a file, as the journal does.
fn live(dir: &Path) {
    let keep = fs::File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(dir.join("kept"))
        .unwrap();
    let mut kept = [0; 56];
    let known = keep.read_at(&mut kept, 0).unwrap() == kept.len();
    let mut position = if known {
        u64::from_le_bytes(*kept.first_chunk().unwrap()) as usize
    } else {
        0
    };
    let mark = Mark::from_bytes(kept.last_chunk().unwrap());
    let put = |position: usize, mark: Mark| {
        let bytes = [&(position as u64).to_le_bytes()[..], &mark.to_bytes()].concat();
        keep.write_at(&bytes, 0).unwrap();
    };
    let options = FileOptions {
        max_size: Some(120),
        backup_count: 100,
        gzip: cfg!(feature = "gzip"),
        ..FileOptions::new(dir.join("f"))
    };
    let mut sink = FileSink::open(options).unwrap();
    let lines = Lines::numbered("line", 0..LINES);
    sink.resume(mark).unwrap();
    position += sink.already(lines.batch().skip(position)).unwrap();
    while position < LINES {
        let batch = lines.batch().skip(position).take(3);
        let begun = sink.begin(batch).unwrap();
        put(position, begun.mark);
        let mark = sink.write(batch.take(begun.records)).unwrap();
        position += begun.records;
        put(position, mark);
    }
    sink.sync().unwrap();
    // Begins once more, so that what a kill left is looked at also when all was written.
    sink.begin(lines.batch().take(0)).unwrap();
    sink.close().unwrap();
}

/// The files' text, oldest first; a place must not be taken twice.
fn all(dir: &Path) -> String {
    let mut found = Vec::new();
    for name in names(dir)
        .into_iter()
        .filter(|name| name.starts_with('f') && !name.ends_with(".tmp"))
    {
        let number = name
            .trim_start_matches('f')
            .trim_end_matches(".gz")
            .trim_start_matches('.');
        found.push((if name == "f" { 0 } else { number.parse::<u32>().unwrap() }, name));
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    assert!(found.windows(2).all(|pair| pair[0].0 != pair[1].0), "{found:?}");
    let read = |name: &String| {
        let bytes = fs::read(dir.join(name)).unwrap();
        let mut text = String::new();
        match name.ends_with(".gz") {
            true => flate2::read::GzDecoder::new(&bytes[..])
                .read_to_string(&mut text)
                .unwrap(),
            false => (&bytes[..]).read_to_string(&mut text).unwrap(),
        };
        text
    };
    found.iter().map(|(_, name)| read(name)).collect()
}
