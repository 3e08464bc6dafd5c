//! The synchronous handle.

use std::sync::Arc;
use std::time::Duration;

use hydra_os::clock::Deadline;
use hydra_record::Level;

use crate::r#async::AsyncHydraLogger;
use crate::config::LoggingConfig;
use crate::core::Core;
use crate::error::Error;
use crate::health::Health;
use crate::layer::LayerId;
use crate::pass::Pass;
use crate::receipt::Receipt;
use crate::reload::ReloadReport;
use crate::shutdown::{self, Report};
use crate::site::{Site, Target};

/// A logger whose calls return when the record has reached its guarantee.
///
/// A cheap handle: clones, layer handles and async handles share one journal and one set of destinations. When the last
/// of them goes, everything accepted is delivered as by [`HydraLogger::shutdown`].
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LogDestination, LogLayer, Level, LoggingConfig, info};
/// use std::time::Duration;
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("app.log");
/// let config = LoggingConfig::builder()
///     .layer("APP", LogLayer::new(Level::Info).destination(LogDestination::file(&path)))
///     .build()?;
/// let log = HydraLogger::new(config)?;
/// info!(log, layer: "APP", "user {id} logged in", id = 42);
/// let report = log.shutdown(Duration::from_secs(5))?;
/// assert_eq!(report.delivered, 1);
/// assert!(std::fs::read_to_string(&path)?.ends_with(" - APP - INFO - user 42 logged in\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Example: everything else that the handle does.
/// ```standalone_crate
/// use hydra_logger::{HydraLogger, Level, LogLayer, LoggingConfig};
/// use std::time::Duration;
///
/// let dir = tempfile::tempdir()?;
/// let log = HydraLogger::new(LoggingConfig::builder().journal_dir(dir.path()).build()?)?;
/// assert!(log.wait_recovered(Duration::from_secs(5))); // nothing of dead processes is left to deliver
/// assert!(log.journal_dir().is_some_and(|own| own.starts_with(dir.path())));
/// log.install_panic_hook();
/// log.trace("API", "off");
/// log.debug("API", "off");
/// log.info("API", "ready");
/// log.warning("API", "slow");
/// log.warn("API", "the same level");
/// log.error("API", "failed");
/// log.critical("API", "down");
/// log.log("API", Level::Info, "chosen when the program runs");
/// log.flush(Duration::from_secs(5))?;
/// assert!(log.is_enabled(Level::Info) && log.health().is_healthy());
/// assert_eq!(log.balance().iter().map(|balance| balance.delivered).sum::<u64>(), 6);
/// let receipt = log.handle().info("API", "through the other kind of handle"); // to be awaited
/// # receipt.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Example: configurations by name, and from files.
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig, magic};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("hydra.toml");
/// # #[cfg(feature = "toml")] {
/// std::fs::write(&path, "default_level = \"DEBUG\"")?;
/// let log = HydraLogger::from_file(&path)?;
/// std::fs::write(&path, "default_level = \"INFO\"")?;
/// log.reload_from_file(&path)?;
/// # }
/// magic::register("quiet", "For this example.", || Ok(LoggingConfig::default()))?;
/// let log = HydraLogger::for_magic("quiet")?;
/// let same = HydraLogger::for_custom("quiet")?;
/// let fast = [
///     HydraLogger::for_minimal_features()?,
///     HydraLogger::for_bare_metal()?,
///     HydraLogger::for_throughput_optimized()?,
///     HydraLogger::for_latency_critical()?,
/// ];
/// assert_eq!(fast[0].config().layers.len(), log.config().layers.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Example: presets. Their files are in the working directory, in `logs`.
/// ```no_run
/// use hydra_logger::HydraLogger;
///
/// let log = HydraLogger::for_production()?;
/// let others = [
///     HydraLogger::for_development()?,
///     HydraLogger::for_testing()?,
///     HydraLogger::for_microservice()?,
///     HydraLogger::for_web_app()?,
///     HydraLogger::for_api_service()?,
///     HydraLogger::for_background_worker()?,
/// ];
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HydraLogger {
    pub(crate) core: Arc<Core>,
}

/// The synchronous logger under the name of the original system.
pub type SyncHydraLogger = HydraLogger;

