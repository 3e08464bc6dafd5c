//! A configuration written in code.

use std::path::PathBuf;
use std::time::Duration;

use hydra_record::Level;

use super::node::KeyPath;
use super::{ByteSize, Color, LogLayer, LoggingConfig, OnTimeout, Overflow};
use crate::error::{Error, Finding};
use crate::guarantee::Guarantee;

/// Gathers a configuration; [`build`](LoggingConfigBuilder::build) checks it.
///
/// # Examples
/// ```
/// use hydra_logger::config::{ByteSize, Color};
/// use hydra_logger::{Guarantee, Level, LogDestination, LogLayer, LoggingConfig, OnTimeout, Overflow};
/// use std::time::Duration;
///
/// let config = LoggingConfig::builder()
///     // What is logged, and where it goes.
///     .default_level(Level::Info)
///     .layer("API", LogLayer::new(Level::Debug).destination(LogDestination::file("logs/api.log")))
///     .layer("AUDIT", LogLayer::default().destination(LogDestination::file("logs/audit.log")))
///     .target("hyper", "API")
///     // The journal, and what a call has promised when it returns.
///     .journal_dir("logs/.journal")
///     .journal_max_size(ByteSize::gb(2))
///     .journal_segment_size(ByteSize::mb(16))
///     .journal_allow_network(false)
///     .overflow(Overflow::Block)
///     .guarantee(Level::Error, Guarantee::Synced)
///     .layer_guarantee("AUDIT", Guarantee::Delivered)
///     // How plain text looks.
///     .message_format("{level}: {message}")
///     .color(Level::Error, Color::BrightRed)
///     // The end.
///     .shutdown_timeout(Duration::from_secs(20))
///     .on_timeout(OnTimeout::LeaveInJournal)
///     .emergency_file("logs/emergency.jsonl")
///     .build()?;
/// assert_eq!(config.wanted("AUDIT", Level::Info).guarantee, Guarantee::Delivered);
/// # Ok::<(), hydra_logger::Error>(())
/// ```
///
/// Example: the texts of plain text.
/// ```
/// use hydra_logger::LoggingConfig;
///
/// let config = LoggingConfig::builder()
///     .date_format("%d.%m.%Y")
///     .time_format("%H:%M:%S")
///     .logger_name_format("[{name}]")
///     .build()?;
/// assert_eq!(config.time_format.as_deref(), Some("%H:%M:%S"));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LoggingConfigBuilder {
    config: LoggingConfig,
    findings: Vec<Finding>,
}

impl Default for LoggingConfigBuilder {
    fn default() -> LoggingConfigBuilder {
        LoggingConfigBuilder {
            config: LoggingConfig::without_layers(),
            findings: Vec::new(),
        }
    }
}

impl LoggingConfigBuilder {
    /// Checks the configuration and returns it. Without any layer it gets that of the zero configuration.
    ///
    /// # Errors
    /// Names everything that is wrong; see [`Error::report`].
    pub fn build(self) -> Result<LoggingConfig, Error> {
        let config = self.config.completed();
        let mut findings = self.findings;
        findings.extend(config.findings());
        match findings.is_empty() {
            true => Ok(config),
            false => Err(Error::configuration(None, findings)),
        }
    }

    /// Adds a layer.
    #[must_use]
    pub fn layer(mut self, name: impl Into<String>, layer: LogLayer) -> LoggingConfigBuilder {
        let name = name.into();
        if self.config.layers.contains_key(&name) {
            let key = KeyPath::default().key("layers").key(&name);
            self.findings
                .push(Finding::new(key, "the layer is given twice").suggest("give it once, or rename one"));
        }
        self.config.layers.insert(name, layer);
        self
    }

    /// Sets the level of layers that have none of their own.
    #[must_use]
    pub fn default_level(mut self, level: Level) -> LoggingConfigBuilder {
        self.config.default_level = level;
        self
    }

