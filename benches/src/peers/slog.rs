//! slog with slog-async in front of slog-term or slog-json.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Mutex;

use slog::{Drain, Duplicate, Logger, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

use crate::peer::{Error, Format, Peer, Setup};
use crate::workload::{ATTEMPT, Event, TENANT};

/// slog.
pub(crate) struct SlogAsync {
    logger: Logger,
    guards: Vec<AsyncGuard>,
}

fn drain(format: Format, path: &Path) -> Result<(Async, AsyncGuard), Error> {
    let file = BufWriter::new(File::create(path)?);
    Ok(match format {
        Format::Plain => {
            let drain = slog_term::FullFormat::new(slog_term::PlainSyncDecorator::new(file)).build();
            Async::new(drain.fuse())
                .overflow_strategy(OverflowStrategy::Block)
                .build_with_guard()
        }
        Format::Json => {
            let drain = Mutex::new(slog_json::Json::default(file));
            Async::new(drain.fuse())
                .overflow_strategy(OverflowStrategy::Block)
                .build_with_guard()
        }
    })
}

impl Peer for SlogAsync {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let (first, guard) = drain(setup.format, &setup.first())?;
        let Some(path) = setup.second() else {
            let drain = first.filter_level(slog::Level::Info).fuse();
            return Ok(Self {
                logger: Logger::root(drain, o!()),
                guards: vec![guard],
            });
        };
        let (second, other) = drain(setup.format, &path)?;
        let drain = Duplicate(first, second).filter_level(slog::Level::Info).fuse();
        Ok(Self {
            logger: Logger::root(drain, o!()),
            guards: vec![guard, other],
        })
    }

    fn message(&self, event: &Event) {
        let Event { id, ip, ms } = event;
        slog::info!(self.logger, "user {id} logged in from {ip} in {ms} ms");
    }

    fn fields(&self, event: &Event) {
        let Event { id, ip, ms } = *event;
        slog::info!(
            self.logger, "user {id} logged in from {ip} in {ms} ms";
            "id" => id, "ip" => ip, "ms" => ms, "tenant" => TENANT, "attempt" => ATTEMPT
        );
    }

    fn disabled(&self, event: &Event) {
        let Event { id, ip, ms } = event;
        slog::debug!(self.logger, "user {id} logged in from {ip} in {ms} ms");
    }

    fn finish(self) -> Result<(), Error> {
        drop(self.logger);
        drop(self.guards);
        Ok(())
    }
}
