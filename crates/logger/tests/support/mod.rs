//! A logger whose records are read back as JSON.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "not every test uses all of it")]

use hydra_logger::config::FormatKey;
use hydra_logger::{Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};
use std::time::Duration;

pub(crate) struct Fixture {
    pub(crate) log: HydraLogger,
    dir: tempfile::TempDir,
}

impl Fixture {
    /// A logger with the layer `DEFAULT` and those given, all into one file.
    pub(crate) fn new(layers: &[(&str, Level)], targets: &[(&str, &str)]) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let mut config = LoggingConfig::builder();
        for (name, level) in layers {
            let mut file = LogDestination::file(dir.path().join("all.jsonl")).format(Format::Json);
            file.format_options.keys.insert(FormatKey::Location);
            config = config.layer(*name, LogLayer::new(*level).destination(file.level(Level::Trace)));
        }
        for (prefix, layer) in targets {
            config = config.target(*prefix, *layer);
        }
        let log = HydraLogger::new(config.build().unwrap()).unwrap();
        Fixture { log, dir }
    }

    /// Everything logged so far.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        self.log.flush(Duration::from_secs(60)).unwrap();
        let text = std::fs::read_to_string(self.dir.path().join("all.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn messages(records: &[serde_json::Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["message"].as_str().unwrap())
        .collect()
}
