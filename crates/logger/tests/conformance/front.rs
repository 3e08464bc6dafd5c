//! What a handle must be able to do, and the handles that can.

use std::fmt::Debug;
use std::future::Future;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hydra_logger::__private::Target;
use hydra_logger::{
    AsyncHydraLogger, AsyncLayer, Error, Health, HydraLogger, Layer, Level, LoggingConfig, Receipt, ReloadReport,
    Report,
};

/// A handle as the behaviours see it.
pub(crate) trait Front: 'static {
    /// Tells it from the others.
    const NAME: &'static str;
    /// The logger; the macros take it.
    type Log: Target + Clone + Debug + Send + std::marker::Sync + 'static;
    /// The handle of a layer; the macros take it.
    type Layer: Target + Clone + Debug + Send + std::marker::Sync + 'static;

    fn start(config: LoggingConfig) -> Result<Self::Log, Error>;
    fn log(log: &Self::Log, layer: &str, level: Level, message: &str) -> Receipt;
    fn layer(log: &Self::Log, name: &str) -> Self::Layer;
    fn log_to(layer: &Self::Layer, level: Level, message: &str) -> Receipt;
    fn flush(log: &Self::Log, timeout: Duration) -> Result<(), Error>;
    fn shutdown(log: &Self::Log, timeout: Duration) -> Result<Report, Error>;
    fn health(log: &Self::Log) -> Health;
    fn is_enabled(log: &Self::Log, level: Level) -> bool;
    fn reload(log: &Self::Log, config: LoggingConfig) -> Result<ReloadReport, Error>;
    fn reload_from_file(log: &Self::Log, path: &Path) -> Result<ReloadReport, Error>;
    /// Waits for the receipt as users of this handle do.
    fn wait(receipt: Receipt) -> Result<(), Error>;
    /// Makes `calls` calls where users of this handle make them, none of them waited for.
    fn burst(log: &Self::Log, calls: u64, call: impl Fn(&Self::Log, u64) -> Receipt + Send + 'static);
    /// As `burst`, each receipt waited for before the next call.
    fn each(
        log: &Self::Log,
        calls: u64,
        call: impl Fn(&Self::Log, u64) -> Receipt + Send + 'static,
    ) -> Result<(), Error>;
}

/// The sync handle.
pub(crate) struct Sync;

impl Front for Sync {
    const NAME: &'static str = "sync";
    type Log = HydraLogger;
    type Layer = Layer;

    fn start(config: LoggingConfig) -> Result<HydraLogger, Error> {
        HydraLogger::new(config)
    }

    fn log(log: &HydraLogger, layer: &str, level: Level, message: &str) -> Receipt {
        log.log(layer, level, message)
    }

    fn layer(log: &HydraLogger, name: &str) -> Layer {
        log.layer(name)
    }

    fn log_to(layer: &Layer, level: Level, message: &str) -> Receipt {
        layer.log(level, message)
    }

    fn flush(log: &HydraLogger, timeout: Duration) -> Result<(), Error> {
        log.flush(timeout)
    }

    fn shutdown(log: &HydraLogger, timeout: Duration) -> Result<Report, Error> {
        log.shutdown(timeout)
    }

    fn health(log: &HydraLogger) -> Health {
        log.health()
    }

    fn reload(log: &HydraLogger, config: LoggingConfig) -> Result<ReloadReport, Error> {
        log.reload(config)
    }

    fn reload_from_file(log: &HydraLogger, path: &Path) -> Result<ReloadReport, Error> {
        log.reload_from_file(path)
    }

    fn is_enabled(log: &HydraLogger, level: Level) -> bool {
        log.is_enabled(level)
    }

    fn wait(receipt: Receipt) -> Result<(), Error> {
        receipt.wait()
    }

    fn burst(log: &HydraLogger, calls: u64, call: impl Fn(&HydraLogger, u64) -> Receipt + Send + 'static) {
        (0..calls).for_each(|number| drop(call(log, number)));
    }

    fn each(
        log: &HydraLogger,
        calls: u64,
        call: impl Fn(&HydraLogger, u64) -> Receipt + Send + 'static,
    ) -> Result<(), Error> {
        (0..calls).try_for_each(|number| call(log, number).wait())
    }
}

/// The async handle, driven by an executor.
pub(crate) struct Async<E>(PhantomData<E>);

/// Something that runs futures.
pub(crate) trait Executor: 'static {
    /// Tells it from the others.
    const NAME: &'static str;
    /// Runs a task as programs on this executor do, and waits for it.
    fn run<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T;
}

impl<E: Executor> Front for Async<E> {
    const NAME: &'static str = E::NAME;
    type Log = AsyncHydraLogger;
    type Layer = AsyncLayer;

    fn start(config: LoggingConfig) -> Result<AsyncHydraLogger, Error> {
        E::run(async { AsyncHydraLogger::new(config) })
    }

    fn log(log: &AsyncHydraLogger, layer: &str, level: Level, message: &str) -> Receipt {
        log.log(layer, level, message)
    }

    fn layer(log: &AsyncHydraLogger, name: &str) -> AsyncLayer {
        log.layer(name)
    }

    fn log_to(layer: &AsyncLayer, level: Level, message: &str) -> Receipt {
        layer.log(level, message)
    }

    fn flush(log: &AsyncHydraLogger, timeout: Duration) -> Result<(), Error> {
        E::run(log.flush(timeout))
    }

    fn shutdown(log: &AsyncHydraLogger, timeout: Duration) -> Result<Report, Error> {
        E::run(log.shutdown(timeout))
    }

    fn health(log: &AsyncHydraLogger) -> Health {
        log.health()
    }

    fn reload(log: &AsyncHydraLogger, config: LoggingConfig) -> Result<ReloadReport, Error> {
        E::run(log.reload(config))
    }

    fn reload_from_file(log: &AsyncHydraLogger, path: &Path) -> Result<ReloadReport, Error> {
        E::run(log.reload_from_file(path))
    }

    fn is_enabled(log: &AsyncHydraLogger, level: Level) -> bool {
        log.is_enabled(level)
    }

    fn wait(receipt: Receipt) -> Result<(), Error> {
        E::run(receipt)
    }

    fn burst(log: &AsyncHydraLogger, calls: u64, call: impl Fn(&AsyncHydraLogger, u64) -> Receipt + Send + 'static) {
        let log = log.clone();
        E::run(async move { (0..calls).for_each(|number| drop(call(&log, number))) });
    }

    fn each(
        log: &AsyncHydraLogger,
        calls: u64,
        call: impl Fn(&AsyncHydraLogger, u64) -> Receipt + Send + 'static,
    ) -> Result<(), Error> {
        let log = log.clone();
        E::run(async move {
            for number in 0..calls {
                call(&log, number).await?;
            }
            Ok(())
        })
    }
}

/// Tokio with several threads.
pub(crate) struct Tokio;

impl Executor for Tokio {
    const NAME: &'static str = "tokio";

    fn run<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
        static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .build()
                .unwrap()
        });
        runtime.block_on(runtime.spawn(task)).unwrap()
    }
}

/// Smol's global executor.
pub(crate) struct Smol;

impl Executor for Smol {
    const NAME: &'static str = "smol";

    fn run<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
        smol::block_on(smol::spawn(task))
    }
}

/// The executor that only waits.
pub(crate) struct Futures;

impl Executor for Futures {
    const NAME: &'static str = "futures";

    fn run<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
        futures::executor::block_on(task)
    }
}
