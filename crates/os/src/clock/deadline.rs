//! A moment by which something must be over.

use std::time::Duration;

use super::mono_ns;

/// A moment on the monotonic clock: setting the wall clock does not move it.
///
/// # Examples
///
/// ```
/// use hydra_os::clock::Deadline;
/// use std::time::Duration;
///
/// assert!(Deadline::after(Duration::ZERO).is_over());
/// assert!(Deadline::after(Duration::MAX).left() > Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Deadline {
    at_ns: u64,
}

impl Deadline {
    /// Returns the moment that is `wait` from now; one too far away to be told is the end of time.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        let wait_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self {
            at_ns: mono_ns().saturating_add(wait_ns),
        }
    }

    /// Returns the time that is left; zero once it is over.
    #[must_use]
    pub fn left(&self) -> Duration {
        Duration::from_nanos(self.at_ns.saturating_sub(mono_ns()))
    }

    /// Tells whether the moment has come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}
