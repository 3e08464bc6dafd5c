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
/// | `TEMPLATE` | a string literal, as in [`format!`]: `{}`, `{0}`, `{name}`, `{variable}`, `{x:>8.2}`, `{x:width$}` |
/// | `ARGUMENT` | an expression, or `name = expression`, for the placeholders |
/// | `FIELD` | what the message does not name: `name = expression`, `a.path = expression`, `"any name" = expression`, or a variable alone; `= ?expression` forces its `Debug`, `= %expression` its `Display` |
///
/// The value is a `Receipt`, which may be ignored, waited for or awaited.
///
/// # Fields
///
/// The record carries the text and the values. A placeholder's value is a field under its name (`id` for `{id}`, be it an
/// argument or a variable) or its number (`0` for the first `{}`); numbers, truth values, characters and texts keep their
/// type, any other value is the text that its `Display` or `Debug` gives. Behind the semicolon, a value is kept with its
/// type if it has one of those (`None` is null), else as its `Display` shows it, else as its `Debug` does. Two fields of one
/// name are refused when the program is compiled, and so are more than 64 values.
///
/// # Evaluation
///
/// If the level is disabled, the logger and the layer's name are evaluated and nothing else. If not, each expression is
/// evaluated once, in the order written, before the macro returns. A `Display` or `Debug` that panics spoils its own value
/// only.
///
/// # Examples
/// ```text
/// use hydra_logger::{HydraLogger, LoggingConfig, info};
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// let (path, ms) = ("/", 1.25);
/// info!(log, layer: "API", "user {id} logged in", id = 42);
/// info!(log, layer: "API", "served {path} in {ms:.1} ms"; tenant = "acme", attempt = 3);
/// info!(log, "to the layer DEFAULT: {}", 7);
/// info!(log.layer("API"), "through a handle").wait()?;
/// ```
#[macro_export]
macro_rules! info {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Info] $($call)*) };
}

/// Logs at the level `TRACE`. The grammar is that of [`info!`](crate::info).
#[macro_export]
macro_rules! trace {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Trace] $($call)*) };
}

/// Logs at the level `DEBUG`. The grammar is that of [`info!`](crate::info).
#[macro_export]
macro_rules! debug {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Debug] $($call)*) };
}

/// Logs at the level `WARNING`. The grammar is that of [`info!`](crate::info).
#[macro_export]
macro_rules! warning {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Warning] $($call)*) };
}

/// Logs at the level `WARNING`: another name of [`warning!`](crate::warning).
#[macro_export]
macro_rules! warn {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Warning] $($call)*) };
}

/// Logs at the level `ERROR`. The grammar is that of [`info!`](crate::info).
#[macro_export]
macro_rules! error {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Error] $($call)*) };
}

/// Logs at the level `CRITICAL`. The grammar is that of [`info!`](crate::info).
#[macro_export]
macro_rules! critical {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [Critical] $($call)*) };
}

/// Logs at a level that is known when the program runs: `log!(LOGGER, level: LEVEL, ...)`.
///
/// `LEVEL` is an expression that gives a `Level`. The rest is as in [`info!`](crate::info).
///
/// # Examples
/// ```text
/// use hydra_logger::{HydraLogger, Level, LoggingConfig, log};
///
/// let logger = HydraLogger::new(LoggingConfig::default())?;
/// let level = if logger.is_closed() { Level::Error } else { Level::Info };
/// log!(logger, level: level, layer: "API", "state changed");
/// ```
#[macro_export]
macro_rules! log {
    ($($call:tt)*) => { $crate::__private::record!([$crate] [] $($call)*) };
}
