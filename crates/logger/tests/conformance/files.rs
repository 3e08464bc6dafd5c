//! Files that are rotated, moved away, or written with care.

use std::fs;

use hydra_logger::config::ByteSize;
use hydra_logger::{Format, Level, LogDestination, LogLayer, LoggingConfig};

use crate::front::Front;
use crate::place::{LONG, Place};

fn start<F: Front>(file: LogDestination) -> F::Log {
    let layer = LogLayer::new(Level::Info).destination(file);
    F::start(LoggingConfig::builder().layer("APP", layer).build().unwrap()).unwrap()
}

/// Rotation by size: every line whole, in order over all generations, none longer than the limit.
pub(crate) fn rotation_keeps_every_line<F: Front>() {
    const LIMIT: u64 = 20_000;
    let place = Place::new();
    let log = start::<F>(
        place
            .file("app.jsonl", Format::Json)
            .max_size(ByteSize::new(LIMIT))
            .backup_count(1_000),
    );
    F::burst(&log, 5_000, |log, number| {
        F::log(log, "APP", Level::Info, &number.to_string())
    });
    F::shutdown(&log, LONG).unwrap();
    let rotated = (1..)
        .take_while(|number| place.path(&format!("app.jsonl.{number}")).exists())
        .count();
    assert!(rotated > 10, "{rotated} rotations");
    let mut messages = Vec::new();
    for number in (1..=rotated).rev() {
        let name = format!("app.jsonl.{number}");
        assert!(fs::metadata(place.path(&name)).unwrap().len() <= LIMIT);
        messages.extend(place.messages(&name));
    }
    messages.extend(place.messages("app.jsonl"));
    assert_eq!(
        messages,
        (0..5_000).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

/// A file that was renamed is written to no more: the next record is in a new one, and no line is missing.
pub(crate) fn renamed_is_reopened<F: Front>() {
    let place = Place::new();
    let log = start::<F>(place.file("app.jsonl", Format::Json));
    for round in 0..5 {
        F::log(&log, "APP", Level::Info, &format!("round {round}"));
        F::flush(&log, LONG).unwrap();
        fs::rename(place.path("app.jsonl"), place.path(&format!("moved.{round}"))).unwrap();
    }
    F::log(&log, "APP", Level::Info, "last");
    F::shutdown(&log, LONG).unwrap();
    for round in 0..5 {
        assert_eq!(place.messages(&format!("moved.{round}")), [format!("round {round}")]);
    }
    assert_eq!(place.messages("app.jsonl"), ["last"]);
}

/// A file that was removed is made again with the next record.
pub(crate) fn removed_is_reopened<F: Front>() {
    let place = Place::new();
    let log = start::<F>(place.file("app.jsonl", Format::Json));
    F::log(&log, "APP", Level::Info, "removed by its owner");
    F::flush(&log, LONG).unwrap();
    fs::remove_file(place.path("app.jsonl")).unwrap();
    F::log(&log, "APP", Level::Info, "after");
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(place.messages("app.jsonl"), ["after"]);
}

/// With `force_flush` every record is a write of its own.
pub(crate) fn force_flush<F: Front>() {
    let place = Place::new();
    let log = start::<F>(place.file("app.jsonl", Format::Json).force_flush(true));
    F::burst(&log, 500, |log, number| {
        F::log(log, "APP", Level::Info, &number.to_string())
    });
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!(report.destinations[0].1.writes, 500);
    assert_eq!(
        place.messages("app.jsonl"),
        (0..500).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

/// With `force_sync_io` what is delivered is on the device; nothing else changes.
pub(crate) fn force_sync_io<F: Front>() {
    let place = Place::new();
    let log = start::<F>(place.file("app.jsonl", Format::Json).force_sync_io(true));
    F::each(&log, 20, |log, number| {
        F::log(log, "APP", Level::Error, &number.to_string())
    })
    .unwrap();
    assert_eq!(place.lines("app.jsonl").len(), 20);
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        place.messages("app.jsonl"),
        (0..20).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

/// The size of the buffer changes the number of writes and nothing else.
pub(crate) fn small_buffer<F: Front>() {
    let place = Place::new();
    let log = start::<F>(place.file("app.jsonl", Format::Json).buffer_size(ByteSize::new(1)));
    F::burst(&log, 500, |log, number| {
        F::log(log, "APP", Level::Info, &number.to_string())
    });
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        place.messages("app.jsonl"),
        (0..500).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}
