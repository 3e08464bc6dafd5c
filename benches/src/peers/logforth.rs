//! logforth with its asynchronous appender in front of its file appender.

use logforth::append::asynchronous::AsyncBuilder;
use logforth::append::file::FileBuilder;
use logforth::layout::{JsonLayout, TextLayout};
use logforth::record::{Level, LevelFilter};

use super::facade;
use crate::peer::{Error, Format, Peer, Setup};

/// logforth.
pub(crate) struct Logforth;

impl Peer for Logforth {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let mut appender = AsyncBuilder::new("logforth").overflow_block();
        for path in setup.files() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let file = FileBuilder::new(&setup.dir, name).filename_suffix("log");
            let file = match setup.format {
                Format::Plain => file.layout(TextLayout::default().no_color()),
                Format::Json => file.layout(JsonLayout::default()),
            };
            appender = appender.append(file.build()?);
        }
        let appender = appender.build();
        logforth::starter_log::builder()
            .dispatch(|d| d.filter(LevelFilter::MoreSevereEqual(Level::Info)).append(appender))
            .apply();
        Ok(Self)
    }

    facade::calls!();

    fn finish(self) -> Result<(), Error> {
        log::logger().flush();
        Ok(())
    }
}
