//! A receipt resolves when its record has reached its guarantee.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use hydra_logger::config::ByteSize;
use hydra_logger::{ErrorKind, Guarantee, Level, LogLayer, LoggingConfig};

use crate::front::Front;
use crate::place::{LONG, Place};

/// `queued` is reached when the call returns, with and without a journal on disk.
pub(crate) fn queued<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let config = place
            .app_with(journal)
            .guarantee(Level::Trace, Guarantee::Queued)
            .build()
            .unwrap();
        let log = F::start(config).unwrap();
        let receipt = F::log(&log, "APP", Level::Critical, "queued");
        assert!(receipt.is_reached() && receipt.sequence().is_some());
        F::wait(receipt).unwrap();
        F::shutdown(&log, LONG).unwrap();
        assert_eq!(place.messages("app.jsonl"), ["queued"]);
    }
}

/// `journaled` is reached when the call returns: the record is in the journal's file.
pub(crate) fn journaled<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app_with(true).build().unwrap()).unwrap();
    let receipt = F::log(&log, "APP", Level::Info, "journaled");
    assert!(receipt.is_reached());
    F::wait(receipt).unwrap();
    let held = std::fs::read_dir(place.path("journal"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let files = held
        .filter(|path| path.is_dir())
        .flat_map(|dir| std::fs::read_dir(dir).unwrap().flatten());
    let bytes: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.path()).unwrap()).collect();
    assert!(
        bytes
            .iter()
            .any(|bytes| bytes.windows(9).any(|window| window == b"journaled"))
    );
    F::shutdown(&log, LONG).unwrap();
}

/// `synced` is reached when the journal is on the device; errors are synced by default where there is a journal.
pub(crate) fn synced<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app_with(true).build().unwrap()).unwrap();
    F::each(&log, 100, |log, number| {
        F::log(log, "APP", Level::Error, &number.to_string())
    })
    .unwrap();
    let receipt = F::log(&log, "APP", Level::Critical, "synced");
    F::wait(receipt).unwrap();
    assert_eq!(F::health(&log).syncs_failed, 0);
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(place.lines("app.jsonl").len(), 101);
}

/// `delivered` is reached when the line is in the file; errors are delivered by default where there is no journal.
pub(crate) fn delivered<F: Front>() {
    for asked in [false, true] {
        let place = Place::new();
        let mut config = place.app_with(asked);
        if asked {
            config = config.guarantee(Level::Info, Guarantee::Delivered);
        }
        let log = F::start(config.build().unwrap()).unwrap();
        for number in 0..50 {
            let message = format!("delivered {number}");
            F::wait(F::log(&log, "APP", Level::Error, &message)).unwrap();
            assert_eq!(place.messages("app.jsonl").last(), Some(&message));
        }
        F::shutdown(&log, LONG).unwrap();
    }
}

/// Of the guarantees of level, layer and destination the strongest holds.
pub(crate) fn the_stronger_wins<F: Front>() {
    let place = Place::new();
    let file = |name| place.file(name, hydra_logger::Format::Json);
    let config = LoggingConfig::builder()
        .journal_dir(place.path("journal"))
        .guarantee(Level::Trace, Guarantee::Queued)
        .layer_guarantee("LAYER", Guarantee::Delivered)
        .layer("LAYER", LogLayer::new(Level::Info).destination(file("layer.jsonl")))
        .layer(
            "FILE",
            LogLayer::new(Level::Info).destination(file("file.jsonl").guarantee(Guarantee::Delivered)),
        )
        .build()
        .unwrap();
    let log = F::start(config).unwrap();
    for (layer, name) in [("LAYER", "layer.jsonl"), ("FILE", "file.jsonl")] {
        F::wait(F::log(&log, layer, Level::Info, "there")).unwrap();
        assert_eq!(place.messages(name), ["there"]);
    }
    F::shutdown(&log, LONG).unwrap();
}

/// `journaled` and `synced` without a journal directory are refused, never promised.
pub(crate) fn journal_guarantees_need_a_journal<F: Front>() {
    let place = Place::new();
    for guarantee in [Guarantee::Journaled, Guarantee::Synced] {
        let error = place.app().guarantee(Level::Error, guarantee).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let mut config = place.app().build().unwrap();
        config.guarantees.layers.insert("APP".to_owned(), guarantee);
        assert_eq!(
            F::start(config).map(|_| ()).unwrap_err().kind(),
            ErrorKind::Configuration
        );
    }
}

/// A receipt that is dropped, or a future that is never polled, loses nothing.
pub(crate) fn dropped_is_not_lost<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app_with(true).build().unwrap()).unwrap();
    F::burst(&log, 200, |log, number| {
        F::log(log, "APP", Level::Error, &number.to_string())
    });
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        place.messages("app.jsonl"),
        (0..200).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

/// A receipt is a future with every handle: polled any number of times and then dropped, it loses nothing.
pub(crate) fn cancelled_is_not_lost<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app_with(true).build().unwrap()).unwrap();
    F::burst(&log, 300, |log, number| {
        let mut receipt = F::log(log, "APP", Level::Error, &number.to_string());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..number % 4 {
            let _ = Pin::new(&mut receipt).poll(&mut context);
        }
        receipt
    });
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        place.messages("app.jsonl"),
        (0..300).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

/// A record past the limit is refused by its receipt, counted, and nothing around it suffers.
pub(crate) fn too_large_is_told<F: Front>() {
    let place = Place::new();
    let config = place
        .app_with(true)
        .journal_max_size(ByteSize::mb(1))
        .journal_segment_size(ByteSize::kb(64));
    let log = F::start(config.build().unwrap()).unwrap();
    F::log(&log, "APP", Level::Info, "before");
    let error = F::wait(F::log(&log, "APP", Level::Info, &"x".repeat(2 << 20))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    F::log(&log, "APP", Level::Info, "after");
    assert_eq!(F::health(&log).refused, 1);
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((report.accepted, report.delivered), (2, 2));
    assert_eq!(place.messages("app.jsonl"), ["before", "after"]);
}

/// A journal directory that is missing is made; where none can be, the start is an error that names it, the cause and
/// what to do, and never a journal in memory instead.
pub(crate) fn a_journal_that_cannot_be_is_an_error<F: Front>() {
    let place = Place::new();
    let missing = place.app().journal_dir(place.path("not/there/yet"));
    F::shutdown(&F::start(missing.build().unwrap()).unwrap(), LONG).unwrap();
    assert!(place.path("not/there/yet").is_dir());
    std::fs::write(place.path("file"), "").unwrap();
    for name in ["file", "file/below"] {
        let config = place.app().journal_dir(place.path(name)).build().unwrap();
        let error = F::start(config).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(std::error::Error::source(&error).is_some());
        let text = error.to_string();
        for part in [place.path(name).to_str().unwrap(), "irectory", "`journal.dir`"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
