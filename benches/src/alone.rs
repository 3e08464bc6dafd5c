//! What has no peer to stand beside: promises of Hydra-Logger's own, each measured in a process of its own.

mod crowd;
mod floor;
mod formats;
mod grown;
mod idle;
mod lanes;
mod piped;
mod synced;

use std::path::Path;
use std::time::Duration;

use hydra_logger::{Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};
use serde_json::{Map, Value, json};

use crate::peer::Error;

/// Long enough for any backlog a scenario leaves.
const SHUTDOWN: Duration = Duration::from_secs(120);

/// What a scenario has found: numbers by name.
type Figures = Map<String, Value>;

/// How a figure is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Millions,
    PerSecond,
    Nanoseconds,
    Mebibytes,
    Percent,
    Milliseconds,
    Times,
    Count,
}

/// One line of the report's table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) scenario: &'static str,
    /// Its name in what the child prints.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: Unit,
    /// What it should be.
    pub(crate) aim: &'static str,
}

const fn figure(scenario: &'static str, key: &'static str, title: &'static str, unit: Unit) -> Figure {
    Figure {
        scenario,
        key,
        title,
        unit,
        aim: "",
    }
}

impl Figure {
    const fn aim(self, aim: &'static str) -> Self {
        Self { aim, ..self }
    }
}

/// All lines, in the order of the table.
pub(crate) const FIGURES: &[Figure] = &[
    figure(
        "alone-floor",
        "full_p50_ns",
        "a copy into memory and nothing else, p50",
        Unit::Nanoseconds,
    ),
    figure("alone-floor", "full_p99_ns", "... p99", Unit::Nanoseconds),
    figure(
        "alone-floor",
        "paced_p50_ns",
        "... paced at 100,000/s, p50",
        Unit::Nanoseconds,
    ),
    figure(
        "alone-floor",
        "paced_p99_ns",
        "... paced at 100,000/s, p99",
        Unit::Nanoseconds,
    ),
    figure(
        "alone-floor",
        "paced_p999_ns",
        "... paced at 100,000/s, p99.9",
        Unit::Nanoseconds,
    ),
    figure(
        "alone-csv",
        "records_per_second",
        "CSV, records per second",
        Unit::Millions,
    )
    .aim("3 M"),
    figure(
        "alone-syslog",
        "records_per_second",
        "syslog, records per second",
        Unit::Millions,
    )
    .aim("3 M"),
    figure(
        "alone-gelf",
        "records_per_second",
        "GELF, records per second",
        Unit::Millions,
    )
    .aim("3 M"),
    figure(
        "alone-logfmt",
        "records_per_second",
        "logfmt, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-crowd",
        "p50_ns",
        "10,000 tokio tasks: time of a call, p50",
        Unit::Nanoseconds,
    ),
    figure(
        "alone-crowd",
        "p99_ns",
        "10,000 tokio tasks: time of a call, p99",
        Unit::Nanoseconds,
    )
    .aim("under 200 ns"),
    figure("alone-crowd", "lost", "10,000 tokio tasks: records lost", Unit::Count).aim("0"),
    figure(
        "alone-synced",
        "synced_per_second",
        "64 threads, each record synced, per second",
        Unit::PerSecond,
    ),
    figure(
        "alone-synced",
        "fsyncs_per_second",
        "1 thread, a write and an fsync a record, per second",
        Unit::PerSecond,
    ),
    figure("alone-synced", "gain", "... the one over the other", Unit::Times).aim("100 times"),
    figure(
        "alone-synced",
        "grouped_per_second",
        "64 threads, sixteen records each and then waited for, per second",
        Unit::PerSecond,
    ),
    figure(
        "alone-synced",
        "grouped_gain",
        "... over an fsync a record",
        Unit::Times,
    )
    .aim("100 times"),
    figure(
        "alone-synced",
        "p999_ns",
        "journaled calls meanwhile, p99.9",
        Unit::Nanoseconds,
    )
    .aim("under 10 us"),
    figure("alone-layers", "one_ns", "CPU a record, 1 layer", Unit::Nanoseconds),
    figure(
        "alone-layers",
        "many_ns",
        "CPU a record, 1,000 layers",
        Unit::Nanoseconds,
    )
    .aim("within 10 %"),
    figure(
        "alone-grown",
        "first_ns",
        "CPU a record, the first million, or ten",
        Unit::Nanoseconds,
    ),
    figure(
        "alone-grown",
        "last_ns",
        "CPU a record, the last million, or ten",
        Unit::Nanoseconds,
    )
    .aim("within 10 %"),
    figure(
        "alone-grown",
        "first_rss",
        "peak RSS by the first million, or ten",
        Unit::Mebibytes,
    ),
    figure(
        "alone-grown",
        "last_rss",
        "peak RSS by the last million, or ten",
        Unit::Mebibytes,
    )
    .aim("flat, 32 MiB"),
    figure(
        "alone-lanes",
        "shared_1",
        "1 thread, one tail for all, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "lanes_1",
        "1 thread, a lane for each core, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "shared_2",
        "2 threads, one tail for all, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "lanes_2",
        "2 threads, a lane for each core, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "shared_4",
        "4 threads, one tail for all, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "lanes_4",
        "4 threads, a lane for each core, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "shared_16",
        "16 threads, one tail for all, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "lanes_16",
        "16 threads, a lane for each core, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "shared_64",
        "64 threads, one tail for all, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-lanes",
        "lanes_64",
        "64 threads, a lane for each core, records per second",
        Unit::Millions,
    ),
    figure(
        "alone-idle",
        "cpu_percent",
        "CPU of an idle logger, of one core",
        Unit::Percent,
    )
    .aim("under 0.1 %"),
    figure(
        "alone-idle",
        "arrives_ms",
        "a lone record is in its file after, worst",
        Unit::Milliseconds,
    )
    .aim("10 ms"),
    figure(
        "alone-pipe",
        "lines_per_second",
        "`hydra pipe`, lines per second",
        Unit::Millions,
    )
    .aim("3 M"),
    figure(
        "alone-pipe",
        "bytes_per_second",
        "`hydra pipe`, short lines, per second",
        Unit::Mebibytes,
    ),
    figure(
        "alone-pipe",
        "long_bytes_per_second",
        "`hydra pipe`, lines of 300 bytes, per second",
        Unit::Mebibytes,
    )
    .aim("500 MB"),
];

