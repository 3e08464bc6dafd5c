//! What the macros of `log` and `tracing` log before there is a logger: kept, and taken over by the first one.
//!
//! A process has one backend, so each promise is kept by a process of its own, which this test starts of itself.
#![cfg(all(feature = "testing", feature = "log", feature = "tracing"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic"
)]

use std::process::{Command, Output};
use std::sync::mpsc;

use hydra_logger::testing::{Capture, TestLog};
use hydra_logger::{
    EARLY_BYTES_MAX, EARLY_RECORDS_MAX, ErrorKind, Level, LogLayer, LoggingConfig, Value, context, install_early,
};

/// Says to the child what it is to do.
const CASE: &str = "HYDRA_EARLY_CASE";

fn run(case: &str) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", "child", "--nocapture"]).env(CASE, case);
    child.output().unwrap()
}

#[track_caller]
fn passes(case: &str) {
    let output = run(case);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The other process: it does nothing unless it was started by one of the tests below.
#[test]
fn child() {
    match std::env::var(CASE).as_deref() {
        Ok("in_order") => in_order(),
        Ok("as_configured") => as_configured(),
        Ok("bounded") => bounded(),
        Ok("many_threads") => many_threads(),
        Ok("endless") => endless(),
        Ok("no_logger") => no_logger(),
        Ok(other) => panic!("unknown case {other}"),
        Err(_) => {}
    }
}

/// Records of both facades arrive in order, with their time, thread, place, fields and context, and what is logged
/// later goes on behind them; spans that were open go on; a second logger cannot be installed.
#[test]
fn what_was_logged_before_arrives_first() {
    passes("in_order");
}

fn in_order() {
    install_early(Level::Debug).unwrap();
    let line = line!() + 1;
    log::info!(count = 3; "of log");
    let span = tracing::info_span!("start", step = 1);
    let entered = span.enter();
    context::with([("request", 7)], || tracing::warn!(path = "/", "of tracing"));
    let thread = std::thread::Builder::new().name("worker".to_owned());
    let thread = thread.spawn(|| log::debug!(target: "other", "of a thread")).unwrap();
    thread.join().unwrap();
    log::trace!("below the least level");
    let before_ns = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();

    let test = TestLog::new();
    test.install().unwrap();
    tracing::info!("in a span from before");
    drop(entered);
    log::trace!("the configuration's level");
    let messages = [
        "of log",
        "of tracing",
        "of a thread",
        "in a span from before",
        "the configuration's level",
    ];
    assert_eq!(test.messages(), messages);
    let records = test.records();
    assert!(records[..3].iter().all(|record| (record.time_ns() as u128) < before_ns));
    assert!(records[3..].iter().all(|record| record.time_ns() as u128 >= before_ns));
    assert_eq!(
        (records[0].field("count"), records[0].location().unwrap().line),
        (Some(Value::I64(3)), line)
    );
    assert!(
        records[0]
            .location()
            .unwrap()
            .file
            .ends_with("before_there_is_a_logger.rs")
    );
    let of_tracing = &records[1];
    assert_eq!(
        (of_tracing.level(), of_tracing.field("path")),
        (Level::Warning, Some(Value::Str("/")))
    );
    let told = ["span", "step", "request"].map(|name| of_tracing.context(name));
    assert_eq!(
        told,
        [Some(Value::Str("start")), Some(Value::I64(1)), Some(Value::I64(7))]
    );
    assert_eq!(records[3].context("step"), Some(Value::I64(1)));
    assert_eq!(TestLog::new().install().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(install_early(Level::Info).unwrap_err().kind(), ErrorKind::Unsupported);
}

/// The configuration that comes decides about levels and layers, and a record has what its guarantee says when
/// `install` returns.
#[test]
fn the_configuration_decides() {
    passes("as_configured");
}

fn as_configured() {
    install_early(Level::Trace).unwrap();
    log::debug!("below DEFAULT's level");
    log::debug!(target: "hyper::proto", "wanted by HTTP");
    tracing::error!(target: "hyper", "an error");
    let (default, http) = (Capture::new(), Capture::new());
    let config = LoggingConfig::builder()
        .layer("DEFAULT", LogLayer::new(Level::Info).destination(default.destination()))
        .layer("HTTP", LogLayer::new(Level::Debug).destination(http.destination()))
        .target("hyper", "HTTP");
    let test = TestLog::with_config(config.build().unwrap());
    test.install().unwrap();
    // In memory an error is delivered when its call returns.
    let messages: Vec<_> = http
        .records()
        .iter()
        .map(|record| record.message().to_owned())
        .collect();
    assert_eq!(messages, ["wanted by HTTP", "an error"]);
    test.settle();
    assert!(default.records().is_empty());
}

/// What there is no room for is counted, and a record tells how many: none is dropped in silence.
#[test]
fn the_buffer_is_bounded() {
    passes("bounded");
}

fn bounded() {
    install_early(Level::Info).unwrap();
    log::info!("large {}", "x".repeat(EARLY_BYTES_MAX));
    for number in 0..EARLY_RECORDS_MAX + 10 {
        tracing::info!(number, "many");
    }
    let test = TestLog::new();
    test.install().unwrap();
    let records = test.records();
    assert_eq!(records.len(), EARLY_RECORDS_MAX + 1);
    let last = records.last().unwrap();
    assert_eq!(
        (last.level(), last.field("dropped")),
        (Level::Warning, Some(Value::U64(11)))
    );
}

/// Threads that log while the logger comes lose nothing, and each thread's records stay in order.
#[test]
fn nothing_is_lost_while_it_comes() {
    passes("many_threads");
}

fn many_threads() {
    const EACH: u64 = 200;
    install_early(Level::Info).unwrap();
    let (begun, has_begun) = mpsc::channel();
    let threads: Vec<_> = (0..4u64)
        .map(|thread| {
            let begun = begun.clone();
            std::thread::spawn(move || {
                for number in 0..EACH {
                    match number % 2 {
                        0 => log::info!(thread, number; "record"),
                        _ => tracing::info!(thread, number, "record"),
                    }
                    if number == 10 {
                        begun.send(()).unwrap();
                    }
                }
            })
        })
        .collect();
    threads.iter().for_each(|_| has_begun.recv().unwrap());
    let test = TestLog::new();
    test.install().unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let records = test.records();
    for thread in 0..4 {
        let of_thread = records
            .iter()
            .filter(|record| record.field("thread") == Some(Value::U64(thread)));
        let numbers: Vec<_> = of_thread.map(|record| record.field("number").unwrap()).collect();
        assert_eq!(numbers, (0..EACH).map(Value::U64).collect::<Vec<_>>());
    }
}

/// A value that logs itself through the facades does not end the process, neither before there is a logger nor after.
#[test]
fn a_value_without_end() {
    passes("endless");
}

fn endless() {
    struct Endless;
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            log::info!("again: {}", Endless);
            tracing::info!("again: {}", Endless);
            f.write_str("shown")
        }
    }
    install_early(Level::Info).unwrap();
    log::info!("outermost: {}", Endless);
    let test = TestLog::new();
    test.install().unwrap();
    tracing::info!(value = %Endless, "an event");
    log::info!("last: {}", Endless);
    let messages = test.messages();
    for expected in ["outermost: shown", "an event", "last: shown"] {
        assert_eq!(
            messages.iter().filter(|message| *message == expected).count(),
            1,
            "{expected}"
        );
    }
    assert!(test.health().refused > 0);
}

/// A program that ends without a logger leaves what it has logged on standard error.
#[test]
fn a_program_without_a_logger() {
    let output = run("no_logger");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("cannot read the configuration") && text.contains("ERROR"),
        "{text}"
    );
    assert!(text.contains("1 more record"), "{text}");
}

fn no_logger() {
    install_early(Level::Info).unwrap();
    log::error!("cannot read the configuration");
    log::info!("large {}", "x".repeat(EARLY_BYTES_MAX));
    std::process::exit(0);
}
