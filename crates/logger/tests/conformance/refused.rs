//! A journal that takes nothing more while the logger runs: its directory is gone, and no other can be made.

use std::collections::BTreeMap;

use hydra_logger::config::{ByteSize, LoggingConfigBuilder};
use hydra_logger::{Degraded, ErrorKind, FallbackStep, Format, Guarantee, Level, LogLayer, LoggingConfig, info};
use hydra_os::clock::Deadline;

use crate::front::Front;
use crate::place::{LONG, Place};

/// More than the segments that are there can take.
const RECORDS: usize = 600;

/// One layer and one file, and a journal of small segments.
fn config(place: &Place, fallback: Option<&str>) -> LoggingConfigBuilder {
    let mut file = place.file("app.jsonl", Format::Json);
    if let Some(name) = fallback {
        file = file.fallback(place.file(name, Format::Json));
    }
    LoggingConfig::builder()
        .layer("APP", LogLayer::new(Level::Info).destination(file))
        .journal_dir(place.path("journal"))
        .journal_segment_size(ByteSize::kb(64))
        .journal_max_size(ByteSize::mb(1))
        .guarantee(Level::Info, Guarantee::Queued)
        .emergency_file(place.path("emergency.jsonl"))
}

/// Takes the journal's directory away, and puts a file in its place; again where it has been made anew in between.
fn break_journal(place: &Place) {
    for number in 0.. {
        std::fs::rename(place.path("journal"), place.path(&format!("away{number}"))).unwrap();
        match std::fs::write(place.path("journal"), "") {
            Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => {}
            written => return written.unwrap(),
        }
    }
}

/// Logs until the journal has refused records, and returns the outcome of each call.
///
/// A head that keeps up gives segments back, so the journal may go on for as long as its loss is not noticed.
fn load<F: Front>(log: &F::Log) -> Vec<Option<FallbackStep>> {
    let padding = "x".repeat(2_000);
    let outcome = |receipt| match F::wait(receipt) {
        Ok(()) => None,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
            assert!(std::error::Error::source(&error).is_some());
            Some(error.ended_at().unwrap_or_else(|| panic!("{error}")))
        }
    };
    let (mut steps, end) = (Vec::new(), Deadline::after(LONG));
    while steps.iter().all(Option::is_none) && !end.is_over() {
        let first = steps.len();
        let receipts: Vec<_> = (first..first + RECORDS)
            .map(|number| info!(log, layer: "APP", "{number}"; padding = padding.as_str()))
            .collect();
        steps.extend(receipts.into_iter().map(outcome));
    }
    steps
}

/// The number that a line's message is, and where lines stand, must be found once.
fn found(place: &Place, names: &[&str]) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for (index, name) in names.iter().enumerate().filter(|(_, name)| place.path(name).exists()) {
        for message in place.messages(name) {
            let before = found.insert(message.parse().unwrap(), index);
            assert_eq!(before, None, "{message} is there twice");
        }
    }
    found
}

/// What the journal refuses, its destination gets directly, in order and once; the receipt and the health say so.
pub(crate) fn the_destination_itself_comes_first<F: Front>() {
    let place = Place::new();
    let log = F::start(config(&place, None).build().unwrap()).unwrap();
    F::log(&log, "APP", Level::Debug, "nobody wants it");
    break_journal(&place);
    let steps = load::<F>(&log);
    let health = F::health(&log);
    let refused = steps.iter().flatten().count() as u64;
    let direct = steps.iter().filter(|step| **step == Some(FallbackStep::Direct)).count() as u64;
    assert!(direct > 0, "{health:?}");
    assert_eq!((health.refused, health.direct_writes), (refused, direct));
    assert!(health.journal_error.is_some() && health.degraded().contains(&Degraded::Refused(refused)));
    let report = F::shutdown(&log, LONG).unwrap();
    let accepted = steps.len() as u64 - refused;
    assert_eq!((report.accepted, report.refused), (accepted, refused));
    assert_eq!((report.delivered, report.fell_back), (accepted, refused));
    // A machine that is too busy for a head to catch up in time makes some go on to the next step.
    let found = found(&place, &["app.jsonl", "emergency.jsonl"]);
    for (number, step) in (0..).zip(&steps) {
        let expected = usize::from(*step == Some(FallbackStep::EmergencyFile));
        assert_eq!(found.get(&number), Some(&expected), "{number}: {step:?}");
    }
    let numbers: Vec<u64> = place
        .messages("app.jsonl")
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}

/// Where the destination fails, too, its fallback has everything.
pub(crate) fn then_its_fallback<F: Front>() {
    let place = Place::new();
    let log = F::start(config(&place, Some("second.jsonl")).build().unwrap()).unwrap();
    break_destination(&place);
    break_journal(&place);
    let steps = load::<F>(&log);
    assert!(steps.contains(&Some(FallbackStep::Fallback)), "{steps:?}");
    assert!(
        steps.iter().flatten().all(|step| *step == FallbackStep::Fallback),
        "{steps:?}"
    );
    assert_eq!(F::health(&log).fallback_writes, steps.iter().flatten().count() as u64);
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(found(&place, &["second.jsonl"]).len(), steps.len());
}

/// Without one, the emergency file has what the journal refused; what it took is delivered when that can be done.
pub(crate) fn then_the_emergency_file<F: Front>() {
    let place = Place::new();
    let log = F::start(config(&place, None).build().unwrap()).unwrap();
    break_destination(&place);
    break_journal(&place);
    let steps = load::<F>(&log);
    let refused = steps.iter().flatten().count() as u64;
    assert!(refused > 0 && steps.iter().flatten().all(|step| *step == FallbackStep::EmergencyFile));
    assert_eq!((F::health(&log).emergencies, F::health(&log).lost), (refused, 0));
    std::fs::remove_dir(place.path("app.jsonl")).unwrap();
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(found(&place, &["app.jsonl", "emergency.jsonl"]).len(), steps.len());
}

/// A directory in the place of the file: it cannot be opened again.
fn break_destination(place: &Place) {
    std::fs::remove_file(place.path("app.jsonl")).unwrap();
    std::fs::create_dir(place.path("app.jsonl")).unwrap();
}
