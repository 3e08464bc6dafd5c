//! What a call of the macros of `log` and `tracing` costs its caller: the journal, destination and message of
//! [`crate::call`].

use std::hint::black_box;
use std::path::Path;

use hydra_logger::HydraLogger;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::call::{SHUTDOWN, WARM_UP, start};
use crate::{Error, counted};

/// A call of `log`'s, whose target leads to the layer.
pub(crate) fn log_append(times: u64, folder: &Path) -> Result<(), Error> {
    let log = start(folder)?;
    log.install()?;
    measure(&log, times, |number| {
        log::info!(
            id = black_box(number), ip = black_box("192.168.17.254"), ms = black_box(12.25);
            "user logged in"
        );
    })
}

/// One of `tracing`'s, outside any span.
pub(crate) fn tracing_append(times: u64, folder: &Path) -> Result<(), Error> {
    let log = start(folder)?;
    let subscriber = tracing_subscriber::registry().with(log.tracing_layer());
    tracing::subscriber::set_global_default(subscriber)?;
    measure(&log, times, event)
}

/// One of `tracing`'s, in a span in a span.
pub(crate) fn tracing_in_spans(times: u64, folder: &Path) -> Result<(), Error> {
    let log = start(folder)?;
    let subscriber = tracing_subscriber::registry().with(log.tracing_layer());
    tracing::subscriber::set_global_default(subscriber)?;
    let _request = tracing::info_span!("request", id = 7, path = "/").entered();
    let _query = tracing::info_span!("query", table = "users").entered();
    measure(&log, times, event)
}

/// A span that is made, entered, left and closed, without an event.
pub(crate) fn tracing_span(times: u64, folder: &Path) -> Result<(), Error> {
    let log = start(folder)?;
    let subscriber = tracing_subscriber::registry().with(log.tracing_layer());
    tracing::subscriber::set_global_default(subscriber)?;
    let call = |number: u64| {
        let _span = tracing::info_span!("request", id = black_box(number), path = black_box("/")).entered();
    };
    (0..WARM_UP).for_each(call);
    counted(times, call);
    log.shutdown(SHUTDOWN)?;
    Ok(())
}

fn event(number: u64) {
    tracing::info!(
        id = black_box(number),
        ip = black_box("192.168.17.254"),
        ms = black_box(12.25),
        "user logged in"
    );
}

fn measure(log: &HydraLogger, times: u64, call: impl Fn(u64)) -> Result<(), Error> {
    (0..WARM_UP).for_each(&call);
    counted(times, &call);
    let report = log.shutdown(SHUTDOWN)?;
    match report.delivered >= WARM_UP + times {
        true => Ok(()),
        false => Err(format!("only {} records were delivered", report.delivered).into()),
    }
}
