//! Several processes may write to one path.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use common::{Lines, all_text, child, deliver};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Sink};

const LINES: usize = 2_000;
const PATH: &str = "HYDRA_TEST_PATH";

/// Processes never mix their lines, nor lose one, while each of them rotates.
#[test]
fn processes() {
    if let Ok(path) = std::env::var(PATH) {
        return write(Path::new(&path));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut children: Vec<_> = (0..3)
        .map(|_| child("processes", PATH, path.to_str().unwrap()).spawn().unwrap())
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    for line in all_text(&path).lines() {
        let (who, _) = line.split_once(' ').unwrap();
        let number = next.entry(who.to_owned()).or_default();
        let expected = Lines::numbered(who, *number..*number + 1);
        assert_eq!(format!("{line}\n").as_bytes(), expected.bytes, "torn or out of order");
        *number += 1;
    }
    assert_eq!(next.len(), 3);
    assert!(next.values().all(|count| *count == LINES), "{next:?}");
}

fn write(path: &Path) {
    let options = FileOptions {
        max_size: Some(6_000),
        backup_count: 1_000,
        ..FileOptions::new(path)
    };
    let mut sink = FileSink::open(options).unwrap();
    let who = format!("p{}", std::process::id());
    for start in (0..LINES).step_by(2) {
        let lines = Lines::numbered(&who, start..start + 2);
        while let Err(error) = deliver(&mut sink, lines.batch().take(2)) {
            assert_eq!(error.kind(), ErrorKind::Busy);
        }
    }
    sink.close().unwrap();
}
