//! What a logger is told to do: layers, destinations, the journal, guarantees.
//!
//! A [`LoggingConfig`] is plain data. It is written in code ([`LoggingConfig::builder`]), read from a TOML, YAML or
//! JSON file ([`LoggingConfig::from_file`]), taken from a preset ([`magic`]) or from the environment
//! ([`LoggingConfig::from_env`]). However it came to be, it has been checked: everything wrong with it is found at once
//! and named with its file, line, column, key and what to write instead, and nothing of it is left to fail later.
//!
//! No file is made, no stream opened and no thread started here.
//!
//! # The file
//!
//! ```toml
//! default_level = "INFO"
//!
//! [journal]
//! dir = "logs/.journal"                # absent: in memory
//!
//! [guarantees]
//! levels = { ERROR = "synced" }        # this level and above
//!
//! [layers.API]
//! destinations = [
//!   { type = "console", format = "plain-text" },
//!   { type = "file", path = "logs/api.jsonl", format = "json", level = "WARNING", max_size = "5MB" },
//! ]
//! ```
//!
//! `extends = "base.toml"` (or a list) lays the file on top of others. `${NAME}` and `${NAME:-default}` in any text are
//! replaced from the environment; `$$` is a dollar sign. A key that nobody knows, a wrong type, a key given twice: each
//! is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hydra_record::Level;

mod builder;
mod check;
pub(crate) mod choice;
mod destination;
mod env;
mod expand;
mod extends;
mod file;
mod guarantees;
mod keys;
mod kind;
mod layer;
pub mod magic;
mod merge;
#[cfg_attr(
    not(any(feature = "toml", feature = "yaml")),
    allow(dead_code, reason = "there is nothing to parse")
)]
mod node;
mod options;
#[cfg_attr(
    not(any(feature = "toml", feature = "yaml")),
    allow(dead_code, reason = "there is nothing to parse")
)]
mod parse;
mod performance;
mod presets;
mod print;
mod read;
mod reader;
mod schema;
mod secret;
mod size;
mod suggest;
mod suppression;

pub use builder::LoggingConfigBuilder;
pub use choice::UnknownName;
pub use destination::LogDestination;
pub use file::{Loader, Syntax};
pub use guarantees::{Guarantees, Wanted};
pub use hydra_format::Color;
pub use kind::{ConsoleOptions, FileOptions, FormatOptions, Kind, Remote};
pub use layer::LogLayer;
pub(crate) use node::{At, KeyPath};
pub use options::{
    ColorMode, Compress, DestinationType, Format, FormatKey, Fsync, OnTimeout, Overflow, Rotate, ServiceType, Stream,
};
pub use performance::Performance;
pub use schema::json_schema;
pub use secret::{Secret, Url};
pub use size::{BadSize, ByteSize};
pub(crate) use suppression::span_text;
pub use suppression::{BadRate, Rate, Suppression};

/// The reserved layer that the zero configuration consists of.
pub const CENTRALIZED: &str = "__CENTRALIZED__";

/// Everything a logger is told.
///
/// The default is the zero configuration: one layer, [`CENTRALIZED`], level INFO, plain text on the console, no files.
///
/// # Examples
/// ```
/// use hydra_logger::config::{Format, LogDestination, LogLayer, LoggingConfig};
/// use hydra_logger::guarantee::Guarantee;
/// use hydra_logger::Level;
/// # fn main() -> Result<(), hydra_logger::error::Error> {
/// let config = LoggingConfig::builder()
///     .journal_dir("logs/.journal")
///     .guarantee(Level::Error, Guarantee::Synced)
///     .layer("API", LogLayer::new(Level::Info).destination(LogDestination::file("api.jsonl").format(Format::Json)))
///     .build()?;
/// assert_eq!(config.level_of("API"), Some(Level::Info));
/// # Ok(())
/// # }
/// ```
///
/// Example: from a file, with what the environment says on top.
/// ```
/// use hydra_logger::{Level, LoggingConfig};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("hydra.toml");
/// # #[cfg(feature = "toml")] {
/// std::fs::write(&path, "default_level = \"DEBUG\"")?;
/// let config = LoggingConfig::from_file(&path)?.with_env()?;
/// config.validate()?;
/// assert_eq!((config.default_level, config.shutdown_timeout), (Level::Debug, LoggingConfig::SHUTDOWN_TIMEOUT));
/// # }
/// let zero_configuration = LoggingConfig::from_env()?;
/// # let _ = zero_configuration;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoggingConfig {
    /// The level of layers that have none of their own.
    pub default_level: Level,
    /// Where records wait.
    pub journal: JournalConfig,
    /// Which guarantees are asked for.
    pub guarantees: Guarantees,
    /// The layers by name.
    pub layers: BTreeMap<String, LogLayer>,
    /// The layer of a `log` or `tracing` target, by the target's prefix; the longest prefix wins.
    pub targets: BTreeMap<String, String>,
    /// The time in plain text, as for `strftime`; none: `%Y-%m-%d %H:%M:%S`.
    pub date_format: Option<String>,
    /// The time of day, used when `date_format` has none; none: `%H:%M:%S`.
    pub time_format: Option<String>,
    /// How a name is written in plain text; none: as it is.
    pub logger_name_format: Option<String>,
    /// How level and message are written in plain text; none: `LEVEL - message`.
    pub message_format: Option<String>,
    /// The colours of levels that differ from the usual ones.
    pub colors: BTreeMap<Level, Color>,
    /// How long shutting down may take.
    pub shutdown_timeout: Duration,
    /// What happens to what is left when that time has run out.
    pub on_timeout: OnTimeout,
    /// Where records go, as lines of JSON, that neither the journal nor their destinations take; none: with a journal
    /// directory `emergency.jsonl` in it, without one nowhere but to standard error.
    pub emergency_file: Option<PathBuf>,
}

