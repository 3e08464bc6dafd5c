//! Consoles: a child process whose standard streams the test reads, or leaves.

use std::io::{BufRead, BufReader, Read, pipe};
use std::process::{Child, Command, Stdio, exit};

use hydra_logger::config::Stream;
use hydra_logger::{ColorMode, Format, Level, LogDestination, LogLayer, LoggingConfig, info};

use crate::front::{Async, Executor, Front, Futures, Smol, Sync, Tokio};
use crate::place::{LONG, Place};

/// Tells the child which handle it is to use.
const FRONT: &str = "HYDRA_CONFORMANCE_FRONT";
/// Tells the child where its file is.
const FILE: &str = "HYDRA_CONFORMANCE_FILE";
const RECORDS: u64 = 5_000;

/// The other process: it does nothing unless it was started by one of the tests below.
#[test]
fn child() {
    match std::env::var(FRONT).as_deref() {
        Ok(Sync::NAME) => log_to_consoles::<Sync>(),
        Ok(Tokio::NAME) => log_to_consoles::<Async<Tokio>>(),
        Ok(Smol::NAME) => log_to_consoles::<Async<Smol>>(),
        Ok(Futures::NAME) => log_to_consoles::<Async<Futures>>(),
        _ => {}
    }
}

/// Logs to both consoles and a file, and ends the process: successfully if every record is accounted for.
fn log_to_consoles<F: Front>() {
    let Some(file) = std::env::var_os(FILE) else {
        log_to_nobody::<F>();
    };
    let layer = LogLayer::new(Level::Info)
        .destination(LogDestination::console().color_mode(ColorMode::Never))
        .destination(LogDestination::console().stream(Stream::Stderr).format(Format::Json))
        .destination(LogDestination::file(file).format(Format::Json));
    let log = F::start(LoggingConfig::builder().layer("APP", layer).build().unwrap()).unwrap();
    F::burst(&log, RECORDS, |log, number| info!(log, layer: "APP", "record {number}"));
    let report = F::shutdown(&log, LONG).unwrap();
    let found = report.delivered + report.dropped + report.fell_back;
    let is_complete = report.accepted == RECORDS && found == 3 * RECORDS;
    exit(if is_complete { 0 } else { 1 });
}

/// Logs to a console without a reader, and ends the process: successfully if every record is dropped, and none went
/// anywhere else.
fn log_to_nobody<F: Front>() -> ! {
    let layer = LogLayer::new(Level::Info).destination(LogDestination::console().stream(Stream::Stderr));
    let log = F::start(LoggingConfig::builder().layer("APP", layer).build().unwrap()).unwrap();
    F::burst(&log, RECORDS, |log, number| info!(log, layer: "APP", "record {number}"));
    let report = F::shutdown(&log, LONG).unwrap();
    let is_right = (report.accepted, report.dropped, report.fell_back) == (RECORDS, RECORDS, 0);
    exit(if is_right { 0 } else { 1 });
}

fn command<F: Front>() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "console::child", "--nocapture"])
        .env(FRONT, F::NAME);
    command
}

fn start<F: Front>(place: &Place) -> Child {
    let mut command = command::<F>();
    command.env(FILE, place.path("app.jsonl"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn expected() -> Vec<String> {
    (0..RECORDS).map(|number| format!("record {number}")).collect()
}

/// Both standard streams get every record, in order.
pub(crate) fn every_line_is_on_the_console<F: Front>() {
    let place = Place::new();
    let mut child = start::<F>(&place);
    let mut stderr = child.stderr.take().unwrap();
    // Both are read at once, or the child would wait for us.
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let messages: Vec<String> = lines
        .filter_map(|line| {
            line.split_once(" - APP - INFO - ")
                .map(|(_, message)| message.to_owned())
        })
        .collect();
    assert_eq!(messages, expected());
    let records = reader.join().unwrap();
    let records = records
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(
        records
            .map(|record| record["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>(),
        expected()
    );
    assert!(child.wait().unwrap().success());
    assert_eq!(place.messages("app.jsonl"), expected());
}

/// Readers that leave neither end the process nor take a record from anybody else; what they missed is counted.
pub(crate) fn a_reader_that_leaves_harms_nobody<F: Front>() {
    let place = Place::new();
    let mut child = start::<F>(&place);
    drop(child.stderr.take());
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.messages("app.jsonl"), expected());
}

/// What nobody reads any more is dropped and counted to the last record, also when the end comes in the middle of that:
/// none of it falls back.
pub(crate) fn what_is_being_given_up_is_dropped<F: Front>() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let status = command::<F>().stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert!(status.success());
}