impl HydraLogger {
    /// Starts a logger.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Configuration`] for a configuration that contradicts itself,
    /// [`crate::ErrorKind::Unsupported`] for one that asks for what is not built yet, [`crate::ErrorKind::Journal`] and
    /// [`crate::ErrorKind::Destination`] where a directory or file cannot be used.
    pub fn new(config: LoggingConfig) -> Result<HydraLogger, Error> {
        Ok(HydraLogger {
            core: crate::assemble::assemble(config)?,
        })
    }

    /// Returns an asynchronous handle on the same logger.
    pub fn handle(&self) -> AsyncHydraLogger {
        AsyncHydraLogger {
            core: Arc::clone(&self.core),
        }
    }

    /// Returns a handle with the layer resolved once.
    pub fn layer(&self, name: &str) -> Layer {
        Layer {
            core: Arc::clone(&self.core),
            id: LayerId::of(&self.core.layers, name),
        }
    }

    /// Blocks until everything accepted before the call is with its destinations.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Timeout`], naming the destinations that are behind and why.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        shutdown::flush(&self.core, timeout)
    }

    /// Accepts nothing more, delivers everything accepted, and ends; at most in `timeout`.
    ///
    /// What is not delivered in time stays in the journal's files for the next start; without files it goes to the
    /// destination's fallback, else to the emergency file, else to standard error. Calls after this are counted, their
    /// receipts are errors, and their records go to the emergency file, else to standard error. A second call returns
    /// the first report.
    ///
    /// # Errors
    /// None at present.
    pub fn shutdown(&self, timeout: Duration) -> Result<Report, Error> {
        Ok(shutdown::shutdown(&self.core, timeout))
    }

    /// Puts another configuration in force while calls go on, or, if anything is wrong with it, leaves everything as it
    /// is.
    ///
    /// Each record is routed by one of the two configurations, whole, and by the new one alone once this has returned.
    /// A destination that both have alike goes on as it is; one with other options goes on with them, from the record
    /// it is at; a new one begins; one that is configured no more gets what was for it, in the background, and ends.
    /// Handles of layers and call sites go on to work: they follow the names of the layers.
    ///
    /// What the journal is cannot change: `journal.dir`, `journal.max_size`, `journal.segment_size`.
    ///
    /// # Errors
    /// As [`HydraLogger::new`]; [`crate::ErrorKind::Unsupported`], naming the key, for what cannot change;
    /// [`crate::ErrorKind::Closed`] after the end. Nothing has changed then.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::{HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};
    /// use std::time::Duration;
    /// let dir = tempfile::tempdir()?;
    /// let config = |level| {
    ///     let file = LogDestination::file(dir.path().join("app.log"));
    ///     LoggingConfig::builder().layer("APP", LogLayer::new(level).destination(file)).build()
    /// };
    /// let log = HydraLogger::new(config(Level::Info)?)?;
    /// let app = log.layer("APP");
    /// assert!(!app.is_enabled(Level::Debug));
    /// let report = log.reload(config(Level::Debug)?)?;
    /// assert!(report.changed.is_empty() && report.added.is_empty() && report.removed.is_empty());
    /// assert!(app.is_enabled(Level::Debug));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reload(&self, config: LoggingConfig) -> Result<ReloadReport, Error> {
        crate::reload::reload(&self.core, config)
    }

    /// Puts the configuration in a file in force, as [`HydraLogger::reload`] does.
    ///
    /// # Errors
    /// As [`HydraLogger::reload`] and `from_file`, with file, line, column and key.
    pub fn reload_from_file(&self, path: impl AsRef<std::path::Path>) -> Result<ReloadReport, Error> {
        crate::reload::reload_from_file(&self.core, path.as_ref())
    }

    /// Waits, at most `timeout`, until every destination has what dead processes left for it in the journal
    /// directory. Says whether it has; a destination that does not replay counts as done when it has passed over it.
    pub fn wait_recovered(&self, timeout: Duration) -> bool {
        let end = Deadline::after(timeout);
        let outlets = self.core.outlets();
        outlets.iter().all(|outlet| outlet.head.wait_recovered(end.left()))
    }

    /// Returns the directory of this process's own journal; `None` when it is in memory.
    pub fn journal_dir(&self) -> Option<&std::path::Path> {
        self.core.journal.dir()
    }
}

