//! A destination that takes nothing for a while: a named pipe that is full and that nobody reads.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio, exit};
use std::sync::mpsc;
use std::time::Duration;

use hydra_logger::config::{ByteSize, LoggingConfigBuilder};
use hydra_logger::{
    Degraded, ErrorKind, Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, OnTimeout, info,
};

use crate::front::Front;
use crate::place::{LONG, Place};

/// `O_NONBLOCK`.
const NONBLOCKING: i32 = 0o4000;

/// A pipe in the place of a file, full from the start.
pub(crate) struct Pipe {
    file: File,
    filling: usize,
}

impl Pipe {
    pub(crate) fn make(place: &Place, name: &str) -> Pipe {
        let path = place.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Open at both ends, so that nobody waits for the other end to be opened.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(NONBLOCKING)
            .open(path)
            .unwrap();
        let mut filling = 0;
        while let Ok(written) = file.write(&[b'-'; 4096]) {
            filling += written;
        }
        Pipe { file, filling }
    }

    /// Reads until `lines` lines have come.
    pub(crate) fn read_lines(mut self, lines: usize) -> Vec<String> {
        let (mut text, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        while text.iter().skip(self.filling).filter(|byte| **byte == b'\n').count() < lines {
            match self.file.read(&mut buffer) {
                Ok(read) => text.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        String::from_utf8(text.split_off(self.filling))
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

const THREADS: usize = 4;
const RECORDS: usize = 500;

fn load<F: Front>(log: &F::Log) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                F::burst(
                    log,
                    RECORDS as u64,
                    move |log, number| info!(log, layer: "APP", "{thread} {number}"),
                );
            });
        }
    });
}

/// Asserts that every thread's records are there, in its order.
fn assert_all(lines: &[String]) {
    let mut next = [0; THREADS];
    for line in lines {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let (thread, number) = record["message"].as_str().unwrap().split_once(' ').unwrap();
        let thread: usize = thread.parse().unwrap();
        assert_eq!(number.parse::<usize>().unwrap(), next[thread]);
        next[thread] += 1;
    }
    assert_eq!(next, [RECORDS; THREADS]);
}

/// Four threads, two destinations, one of them blocked: the other one has everything while the first has nothing;
/// read at last, that has everything, too.
pub(crate) fn a_blocked_destination_delays_no_other<F: Front>() {
    let place = Place::new();
    let pipe = Pipe::make(&place, "blocked.jsonl");
    let layer = LogLayer::new(Level::Info)
        .destination(place.file("blocked.jsonl", Format::Json))
        .destination(place.file("healthy.jsonl", Format::Json));
    let log = F::start(LoggingConfig::builder().layer("APP", layer).build().unwrap()).unwrap();
    load::<F>(&log);
    // Order of events, not time: this ends only because the healthy destination does not wait for the blocked one.
    let delivered = |log: &F::Log, index: usize| F::health(log).destinations[index].1.delivered;
    while delivered(&log, 1) < (THREADS * RECORDS) as u64 {
        std::thread::yield_now();
    }
    assert_eq!(delivered(&log, 0), 0);
    assert_all(&place.lines("healthy.jsonl"));
    assert_all(&pipe.read_lines(THREADS * RECORDS));
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((report.accepted, report.delivered), (2_000, 4_000));
}

/// When the quota is used up behind a blocked destination, callers wait; once it is read they go on, and nothing is
/// lost.
pub(crate) fn a_full_journal_waits<F: Front>() {
    let place = Place::new();
    let pipe = Pipe::make(&place, "blocked.jsonl");
    let layer = LogLayer::new(Level::Info).destination(place.file("blocked.jsonl", Format::Json));
    let config = LoggingConfig::builder()
        .layer("APP", layer)
        .journal_dir(place.path("journal"));
    let config = config
        .journal_max_size(ByteSize::kb(256))
        .journal_segment_size(ByteSize::kb(64));
    let log = F::start(config.build().unwrap()).unwrap();
    let padding = "x".repeat(1_000);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, padding) = (&log, padding.clone());
            scope.spawn(move || {
                F::burst(
                    log,
                    RECORDS as u64,
                    move |log, number| info!(log, layer: "APP", "{thread} {number}"; padding),
                );
            });
        }
        // Two megabytes do not fit: somebody has found the journal full before anything is read.
        while F::health(&log).journal_full == 0 {
            std::thread::yield_now();
        }
        assert_all(&pipe.read_lines(THREADS * RECORDS));
    });
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((report.accepted, report.delivered), (2_000, 2_000));
}

