//! A service with axum and tower-http's tracing runs unchanged with our layer beside the fmt layer.
#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use hydra_logger::testing::{TestLog, TestRecord};
use hydra_logger::{Level, Value};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

#[path = "../src/bin/axum_service.rs"]
mod service;

/// Where the fmt layer writes to.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Lines;

    fn make_writer(&'w self) -> Lines {
        self.clone()
    }
}

/// An event, as either layer tells it.
#[derive(Debug, PartialEq)]
struct Told {
    level: String,
    module: String,
    message: String,
    fields: BTreeMap<String, serde_json::Value>,
    spans: BTreeMap<String, serde_json::Value>,
}

fn of_fmt(line: &str) -> Told {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let pairs = |value: &serde_json::Value| -> BTreeMap<_, _> {
        let pairs = value.as_object().into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let mut fields = pairs(&line["fields"]);
    let message = fields.remove("message").unwrap();
    let mut spans = BTreeMap::new();
    for span in line["spans"].as_array().into_iter().flatten() {
        spans.extend(pairs(span));
    }
    spans.remove("name");
    Told {
        level: line["level"].as_str().unwrap().to_owned(),
        module: line["target"].as_str().unwrap().to_owned(),
        message: message.as_str().unwrap().to_owned(),
        fields,
        spans,
    }
}

fn of_ours(record: &TestRecord) -> Told {
    let level = match record.level() {
        Level::Warning => "WARN".to_owned(),
        other => other.name().to_owned(),
    };
    let value = |(name, value): (&str, Value<'_>)| {
        let value = match value {
            Value::U64(number) => number.into(),
            Value::I64(number) => number.into(),
            Value::F64(number) => number.into(),
            Value::Bool(switch) => switch.into(),
            Value::Str(text) | Value::Rendered(text) => text.into(),
            other => format!("{other:?}").into(),
        };
        (name.to_owned(), value)
    };
    let mut spans: BTreeMap<_, _> = record.context_fields().map(value).collect();
    // The names of the spans, which the other layer tells span by span.
    spans.remove("span");
    Told {
        level,
        module: record.location().unwrap().module.to_owned(),
        message: record.message().to_owned(),
        fields: record.fields().map(value).collect(),
        spans,
    }
}

/// Both layers tell the same events of axum's, tower-http's and the service's own, with the same levels, modules,
/// messages, fields and types, and the same fields of the spans around them.
#[tokio::test]
async fn the_same_events_with_the_same_fields() {
    let (lines, log) = (Lines::default(), TestLog::new());
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().json().with_writer(lines.clone()))
        .with(log.tracing_layer());
    let guard = tracing::subscriber::set_default(subscriber);
    assert!(service::ask("/users/7").await.unwrap().contains("200 OK"));
    assert!(service::ask("/users/4711").await.unwrap().contains("404 Not Found"));
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let (theirs, ours): (Vec<_>, Vec<_>) = (
        text.lines().map(of_fmt).collect(),
        log.records().iter().map(of_ours).collect(),
    );
    assert_eq!(ours, theirs);
    let messages: Vec<_> = ours.iter().map(|told| told.message.as_str()).collect();
    for expected in [
        "started processing request",
        "looked up",
        "finished processing request",
        "no such user",
    ] {
        assert!(messages.contains(&expected), "{messages:?}");
    }
    let of_request: Vec<_> = ours
        .iter()
        .filter(|told| told.module.starts_with("tower_http"))
        .collect();
    assert!(of_request.len() >= 4 && of_request.iter().all(|told| told.spans.contains_key("path")));
    let trace = &serde_json::json!("4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(of_request.iter().all(|told| told.spans["trace_id"] == *trace));
}

/// As a program of its own it leaves the records of its requests in its file, each with the ids of its request.
#[test]
fn the_program() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_axum_service"));
    assert!(program.current_dir(dir.path()).output().unwrap().status.success());
    let text = std::fs::read_to_string(dir.path().join("logs/service.jsonl")).unwrap();
    let records: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let looked_up = records.iter().find(|record| record["message"] == "looked up").unwrap();
    assert_eq!(looked_up["context"]["path"], "/users/7");
    assert_eq!(looked_up["context"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let finished = |record: &&serde_json::Value| record["message"] == "finished processing request";
    assert_eq!(records.iter().filter(finished).count(), 2);
}