/// Where records wait for their destinations.
///
/// # Examples
/// ```
/// use hydra_logger::config::{ByteSize, JournalConfig, LoggingConfig};
///
/// let config = LoggingConfig::builder().journal_dir("logs/.journal").journal_max_size(ByteSize::gb(4)).build()?;
/// let journal: &JournalConfig = &config.journal;
/// assert!(journal.dir.is_some() && journal.max_size > JournalConfig::MAX_SIZE);
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalConfig {
    /// The directory; none: the journal is in memory and lost with the process.
    pub dir: Option<PathBuf>,
    /// The most it may take; 1 GiB by default.
    pub max_size: ByteSize,
    /// The size of one of its files; none: what suits the journal.
    pub segment_size: Option<ByteSize>,
    /// Whether it may lie on a network file system, which is refused otherwise: what the other machine, or the network,
    /// does to its files cannot be survived as a crash of this machine can.
    pub allow_network: bool,
    /// What happens when it is full, for destinations that do not say it themselves.
    pub overflow: Overflow,
}

impl JournalConfig {
    /// The most a journal takes if nothing else is said.
    pub const MAX_SIZE: ByteSize = ByteSize::gb(1);
}

impl Default for JournalConfig {
    fn default() -> JournalConfig {
        JournalConfig {
            dir: None,
            max_size: JournalConfig::MAX_SIZE,
            segment_size: None,
            allow_network: false,
            overflow: Overflow::default(),
        }
    }
}

impl Default for LoggingConfig {
    fn default() -> LoggingConfig {
        LoggingConfig::without_layers().completed()
    }
}

impl LoggingConfig {
    /// How long shutting down may take if nothing else is said.
    pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

    /// Begins a configuration in code.
    pub fn builder() -> LoggingConfigBuilder {
        LoggingConfigBuilder::default()
    }

    /// The default of everything but the layers, of which there are none.
    pub(crate) fn without_layers() -> LoggingConfig {
        LoggingConfig {
            default_level: Level::Info,
            journal: JournalConfig::default(),
            guarantees: Guarantees::default(),
            layers: BTreeMap::new(),
            targets: BTreeMap::new(),
            date_format: None,
            time_format: None,
            logger_name_format: None,
            message_format: None,
            colors: BTreeMap::new(),
            shutdown_timeout: LoggingConfig::SHUTDOWN_TIMEOUT,
            on_timeout: OnTimeout::default(),
            emergency_file: None,
        }
    }

    /// Gives a configuration without layers the layer of the zero configuration.
    pub(crate) fn completed(mut self) -> LoggingConfig {
        if self.layers.is_empty() {
            let layer = LogLayer::default().destination(LogDestination::console());
            self.layers.insert(CENTRALIZED.to_owned(), layer);
        }
        self
    }

    /// Returns the level of a layer, inherited or its own; none if there is no such layer.
    pub fn level_of(&self, layer: &str) -> Option<Level> {
        self.layers
            .get(layer)
            .map(|layer| layer.level.unwrap_or(self.default_level))
    }
}
