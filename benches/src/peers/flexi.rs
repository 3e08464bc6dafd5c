//! flexi_logger in its asynchronous write mode.

use std::path::Path;

use flexi_logger::writers::FileLogWriter;
use flexi_logger::{FileSpec, LogSpecification, Logger, LoggerHandle, WriteMode};

use super::facade;
use crate::peer::{Error, Format, Peer, Setup};

/// flexi_logger.
pub(crate) struct Flexi {
    handle: LoggerHandle,
}

fn spec(path: &Path) -> Result<FileSpec, Error> {
    Ok(FileSpec::try_from(path)?)
}

fn format(format: Format) -> flexi_logger::FormatFunction {
    match format {
        Format::Plain => flexi_logger::detailed_format,
        Format::Json => flexi_logger::json_format,
    }
}

impl Peer for Flexi {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let logger = Logger::with(LogSpecification::info())
            .format(format(setup.format))
            .write_mode(WriteMode::Async);
        let first = spec(&setup.first())?;
        let logger = match setup.second() {
            None => logger.log_to_file(first),
            Some(path) => {
                let second = FileLogWriter::builder(spec(&path)?)
                    .format(format(setup.format))
                    .write_mode(WriteMode::Async)
                    .try_build()?;
                logger.log_to_file_and_writer(first, Box::new(second))
            }
        };
        Ok(Self {
            handle: logger.start()?,
        })
    }

    facade::calls!();

    fn finish(self) -> Result<(), Error> {
        self.handle.shutdown();
        Ok(())
    }
}
