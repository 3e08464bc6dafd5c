//! The macros that programs log with.

/// Logs at the level `INFO`.
///
/// ```text
/// info!(LOGGER, [layer: LAYER,] "TEMPLATE" [, ARGUMENT ...] [; FIELD ...])
/// ```
///
/// | part | is |
/// |------|----|
/// | `LOGGER` | an expression that gives a logger or the handle of a layer, or a reference to one |
/// | `LAYER` | an expression that gives a text: the layer's name; without it, the handle's layer, else `DEFAULT` |
/// | `TEMPLATE` | a string literal, as in [`format!`]: `{}`, `{0}`, `{name}`, `{variable}`, `{x:>8.2}`, `{x:w$}` |
/// | `ARGUMENT` | an expression, or `name = expression`, for the placeholders |
/// | `FIELD` | what the message does not name: `name = expression`, or a variable or `a.path` alone |
///
/// A field's name may be a path (`http.status = 200`) or a string (`"content-type" = "text/html"`). `?` before its
/// value asks for the `Debug` of the value, `%` for its `Display`.
///
/// The value is a `Receipt`, which may be ignored, waited for or awaited.
///
/// # Fields
///
/// The record carries the text and the values. A placeholder's value is a field under its name (`id` for `{id}`, be it
/// an argument or a variable) or its number (`0` for the first `{}`); numbers, truth values, characters and texts keep
/// their type, any other value is the text that its `Display` or `Debug` gives. Behind the semicolon, a value is kept
/// with its type if it has one of those (`None` is null); an error with all its causes, as [`chain`](crate::chain())
/// does it; any other as its `Display` shows it, else as its `Debug` does. Two fields of one name are refused when the
/// program is compiled, and so are more than 64 values.
///
/// # Evaluation
///
/// If the level is disabled, the logger and the layer's name are evaluated and nothing else. If not, each expression is
/// evaluated once, in the order written, before the macro returns. A `Display` or `Debug` that panics spoils its own
/// value only. An `.await` among the arguments works; the logger, the layer's name and the values before it are held
/// meanwhile, so a value that takes long is better fetched before the call.
///
/// # Examples
/// ```
/// use hydra_logger::{Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, info};
/// use std::time::Duration;
///
/// let dir = tempfile::tempdir()?;
/// let file = LogDestination::file(dir.path().join("api.log")).format(Format::Logfmt);
/// let config = LoggingConfig::builder().layer("API", LogLayer::new(Level::Info).destination(file)).build()?;
/// let log = HydraLogger::new(config)?;
///
/// let (path, ms) = ("/", 1.25);
/// info!(log, layer: "API", "user {id} logged in", id = 42);
/// info!(log, layer: "API", "served {path} in {ms:.1} ms"; tenant = "acme", attempt = 3);
/// info!(log.layer("API"), "{} of {}", 1, 2).wait()?;
///
/// log.shutdown(Duration::from_secs(5))?;
/// let text = std::fs::read_to_string(dir.path().join("api.log"))?;
/// let ends = [
///     "message=\"user 42 logged in\" id=42",
///     "message=\"served / in 1.2 ms\" path=/ ms=1.25 tenant=acme attempt=3",
///     "message=\"1 of 2\" 0=1 1=2",
/// ];
/// assert!(text.lines().zip(ends).all(|(line, end)| line.ends_with(end)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Example: the message is made at run time. It is an argument, so that its braces mean nothing.
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig, info};
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// let text = String::from("{not a placeholder}");
/// info!(log, "{text}");
/// # Ok::<(), hydra_logger::Error>(())
/// ```
///
/// Example: a call in a task. The record is taken when the macro returns; the receipt is awaited for the guarantee.
/// ```
/// use hydra_logger::{AsyncHydraLogger, LoggingConfig, info};
///
/// async fn answer(log: &AsyncHydraLogger, id: u64) -> Result<(), hydra_logger::Error> {
///     info!(log, layer: "API", "answered {id}").await
/// }
///
/// let log = AsyncHydraLogger::new(LoggingConfig::default())?;
/// futures::executor::block_on(answer(&log, 7))?;
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[macro_export]
macro_rules! info {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Info] $($call)*) };
}

/// Logs at the level `TRACE`. The grammar is that of [`info!`](crate::info).
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, trace};
///
/// let log = TestLog::new();
/// trace!(log, layer: "API", "attempt {number}", number = 3; peer = "10.0.0.1");
/// assert_eq!((log.one().level(), log.one().message()), (Level::Trace, "attempt 3"));
/// ```
#[macro_export]
macro_rules! trace {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Trace] $($call)*) };
}

