//! The asynchronous handle: the same engine, the same calls, nothing that blocks an executor.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hydra_os::atomic::Mutex;
use hydra_record::Level;

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
use crate::sync::{HydraLogger, common};

/// A logger whose calls append at once and return a receipt to await.
///
/// It needs no runtime and works on every executor: whatever waits is woken by the journal's own threads. A record is
/// appended when the call is made, whether its receipt is awaited or not. Only when the journal's quota is used up does
/// the call itself wait for room.
///
/// # Examples
/// ```
/// use hydra_logger::{AsyncHydraLogger, LoggingConfig, info};
/// use std::time::Duration;
/// # futures::executor::block_on(async {
/// let log = AsyncHydraLogger::new(LoggingConfig::default())?;
/// log.info("API", "started").await?;
/// info!(log, layer: "API", "user {id}", id = 42).await?;
/// let report = log.shutdown(Duration::from_secs(5)).await?;
/// assert_eq!(report.accepted, 2);
/// # Ok::<(), hydra_logger::Error>(())
/// # }).unwrap();
/// ```
///
/// Example: everything else that the handle does.
/// ```standalone_crate
/// use hydra_logger::{AsyncHydraLogger, Level, LogLayer, LoggingConfig, OnTimeout};
/// use std::time::Duration;
///
/// # futures::executor::block_on(async {
/// let log = AsyncHydraLogger::new(LoggingConfig::default())?;
/// log.install_panic_hook();
/// let receipts = [
///     log.trace("API", "off"),
///     log.debug("API", "off"),
///     log.warning("API", "slow"),
///     log.warn("API", "the same level"),
///     log.error("API", "failed"),
///     log.critical("API", "down"),
///     log.log("API", Level::Info, "chosen when the program runs"),
/// ];
/// log.flush(Duration::from_secs(5)).await?;
/// assert!(receipts.iter().all(|receipt| receipt.is_reached()));
/// assert!(log.is_enabled(Level::Info) && log.health().is_healthy());
/// assert_eq!(log.balance().iter().map(|balance| balance.delivered).sum::<u64>(), 5);
///
/// let mut config = (*log.config()).clone();
/// config.on_timeout = OnTimeout::SyncWrite;
/// config.layers.insert("QUIET".to_owned(), LogLayer::new(Level::Error));
/// let report = log.reload(config).await?;
/// assert!(report.added.is_empty());
/// assert!(log.wait_recovered(Duration::from_secs(5)).await && log.journal_dir().is_none());
/// log.sync_handle().info("API", "through the other kind of handle").wait()?;
/// # Ok::<(), hydra_logger::Error>(())
/// # }).unwrap();
/// ```
///
/// Example: configurations by name, and from files.
/// ```
/// use hydra_logger::{AsyncHydraLogger, LoggingConfig, magic};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("hydra.toml");
/// # #[cfg(feature = "toml")] {
/// std::fs::write(&path, "default_level = \"DEBUG\"")?;
/// let log = AsyncHydraLogger::from_file(&path)?;
/// # futures::executor::block_on(
/// log.reload_from_file(&path)
/// # )?;
/// # }
/// magic::register("quiet", "For this example.", || Ok(LoggingConfig::default()))?;
/// let log = AsyncHydraLogger::for_magic("quiet")?;
/// let same = AsyncHydraLogger::for_custom("quiet")?;
/// let fast = [
///     AsyncHydraLogger::for_minimal_features()?,
///     AsyncHydraLogger::for_bare_metal()?,
///     AsyncHydraLogger::for_throughput_optimized()?,
///     AsyncHydraLogger::for_latency_critical()?,
/// ];
/// assert_eq!(fast[0].config().layers.len(), log.config().layers.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Example: presets. Their files are in the working directory, in `logs`.
/// ```no_run
/// use hydra_logger::AsyncHydraLogger;
///
/// let log = AsyncHydraLogger::for_production()?;
/// let others = [
///     AsyncHydraLogger::for_development()?,
///     AsyncHydraLogger::for_testing()?,
///     AsyncHydraLogger::for_microservice()?,
///     AsyncHydraLogger::for_web_app()?,
///     AsyncHydraLogger::for_api_service()?,
///     AsyncHydraLogger::for_background_worker()?,
/// ];
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AsyncHydraLogger {
    pub(crate) core: Arc<Core>,
}

impl AsyncHydraLogger {
    /// Starts a logger; also outside of any runtime.
    ///
    /// # Errors
    /// As [`HydraLogger::new`].
    pub fn new(config: LoggingConfig) -> Result<AsyncHydraLogger, Error> {
        Ok(AsyncHydraLogger {
            core: crate::assemble::assemble(config)?,
        })
    }

    /// Returns a synchronous handle on the same logger.
    pub fn sync_handle(&self) -> HydraLogger {
        HydraLogger {
            core: Arc::clone(&self.core),
        }
    }

