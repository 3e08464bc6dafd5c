//! Hydra-Logger itself: file-backed or in-memory journal, sync or async handle. Settings are its defaults.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hydra_logger::{AsyncHydraLogger, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, debug, info};

use crate::peer::{Error, Format, Peer, Setup};
use crate::workload::{ATTEMPT, Event, TENANT};

pub(super) const SHUTDOWN: Duration = Duration::from_secs(60);

/// Where accepted records are kept until they are delivered.
#[derive(Clone, Copy)]
pub(super) enum Journal {
    File,
    Memory,
}

pub(super) fn config(setup: &Setup, journal: Journal) -> Result<LoggingConfig, Error> {
    let format = match setup.format {
        Format::Plain => hydra_logger::Format::PlainText,
        Format::Json => hydra_logger::Format::Json,
    };
    let mut layer = LogLayer::new(Level::Info);
    for path in setup.files() {
        layer = layer.destination(LogDestination::file(path).format(format));
    }
    let builder = match journal {
        Journal::File => LoggingConfig::builder().journal_dir(setup.dir.join("journal")),
        Journal::Memory => LoggingConfig::builder(),
    };
    Ok(builder.layer("BENCH", layer).target("benches", "BENCH").build()?)
}

/// The calls of the sync handle.
macro_rules! calls {
    () => {
        fn message(&self, event: &Event) {
            let Event { id, ip, ms } = *event;
            let log = &self.log;
            info!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms);
        }

        fn fields(&self, event: &Event) {
            let Event { id, ip, ms } = *event;
            let log = &self.log;
            info!(
                log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms;
                tenant = TENANT, attempt = ATTEMPT
            );
        }

        fn disabled(&self, event: &Event) {
            let Event { id, ip, ms } = *event;
            let log = &self.log;
            debug!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms);
        }

        fn finish(self) -> Result<(), Error> {
            self.log.shutdown(SHUTDOWN)?;
            Ok(())
        }
    };
}

/// The sync handle with a journal on disk.
pub(crate) struct Journaled {
    log: HydraLogger,
}

impl Peer for Journaled {
    fn start(setup: &Setup) -> Result<Self, Error> {
        Ok(Self {
            log: HydraLogger::new(config(setup, Journal::File)?)?,
        })
    }

    calls!();
}

/// The sync handle with a journal in memory.
pub(crate) struct Queued {
    log: HydraLogger,
}

impl Peer for Queued {
    fn start(setup: &Setup) -> Result<Self, Error> {
        Ok(Self {
            log: HydraLogger::new(config(setup, Journal::Memory)?)?,
        })
    }

    calls!();
}

/// The async handle with a journal on disk, each call awaited.
pub(crate) struct Awaited {
    log: AsyncHydraLogger,
}

/// Awaits a receipt as the simplest executor would. It is ready at once at the default guarantee of INFO. In its
/// caller's code, as what `.await` becomes is.
#[inline(always)]
fn settle(receipt: impl Future) {
    let mut receipt = pin!(receipt);
    let mut context = Context::from_waker(Waker::noop());
    while receipt.as_mut().poll(&mut context).is_pending() {
        std::thread::yield_now();
    }
}

impl Peer for Awaited {
    fn start(setup: &Setup) -> Result<Self, Error> {
        Ok(Self {
            log: AsyncHydraLogger::new(config(setup, Journal::File)?)?,
        })
    }

    fn message(&self, event: &Event) {
        let Event { id, ip, ms } = *event;
        let log = &self.log;
        settle(info!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms));
    }

    fn fields(&self, event: &Event) {
        let Event { id, ip, ms } = *event;
        let log = &self.log;
        settle(info!(
            log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms;
            tenant = TENANT, attempt = ATTEMPT
        ));
    }

    fn disabled(&self, event: &Event) {
        let Event { id, ip, ms } = *event;
        let log = &self.log;
        settle(debug!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms));
    }

    fn finish(self) -> Result<(), Error> {
        let mut shutdown = pin!(self.log.shutdown(SHUTDOWN));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match shutdown.as_mut().poll(&mut context) {
                Poll::Ready(report) => return Ok(report.map(drop)?),
                Poll::Pending => std::thread::yield_now(),
            }
        }
    }
}
