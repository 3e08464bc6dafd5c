//! One journal, many heads: a logging system that loses no accepted record.
//!
//! Programs log into named *layers*; each layer goes to any number of *destinations*, each with its own level and
//! format. Between the two lies one journal. A call encodes its record once, straight into the journal; each
//! destination's worker reads it from there at its own pace. With a journal directory the journal is a mapped file, so
//! an accepted record survives `kill -9` at the speed of memory.
//!
//! ```
//! use hydra_logger::{HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, Format, info};
//! use std::time::Duration;
//! let dir = tempfile::tempdir()?;
//! let log = HydraLogger::new(
//!     LoggingConfig::builder()
//!         .journal_dir(dir.path().join("journal"))
//!         .layer("API", LogLayer::new(Level::Info)
//!             .destination(LogDestination::file(dir.path().join("api.jsonl")).format(Format::Json)))
//!         .build()?,
//! )?;
//! info!(log, layer: "API", "user {id} logged in from {ip}", id = 42, ip = "10.0.0.1"; tenant = "acme");
//! let report = log.shutdown(Duration::from_secs(5))?;
//! assert_eq!((report.delivered, report.left_in_journal), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The guide has a page for each question: [from zero](guide::from_zero) to the first record that survives a kill,
//! [in production](guide::production), [through `tracing` and `log`](guide::tracing_and_log),
//! [context](guide::context), [in tests](guide::testing), and
//! [why are my records missing?](guide::missing_records)
//!
//! # What is guaranteed when a call returns
//! See [`Guarantee`], and [what is guaranteed](guide::guarantees) at length.
//!
//! By default a record is in the journal; with a journal directory, errors are synced to the device, and without one
//! they are delivered.
//!
//! # Features
//! | feature | adds | default |
//! |---------|------|---------|
//! | `toml` | configuration files in TOML | yes |
//! | `yaml` | configuration files in YAML and JSON | yes |
//! | `log` | the logger as the backend of the `log` crate's macros: [`HydraLogger::install`] | no |
//! | `tracing` | the logger as a layer of a `tracing` subscriber: [`HydraLogger::tracing_layer`] | no |
//! | `signals` | SIGTERM and SIGINT drain the loggers: [`HydraLogger::drain_on_signals`] | no |
//! | `testing` | a kit for the tests of programs that log | no |
//! | `gzip` | compression of rotated files | yes |
#![forbid(unsafe_code)]

mod assemble;
mod r#async;
#[cfg(any(feature = "log", feature = "tracing"))]
mod bridge;
mod capture;
mod chain;
pub mod config;
pub mod context;
mod core;
mod detour;
mod emergency;
pub mod error;
mod global;
pub mod guarantee;
mod health;
mod layer;
mod local;
mod macros;
mod outlet;
mod pass;
mod receipt;
mod reload;
mod shutdown;
mod site;
mod structured;
mod suppress;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod timepiece;
mod waiting;

pub use crate::r#async::{AsyncHydraLogger, AsyncLayer, Work};
#[cfg(any(feature = "log", feature = "tracing"))]
pub use crate::bridge::{EARLY_BYTES_MAX, EARLY_RECORDS_MAX, install_early};
#[cfg(feature = "tracing")]
pub use crate::bridge::{SpanFields, TracingBuilder, TracingFilter, TracingFront, TracingLayer};
pub use crate::capture::ToValue;
pub use crate::chain::{Chain, chain};
pub use crate::config::{
    ColorMode, Format, LogDestination, LogLayer, LoggingConfig, OnTimeout, Overflow, Rate, Rotate, Stream, magic,
};
pub use crate::emergency::EMERGENCY_BYTES_MAX;
pub use crate::error::{Error, ErrorKind, FallbackStep, Finding};
pub use crate::guarantee::Guarantee;
pub use crate::health::{Degraded, Health};
pub use crate::layer::{DEFAULT, LAYER_NAMES_MAX};
pub use crate::outlet::Balance;
pub use crate::receipt::Receipt;
pub use crate::reload::ReloadReport;
pub use crate::shutdown::Report;
pub use crate::structured::{FieldValues, Request, UserAction};
pub use crate::suppress::Suppressed;
pub use crate::sync::{HydraLogger, Layer, SyncHydraLogger};
pub use crate::waiting::WAITING_MAX;
pub use hydra_head::Counts;
#[cfg(not(sim))]
pub use hydra_journal::leave_sigbus_alone;
pub use hydra_record::{Level, Value};

/// What the macros' code names. Not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use core::option::Option::{None, Some};
    pub use core::{file, format_args, line, module_path};

    pub use hydra_macros::record;
    pub use hydra_record::Level;
    pub use hydra_record::note::{RawPiece, RawSite};

    pub use crate::capture::{Argument, Field, check, forms, layer};
    pub use crate::pass::Pass;
    pub use crate::receipt::Receipt;
    pub use crate::reload::ReloadReport;
    pub use crate::site::{Site, Target};
}

#[cfg(any(doc, doctest))]
pub mod guide;
