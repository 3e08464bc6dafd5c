//! Counts of what happened in a journal. Each event is counted once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as StdAtomicU64, Ordering as StdOrdering};

use hydra_os::atomic::Mutex;

/// Counters of one journal.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Segments begun.
    pub segments_begun: StdAtomicU64,
    /// Segments made from an earlier one.
    pub segments_recycled: StdAtomicU64,
    /// Times a producer found the journal full.
    pub full: StdAtomicU64,
    /// Syncs that succeeded.
    pub syncs: StdAtomicU64,
    /// Syncs that failed: those who waited were told.
    pub syncs_failed: StdAtomicU64,
    /// Segments whose file was not trusted any more, for a sync of it failed.
    pub segments_poisoned: StdAtomicU64,
    /// Segments whose records were copied to a new file, which took their place.
    pub segments_rescued: StdAtomicU64,
    /// Times such a copy could not be made: it is tried again.
    pub rescues_failed: StdAtomicU64,
    /// Times the journal's directory had been removed or moved away, and was made anew.
    pub homes_remade: StdAtomicU64,
    /// Bytes of records not yet delivered that no copy could be made of, for they were gone.
    pub bytes_lost: StdAtomicU64,
    /// Damaged ranges that readers stepped over.
    pub damaged: StdAtomicU64,
    /// Reservations that their dead owner never filled.
    pub holes: StdAtomicU64,
    pub(crate) appended: Appended,
    pub(crate) appended_large: StdAtomicU64,
}

/// Records appended, counted by each thread on a cache line of its own.
#[derive(Debug, Default)]
pub(crate) struct Appended {
    writers: Mutex<Vec<Arc<Tally>>>,
    gone: StdAtomicU64,
}

/// One thread's count. Only that thread writes it.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Tally(StdAtomicU64);

impl Tally {
    #[inline]
    pub(crate) fn add_one(&self) {
        // One writer: a plain addition, which costs nothing next to a locked one.
        self.0
            .store(self.0.load(StdOrdering::Relaxed) + 1, StdOrdering::Relaxed);
    }
}

impl Appended {
    pub(crate) fn join(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::default());
        let mut writers = self.writers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Threads that are gone leave their count behind, not their cache line.
        writers.retain(|other| {
            let alive = Arc::strong_count(other) > 1;
            if !alive {
                self.gone
                    .fetch_add(other.0.load(StdOrdering::Relaxed), StdOrdering::Relaxed);
            }
            alive
        });
        writers.push(Arc::clone(&tally));
        tally
    }

    pub(crate) fn total(&self) -> u64 {
        let writers = self.writers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let alive: u64 = writers.iter().map(|tally| tally.0.load(StdOrdering::Relaxed)).sum();
        alive + self.gone.load(StdOrdering::Relaxed)
    }
}