/// Shutting down returns though a destination takes nothing; the report says what is left, and the other destination
/// has everything.
pub(crate) fn a_blocked_destination_does_not_hold_the_end_up<F: Front>() {
    const SOON: Duration = Duration::from_millis(100);
    let place = Place::new();
    let pipe = Pipe::make(&place, "blocked.jsonl");
    let layer = LogLayer::new(Level::Info)
        .destination(place.file("blocked.jsonl", Format::Json))
        .destination(place.file("healthy.jsonl", Format::Json));
    let config = LoggingConfig::builder()
        .layer("APP", layer)
        .journal_dir(place.path("journal"));
    let log = F::start(config.build().unwrap()).unwrap();
    load::<F>(&log);
    while F::health(&log).destinations[1].1.delivered < (THREADS * RECORDS) as u64 {
        std::thread::yield_now();
    }
    let error = F::flush(&log, SOON).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("blocked.jsonl"), "{error}");
    let report = F::shutdown(&log, SOON).unwrap();
    assert_eq!(
        (report.accepted, report.delivered, report.left_in_journal),
        (2_000, 2_000, 2_000)
    );
    drop(pipe);
}

/// A configuration with one blocked destination, and one that works.
fn half_blocked(place: &Place) -> LoggingConfigBuilder {
    let layer = LogLayer::new(Level::Info)
        .destination(place.file("blocked.jsonl", Format::Json))
        .destination(place.file("healthy.jsonl", Format::Json));
    LoggingConfig::builder().layer("APP", layer)
}

/// `leave_in_journal`: what a destination that fails has not taken stays for the next start, which delivers it; until
/// then the balance says where it is.
pub(crate) fn what_is_left_in_the_journal_comes_next<F: Front>() {
    const SOON: Duration = Duration::from_millis(50);
    let place = Place::new();
    let config = half_blocked(&place)
        .journal_dir(place.path("journal"))
        .on_timeout(OnTimeout::LeaveInJournal);
    let config = config.build().unwrap();
    let log = F::start(config.clone()).unwrap();
    // A directory in the place of the file: it cannot be opened again.
    std::fs::remove_file(place.path("blocked.jsonl")).unwrap();
    std::fs::create_dir(place.path("blocked.jsonl")).unwrap();
    load::<F>(&log);
    let all = (THREADS * RECORDS) as u64;
    while F::health(&log).destinations[1].1.delivered < all {
        std::thread::yield_now();
    }
    let report = F::shutdown(&log, SOON).unwrap();
    let balances: Vec<_> = report.balances.iter().map(|b| (b.in_journal, b.total())).collect();
    assert_eq!(balances[..2], [(all, all), (0, all)]);
    assert_eq!((report.fell_back, report.left_in_journal), (0, all));
    let reasons = F::health(&log).degraded();
    assert!(
        matches!(&reasons[..], [Degraded::Failing(name, _)] if name.contains("blocked")),
        "{reasons:?}"
    );
    drop(log);
    std::fs::remove_dir(place.path("blocked.jsonl")).unwrap();
    let log = F::start(config).unwrap();
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((report.left_in_journal, report.left_in_journals_of_the_dead), (0, 0));
    assert_all(&place.lines("blocked.jsonl"));
    assert_all(&place.lines("healthy.jsonl"));
}

