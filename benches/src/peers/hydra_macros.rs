//! Hydra-Logger behind the macros of `tracing` and of `log`: the same calls as the peers of either facade, in one run.

use hydra_logger::HydraLogger;

use super::hydra::{Journal, SHUTDOWN, config};
use super::{facade, tracing};
use crate::peer::{Error, Peer, Setup};
use crate::workload::Event;

/// The global backend of both facades, with a journal on disk.
fn installed(setup: &Setup) -> Result<HydraLogger, Error> {
    let log = HydraLogger::new(config(setup, Journal::File)?)?;
    log.install()?;
    Ok(log)
}

/// Behind the macros of `tracing`, on a registry of its own.
pub(crate) struct Tracing {
    log: HydraLogger,
}

impl Peer for Tracing {
    fn start(setup: &Setup) -> Result<Self, Error> {
        Ok(Self { log: installed(setup)? })
    }

    fn message(&self, event: &Event) {
        tracing::message(event);
    }

    fn fields(&self, event: &Event) {
        tracing::fields(event);
    }

    fn disabled(&self, event: &Event) {
        tracing::disabled(event);
    }

    fn finish(self) -> Result<(), Error> {
        self.log.shutdown(SHUTDOWN)?;
        Ok(())
    }
}

/// Behind the macros of `log`.
pub(crate) struct Log {
    log: HydraLogger,
}

impl Peer for Log {
    fn start(setup: &Setup) -> Result<Self, Error> {
        Ok(Self { log: installed(setup)? })
    }

    facade::calls!();

    fn finish(self) -> Result<(), Error> {
        self.log.shutdown(SHUTDOWN)?;
        Ok(())
    }
}
