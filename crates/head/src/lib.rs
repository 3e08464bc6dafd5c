//! One worker per destination: reads frames, filters, formats, delivers, retries, and advances its cursor.
//!
//! A head never touches another head: a slow or dead destination keeps journal segments alive and nothing else. Within
//! a head the order is the journal's. What a dead process left comes first, so that a file's lines stay in order across
//! a crash.
//!
//! # What is delivered how often
//! A local file gets every record exactly once, also across a crash: before each write the cursor keeps where the bytes
//! will land, and after a crash the records since are rendered again and compared with what stands there. A destination
//! that cannot be read back gets a record at least once.
#![forbid(unsafe_code)]

mod attempt;
mod batch;
mod checkpoint;
mod dead_letter;
mod deliver;
mod drain;
mod dropping;
mod error;
mod fallback;
mod filter;
mod head;
mod metrics;
mod passage;
mod pending;
mod retry;
mod sieve;
mod spec;
mod worker;

pub use error::Error;
pub use fallback::Fallback;
pub use filter::Filter;
pub use head::Head;
pub use metrics::{Counts, Metrics, Rejection};
pub use pending::Pending;
pub use retry::Retry;
pub use spec::{Overflow, Spec, SyncPolicy};
