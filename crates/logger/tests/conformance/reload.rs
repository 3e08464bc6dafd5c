//! Another configuration comes into force while records go on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hydra_logger::config::LoggingConfigBuilder;
use hydra_logger::{ErrorKind, Format, Guarantee, Level, LogLayer, LoggingConfig, info};

use crate::blocked::Pipe;
use crate::front::Front;
use crate::place::{LONG, Place};

const THREADS: usize = 4;
const RELOADS: u64 = 40;

/// A layer that leads to one of two files in turn, and to a third one always.
fn config(place: &Place, journal: bool, round: u64) -> LoggingConfigBuilder {
    let file = |name: &str| place.file(name, Format::Json);
    let (one, layer) = match round % 3 {
        0 => ("a.jsonl", "APP"),
        1 => ("b.jsonl", "APP"),
        // Another layer of the same file: a destination with another name.
        _ => ("a.jsonl", "DEFAULT"),
    };
    let destinations = LogLayer::new(Level::Info)
        .destination(file(one))
        .destination(file("all.jsonl"));
    let config = LoggingConfig::builder().layer(layer, destinations);
    if journal {
        config.journal_dir(place.path("journal"))
    } else {
        config
    }
}

/// Thread and number of each record of a file.
fn records(place: &Place, name: &str) -> Vec<(usize, u64)> {
    let number = |message: String| {
        let (thread, number) = message.split_once(' ').unwrap();
        (thread.parse().unwrap(), number.parse().unwrap())
    };
    place.messages(name).into_iter().map(number).collect()
}

/// Asserts that each thread's records are in its order.
fn assert_order(name: &str, records: &[(usize, u64)]) {
    let mut last = BTreeMap::new();
    for (thread, number) in records {
        let before = last.insert(*thread, *number);
        assert!(
            before.is_none_or(|before| before < *number),
            "{name}: {before:?}, {number} of thread {thread}"
        );
    }
}

/// Four threads log while the configuration changes again and again. Each record is in exactly one of the two files
/// that take turns, once, and once in the file that all configurations have; each thread's are in its order; and the
/// counts agree.
pub(crate) fn each_record_has_one_configuration<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let log = F::start(config(&place, journal, 0).build().unwrap()).unwrap();
        let (end, switches) = (AtomicBool::new(false), AtomicU64::new(0));
        let numbers = [const { AtomicU64::new(0) }; THREADS];
        std::thread::scope(|scope| {
            for (thread, number) in numbers.iter().enumerate() {
                let (log, end, switches) = (&log, &end, &switches);
                scope.spawn(move || {
                    let layer = F::layer(log, "APP");
                    while !end.load(Ordering::Relaxed) {
                        if number.load(Ordering::Relaxed) >= 200 * (switches.load(Ordering::Relaxed) + 1) {
                            std::thread::yield_now();
                            continue;
                        }
                        let first = number.fetch_add(20, Ordering::Relaxed);
                        F::burst(
                            log,
                            10,
                            move |log, n| info!(log, layer: "APP", "{thread} {number}", number = first + n),
                        );
                        for n in 10..20 {
                            info!(layer, "{thread} {number}", number = first + n);
                        }
                    }
                });
            }
            for round in 1..=RELOADS {
                let before = F::health(&log).accepted;
                F::reload(&log, config(&place, journal, round).build().unwrap()).unwrap();
                switches.store(round, Ordering::Relaxed);
                while F::health(&log).accepted < before + 100 {
                    std::thread::yield_now();
                }
            }
            end.store(true, Ordering::Relaxed);
        });
        let calls: u64 = numbers.iter().map(|number| number.load(Ordering::Relaxed)).sum();
        let report = F::shutdown(&log, LONG).unwrap();
        assert_eq!((report.accepted, report.delivered), (calls, 2 * calls), "{report:?}");
        let (all, a, b) = (
            records(&place, "all.jsonl"),
            records(&place, "a.jsonl"),
            records(&place, "b.jsonl"),
        );
        let mut sorted = all.clone();
        sorted.sort_unstable();
        let mut either: Vec<_> = a.iter().chain(&b).copied().collect();
        either.sort_unstable();
        let expected: Vec<_> = (0..THREADS)
            .flat_map(|thread| (0..numbers[thread].load(Ordering::Relaxed)).map(move |number| (thread, number)))
            .collect();
        assert_eq!(sorted.len(), expected.len());
        assert!(sorted == expected && either == expected);
        assert!(!a.is_empty() && !b.is_empty());
        // The layer of the file that is always there changes too, and with it its head: within a layer order holds.
        assert_order("b.jsonl", &b);
    }
}