/// A layer of a logger, resolved: logging through it costs no look-up.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig, info};
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// let api = log.layer("API");
/// info!(api, "served {path} in {ms} ms", path = "/", ms = 1.25);
/// # Ok::<(), hydra_logger::Error>(())
/// ```
///
/// Example: one method for each level, and fields that are known at run time only.
/// ```
/// use hydra_logger::{HydraLogger, Level, LoggingConfig, Value};
///
/// let api = HydraLogger::new(LoggingConfig::default())?.layer("API");
/// api.trace("off");
/// api.debug("off");
/// api.info("ready");
/// api.warning("slow");
/// api.warn("the same level");
/// api.error("failed");
/// api.critical("down");
/// api.log(Level::Info, "chosen when the program runs");
/// api.record(Level::Info, "parsed", &[("status", Value::U64(200))]);
/// assert!(api.name() == "API" && !api.is_enabled(Level::Debug));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layer {
    core: Arc<Core>,
    id: LayerId,
}

impl Target for HydraLogger {
    #[inline]
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        self.core.open(level, site, layer, true)
    }
}

impl Target for Layer {
    #[inline]
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        match layer {
            None => self.core.open_layer(level, &self.id, true),
            Some(_) => self.core.open(level, site, layer, true),
        }
    }
}

