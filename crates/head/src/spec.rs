//! What a head is to do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hydra_format::Formatter;
use hydra_record::Level;
use hydra_sink::Sink;

use crate::fallback::Fallback;
use crate::retry::Retry;

/// What a head is to do.
pub struct Spec {
    /// Names its cursor: the same destination must have the same name in every run.
    pub name: String,
    /// Tells the process's heads apart, from 0.
    pub number: u32,
    /// The configured layer whose records it takes.
    pub route: String,
    /// The least level it takes.
    pub level: Level,
    /// Makes the bytes.
    pub formatter: Arc<dyn Formatter>,
    /// Takes the bytes.
    pub sink: Box<dyn Sink>,
    /// Takes the records while the sink does not.
    pub fallback: Option<Fallback>,
    /// About how many bytes go into one write.
    pub batch_bytes: usize,
    /// Whether each record is written by itself.
    pub one_by_one: bool,
    /// When the destination is synced to its device.
    pub sync: SyncPolicy,
    /// What gives way when the journal is full because of this head.
    pub overflow: Overflow,
    /// The least level whose records are never dropped, if there is one.
    pub guaranteed: Option<Level>,
    /// The file, shared with other heads or not, for records that the destination will never take, with the reason: one
    /// JSON object a line. Without one the fallback gets them, and if there is none they are counted as discarded.
    pub dead_letter: Option<PathBuf>,
    /// Whether what dead processes left for this destination is delivered.
    pub replay: bool,
    /// How to wait after a failure.
    pub retry: Retry,
}

/// When a destination is synced to its device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Only where synced records are about to leave the journal.
    #[default]
    Never,
    /// At most so long after a write.
    Within(Duration),
    /// After every write, before it counts as delivered.
    EveryWrite,
}

/// What gives way when the journal is full because a head is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The callers: they wait for room.
    #[default]
    Block,
    /// The head: it gives up its oldest records.
    DropOldest,
    /// The records that come while there is no room.
    DropNewest,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("name", &self.name)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}
