//! The memory-mapped log that is queue and crash-safe store at once.
//!
//! Knows bytes and positions, nothing of logging: a journal of cooking recipes would work as well.
//!
//! A [`Journal`] is a sequence of segments, each a preallocated file mapped into memory (or plain memory). Producers
//! append through a [`Writer`]: one addition to the tail reserves space, a copy fills it, a release store publishes it.
//! From that store on the record survives the death of the process, because the kernel owns the page. Each head reads
//! by a [`Reader`] and keeps its place in a [`Cursor`] that survives likewise; a segment that all heads are past is
//! recycled. What a dead process left is taken over by [`Adopted::all`].
//!
//! # What survives what
//! A published record survives any death of the process. A record before [`Journal::synced`] survives a power loss. See
//! `frame` and `segment` in the source for the layout of the files; every frame has a checksum that only its own place
//! and time can have.
#![forbid(unsafe_code)]
#![cfg_attr(
    loom,
    allow(dead_code, unused_imports, unused_variables, reason = "the models use a part of it")
)]

#[cfg(not(loom))]
mod adopted;
mod append;
#[cfg(not(loom))]
mod audit;
mod bell;
mod copies;
#[cfg(not(loom))]
mod cursor;
mod error;
#[cfg(not(loom))]
mod fork;
mod frame;
#[cfg(not(loom))]
mod head;
#[cfg(not(loom))]
mod inspect;
#[cfg(not(loom))]
mod journal;
#[cfg(not(loom))]
mod kept;
#[cfg(not(loom))]
mod lock;
mod metrics;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod patience;
#[cfg(not(loom))]
mod place;
#[cfg(not(loom))]
mod poison;
mod position;
#[cfg(not(loom))]
mod progress;
#[cfg(not(loom))]
mod reached;
mod read;
#[cfg(not(loom))]
mod reclaim;
#[cfg(not(loom))]
mod recover;
mod segment;
mod store;
#[cfg(not(loom))]
mod sync;
#[cfg(not(loom))]
mod table;
#[cfg(not(loom))]
mod tail;

#[cfg(loom)]
#[doc(hidden)]
pub mod model;

#[cfg(not(loom))]
pub use adopted::Adopted;
pub use append::{Note, NoteSlot, Writer};
#[cfg(not(loom))]
pub use cursor::{CURSORS_MAX, CursorState, MARK_BYTES};
pub use error::{Error, ErrorKind};
pub use frame::Kind;
#[cfg(not(loom))]
pub use head::Cursor;
#[cfg(not(loom))]
pub use hydra_os::disk::FileSystem;
#[cfg(not(any(loom, sim)))]
pub use hydra_os::map::leave_sigbus_alone;
#[cfg(not(loom))]
pub use inspect::{Inspection, SegmentView, inspect};
#[cfg(not(loom))]
pub use journal::Journal;
#[cfg(not(loom))]
pub use kept::{BYTES_MAX as DAMAGED_BYTES_MAX, FILES_MAX as DAMAGED_FILES_MAX, damaged_files};
pub use metrics::Metrics;
#[cfg(not(loom))]
pub use options::{
    Options, RECORD_BYTES_MAX, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENTS_MIN,
};
#[cfg(not(loom))]
pub use place::file_system_of;
pub use position::Position;
#[cfg(not(loom))]
pub use progress::Progress;
pub use read::{Batch, Damage, DamageKind, Frame, Read, Reader};
#[cfg(not(loom))]
pub use tail::records_from;
