//! The `log` crate's macros with the logger behind them. One test: a process has one backend.
#![cfg(feature = "log")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

use std::fmt;

use hydra_logger::{ErrorKind, Level, context};
use log::{Level as LogLevel, LevelFilter, debug, error, info, log_enabled, trace, warn};
use serde_json::json;
use support::{Fixture, messages};

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

fn fixture() -> Fixture {
    let layers = [
        ("DEFAULT", Level::Info),
        ("HTTP", Level::Warning),
        ("WIRE", Level::Debug),
        ("SILENT", Level::Critical),
    ];
    let targets = [("hyper", "HTTP"), ("hyper::wire", "WIRE"), ("noisy", "SILENT")];
    Fixture::new(&layers, &targets)
}

/// Targets lead to layers by their longest prefix, levels filter as configured and are told to the facade, key-values
/// keep their types, messages, places and contexts arrive; all of it follows a reload; a second backend is refused.
#[test]
fn the_facade_logs_through_it() {
    let fixture = fixture();
    let log = &fixture.log;
    log.install().unwrap();
    assert_eq!(log::max_level(), LevelFilter::Debug);

    let (user, line) = ("ada", line!() + 1);
    info!(count = 3, ratio = 0.5, who = user, ok = true, none:? = None::<u8>; "hello {user}");
    let failure = std::io::Error::other(fmt::Error);
    error!(err:err = failure; "failed");
    debug!("below DEFAULT's level");
    context::with([("request", "r-1")], || warn!(target: "hyper", "http"));
    info!(target: "hyper", "below HTTP's level");
    debug!(target: "hyper::wire::h2", "wire");
    warn!(target: "hyperbole", "no segment of that name");
    error!(target: "noisy", "below SILENT's level");
    warn!("{} and more", Panics);
    for number in 0..3 {
        info!(target: &format!("target{number}"), "dynamic");
    }
    log::logger().log(
        &log::Record::builder()
            .level(LogLevel::Warn)
            .args(format_args!("bare {}", 1))
            .build(),
    );
    assert!(log_enabled!(target: "hyper::wire", LogLevel::Debug) && !log_enabled!(target: "hyper", LogLevel::Info));
    trace!("below all");

    let records = fixture.records();
    let expected = [
        "hello ada",
        "failed",
        "http",
        "wire",
        "no segment of that name",
        "<panicked while rendering>",
        "dynamic",
        "dynamic",
        "dynamic",
        "bare 1",
    ];
    assert_eq!(messages(&by_time(&records)), expected);
    let find = |message: &str| records.iter().find(|record| record["message"] == message).unwrap();
    let hello = find("hello ada");
    let fields = json!({ "count": 3, "ratio": 0.5, "who": "ada", "ok": true, "none": "None" });
    assert_eq!((&hello["logger"], &hello["extra"]), (&json!("DEFAULT"), &fields));
    assert_eq!((&hello["line"], &hello["level"]), (&json!(line), &json!("INFO")));
    assert!(hello["file"].as_str().unwrap().ends_with("bridge_log.rs"), "{hello}");
    assert_eq!(
        find("failed")["extra"]["err"]["message"],
        "an error occurred when formatting an argument"
    );
    let http = find("http");
    assert_eq!(
        (&http["logger"], &http["context"]),
        (&json!("HTTP"), &json!({ "request": "r-1" }))
    );
    assert_eq!(find("wire")["logger"], "WIRE");
    assert_eq!(find("no segment of that name")["logger"], "DEFAULT");

    follows_a_reload(&fixture, records.len());
    let again = log.handle().install().unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Unsupported);
    assert!(again.to_string().contains("the process has one already"), "{again}");
}

fn follows_a_reload(fixture: &Fixture, before: usize) {
    let mut config = (*fixture.log.config()).clone();
    config.targets = [("bridge_log".to_owned(), "SILENT".to_owned())].into();
    config.layers.remove("WIRE");
    fixture.log.reload(config).unwrap();
    assert_eq!(log::max_level(), LevelFilter::Info);
    error!("this module's layer takes it no more");
    error!(target: "hyper", "DEFAULT's now");
    let records = fixture.records();
    assert_eq!(
        (records.len(), &records[before]["logger"]),
        (before + 1, &json!("DEFAULT"))
    );
}

/// The layers' destinations share a file, each at its own pace.
fn by_time(records: &[serde_json::Value]) -> Vec<serde_json::Value> {
    let mut records = records.to_vec();
    records.sort_by_key(|record| record["timestamp"].as_str().unwrap().to_owned());
    records
}
