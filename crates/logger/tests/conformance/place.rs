//! A directory of a test's own, and what its tests have in common.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hydra_logger::config::{ByteSize, LoggingConfigBuilder};
use hydra_logger::{Format, Level, LogDestination, LogLayer, LoggingConfig};
use tempfile::TempDir;

/// Longer than anything takes: a test that waits so long fails.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A directory that goes with the test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The lines of a file, which must end with a whole one.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.text(name);
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "{name} ends in the middle of a line"
        );
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn json(&self, name: &str) -> Vec<serde_json::Value> {
        self.lines(name)
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// The messages of a file in JSON.
    pub(crate) fn messages(&self, name: &str) -> Vec<String> {
        self.json(name)
            .iter()
            .map(|record| record["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A file that is never rotated.
    pub(crate) fn file(&self, name: &str, format: Format) -> LogDestination {
        LogDestination::file(self.path(name))
            .format(format)
            .max_size(ByteSize::new(0))
    }

    /// One layer, `APP` at INFO, and one file in JSON, `app.jsonl`.
    pub(crate) fn app(&self) -> LoggingConfigBuilder {
        let file = self.file("app.jsonl", Format::Json);
        LoggingConfig::builder().layer("APP", LogLayer::new(Level::Info).destination(file))
    }

    /// As [`Place::app`], with a journal on disk if asked for.
    pub(crate) fn app_with(&self, journal: bool) -> LoggingConfigBuilder {
        if journal {
            self.app().journal_dir(self.path("journal"))
        } else {
            self.app()
        }
    }
}