    /// Puts the journal into a directory, so that accepted records survive the process.
    #[must_use]
    pub fn journal_dir(mut self, dir: impl Into<PathBuf>) -> LoggingConfigBuilder {
        self.config.journal.dir = Some(dir.into());
        self
    }

    /// Sets the most the journal may take.
    #[must_use]
    pub fn journal_max_size(mut self, size: impl Into<ByteSize>) -> LoggingConfigBuilder {
        self.config.journal.max_size = size.into();
        self
    }

    /// Sets the size of one file of the journal.
    #[must_use]
    pub fn journal_segment_size(mut self, size: impl Into<ByteSize>) -> LoggingConfigBuilder {
        self.config.journal.segment_size = Some(size.into());
        self
    }

    /// Lets the journal lie on a network file system, which is refused otherwise: neither locks nor maps can be relied
    /// on there.
    #[must_use]
    pub fn journal_allow_network(mut self, allow: bool) -> LoggingConfigBuilder {
        self.config.journal.allow_network = allow;
        self
    }

    /// Sets what happens when the journal is full, for destinations that do not say it themselves.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> LoggingConfigBuilder {
        self.config.journal.overflow = overflow;
        self
    }

    /// Asks for a guarantee for this level and above.
    #[must_use]
    pub fn guarantee(mut self, level: Level, guarantee: Guarantee) -> LoggingConfigBuilder {
        self.config.guarantees.levels.insert(level, guarantee);
        self
    }

    /// Asks for a guarantee for the records of a layer.
    #[must_use]
    pub fn layer_guarantee(mut self, layer: impl Into<String>, guarantee: Guarantee) -> LoggingConfigBuilder {
        self.config.guarantees.layers.insert(layer.into(), guarantee);
        self
    }

    /// Leads `log` and `tracing` targets that begin with `prefix` to a layer; the longest prefix wins.
    #[must_use]
    pub fn target(mut self, prefix: impl Into<String>, layer: impl Into<String>) -> LoggingConfigBuilder {
        self.config.targets.insert(prefix.into(), layer.into());
        self
    }

    /// Sets the time in plain text, as for `strftime`.
    #[must_use]
    pub fn date_format(mut self, format: impl Into<String>) -> LoggingConfigBuilder {
        self.config.date_format = Some(format.into());
        self
    }

    /// Sets the time of day, used when the date format has none.
    #[must_use]
    pub fn time_format(mut self, format: impl Into<String>) -> LoggingConfigBuilder {
        self.config.time_format = Some(format.into());
        self
    }

    /// Sets how a name is written in plain text; placeholder `{name}`.
    #[must_use]
    pub fn logger_name_format(mut self, format: impl Into<String>) -> LoggingConfigBuilder {
        self.config.logger_name_format = Some(format.into());
        self
    }

    /// Sets how level and message are written in plain text; placeholders `{level}`, `{message}`, `{name}`.
    #[must_use]
    pub fn message_format(mut self, format: impl Into<String>) -> LoggingConfigBuilder {
        self.config.message_format = Some(format.into());
        self
    }

    /// Sets the colour of a level.
    #[must_use]
    pub fn color(mut self, level: Level, color: Color) -> LoggingConfigBuilder {
        self.config.colors.insert(level, color);
        self
    }

    /// Sets how long shutting down may take.
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> LoggingConfigBuilder {
        self.config.shutdown_timeout = timeout;
        self
    }

    /// Sets what happens to what is left when that time has run out.
    #[must_use]
    pub fn on_timeout(mut self, choice: OnTimeout) -> LoggingConfigBuilder {
        self.config.on_timeout = choice;
        self
    }

    /// Sets the file for records that neither the journal nor their destinations take.
    #[must_use]
    pub fn emergency_file(mut self, path: impl Into<PathBuf>) -> LoggingConfigBuilder {
        self.config.emergency_file = Some(path.into());
        self
    }
}