macro_rules! common {
    ($handle:ty, $waits:expr) => {
        impl $handle {
            /// Returns what the logger and its destinations are doing.
            pub fn health(&self) -> Health {
                Health::of(&self.core)
            }

            /// Returns where the records for each destination are: what was logged for it is delivered, in the journal,
            /// or counted as gone another way.
            ///
            /// It reads what the journal holds. While records are on their way some may be counted on neither side or
            /// on both; after `flush`, and in the report of `shutdown`, the sum is exact.
            pub fn balance(&self) -> Vec<crate::outlet::Balance> {
                self.core.outlets.balances()
            }

            /// Returns the configuration in force.
            pub fn config(&self) -> Arc<LoggingConfig> {
                self.core.config()
            }

            /// Says whether a record of that level could go anywhere: whether any layer takes it.
            ///
            /// The layer `DEFAULT` counts as well, and is made with the level `default_level` where the configuration
            /// has none: a call may name any layer. So this may be true though no configured layer takes the level;
            /// ask the handle of a layer about that layer. After the end it is false.
            #[inline]
            pub fn is_enabled(&self, level: Level) -> bool {
                self.core.is_enabled(level)
            }

            /// Has SIGTERM and SIGINT drain every logger of the process, each within its `shutdown_timeout`, and then
            /// end the process as they would have: its exit status tells which it was. A second one ends it at once.
            ///
            /// Calls that come while the loggers drain are refused, as after `shutdown`. Handlers that were there
            /// before are called first, and the process ends all the same; a program that handles these signals in
            /// its own way calls `shutdown` itself. A child that is forked later ends by them at once.
            ///
            /// # Errors
            /// [`crate::ErrorKind::Unsupported`] if the system does not let the signals be handled. Calling it again
            /// changes nothing.
            ///
            /// # Examples
            /// ```
            /// use hydra_logger::{HydraLogger, LoggingConfig};
            /// let log = HydraLogger::new(LoggingConfig::default())?;
            /// log.drain_on_signals()?;
            /// # Ok::<(), hydra_logger::Error>(())
            /// ```
            #[cfg(all(feature = "signals", not(sim)))]
            pub fn drain_on_signals(&self) -> Result<(), Error> {
                crate::shutdown::drain_on_signals()
            }

            /// Has every panic of the process recorded at `CRITICAL` in the layer `DEFAULT`, with its guarantee, before
            /// the hook that is installed now is called.
            ///
            /// Nothing of the kind happens unless this is called: a logger touches no state of the process by itself.
            pub fn install_panic_hook(&self) {
                crate::shutdown::hook_panics(&self.core);
            }
        }

        impl $handle {
            /// Starts a logger from a configuration file (`.toml`, `.yaml`, `.yml`, `.json`).
            ///
            /// # Errors
            /// As `new`; every finding of a wrong file comes with line, column, key and a suggestion.
            pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
                let path = path.as_ref();
                Self::new(LoggingConfig::from_file(path)?).map_err(|error| crate::reload::located(error, path))
            }

            /// Starts a logger from the magic config `name`.
            ///
            /// # Errors
            /// As `new`; [`crate::ErrorKind::Configuration`] for an unknown name, with the known ones.
            pub fn for_magic(name: &str) -> Result<Self, Error> {
                Self::new(crate::config::magic::config(name)?)
            }

            /// Starts a logger from the magic config `name`; the original system's word for `for_magic`.
            ///
            /// # Errors
            /// As `for_magic`.
            pub fn for_custom(name: &str) -> Result<Self, Error> {
                Self::for_magic(name)
            }

            common!(@presets for_production = "production", for_development = "development", for_testing = "testing",
                for_microservice = "microservice", for_web_app = "web_app", for_api_service = "api_service",
                for_background_worker = "background_worker");

            common!(@modes for_minimal_features = MinimalFeatures, for_bare_metal = BareMetal,
                for_throughput_optimized = ThroughputOptimized, for_latency_critical = LatencyCritical);
        }

        common!(@calls $handle, (layer: &str), $waits);
    };
    (@presets $($method:ident = $name:literal),*) => {
        $(
            #[doc = concat!("Starts a logger from the magic config `", $name, "`.")]
            ///
            /// # Errors
            /// As `new`.
            pub fn $method() -> Result<Self, Error> {
                Self::for_magic($name)
            }
        )*
    };
    (@modes $($method:ident = $mode:ident),*) => {
        $(
            #[doc = concat!("Starts a logger of the zero configuration in the mode [`Performance::", stringify!($mode),
                "`](crate::config::Performance::", stringify!($mode), ").")]
            ///
            /// For a configuration of one's own there is [`LoggingConfig::performance`]. Either way a mode is about
            /// speed and memory: the bytes that arrive and the rules of delivery are the same in all.
            ///
            /// # Errors
            /// As `new`.
            pub fn $method() -> Result<Self, Error> {
                Self::new(LoggingConfig::default().performance(crate::config::Performance::$mode))
            }
        )*
    };
    (@layer $handle:ty, $waits:expr) => {
        impl $handle {
            /// Returns the layer's name.
            pub fn name(&self) -> &str {
                self.id.find(&self.core.layers).map(|layer| layer.meaning.name.as_str()).unwrap_or_default()
            }

            /// Says whether any destination of the layer takes records of that level.
            #[inline]
            pub fn is_enabled(&self, level: Level) -> bool {
                self.id.find(&self.core.layers).is_some_and(|layer| layer.takes(level))
            }
        }

        impl $handle {
            /// Logs `message` with fields that are known at run time only, such as those of a line that was parsed.
            ///
            /// The record tells no place in the source.
            pub fn record(
                &self,
                level: Level,
                message: &str,
                fields: &[(&str, hydra_record::Value<'_>)],
            ) -> Receipt {
                match self.core.open_layer(level, &self.id, $waits) {
                    Some(pass) => pass.fields(message, fields),
                    None => Receipt::disabled(),
                }
            }
        }

        common!(@calls $handle, (), $waits);
    };
    (@calls $handle:ty, (layer: &str), $waits:expr) => {
        impl $handle {
            /// Logs `message` to `layer`.
            #[track_caller]
            pub fn log(&self, layer: &str, level: Level, message: impl AsRef<str>) -> Receipt {
                let place = std::panic::Location::caller();
                match self.core.open_named(level, layer, $waits) {
                    Some(pass) => pass.message(message.as_ref(), &[], place),
                    None => Receipt::disabled(),
                }
            }

            common!(@named Trace trace, Debug debug, Info info, Warning warning, Warning warn, Error error,
                Critical critical);
        }
    };
    (@calls $handle:ty, (), $waits:expr) => {
        impl $handle {
            /// Logs `message` to the layer.
            #[track_caller]
            pub fn log(&self, level: Level, message: impl AsRef<str>) -> Receipt {
                let place = std::panic::Location::caller();
                match self.core.open_layer(level, &self.id, $waits) {
                    Some(pass) => pass.message(message.as_ref(), &[], place),
                    None => Receipt::disabled(),
                }
            }

            common!(@bound Trace trace, Debug debug, Info info, Warning warning, Warning warn, Error error,
                Critical critical);
        }
    };
    (@named $($level:ident $method:ident),*) => {
        $(
            #[doc = concat!("Logs `message` to `layer` at [`Level::", stringify!($level), "`].")]
            #[track_caller]
            pub fn $method(&self, layer: &str, message: impl AsRef<str>) -> Receipt {
                self.log(layer, Level::$level, message)
            }
        )*
    };
    (@bound $($level:ident $method:ident),*) => {
        $(
            #[doc = concat!("Logs `message` to the layer at [`Level::", stringify!($level), "`].")]
            #[track_caller]
            pub fn $method(&self, message: impl AsRef<str>) -> Receipt {
                self.log(Level::$level, message)
            }
        )*
    };
}

pub(crate) use common;

common!(HydraLogger, true);
common!(@layer Layer, true);
