//! A configuration written in code is held to the same rules as one from a file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hydra_logger::config::{Color, Format, LogDestination, LogLayer, LoggingConfig};
use hydra_logger::guarantee::Guarantee;
use hydra_record::Level;

/// Everything that is wrong is found at once.
#[test]
fn all_findings_at_once() {
    let error = LoggingConfig::builder()
        .layer("A", LogLayer::default())
        .layer("A", LogLayer::default())
        .layer("", LogLayer::default())
        .guarantee(Level::Error, Guarantee::Synced)
        .target("", "__X__")
        .journal_max_size(1000)
        .build()
        .unwrap_err();
    let report: Vec<String> = error.report().iter().map(ToString::to_string).collect();
    assert_eq!(
        report,
        [
            "layers.A: the layer is given twice; give it once, or rename one",
            "journal.max_size: 1000 is too small for a journal; write at least 64KB",
            "guarantees.levels.ERROR: `synced` cannot be kept without a journal directory; \
             set `journal.dir`, or ask for `queued` or `delivered`",
            "layers.\"\": the layer name \"\" is blank or has control characters; use printable text, such as `API`",
            "targets.\"\": the prefix is blank; write the beginning of a target, such as `hyper`",
            "targets.\"\": the layer name `__X__` is reserved; use a name without two underscores at both ends",
        ]
    );
    let text = error.to_string();
    assert!(
        text.starts_with("the configuration has 6 errors:\n  layers.A: "),
        "{text}"
    );
}

/// What belongs to another kind of destination, or is out of bounds, is found though the compiler allows it.
#[test]
fn destinations_are_checked() {
    let mut syslog = LogDestination::file("b.log").format(Format::Syslog);
    syslog.format_options.facility = 24;
    let layer = LogLayer::new(Level::Info)
        .destination(LogDestination::console().max_size(5).guarantee(Guarantee::Journaled))
        .destination(LogDestination::file(" "))
        .destination(syslog)
        .destination(LogDestination::async_http(""))
        .destination(LogDestination::file("c.log").buffer_size(0));
    let error = LoggingConfig::builder().layer("A", layer).build().unwrap_err();
    let report: Vec<String> = error.report().iter().map(ToString::to_string).collect();
    assert_eq!(
        report,
        [
            "layers.A.destinations[0].max_size: `max_size` does not belong to a destination of type `console`; \
             it belongs to type `file`",
            "layers.A.destinations[0].guarantee: `journaled` cannot be kept without a journal directory; \
             set `journal.dir`, or ask for `queued` or `delivered`",
            "layers.A.destinations[1].path: a file destination needs a `path`; \
             write one, such as `path = \"logs/app.log\"`",
            "layers.A.destinations[2].extra.facility: syslog facility 24 is out of range; it must be 0 to 23",
            "layers.A.destinations[3].url: a destination of type `async_http` needs a `url`; \
             for example `url = \"https://logs.example.com\"`",
            "layers.A.destinations[4].extra.buffer_size: 0 is out of bounds; write a size from 1 to 64MB",
        ]
    );
}

/// A configuration that was changed by hand can be checked again.
#[test]
fn changed_by_hand() {
    let mut config = LoggingConfig::default();
    config.validate().unwrap();
    config.guarantees.layers.insert("A".to_owned(), Guarantee::Synced);
    assert_eq!(config.validate().unwrap_err().report().len(), 1);
}

/// One configuration laid over another: tables merge, lists and single values replace, defaults do not.
#[test]
fn merged() {
    let console = LogDestination::console;
    let base = LoggingConfig::builder()
        .default_level(Level::Warning)
        .journal_dir("a")
        .color(Level::Error, Color::Red)
        .layer(
            "A",
            LogLayer::new(Level::Error)
                .destination(console())
                .destination(console()),
        )
        .layer("B", LogLayer::new(Level::Error))
        .build()
        .unwrap();
    let over = LoggingConfig::builder()
        .journal_max_size(1 << 20)
        .layer("A", LogLayer::default().destination(console()))
        .layer("C", LogLayer::default())
        .build()
        .unwrap();
    let merged = base.clone().merge(over).unwrap();
    assert_eq!(merged.layers["A"], LogLayer::new(Level::Error).destination(console()));
    assert_eq!(merged.layers.len(), 3);
    assert_eq!(merged.default_level, Level::Warning);
    assert_eq!(
        (merged.journal.dir, merged.journal.max_size.bytes()),
        (Some("a".into()), 1 << 20)
    );
    assert_eq!(merged.colors[&Level::Error], Color::Red);
    assert_eq!(base.clone().merge(LoggingConfig::default()).unwrap(), base);
    assert_eq!(LoggingConfig::default().merge(base.clone()).unwrap(), base);
}