/// Runs a scenario by its name.
pub(crate) fn run(name: &str, dir: &Path, quick: bool) -> Result<Value, Error> {
    let figures = match name {
        "alone-csv" => formats::run(dir, Format::Csv, quick),
        "alone-syslog" => formats::run(dir, Format::Syslog, quick),
        "alone-gelf" => formats::run(dir, Format::Gelf, quick),
        "alone-logfmt" => formats::run(dir, Format::Logfmt, quick),
        "alone-crowd" => crowd::run(dir, quick),
        "alone-synced" => synced::run(dir, quick),
        "alone-layers" => grown::layers(dir, quick),
        "alone-grown" => grown::records(dir, quick),
        "alone-lanes" => lanes::run(dir, quick),
        "alone-floor" => floor::run(quick),
        "alone-idle" => idle::run(dir),
        "alone-pipe" => piped::run(dir, quick),
        _ => return Err("no such scenario".into()),
    }?;
    Ok(Value::Object(figures))
}

fn figures<const N: usize>(pairs: [(&str, f64); N]) -> Figures {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect()
}

/// The logger of most scenarios: one layer, one file, a journal on disk, and everything else as it comes.
fn start(dir: &Path, destination: LogDestination) -> Result<HydraLogger, Error> {
    let config = LoggingConfig::builder()
        .journal_dir(dir.join("journal"))
        .layer("BENCH", LogLayer::new(Level::Info).destination(destination))
        .build()?;
    Ok(HydraLogger::new(config)?)
}

/// Ends a logger; an error if it has not delivered so many records.
fn finish(log: &HydraLogger, records: u64) -> Result<(), Error> {
    let report = log.shutdown(SHUTDOWN)?;
    if report.delivered < records {
        return Err(format!("{} of {records} records were delivered", report.delivered).into());
    }
    Ok(())
}

/// The least time that at least this part of all times does not pass; sorts them.
fn quantile(times: &mut [u64], part: f64) -> f64 {
    times.sort_unstable();
    crate::child::quantile(times, part) as f64
}
