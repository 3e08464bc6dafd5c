//! The examples do what they say. They are compiled into this test, so that they run in CI.
#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;

use serde_json::{Value, json};

#[cfg(feature = "tracing")]
#[path = "../examples/library.rs"]
mod library;
#[path = "../examples/service.rs"]
mod service;
#[cfg(feature = "log")]
#[path = "../examples/tool.rs"]
mod tool;
#[path = "../examples/worker.rs"]
mod worker;

fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every record of a request carries its ids, and those of the trace that the caller told.
#[tokio::test]
async fn the_service() {
    let dir = tempfile::tempdir().unwrap();
    service::run(dir.path()).await.unwrap();
    let records = records(&dir.path().join("service.jsonl"));
    assert_eq!(records.len(), 2);
    for record in &records {
        let context = &record["context"];
        assert_eq!(context["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context["peer"].is_string() && context["span_id"] != "00f067aa0ba902b7");
        assert_eq!(context["correlation_id"], records[0]["context"]["correlation_id"]);
    }
}

/// Each job's records carry the job, also those of its inner task; what is to be audited is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_worker() {
    let dir = tempfile::tempdir().unwrap();
    worker::run(dir.path()).await.unwrap();
    let jobs = records(&dir.path().join("worker.jsonl"));
    let of = |job: u64| jobs.iter().filter(|record| record["context"]["job"] == job).count();
    assert!((0..10).all(|job| of(job) == 2), "{jobs:?}");
    let failed: Vec<_> = jobs.iter().filter(|record| record["level"] == "ERROR").collect();
    assert_eq!((failed.len(), &failed[0]["context"]["job"]), (1, &json!(9)));
    assert!(failed[0]["extra"]["err"]["message"].is_string());
    assert_eq!(records(&dir.path().join("audit.jsonl")).len(), 9);
}

/// The tool's file has what was done and what was skipped.
#[cfg(feature = "log")]
#[test]
fn the_tool() {
    let dir = tempfile::tempdir().unwrap();
    let paths = [
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned(),
        "no such file".to_owned(),
    ];
    tool::run(dir.path(), &paths).unwrap();
    let text = std::fs::read_to_string(dir.path().join("tool.log")).unwrap();
    assert!(
        text.contains("DEBUG - counted") && text.contains("WARNING - skipped no such file"),
        "{text}"
    );
    assert!(text.lines().last().unwrap().ends_with("INFO - done"), "{text}");
}

/// The library's events are in the layer of its target, with its span.
#[cfg(feature = "tracing")]
#[test]
fn the_library() {
    let dir = tempfile::tempdir().unwrap();
    library::run(dir.path()).unwrap();
    let records = records(&dir.path().join("parser.jsonl"));
    assert_eq!(records.len(), 2);
    assert_eq!(
        (&records[0]["logger"], &records[0]["extra"]["word"]),
        (&json!("PARSER"), &json!("two"))
    );
    assert_eq!(
        records[1]["context"],
        json!({ "span": "sum", "name": "input", "bytes": 10 })
    );
}
