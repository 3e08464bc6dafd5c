//! The testing kit does what its tests' users rely on.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::io;

use hydra_logger::testing::{Capture, TestLog};
use hydra_logger::{ErrorKind, Guarantee, Level, LogLayer, LoggingConfig, Value, context, error, info, trace};

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
    test.capture().fail_writes(2, io::ErrorKind::StorageFull);
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

/// A record that was to be delivered and that its destination rejects for good is not called delivered: the error names
/// the destination, the reason and the dead letter. Those around it are delivered.
#[test]
fn a_dead_letter_is_not_delivered() {
    for (journal, place) in [(true, "dead-letter file has"), (false, "was discarded")] {
        let (dir, capture) = (tempfile::tempdir().unwrap(), Capture::new());
        let layer = LogLayer::new(Level::Info).destination(capture.destination());
        let mut config = LoggingConfig::builder()
            .layer("DEFAULT", layer)
            .guarantee(Level::Info, Guarantee::Delivered);
        if journal {
            config = config.journal_dir(dir.path());
        }
        let test = TestLog::with_config(config.build().unwrap());
        capture.reject("poison");
        test.info("DEFAULT", "before").wait().unwrap();
        let error = test.error("DEFAULT", "poison").wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Destination);
        assert!(
            error.to_string().contains(place) && error.to_string().contains("a test wants it so"),
            "{error}"
        );
        let receipt = test.handle().info("DEFAULT", "more poison");
        assert_eq!(receipt.wait().unwrap_err().kind(), ErrorKind::Destination);
        test.error("DEFAULT", "after").wait().unwrap();
        test.flush(std::time::Duration::from_secs(60)).unwrap();
        assert_eq!(capture.records().len(), 2);
    }
}
