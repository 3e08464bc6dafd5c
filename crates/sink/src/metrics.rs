//! How often a sink fell from the happy path.

use hydra_os::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A sink's counters, alive; shared by everyone who has the sink.
        ///
        /// They are statistics: each is exact, but two of them need not be of the same instant.
        #[derive(Debug, Default)]
        pub struct Metrics {
            // Relaxed everywhere: nothing is inferred from one of them about any other memory.
            $(pub(crate) $name: Counter,)+
        }

        /// A sink's counters, as they were at one time.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Metrics {
            /// Returns the counters as they are now.
            #[must_use]
            pub fn counts(&self) -> Counts {
                Counts { $($name: self.$name.value(),)+ }
            }
        }

        impl Counts {
            /// Iterates over the counters' names and values.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Batches written.
    batches_written,
    /// Bytes written, without those a sink adds itself.
    bytes_written,
    /// Files put aside because they were full or their time was over.
    rotations,
    /// Tries to put a file aside that failed; the sink went on with the file it had.
    rotations_failed,
    /// Rotated files removed because there were more than are kept.
    rotated_files_removed,
    /// Rotated files that should have been removed and could not be.
    removals_failed,
    /// Times the file at the path was no longer the one that was open, and was opened anew.
    reopenings,
    /// Files put aside, or gone on with where they cannot be renamed, because a write or a sync on them had failed.
    files_poisoned,
    /// Writes that failed.
    writes_failed,
    /// Syncs that failed.
    syncs_failed,
    /// Torn records removed: after a failed write, or after a crash.
    torn_records_removed,
    /// Lines someone else had left without an end, and that got one so that ours does not stick to them.
    foreign_lines_ended,
    /// Times a file had become shorter by someone else's doing.
    files_truncated,
    /// Times a lock was with someone else for longer than a sink waits.
    lock_timeouts,
    /// Files that cannot be locked, so that other processes are not kept apart.
    locks_unsupported,
    /// Files that take no attribute, so that half a record that a dying process leaves there can be taken for a line of
    /// another program.
    writes_unannounced,
    /// Rotated files compressed.
    files_compressed,
    /// Rotated files that could not be compressed and were left as they are.
    compressions_failed,
}

/// One counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) {
        self.add(1);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
