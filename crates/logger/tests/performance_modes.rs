//! Performance modes change speed, and nothing that anybody can see in a file or rely on.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use hydra_logger::config::{ByteSize, Kind, Performance};
use hydra_logger::testing::{Capture, ManualClock, TestLog};
use hydra_logger::{
    AsyncHydraLogger, Format, Guarantee, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, error, info,
    magic,
};

/// A configuration with something of everything, in that folder.
fn config(folder: &std::path::Path, capture: &Capture) -> LoggingConfig {
    let file = |name| {
        LogDestination::file(folder.join(name))
            .max_size(64 << 10)
            .backup_count(100)
    };
    let layer = LogLayer::new(Level::Info)
        .destination(file("all.log"))
        .destination(file("all.jsonl").format(Format::Json))
        .destination(
            file("errors.csv")
                .format(Format::Csv)
                .level(Level::Error)
                .buffer_size(4096),
        )
        .destination(capture.destination());
    let builder = LoggingConfig::builder().journal_dir(folder.join("journal"));
    builder
        .layer("DEFAULT", layer)
        .guarantee(Level::Warning, Guarantee::Delivered)
        .build()
        .unwrap()
}

/// Logs the same in any mode, and returns what arrived: each file's bytes by its name, and what the report counts.
fn arrived(mode: Option<Performance>) -> Vec<(String, Vec<u8>)> {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let config = config(folder.path(), &Capture::new());
    let config = match mode {
        Some(mode) => config.performance(mode),
        None => config,
    };
    let log = TestLog::with_clock(config, &clock);
    for number in 0..2_000 {
        clock.advance(Duration::from_micros(1));
        info!(log, "record {number} of {what}", what = "many"; tenant = "acme");
        if number % 500 == 0 {
            assert!(error!(log, layer: "API", "record {number} failed").is_reached());
        }
    }
    let report = log.shutdown(Duration::from_secs(60)).unwrap();
    let counts = format!("{} {} {}", report.accepted, report.delivered, report.left_in_journal);
    let mut files = vec![("counts".to_owned(), counts.into_bytes())];
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}

/// The same calls give the same bytes in every mode, file by file, rotated ones included.
#[test]
fn the_same_bytes() {
    let usual = arrived(None);
    assert!(usual.len() > 6, "{} files", usual.len());
    for mode in Performance::ALL {
        let differs: Vec<_> = arrived(Some(mode))
            .into_iter()
            .zip(&usual)
            .filter(|(one, other)| one != *other)
            .map(|((name, _), _)| name)
            .collect();
        assert!(differs.is_empty(), "{mode:?}: {differs:?}");
        assert_eq!(arrived(Some(mode)).len(), usual.len(), "{mode:?}");
    }
}

/// Of a configuration a mode touches sizes that are not configured, and nothing else: the rules of delivery stay. Every
/// preset, and a small journal, is valid in every mode.
#[test]
fn the_same_rules() {
    let folder = tempfile::tempdir().unwrap();
    let own = config(folder.path(), &Capture::new());
    let mut small = own.clone();
    small.journal.max_size = ByteSize::kb(64);
    let presets = magic::list().into_keys().map(|name| magic::config(&name).unwrap());
    for before in presets.chain([own, small, LoggingConfig::default()]) {
        for mode in Performance::ALL {
            let mut after = before.clone().performance(mode);
            after.validate().unwrap();
            assert_eq!(
                after.clone().performance(Performance::BareMetal),
                after,
                "a mode is not overridden"
            );
            after.journal.segment_size = before.journal.segment_size;
            for (name, layer) in &mut after.layers {
                for (destination, old) in layer.destinations.iter_mut().zip(&before.layers[name].destinations) {
                    if old.buffer_size.is_none() && matches!(old.kind, Kind::File(_)) {
                        assert!(destination.buffer_size.take().is_some());
                    }
                }
            }
            assert_eq!(after, before, "{mode:?}");
        }
    }
}

/// The constructors of the original system start loggers.
#[test]
fn constructors() {
    let starts = [
        HydraLogger::for_minimal_features,
        HydraLogger::for_bare_metal,
        HydraLogger::for_throughput_optimized,
        HydraLogger::for_latency_critical,
    ];
    for start in starts {
        let log = start().unwrap();
        assert!(log.is_enabled(Level::Info) && log.config().journal.segment_size.is_some());
        log.shutdown(Duration::from_secs(60)).unwrap();
    }
    assert!(AsyncHydraLogger::for_bare_metal().is_ok());
    magic::register("small", "As small as it gets.", || Ok(LoggingConfig::default())).unwrap();
    assert!(HydraLogger::for_magic("small").is_ok() && HydraLogger::for_custom("small").is_ok());
    assert!(AsyncHydraLogger::for_custom("none such").is_err() && magic::unregister("small"));
    assert!(HydraLogger::for_testing().is_ok() && AsyncHydraLogger::for_testing().is_ok());
}
