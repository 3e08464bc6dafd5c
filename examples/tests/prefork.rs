//! Preforked workers lose and double nothing, whichever of them die.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::process::Command;

/// Each of the requests is in the file of one worker, exactly once, also those on which workers died.
#[test]
fn every_request_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_prefork")).arg(dir.path()).status();
    assert!(status.unwrap().success());
    let mut numbers = Vec::new();
    for worker in 0..3 {
        let text = std::fs::read_to_string(dir.path().join(format!("worker-{worker}.jsonl"))).unwrap_or_default();
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["extra"]["worker"], worker.to_string(), "{record}");
            let path = record["extra"]["path"].as_str().unwrap();
            let (_, number) = path.rsplit_once('/').unwrap();
            numbers.push(number.parse::<u32>().unwrap());
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
}
