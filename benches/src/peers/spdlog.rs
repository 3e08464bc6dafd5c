//! spdlog-rs with its asynchronous pool sink.

use std::sync::Arc;

use spdlog::formatter::JsonFormatter;
use spdlog::sink::{AsyncPoolSink, FileSink, OverflowPolicy, Sink, SinkPropAccess};
use spdlog::{LevelFilter, Logger};

use crate::peer::{Error, Format, Peer, Setup};
use crate::workload::{ATTEMPT, Event, TENANT};

/// spdlog-rs.
pub(crate) struct Spdlog {
    logger: Arc<Logger>,
}

impl Peer for Spdlog {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let mut sinks: Vec<Arc<dyn Sink>> = Vec::new();
        for path in setup.files() {
            let sink = FileSink::builder().path(path).truncate(true).build_arc()?;
            if setup.format == Format::Json {
                sink.set_formatter(Box::new(JsonFormatter::new()));
            }
            sinks.push(sink);
        }
        let pool = AsyncPoolSink::builder()
            .sinks(sinks)
            .overflow_policy(OverflowPolicy::Block)
            .build_arc()?;
        let logger = Logger::builder()
            .sink(pool)
            .level_filter(LevelFilter::All)
            .build_arc()?;
        logger.set_level_filter(LevelFilter::MoreSevereEqual(spdlog::Level::Info));
        Ok(Self { logger })
    }

    fn message(&self, event: &Event) {
        let Event { id, ip, ms } = event;
        spdlog::info!(logger: self.logger, "user {id} logged in from {ip} in {ms} ms");
    }

    fn fields(&self, event: &Event) {
        let Event { id, ip, ms } = *event;
        spdlog::info!(
            logger: self.logger,
            "user {id} logged in from {ip} in {ms} ms",
            kv: { id, ip, ms, tenant = TENANT, attempt = ATTEMPT }
        );
    }

    fn disabled(&self, event: &Event) {
        let Event { id, ip, ms } = event;
        spdlog::debug!(logger: self.logger, "user {id} logged in from {ip} in {ms} ms");
    }

    fn finish(self) -> Result<(), Error> {
        // Flushing waits for nothing in the pool: dropping it does.
        drop(self.logger);
        Ok(())
    }
}
