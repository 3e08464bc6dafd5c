//! The testing kit does what its tests' users rely on.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::io::ErrorKind;

use hydra_logger::testing::{Capture, TestLog};
use hydra_logger::{Level, LogLayer, LoggingConfig, Value, context, error, info, trace};

/// Records come back with their types, their context and their place, from whichever thread or task they are.
#[test]
fn records_come_back_whole() {
    let test = TestLog::new();
    let line = line!() + 1;
    context::with(
        [("request", 7)],
        || trace!(test, layer: "API", "took {ms:.1}", ms = 1.25; who = "ada", none = None::<u8>),
    );
    let record = test.one();
    assert_eq!(
        (record.layer(), record.level(), record.message()),
        ("API", Level::Trace, "took 1.2")
    );
    let fields: Vec<_> = record.fields().collect();
    assert_eq!(
        fields,
        [
            ("ms", Value::F64(1.25)),
            ("who", Value::Str("ada")),
            ("none", Value::Null)
        ]
    );
    assert_eq!(
        (record.context("request"), record.field("request")),
        (Some(Value::I64(7)), None)
    );
    let place = record.location().unwrap();
    assert!(place.line >= line && place.file.ends_with("testing_kit.rs") && place.module == "testing_kit");

    let log = test.clone();
    std::thread::spawn(move || info!(log, "from a thread")).join().unwrap();
    futures::executor::block_on(async { info!(test.handle(), "from a task").await.unwrap() });
    assert_eq!(test.messages()[1..], ["from a thread", "from a task"]);
    assert_eq!(test.with_message("from a task").len(), 1);
}

/// Two kits side by side have nothing in common.
#[test]
fn kits_are_apart() {
    let (one, other) = (TestLog::new(), TestLog::new());
    info!(one, "here");
    info!(other, "there");
    assert_eq!(
        (one.messages(), other.messages()),
        (vec!["here".to_owned()], vec!["there".to_owned()])
    );
}

/// A destination that fails for a while loses nothing, and one that hangs holds up nobody who does not wait for it.
#[test]
fn faults_are_seen() {
    let test = TestLog::new();
    test.capture().fail_writes(2, ErrorKind::StorageFull);
    info!(test, "after two failures");
    assert_eq!(test.messages(), ["after two failures"]);
    test.capture().block();
    info!(test, "held up");
    assert_eq!(test.capture().records().len(), 1);
    test.capture().unblock();
    error!(test, "after all");
    assert_eq!(test.messages()[1..], ["held up", "after all"]);
}

/// Destinations of one configuration capture apart, each what is for it.
#[test]
fn destinations_capture_apart() {
    let (all, errors) = (Capture::new(), Capture::new());
    let layer = LogLayer::new(Level::Debug).destination(all.destination());
    let layer = layer.destination(errors.destination().level(Level::Error));
    let test = TestLog::with_config(LoggingConfig::builder().layer("DEFAULT", layer).build().unwrap());
    info!(test, "fine");
    error!(test, "broken");
    test.settle();
    assert_eq!((all.records().len(), errors.records().len()), (2, 1));
    assert_eq!(errors.records()[0].message(), "broken");
}
