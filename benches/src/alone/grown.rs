//! What a record costs does not grow: not with the layers there are, nor with the records there have been.

use std::path::Path;
use std::time::Duration;

use hydra_logger::{DEFAULT, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, info};

use super::{Figures, SHUTDOWN, figures, finish, start};
use crate::machine;
use crate::peer::Error;
use crate::workload::Event;

const MANY: usize = 1_000;
/// How often the two are measured in turn.
const TURNS: u64 = 4;

/// One layer, and a thousand.
pub(super) fn layers(dir: &Path, quick: bool) -> Result<Figures, Error> {
    let calls = if quick { 50_000 } else { 500_000 };
    let (mut one, mut many) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..TURNS {
        one += round_robin(&dir.join(format!("one{turn}")), 1, calls)?;
        many += round_robin(&dir.join(format!("many{turn}")), MANY, calls)?;
    }
    let each = |time: Duration| time.as_nanos() as f64 / (TURNS * calls) as f64;
    Ok(figures([("one_ns", each(one)), ("many_ns", each(many))]))
}

/// The CPU time of so many records, one to each layer in turn; all go to the file of the layer that takes all others.
fn round_robin(dir: &Path, layers: usize, calls: u64) -> Result<Duration, Error> {
    let destination = LogDestination::file(dir.join("first.log"));
    let config = LoggingConfig::builder()
        .journal_dir(dir.join("journal"))
        .layer(DEFAULT, LogLayer::new(Level::Info).destination(destination))
        .build()?;
    let log = HydraLogger::new(config)?;
    let layers: Vec<_> = (0..layers).map(|number| log.layer(&format!("LAYER{number}"))).collect();
    // Each layer's first record writes down what the layer is.
    layers.iter().for_each(|layer| drop(info!(layer, "begins")));
    log.flush(SHUTDOWN)?;
    let before = machine::cpu_time()?;
    for (id, layer) in (0..calls).zip(layers.iter().cycle()) {
        let Event { id, ip, ms } = Event::new(id);
        info!(
            layer,
            "user {id} logged in from {ip} in {ms} ms",
            id = id,
            ip = ip,
            ms = ms
        );
    }
    log.flush(SHUTDOWN)?;
    let took = machine::cpu_time()?.saturating_sub(before);
    log.shutdown(SHUTDOWN)?;
    std::fs::remove_dir_all(dir)?;
    Ok(took)
}

const MILLION: u64 = 1_000_000;

/// The first records, and the last of many. Files are rotated so that the disk is not what is measured, and are small
/// so that about as many are removed among the first as among the last.
pub(super) fn records(dir: &Path, quick: bool) -> Result<Figures, Error> {
    let (spans, span) = if quick { (3, MILLION) } else { (10, 10 * MILLION) };
    let destination = LogDestination::file(dir.join("first.log"))
        .max_size(64_000_000)
        .backup_count(1);
    let log = start(dir, destination)?;
    let mut first = None;
    let mut last = (0.0, 0);
    for number in 0..spans {
        let before = machine::cpu_time()?;
        for id in number * span..(number + 1) * span {
            let Event { id, ip, ms } = Event::new(id);
            info!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms);
        }
        log.flush(SHUTDOWN)?;
        let took = machine::cpu_time()?.saturating_sub(before);
        last = (took.as_nanos() as f64 / span as f64, machine::peak_rss_bytes()?);
        first.get_or_insert(last);
    }
    finish(&log, spans * span)?;
    let first = first.unwrap_or(last);
    Ok(figures([
        ("first_ns", first.0),
        ("last_ns", last.0),
        ("first_rss", first.1 as f64),
        ("last_rss", last.1 as f64),
    ]))
}
