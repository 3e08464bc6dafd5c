//! Bytes reach a place: console, file, memory.
//!
//! A [`Sink`] takes batches of finished records, each a run of bytes, and knows nothing else about them. It does what
//! belongs to the place alone: a [`FileSink`] opens, locks, rotates and reopens; a [`ConsoleSink`] never waits for ever
//! on a pipe nobody reads; a [`MemorySink`] is for tests. Who retries, and for how long, is decided by the caller.
//!
//! What makes delivery to a file *exactly once* over a crash is here as well: every write is announced by a [`Mark`],
//! the place where its first byte will land, and after a crash a sink compares what stands there with what is to be
//! written again (see [`Sink::resume`]).
//!
//! What is deliberately absent: this room does not know what a record, level or journal is, cannot log, and never
//! retries.
//!
//! # Features
//!
//! - `gzip`: rotated files are compressed in the background, see [`FileOptions::gzip`].

#![forbid(unsafe_code)]

mod console;
mod error;
mod file;
#[cfg(feature = "gzip")]
mod gzip;
mod lock;
mod mark;
mod memory;
mod metrics;
mod names;
mod period;
mod resume;
mod rotate;
mod shared;
mod sink;
mod writer;

pub use console::{ConsoleSink, Stream};
pub use error::{Error, ErrorKind};
pub use file::{Every, FileOptions, FileSink};
pub use mark::Mark;
pub use memory::{Memory, MemorySink};
pub use metrics::{Counts, Metrics};
pub use shared::SharedFileSink;
pub use sink::{Batch, Begun, Sink};