/// Levels change for call sites that have been passed, for layer handles that are held and for the logger as a whole,
/// up and down.
pub(crate) fn levels_change<F: Front>() {
    let place = Place::new();
    let config = |level| {
        let layer = LogLayer::new(level).destination(place.file("app.jsonl", Format::Json));
        LoggingConfig::builder()
            .layer("APP", layer)
            .layer("DEFAULT", LogLayer::new(Level::Critical))
            .build()
            .unwrap()
    };
    let log = F::start(config(Level::Warning)).unwrap();
    let layer = F::layer(&log, "APP");
    let say = |number: u64| {
        info!(log, layer: "APP", "{number} by site");
        info!(layer, "{number} by handle");
        F::log(&log, "APP", Level::Info, &format!("{number} by name"));
    };
    say(0);
    let report = F::reload(&log, config(Level::Info)).unwrap();
    assert_eq!(
        (
            report.kept.len(),
            report.changed.len(),
            report.added.len(),
            report.removed.len()
        ),
        (1, 0, 0, 0)
    );
    assert!(F::is_enabled(&log, Level::Info) && !F::is_enabled(&log, Level::Debug));
    say(1);
    F::reload(&log, config(Level::Error)).unwrap();
    assert!(!F::is_enabled(&log, Level::Info));
    say(2);
    F::reload(&log, config(Level::Trace)).unwrap();
    say(3);
    F::shutdown(&log, LONG).unwrap();
    let expected = [1, 3].map(|number| ["site", "handle", "name"].map(|way| format!("{number} by {way}")));
    assert_eq!(place.messages("app.jsonl"), expected.concat());
}

/// A configuration with anything wrong changes nothing: neither where records go nor which files there are. The error
/// says what it is about.
pub(crate) fn a_broken_one_changes_nothing<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app_with(true).build().unwrap()).unwrap();
    let before = F::health(&log);
    fs::write(place.path("file"), "").unwrap();
    let unwritable = place.app_with(true).layer(
        "NEW",
        LogLayer::new(Level::Info)
            .destination(place.file("new.jsonl", Format::Json))
            .destination(place.file("file/below.jsonl", Format::Json)),
    );
    let error = F::reload(&log, unwritable.build().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Destination);
    assert!(error.to_string().contains("layers.NEW.destinations[1]"), "{error}");
    let moved = place.app().journal_dir(place.path("elsewhere")).build().unwrap();
    let error = F::reload(&log, moved).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("journal.dir"), "{error}");
    let mut wrong = place.app_with(true).build().unwrap();
    let twice = wrong.layers["APP"].destinations[0].clone().format(Format::Csv);
    wrong.layers.get_mut("APP").unwrap().destinations.push(twice);
    assert_eq!(F::reload(&log, wrong).unwrap_err().kind(), ErrorKind::Configuration);
    F::burst(&log, 10, |log, number| info!(log, layer: "APP", "{number}"));
    let names = |health: hydra_logger::Health| {
        health
            .destinations
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(F::health(&log)), names(before));
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(place.messages("app.jsonl").len(), 10);
    assert!(!place.path("elsewhere").exists());
    assert_eq!(
        F::reload(&log, place.app_with(true).build().unwrap())
            .unwrap_err()
            .kind(),
        ErrorKind::Closed
    );
}

/// What is wrong with a file is told with its line, its column and the key, be it the text or the world.
pub(crate) fn a_broken_file_is_named<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app().build().unwrap()).unwrap();
    fs::write(place.path("file"), "").unwrap();
    let path = place.path("file/below.log");
    for (text, kind, line, key) in [
        (
            "default_level = \"INFO\"\n[layers.APP\n",
            ErrorKind::Configuration,
            2,
            "",
        ),
        ("default_level = 7\n", ErrorKind::Configuration, 1, "default_level"),
        (
            "\n[journal]\nmax_size = \"2GB\"\n",
            ErrorKind::Unsupported,
            3,
            "journal.max_size",
        ),
        (
            &format!("[layers.APP]\ndestinations = [\n {{ type = \"file\", path = {path:?} }} ]\n"),
            ErrorKind::Destination,
            3,
            "layers.APP.destinations[0]",
        ),
    ] {
        let file = place.path("hydra.toml");
        fs::write(&file, text).unwrap();
        let error = F::reload_from_file(&log, &file).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let finding = &error.report()[0];
        assert_eq!((finding.line, finding.key.as_str()), (Some(line), key), "{error}");
        assert_eq!(finding.file.as_deref(), file.to_str());
    }
    fs::write(
        place.path("good.toml"),
        "[layers.APP]\nlevel = \"ERROR\"\ndestinations = []\n",
    )
    .unwrap();
    F::reload_from_file(&log, &place.path("good.toml")).unwrap();
    assert!(
        F::health(&log)
            .destinations
            .iter()
            .any(|(name, _)| name.contains("DEFAULT"))
    );
}

