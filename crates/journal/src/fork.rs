//! Whether this process is a forked child of the one that opened a journal.
//!
//! A child shares its parent's mapped files and file locks, but has a copy of the tail and none of the threads. Anything it
//! appended would land on top of its parent's records, and closing would take the parent's directory away. So every handle
//! remembers how many forks led to the process it was made in, and refuses in any other.

use std::sync::atomic::{AtomicU32, Ordering};

use hydra_os::exit;

/// Forks between the first process that used this library and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Begins to count forks, and returns the count.
pub(crate) fn watch() -> u32 {
    // Without the hook a child is not told apart; the logger's own hook, registered first, is then missing as well.
    let _ = exit::at_fork_child(|| {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    });
    generation()
}

/// Returns the count: it differs from the one a handle was made with only in a forked child.
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}