/// `sync_write`, without a journal on disk: what a blocked destination has not taken goes to its fallback; without one,
/// to the emergency file; and the counts say so.
pub(crate) fn what_is_left_in_memory_falls_back<F: Front>() {
    const SOON: Duration = Duration::from_millis(50);
    for with_fallback in [true, false] {
        let place = Place::new();
        let pipe = Pipe::make(&place, "blocked.jsonl");
        let mut config = half_blocked(&place)
            .emergency_file(place.path("emergency/e.jsonl"))
            .build()
            .unwrap();
        if with_fallback {
            let second = place.file("second.jsonl", Format::Json);
            let destinations = &mut config.layers.get_mut("APP").unwrap().destinations;
            destinations[0].fallback = Some(Box::new(second));
        }
        let log = F::start(config).unwrap();
        load::<F>(&log);
        F::flush(&log, SOON).unwrap_err();
        while F::health(&log).destinations[1].1.delivered < (THREADS * RECORDS) as u64 {
            std::thread::yield_now();
        }
        let report = F::shutdown(&log, SOON).unwrap();
        let all = (THREADS * RECORDS) as u64;
        let in_emergency = if with_fallback { 0 } else { all };
        assert_eq!(
            (report.delivered, report.fell_back, report.left_in_journal),
            (all, all, 0),
            "{report:?}"
        );
        assert!(
            report
                .balances
                .iter()
                .filter(|b| b.destination.contains("APP"))
                .all(|b| b.total() == all)
        );
        let health = F::health(&log);
        assert_eq!(
            (health.emergencies, health.emergency_error.as_deref()),
            (in_emergency, None)
        );
        assert_eq!(health.degraded().contains(&Degraded::Emergency(all)), !with_fallback);
        assert_all(&place.lines(if with_fallback {
            "second.jsonl"
        } else {
            "emergency/e.jsonl"
        }));
        drop(pipe);
    }
}

/// Tells the child where its files are.
const PLACE: &str = "HYDRA_CONFORMANCE_BLOCKED";
const BLOCKED: usize = 16;

/// The other process: it exits with many loggers whose destinations take nothing, and one that works.
#[test]
fn child() {
    let Some(place) = std::env::var_os(PLACE).map(std::path::PathBuf::from) else {
        return;
    };
    let start = |name: String| {
        let layer = LogLayer::new(Level::Info).destination(LogDestination::file(place.join(name)).format(Format::Json));
        let config = LoggingConfig::builder().layer("APP", layer);
        let config = config.emergency_file(place.join("emergency.jsonl"));
        let config = config.shutdown_timeout(Duration::from_secs(3));
        let config = config.journal_segment_size(ByteSize::kb(64));
        HydraLogger::new(config.build().unwrap()).unwrap()
    };
    let logs: Vec<_> = (0..BLOCKED).map(|number| start(format!("{number}.jsonl"))).collect();
    logs.iter().for_each(|log| drop(info!(log, layer: "APP", "blocked")));
    let log = start("healthy.jsonl".to_owned());
    (0..RECORDS).for_each(|number| drop(info!(log, layer: "APP", "{number}")));
    exit(0);
}

/// At the process's exit the time that one logger waits for its destination is not added to another's, and takes
/// nothing from what another can deliver.
#[test]
fn loggers_end_side_by_side() {
    let place = Place::new();
    let pipes: Vec<_> = (0..BLOCKED)
        .map(|number| Pipe::make(&place, &format!("{number}.jsonl")))
        .collect();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "blocked::child"])
        .env(PLACE, place.path(""))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let waiter = std::thread::spawn(move || tell.send(child.wait().unwrap()));
    // Less than half of what they would take one after the other.
    let status = told
        .recv_timeout(Duration::from_secs(20))
        .expect("it is at its end in time");
    waiter.join().unwrap().unwrap();
    assert!(status.success());
    assert_eq!(place.lines("healthy.jsonl").len(), RECORDS);
    assert_eq!(place.lines("emergency.jsonl").len(), BLOCKED);
    drop(pipes);
}
