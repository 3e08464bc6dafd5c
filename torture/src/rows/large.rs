//! Records at each limit on their size, and one byte to either side.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use hydra_logger::config::ByteSize;
use hydra_logger::{ErrorKind, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};

use super::Turn;
use crate::oracle::Found;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The smallest segment there is.
const SEGMENT: usize = 64 * KIB;
/// A record may have this much, by `docs/guarantees.md` and the error that refuses a larger one.
const LIMIT: usize = 128 * MIB;
/// Around a limit that notes and heads shift, every length is tried: they take no more than this.
const AROUND: usize = 400;
/// How long the largest takes to be delivered, at most.
const DELIVERED_WITHIN: Duration = Duration::from_secs(120);
/// From so many kills on a run is long enough for the largest.
const LONG: u64 = 30;
const LAYER: &str = "LARGE";

/// Each record is in the file, whole, or its caller was told that it is too large; nothing lies between.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    // Every length in a long run, some in a short one.
    let stride = if turn.kills < LONG { 37 } else { 1 };
    let first = turn.seed as usize % stride;
    let around = |limit: usize| (limit - AROUND + first..limit + 16).step_by(stride);
    for in_files in [false, true] {
        // Lengths at which a record no longer fits a quarter of a segment, or a whole one.
        let lengths = around(SEGMENT / 4).chain(around(SEGMENT));
        check(turn, in_files, 64 * MIB, lengths.collect())?;
        // A quota of sixteen segments: past a part of it a record is refused.
        check(
            turn,
            in_files,
            MIB,
            around(4 * SEGMENT).chain(around(MIB - 3 * SEGMENT)).collect(),
        )?;
    }
    if turn.kills < LONG {
        return Ok(());
    }
    // 100 MB, and the limit: what exceeds it by one byte with everything that belongs to it is refused.
    let mut lengths = vec![100_000_000];
    if turn.exhaustive || turn.kills >= 2 * LONG {
        lengths.extend([LIMIT - 4 * KIB, LIMIT + 1]);
    }
    check(turn, true, 1024 * MIB, lengths)
}

/// Logs records of these lengths, and looks for them in the file.
fn check(turn: &mut Turn<'_>, in_files: bool, quota: usize, lengths: Vec<usize>) -> io::Result<()> {
    let home = tempfile::Builder::new().prefix("torture-").tempdir()?;
    let path = home.path().join("large.log");
    let log = start(home.path(), in_files, quota).map_err(io::Error::other)?;
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for length in lengths {
        match log.info(LAYER, text(length)).wait() {
            Ok(()) => accepted.insert(length),
            Err(error) if error.kind() == ErrorKind::TooLarge => refused.insert(length),
            Err(error) => return Err(io::Error::other(format!("{length} bytes: {error}"))),
        };
    }
    let counted = log.health().refused;
    let report = log.shutdown(DELIVERED_WITHIN).map_err(io::Error::other)?;
    let mut found = Found {
        accepted: accepted.len() as u64,
        ..Found::default()
    };
    let mut line = Vec::new();
    let mut file = BufReader::new(File::open(&path)?);
    while file.read_until(b'\n', &mut line)? > 0 {
        let message = String::from_utf8_lossy(&line);
        let message = message.trim_end().splitn(4, " - ").nth(3).unwrap_or_default();
        let length = message.len();
        if message != text(length) {
            found.torn += 1;
        } else if accepted.remove(&length) {
            found.recovered += 1;
        } else {
            found.invented += 1;
        }
        line.clear();
    }
    found.lost = accepted.len() as u64;
    let bounds = (found.accepted, refused.first(), refused.len() as u64);
    if let Some(smaller) = accepted.first() {
        found.troubles.push(format!("a record of {smaller} bytes is lost"));
    }
    if counted != refused.len() as u64 || report.dropped > 0 {
        let what = format!("{} records were refused, {counted} counted: {report:?}", refused.len());
        found.troubles.push(what);
    }
    let (taken, first, many) = bounds;
    let place = if in_files { "files" } else { "memory" };
    let from = first.map_or(String::new(), |first| format!(", from {first} bytes on"));
    turn.outcome.notes.push(format!(
        "journal in {place}, quota {quota}: {taken} records whole, {many} refused{from}"
    ));
    turn.outcome.found.add(found);
    Ok(())
}

fn start(home: &Path, in_files: bool, quota: usize) -> Result<HydraLogger, hydra_logger::Error> {
    let file = LogDestination::file(home.join("large.log"));
    let mut builder = LoggingConfig::builder()
        .layer(LAYER, LogLayer::new(Level::Info).destination(file))
        .journal_segment_size(ByteSize::new(SEGMENT as u64))
        .journal_max_size(ByteSize::new(quota as u64));
    if in_files {
        builder = builder.journal_dir(home.join("journal"));
    }
    HydraLogger::new(builder.build()?)
}

/// A text of that length, told from those of any other.
fn text(length: usize) -> String {
    let mut text = format!("{length} ");
    while text.len() < length {
        let rest = length - text.len();
        text.push_str(
            "abcdefghijklmnopqrstuvwxyz0123456789"
                .get(..rest.min(36))
                .unwrap_or_default(),
        );
    }
    text.truncate(length);
    text
}
