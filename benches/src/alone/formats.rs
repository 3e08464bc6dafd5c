//! Formats that no peer has.

use std::path::Path;
use std::time::Instant;

use hydra_logger::{Format, LogDestination, info};

use super::{Figures, figures, finish, start};
use crate::peer::Error;
use crate::workload::Event;

pub(super) fn run(dir: &Path, format: Format, quick: bool) -> Result<Figures, Error> {
    let records = if quick { 200_000 } else { 2_000_000 };
    let log = start(dir, LogDestination::file(dir.join("first.log")).format(format))?;
    let begun = Instant::now();
    for id in 0..records {
        let Event { id, ip, ms } = Event::new(id);
        info!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms);
    }
    finish(&log, records)?;
    Ok(figures([(
        "records_per_second",
        records as f64 / begun.elapsed().as_secs_f64(),
    )]))
}
