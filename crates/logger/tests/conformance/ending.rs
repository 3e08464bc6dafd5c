//! Flush, shutdown, drop: what is accepted is delivered, and the counts say so.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use hydra_logger::{ErrorKind, FallbackStep, Format, Level, LogLayer, LoggingConfig, info};

use crate::front::Front;
use crate::place::{LONG, Place};

/// After a flush everything accepted before it is in the file, and logging goes on.
pub(crate) fn flush_delivers<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let log = F::start(place.app_with(journal).build().unwrap()).unwrap();
        for round in 1..=10_usize {
            F::burst(&log, 100, |log, number| info!(log, layer: "APP", "{number}"));
            F::flush(&log, LONG).unwrap();
            assert_eq!(place.lines("app.jsonl").len(), 100 * round);
        }
        F::shutdown(&log, LONG).unwrap();
        assert_eq!(place.lines("app.jsonl").len(), 1_000);
    }
}

/// A flush with nothing to deliver returns at once, also after the end.
pub(crate) fn flush_of_nothing<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app().build().unwrap()).unwrap();
    F::flush(&log, LONG).unwrap();
    F::shutdown(&log, LONG).unwrap();
    F::flush(&log, LONG).unwrap();
}

/// A second shutdown returns the first one's report.
pub(crate) fn shutdown_is_idempotent<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app_with(true).build().unwrap()).unwrap();
    F::burst(&log, 100, |log, number| info!(log, layer: "APP", "{number}"));
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((report.accepted, report.delivered), (100, 100));
    assert_eq!(F::shutdown(&log.clone(), LONG).unwrap(), report);
    drop(log);
    assert_eq!(place.lines("app.jsonl").len(), 100);
}

/// Any thread may shut down; of several at once each gets the same report.
pub(crate) fn shutdown_from_another_thread<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app().build().unwrap()).unwrap();
    F::burst(&log, 1_000, |log, number| info!(log, layer: "APP", "{number}"));
    let reports: Vec<_> = std::thread::scope(|scope| {
        let ends: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| F::shutdown(&log, LONG).unwrap()))
            .collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    });
    assert!(
        reports
            .iter()
            .all(|report| *report == reports[0] && report.delivered == 1_000)
    );
    assert_eq!(place.lines("app.jsonl").len(), 1_000);
}

/// Shut down while eight threads log: every call whose receipt says it was accepted is in both files, every other one
/// was told so and counted, and the sums agree.
pub(crate) fn shutdown_under_load<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let file = |name| place.file(name, Format::Json);
        let layer = LogLayer::new(Level::Info)
            .destination(file("one.jsonl"))
            .destination(file("two.jsonl"));
        let mut config = LoggingConfig::builder().layer("APP", layer);
        if journal {
            config = config.journal_dir(place.path("journal"));
        }
        let log = F::start(config.build().unwrap()).unwrap();
        let (accepted, calls, ready) = (AtomicU64::new(0), AtomicU64::new(0), Barrier::new(9));
        let report = std::thread::scope(|scope| {
            for thread in 0..8 {
                let (log, accepted, calls, ready) = (&log, &accepted, &calls, &ready);
                scope.spawn(move || {
                    for number in 0_u64.. {
                        if number == 50 {
                            ready.wait();
                        }
                        let receipt = info!(log, layer: "APP", "{thread} {number}");
                        calls.fetch_add(1, Ordering::Relaxed);
                        let is_accepted = receipt.sequence().is_some();
                        match F::wait(receipt) {
                            Ok(()) if is_accepted => accepted.fetch_add(1, Ordering::Relaxed),
                            // Told: the logger is closed.
                            _ => return,
                        };
                    }
                });
            }
            ready.wait();
            F::shutdown(&log, LONG).unwrap()
        });
        let accepted = accepted.into_inner();
        assert!(accepted >= 400);
        assert_eq!((report.accepted, report.delivered), (accepted, 2 * accepted));
        assert_eq!((report.left_in_journal, report.fell_back, report.dropped), (0, 0, 0));
        assert_eq!(
            report
                .destinations
                .iter()
                .map(|(_, counts)| counts.delivered)
                .sum::<u64>(),
            report.delivered
        );
        assert_eq!(
            F::health(&log).after_close,
            8,
            "each thread's last call came after the end"
        );
        assert_eq!(calls.into_inner(), accepted + 8);
        for name in ["one.jsonl", "two.jsonl"] {
            assert_eq!(place.lines(name).len() as u64, accepted);
        }
    }
}

