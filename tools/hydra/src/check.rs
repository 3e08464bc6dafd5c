//! `hydra check`: is a configuration right?

use std::path::PathBuf;

use hydra_logger::LoggingConfig;
use hydra_logger::config::json_schema;

use crate::outcome::{Failure, Outcome, put};

/// What `hydra check` was given.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) config: Option<PathBuf>,
    pub(crate) print: bool,
    pub(crate) schema: bool,
}

/// Checks, and prints what was asked for.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    if options.schema {
        put(&json_schema())?;
    }
    if let Some(path) = &options.config {
        let config = LoggingConfig::from_file(path)?;
        if options.print {
            put(&config.to_toml())?;
        } else {
            let destinations = config.layers.values().map(|layer| layer.destinations.len()).sum();
            let (layers, destinations) = (count(config.layers.len(), "layer"), count(destinations, "destination"));
            put(&format!("{}: {layers}, {destinations}, no errors\n", path.display()))?;
        }
    }
    Ok(Outcome::Done)
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