    /// Resolves, after `timeout` at the latest, when every destination has what dead processes left for it; says
    /// whether it has, as [`HydraLogger::wait_recovered`] does.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn wait_recovered(&self, timeout: Duration) -> Work<bool> {
        let log = self.sync_handle();
        Work::start(move || log.wait_recovered(timeout))
    }

    /// Returns the directory of this process's own journal; `None` when it is in memory.
    pub fn journal_dir(&self) -> Option<&std::path::Path> {
        self.core.journal.dir()
    }

    /// Returns a handle with the layer resolved once.
    pub fn layer(&self, name: &str) -> AsyncLayer {
        AsyncLayer {
            core: Arc::clone(&self.core),
            id: LayerId::of(&self.core.layers, name),
        }
    }

    /// Resolves when everything accepted before the call is with its destinations.
    ///
    /// # Errors
    /// As [`HydraLogger::flush`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub fn flush(&self, timeout: Duration) -> Work<Result<(), Error>> {
        let core = Arc::clone(&self.core);
        Work::start(move || shutdown::flush(&core, timeout))
    }

    /// Puts another configuration in force, as [`HydraLogger::reload`] does.
    ///
    /// # Errors
    /// As [`HydraLogger::reload`].
    ///
    /// # Cancel safety
    /// It goes on when the future is dropped.
    pub fn reload(&self, config: LoggingConfig) -> Work<Result<ReloadReport, Error>> {
        let core = Arc::clone(&self.core);
        Work::start(move || crate::reload::reload(&core, config))
    }

    /// Puts the configuration in a file in force, as [`HydraLogger::reload_from_file`] does.
    ///
    /// # Errors
    /// As [`HydraLogger::reload_from_file`].
    ///
    /// # Cancel safety
    /// It goes on when the future is dropped.
    pub fn reload_from_file(&self, path: impl AsRef<std::path::Path>) -> Work<Result<ReloadReport, Error>> {
        let (core, path) = (Arc::clone(&self.core), path.as_ref().to_owned());
        Work::start(move || crate::reload::reload_from_file(&core, &path))
    }

    /// Accepts nothing more, delivers everything accepted, and ends, as [`HydraLogger::shutdown`] does.
    ///
    /// # Errors
    /// None at present.
    ///
    /// # Cancel safety
    /// It goes on when the future is dropped.
    pub fn shutdown(&self, timeout: Duration) -> Work<Result<Report, Error>> {
        let core = Arc::clone(&self.core);
        Work::start(move || Ok(shutdown::shutdown(&core, timeout)))
    }
}

/// A layer of an asynchronous logger, resolved.
///
/// # Examples
/// ```
/// use hydra_logger::{AsyncHydraLogger, Level, LoggingConfig, Value, info};
/// # futures::executor::block_on(async {
/// let log = AsyncHydraLogger::new(LoggingConfig::default())?;
/// let api = log.layer("API");
/// info!(api, "served {path}", path = "/").await?;
/// api.error("cannot reach the database").await?;
/// if api.is_enabled(Level::Debug) {
///     api.record(Level::Debug, "answered", &[("status", Value::U64(200))]).await?;
/// }
/// assert_eq!(api.name(), "API");
/// # Ok::<(), hydra_logger::Error>(())
/// # }).unwrap();
/// ```
///
/// Example: one method for each level. A receipt that is not awaited loses nothing.
/// ```
/// use hydra_logger::{AsyncHydraLogger, Level, LoggingConfig};
///
/// let api = AsyncHydraLogger::new(LoggingConfig::default())?.layer("API");
/// let receipts = [
///     api.trace("off"),
///     api.debug("off"),
///     api.info("ready"),
///     api.warning("slow"),
///     api.warn("the same level"),
///     api.critical("down"),
///     api.log(Level::Info, "chosen when the program runs"),
/// ];
/// assert!(receipts[0].sequence().is_none() && receipts[2].sequence() < receipts[6].sequence());
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AsyncLayer {
    core: Arc<Core>,
    id: LayerId,
}

impl Target for AsyncHydraLogger {
    #[inline]
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        self.core.open(level, site, layer, false)
    }
}

impl Target for AsyncLayer {
    #[inline]
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        match layer {
            None => self.core.open_layer(level, &self.id, false),
            Some(_) => self.core.open(level, site, layer, false),
        }
    }
}

common!(AsyncHydraLogger, false);
common!(@layer AsyncLayer, false);

/// Something that goes on in a thread of its own, begun when this was made; a future of its result.
///
/// # Examples
/// ```
/// use hydra_logger::{AsyncHydraLogger, LoggingConfig};
/// use std::time::Duration;
///
/// # futures::executor::block_on(async {
/// let log = AsyncHydraLogger::new(LoggingConfig::default())?;
/// log.info("API", "started").await?;
/// let flushing = log.flush(Duration::from_secs(5)); // it has begun
/// log.info("API", "goes on meanwhile").await?;
/// flushing.await?;
/// # Ok::<(), hydra_logger::Error>(())
/// # }).unwrap();
/// ```
///
/// # Cancel safety
/// The work goes on when the future is dropped; its result is lost.
#[derive(Debug)]
#[must_use = "the work goes on by itself, but only who awaits it knows when it is done and what came of it"]
pub struct Work<T> {
    outcome: Arc<Mutex<Outcome<T>>>,
}

#[derive(Debug)]
struct Outcome<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

impl<T: Send + 'static> Work<T> {
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Work<T> {
        let outcome = Arc::new(Mutex::new(Outcome {
            result: None,
            waker: None,
        }));
        let (job, shared) = (Arc::new(Mutex::new(Some(work))), Arc::clone(&outcome));
        let inline = Arc::clone(&job);
        let started = hydra_os::thread::spawn("hydra-work", move || run(&job, &shared));
        if started.is_err() {
            // No thread to be had: better to block the caller than not to do it.
            run(&inline, &outcome);
        }
        Work { outcome }
    }
}

fn run<T>(job: &Mutex<Option<impl FnOnce() -> T>>, outcome: &Mutex<Outcome<T>>) {
    let work = job.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    let result = work.map(|work| work());
    let waker = {
        let mut outcome = outcome.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        outcome.result = result;
        outcome.waker.take()
    };
    waker.into_iter().for_each(Waker::wake);
}

impl<T> Future for Work<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut outcome = self.outcome.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match outcome.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                outcome.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