/// Calls after the end are told so and counted, and their records go to the emergency file; those that nobody wants are
/// as they were before.
pub(crate) fn calls_after_the_end_are_counted<F: Front>() {
    let place = Place::new();
    let config = place.app().emergency_file(place.path("emergency.jsonl"));
    let log = F::start(config.build().unwrap()).unwrap();
    let app = F::layer(&log, "APP");
    F::log(&log, "APP", Level::Info, "before");
    F::shutdown(&log, LONG).unwrap();
    assert!(!F::health(&log).accepting);
    let late = [
        F::log(&log, "APP", Level::Info, "by name"),
        F::log_to(&app, Level::Error, "by handle"),
        info!(log, layer: "APP", "by macro"),
    ];
    F::wait(F::log(&log, "APP", Level::Debug, "for nobody")).unwrap();
    let health = F::health(&log);
    assert_eq!((health.after_close, health.emergencies), (3, 3));
    for receipt in late {
        assert_eq!((receipt.sequence(), receipt.is_reached()), (None, false));
        let error = F::wait(receipt).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.ended_at(), Some(FallbackStep::EmergencyFile), "{error}");
        assert!(error.to_string().contains("the logger is shut down"), "{error}");
    }
    assert_eq!(F::shutdown(&log, LONG).unwrap().after_close, 3);
    assert_eq!(place.messages("app.jsonl"), ["before"]);
    assert_eq!(place.messages("emergency.jsonl"), ["by name", "by handle", "by macro"]);
}

/// The last handle to go delivers everything, whichever it is.
pub(crate) fn drop_drains<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let log = F::start(place.app_with(journal).build().unwrap()).unwrap();
        let clone = log.clone();
        let layer = F::layer(&log, "APP");
        drop(log);
        F::burst(&clone, 1_000, |log, number| info!(log, layer: "APP", "{number}"));
        drop(clone);
        F::log_to(&layer, Level::Info, "last");
        drop(layer);
        let messages = place.messages("app.jsonl");
        assert_eq!(
            (messages.len(), messages.last().map(String::as_str)),
            (1_001, Some("last"))
        );
    }
}

/// Clones and layer handles are one logger: one order, one count, one end.
pub(crate) fn handles_share_one_logger<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app().build().unwrap()).unwrap();
    let (clone, layer) = (log.clone(), F::layer(&log, "APP"));
    F::log(&log, "APP", Level::Info, "1");
    F::log(&clone, "APP", Level::Info, "2");
    F::log_to(&layer, Level::Info, "3");
    info!(clone, layer: "APP", "{n}", n = 4);
    assert_eq!(F::health(&clone).accepted, 4);
    F::shutdown(&clone, LONG).unwrap();
    F::log(&log, "APP", Level::Info, "5");
    assert_eq!(place.messages("app.jsonl"), ["1", "2", "3", "4"]);
}

/// A second logger on the same files and journal goes on where the first one ended.
pub(crate) fn a_second_start_goes_on<F: Front>() {
    let place = Place::new();
    for round in 0..3 {
        let log = F::start(place.app_with(true).build().unwrap()).unwrap();
        F::burst(
            &log,
            10,
            move |log, number| info!(log, layer: "APP", "{round} {number}"),
        );
        F::shutdown(&log, LONG).unwrap();
    }
    let expected: Vec<String> = (0..3)
        .flat_map(|round| (0..10).map(move |number| format!("{round} {number}")))
        .collect();
    assert_eq!(place.messages("app.jsonl"), expected);
}
