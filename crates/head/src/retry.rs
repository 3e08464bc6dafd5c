//! How long to wait before trying again.

use std::time::Duration;

/// Waiting times that double from the first to the longest.
///
/// A head never gives a record up because its destination is down: the record stays in the journal, and the journal's
/// quota and the destination's `overflow` decide what happens when that is full.
///
/// # Examples
/// ```
/// use hydra_head::Retry;
/// use std::time::Duration;
/// let mut retry = Retry::new(Duration::from_millis(10), Duration::from_millis(30));
/// assert_eq!([(); 4].map(|()| retry.next_wait().as_millis()), [10, 20, 30, 30]);
/// retry.reset();
/// assert_eq!(retry.next_wait().as_millis(), 10);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Retry {
    /// Begins with `first` and never waits for more than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Retry {
        Retry {
            first,
            longest,
            next: first,
        }
    }

    /// Returns the same with a longest waiting time `times` as long.
    pub(crate) fn with_longest(&self, times: u32) -> Retry {
        Retry::new(self.first, self.longest.saturating_mul(times))
    }

    /// Returns how long to wait now.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(self.longest);
        wait
    }

    /// The destination took something: the next failure is a first one again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry::new(Duration::from_millis(10), Duration::from_secs(2))
    }
}
