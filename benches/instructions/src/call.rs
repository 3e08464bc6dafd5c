//! What a call costs its caller, with a journal on disk and a file as the destination; settings are the defaults.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use hydra_logger::{HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, debug, info};

use crate::{Error, counted};

/// Calls before counting begins: by then the call site is known and the first pages of the journal are there.
pub(crate) const WARM_UP: u64 = 1_000;
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(60);

/// A call whose level is off.
pub(crate) fn disabled(times: u64, folder: &Path) -> Result<(), Error> {
    let log = start(folder)?;
    let call = |number: u64| {
        debug!(
            log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms",
            id = black_box(number), ip = black_box("192.168.17.254"), ms = black_box(12.25)
        );
    };
    counted(times, call);
    log.shutdown(SHUTDOWN)?;
    Ok(())
}

/// A call whose record goes to the journal.
pub(crate) fn append(times: u64, folder: &Path) -> Result<(), Error> {
    let log = start(folder)?;
    let call = |number: u64| {
        info!(
            log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms",
            id = black_box(number), ip = black_box("192.168.17.254"), ms = black_box(12.25)
        );
    };
    (0..WARM_UP).for_each(call);
    counted(times, call);
    let report = log.shutdown(SHUTDOWN)?;
    if report.delivered < WARM_UP + times {
        return Err(format!("only {} records were delivered", report.delivered).into());
    }
    Ok(())
}

pub(crate) fn start(folder: &Path) -> Result<HydraLogger, Error> {
    let destination = LogDestination::file(folder.join("plain.log"));
    let config = LoggingConfig::builder()
        .journal_dir(folder.join("journal"))
        .layer("BENCH", LogLayer::new(Level::Info).destination(destination))
        .target("instructions", "BENCH")
        .build()?;
    Ok(HydraLogger::new(config)?)
}