/// A destination that is configured no more gets what was for it, however late, and nothing else; then it is gone, and
/// the journal no longer waits for it.
pub(crate) fn a_removed_destination_drains<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let pipe = Pipe::make(&place, "blocked.jsonl");
        let healthy = || LogLayer::new(Level::Info).destination(place.file("healthy.jsonl", Format::Json));
        let with = |layer| {
            let config = LoggingConfig::builder().layer("APP", layer);
            let config = if journal {
                config.journal_dir(place.path("journal"))
            } else {
                config
            };
            config.build().unwrap()
        };
        let log = F::start(with(healthy().destination(place.file("blocked.jsonl", Format::Json)))).unwrap();
        F::burst(&log, 100, |log, number| info!(log, layer: "APP", "old {number}"));
        let report = F::reload(&log, with(healthy())).unwrap();
        // `DEFAULT`, on standard error, and the healthy one.
        assert_eq!((report.kept.len(), report.removed.len()), (2, 1));
        F::burst(&log, 100, |log, number| info!(log, layer: "APP", "new {number}"));
        let lines = pipe.read_lines(100);
        let of = |health: hydra_logger::Health, name: &str| {
            health
                .destinations
                .into_iter()
                .find(|(known, _)| known.contains(name))
                .unwrap()
                .1
        };
        while of(F::health(&log), "blocked").delivered < 100 {
            std::thread::yield_now();
        }
        assert!(
            lines
                .iter()
                .enumerate()
                .all(|(number, line)| line.contains(&format!("old {number}\"")))
        );
        F::flush(&log, LONG).unwrap();
        let report = F::shutdown(&log, LONG).unwrap();
        assert_eq!(
            (report.accepted, report.delivered, report.left_in_journal),
            (200, 300, 0)
        );
        assert_eq!(place.messages("healthy.jsonl").len(), 200);
    }
}

/// A destination with other options goes on where it was: nothing is lost or doubled, what comes is written as is
/// configured now, and the counts go on. Options of the file itself can change, too.
pub(crate) fn a_changed_destination_goes_on<F: Front>() {
    let place = Place::new();
    let with = |format, backups, level| {
        let file = place.file("app.log", format).backup_count(backups);
        let config = LoggingConfig::builder().layer("APP", LogLayer::new(level).destination(file));
        config.guarantee(Level::Error, Guarantee::Delivered).build().unwrap()
    };
    let log = F::start(with(Format::PlainText, 1, Level::Info)).unwrap();
    for round in 0..20_u32 {
        F::burst(
            &log,
            50,
            move |log, number| info!(log, layer: "APP", "{round} {number}."),
        );
        F::wait(hydra_logger::error!(log, layer: "APP", "{round} last.")).unwrap();
        let format = if round % 2 == 0 {
            Format::Json
        } else {
            Format::PlainText
        };
        let report = F::reload(&log, with(format, round % 3, Level::Info)).unwrap();
        assert_eq!(report.changed.len(), 1);
    }
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        (report.accepted, report.delivered, report.destinations.len()),
        (1_020, 1_020, 2)
    );
    let lines = place.lines("app.log");
    for (line, number) in lines.iter().zip(0..) {
        let (round, number) = (number / 51, number % 51);
        let text = if number == 50 {
            format!("{round} last.")
        } else {
            format!("{round} {number}.")
        };
        assert!(line.contains(&text), "{line} should be {text}");
        assert_eq!(line.starts_with('{'), round % 2 == 1, "{line}");
    }
    assert_eq!(lines.len(), 1_020);
}

/// What a dead run left for a destination waits for it, also when the configuration has it only after a reload and then
/// with other levels: what decides is what was configured when a record was logged.
pub(crate) fn what_was_configured_then_decides<F: Front>() {
    let place = Place::new();
    let pipe = Pipe::make(&place, "slow.jsonl");
    let with = |level: Level| {
        let file = |name| place.file(name, Format::Json);
        let layer = LogLayer::new(Level::Info)
            .destination(file("slow.jsonl").level(level))
            .destination(file("fast.jsonl"));
        LoggingConfig::builder()
            .layer("APP", layer)
            .journal_dir(place.path("journal"))
            .build()
            .unwrap()
    };
    let log = F::start(with(Level::Info)).unwrap();
    F::burst(&log, 10, |log, number| info!(log, layer: "APP", "{number}"));
    F::reload(&log, with(Level::Error)).unwrap();
    F::burst(&log, 10, |log, number| info!(log, layer: "APP", "not there {number}"));
    // What is left below must be the other one's.
    let fast = |health: hydra_logger::Health| {
        let mut counts = health
            .destinations
            .into_iter()
            .filter(|(name, _)| name.contains("fast"));
        counts.next().map_or(0, |(_, counts)| counts.delivered)
    };
    while fast(F::health(&log)) < 20 {
        std::thread::yield_now();
    }
    let report = F::shutdown(&log, std::time::Duration::from_millis(10)).unwrap();
    assert_eq!(report.left_in_journal, 10);
    drop(log);
    wait_until_free(&place.path("journal"));
    let log = F::start(with(Level::Error)).unwrap();
    let lines = pipe.read_lines(10);
    assert!(
        lines
            .iter()
            .enumerate()
            .all(|(number, line)| line.contains(&format!("\"{number}\"")))
    );
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        report
            .destinations
            .iter()
            .map(|(_, counts)| counts.recovered)
            .sum::<u64>(),
        10
    );
}

/// Waits until nobody owns a journal in `root`: a worker that was at its last write when its logger ended keeps it
/// until that is done, and what is owned is not taken over.
fn wait_until_free(root: &Path) {
    let journals = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    for journal in journals.filter(|path| path.is_dir()) {
        let directory = File::open(journal).unwrap();
        directory.lock().unwrap();
    }
}
