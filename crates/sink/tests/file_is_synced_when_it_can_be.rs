//! A sync that cannot be tried is no sync that has failed.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use common::{child, names, put};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Mark, Sink};

const DIR: &str = "HYDRA_TEST_DIR";

/// A process that has no descriptor to look at what a dead one left says that it is busy, trusts the file as before,
/// and syncs it all once it can.
#[test]
fn without_descriptors() {
    if let Ok(dir) = std::env::var(DIR) {
        return sync_without_descriptors(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let program = child("without_descriptors", DIR, dir.path().to_str().unwrap());
    let run = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert_eq!(names(dir.path()), ["f", "f.1"]);
}

fn sync_without_descriptors(dir: &Path) {
    std::fs::write(dir.join("f.1"), "one\n").unwrap();
    let mut sink = FileSink::open(FileOptions::new(dir.join("f"))).unwrap();
    sink.resume(Mark::NOWHERE).unwrap();
    put(&mut sink, "two");
    let all: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert_eq!(sink.sync().unwrap_err().kind(), ErrorKind::Busy);
    put(&mut sink, "three");
    assert_eq!(sink.sync().unwrap_err().kind(), ErrorKind::Busy);
    drop(all);
    sink.sync().unwrap();
    let counts = sink.metrics().unwrap().counts();
    assert_eq!((counts.syncs_failed, counts.files_poisoned), (0, 0));
    assert_eq!(std::fs::read_to_string(dir.join("f")).unwrap(), "two\nthree\n");
}
