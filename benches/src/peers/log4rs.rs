//! log4rs with its file appender, which writes on the caller's thread.

use log::LevelFilter;
use log4rs::append::file::FileAppender;
use log4rs::config::{Appender, Config, Root};
use log4rs::encode::Encode;
use log4rs::encode::json::JsonEncoder;
use log4rs::encode::pattern::PatternEncoder;

use super::facade;
use crate::peer::{Error, Format, Peer, Setup};

/// log4rs.
pub(crate) struct Log4rs;

impl Peer for Log4rs {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let mut config = Config::builder();
        let mut root = Root::builder();
        for (number, path) in setup.files().into_iter().enumerate() {
            let encoder: Box<dyn Encode> = match setup.format {
                Format::Plain => Box::new(PatternEncoder::default()),
                Format::Json => Box::new(JsonEncoder::new()),
            };
            let appender = FileAppender::builder().encoder(encoder).build(path)?;
            let name = format!("file{number}");
            config = config.appender(Appender::builder().build(name.clone(), Box::new(appender)));
            root = root.appender(name);
        }
        log4rs::init_config(config.build(root.build(LevelFilter::Info))?)?;
        Ok(Self)
    }

    facade::calls!();

    fn finish(self) -> Result<(), Error> {
        log::logger().flush();
        Ok(())
    }
}
