//! A clock that a test moves.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use hydra_os::atomic::Mutex;

use crate::core::Core;
use crate::suppress::watch;
use crate::sync::HydraLogger;

/// The first moment of 2030, UTC: a time that no machine shows by itself.
const START_NS: i64 = 1_893_456_000_000_000_000;

/// A clock that stands still until a test moves it; clones are the same one. See
/// [`TestLog::with_clock`](super::TestLog::with_clock).
///
/// # Examples
/// ```
/// use hydra_logger::testing::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// assert_eq!((clock.wall_ns(), clock.elapsed_ns()), (clock.start_ns(), 0));
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(clock.elapsed_ns(), 1_000_000_000);
/// ```
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Shared>);

#[derive(Default)]
struct Shared {
    elapsed_ns: AtomicU64,
    loggers: Mutex<Vec<Weak<Core>>>,
}

impl ManualClock {
    /// Makes one that shows the first moment of 2030, UTC.
    pub fn new() -> ManualClock {
        ManualClock::default()
    }

    /// Moves it, and does what is due then in the loggers that go by it: when this returns, their summaries of what
    /// was held back have been logged.
    pub fn advance(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.elapsed_ns.fetch_add(ns, Ordering::SeqCst);
        let loggers = self.0.loggers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        loggers.iter().filter_map(Weak::upgrade).for_each(|core| {
            watch::tell_due(&core);
        });
    }

    /// Returns the time it showed at first, in nanoseconds since 1970 UTC.
    pub fn start_ns(&self) -> i64 {
        START_NS
    }

    /// Returns the time it shows, in nanoseconds since 1970 UTC.
    pub fn wall_ns(&self) -> i64 {
        START_NS.saturating_add_unsigned(self.elapsed_ns())
    }

    /// Returns by how much it has been moved, in nanoseconds.
    pub fn elapsed_ns(&self) -> u64 {
        self.0.elapsed_ns.load(Ordering::SeqCst)
    }

    /// Does what is due in `log` when it is moved.
    pub(super) fn lead(&self, log: &HydraLogger) {
        let mut loggers = self.0.loggers.lock().unwrap_or_else(PoisonError::into_inner);
        loggers.retain(|core| core.strong_count() > 0);
        loggers.push(Arc::downgrade(&log.core));
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualClock({:?})", Duration::from_nanos(self.elapsed_ns()))
    }
}