/// Logs at the level `DEBUG`. The grammar is that of [`info!`](crate::info).
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, debug};
///
/// let log = TestLog::new();
/// debug!(log, layer: "API", "attempt {number}", number = 3; peer = "10.0.0.1");
/// assert_eq!((log.one().level(), log.one().message()), (Level::Debug, "attempt 3"));
/// ```
#[macro_export]
macro_rules! debug {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Debug] $($call)*) };
}

/// Logs at the level `WARNING`. The grammar is that of [`info!`](crate::info).
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, warning};
///
/// let log = TestLog::new();
/// warning!(log, layer: "API", "attempt {number}", number = 3; peer = "10.0.0.1");
/// assert_eq!((log.one().level(), log.one().message()), (Level::Warning, "attempt 3"));
/// ```
#[macro_export]
macro_rules! warning {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Warning] $($call)*) };
}

/// Logs at the level `WARNING`: another name of [`warning!`](crate::warning).
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, warn};
///
/// let log = TestLog::new();
/// warn!(log, "slow");
/// assert_eq!(log.one().level(), Level::Warning);
/// ```
#[macro_export]
macro_rules! warn {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Warning] $($call)*) };
}

/// Logs at the level `ERROR`. The grammar is that of [`info!`](crate::info).
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, error};
///
/// let log = TestLog::new();
/// error!(log, layer: "API", "attempt {number}", number = 3; peer = "10.0.0.1");
/// assert_eq!((log.one().level(), log.one().message()), (Level::Error, "attempt 3"));
/// ```
#[macro_export]
macro_rules! error {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Error] $($call)*) };
}

/// Logs at the level `CRITICAL`. The grammar is that of [`info!`](crate::info).
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, critical};
///
/// let log = TestLog::new();
/// critical!(log, layer: "API", "attempt {number}", number = 3; peer = "10.0.0.1");
/// assert_eq!((log.one().level(), log.one().message()), (Level::Critical, "attempt 3"));
/// ```
#[macro_export]
macro_rules! critical {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Critical] $($call)*) };
}

/// Logs at a level that is known when the program runs: `log!(LOGGER, level: LEVEL, ...)`.
///
/// `LEVEL` is an expression that gives a `Level`. The rest is as in [`info!`](crate::info).
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, Level, LoggingConfig, log};
///
/// let logger = HydraLogger::new(LoggingConfig::default())?;
/// for (status, level) in [(200, Level::Info), (500, Level::Error)] {
///     log!(logger, level: level, layer: "API", "answered"; status);
/// }
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[macro_export]
macro_rules! log {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [] $($call)*) };
}

/// The macros in programs of earlier editions: what is alive while a receipt is awaited follows the caller's rules.
///
/// ```edition2018
/// # use hydra_logger::{info, AsyncHydraLogger, LoggingConfig};
/// # use std::{future::Future, rc::Rc};
/// async fn calls(log: &AsyncHydraLogger, x: u8) -> Result<(), hydra_logger::Error> {
///     let layer = || String::from("A");
///     info!(log, layer: layer().as_str(), "{} {:?} {x}", format_args!("{}", 1), Rc::new(2); f = ?Rc::new(3)).await?;
///     info!(log, "last").await
/// }
/// fn sendable<T: Future + Send>(future: T) -> T { future }
/// let log = AsyncHydraLogger::new(LoggingConfig::default()).unwrap();
/// futures::executor::block_on(sendable(calls(&log, 4))).unwrap();
/// ```
///
/// ```edition2021
/// # use hydra_logger::{info, AsyncHydraLogger, LoggingConfig};
/// # use std::{future::Future, rc::Rc};
/// async fn calls(log: &AsyncHydraLogger, x: u8) -> Result<(), hydra_logger::Error> {
///     let layer = || String::from("A");
///     info!(log, layer: layer().as_str(), "{} {:?} {x}", format_args!("{}", 1), Rc::new(2); f = ?Rc::new(3)).await?;
///     info!(log, "last").await
/// }
/// fn sendable<T: Future + Send>(future: T) -> T { future }
/// let log = AsyncHydraLogger::new(LoggingConfig::default()).unwrap();
/// futures::executor::block_on(sendable(calls(&log, 4))).unwrap();
/// ```
#[cfg(doctest)]
pub struct Editions;
