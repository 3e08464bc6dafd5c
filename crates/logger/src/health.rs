//! How a logger is doing.

use std::sync::atomic::Ordering;

use hydra_head::Counts;

use crate::core::Core;

/// A logger's counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether it accepts records.
    pub accepting: bool,
    /// Records accepted.
    pub accepted: u64,
    /// Records refused: for their size, because the journal could not take them, or from a signal's handler; each
    /// caller was told.
    pub refused: u64,
    /// Calls after the end.
    pub after_close: u64,
    /// Calls that named a layer the configuration does not have.
    pub unknown_layer: u64,
    /// Records of layers without a destination.
    pub no_destination: u64,
    /// Bytes that the journal's segments take.
    pub journal_bytes: u64,
    /// Times a caller found the journal full.
    pub journal_full: u64,
    /// Segments of the journal that were not trusted any more because a sync failed.
    pub segments_poisoned: u64,
    /// Segments whose records were copied to a new file, because the old one was poisoned, gone or cut short.
    pub segments_rescued: u64,
    /// Times the journal's directory had been removed or moved away, and was made anew.
    pub journal_remade: u64,
    /// Bytes of records that were cut off the journal's files before they were delivered.
    pub journal_bytes_lost: u64,
    /// Syncs of the journal that failed, whose records could not be saved by a copy either: who waited was told.
    pub syncs_failed: u64,
    /// Each destination, by the name of its cursor.
    pub destinations: Vec<(String, Counts)>,
    /// What went wrong with journals that dead processes left.
    pub problems: Vec<String>,
}

impl Health {
    pub(crate) fn of(core: &Core) -> Health {
        let metrics = core.journal.metrics();
        Health {
            accepting: !core.is_closed(),
            accepted: core.journal.records(),
            refused: core.counters.refused.load(Ordering::Relaxed),
            after_close: core.counters.after_close.load(Ordering::Relaxed),
            unknown_layer: core.layers.unknown.load(Ordering::Relaxed),
            no_destination: core.counters.no_destination.load(Ordering::Relaxed),
            journal_bytes: core.journal.bytes(),
            journal_full: metrics.full.load(Ordering::Relaxed),
            segments_poisoned: metrics.segments_poisoned.load(Ordering::Relaxed),
            segments_rescued: metrics.segments_rescued.load(Ordering::Relaxed),
            journal_remade: metrics.homes_remade.load(Ordering::Relaxed),
            journal_bytes_lost: metrics.bytes_lost.load(Ordering::Relaxed),
            syncs_failed: metrics.syncs_failed.load(Ordering::Relaxed),
            destinations: core.outlets.counts(),
            problems: core
                .problems
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone(),
        }
    }

    /// Says whether nothing is wrong: it accepts, nothing was refused or lost and no sync has failed.
    pub fn is_healthy(&self) -> bool {
        self.accepting && self.syncs_failed == 0 && self.refused == 0 && self.journal_bytes_lost == 0
    }
}
