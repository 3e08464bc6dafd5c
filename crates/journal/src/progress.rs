//! A position that only grows, and those who wait for it to get somewhere.

use std::collections::BTreeMap;
use std::task::Waker;

use hydra_os::atomic::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};

use crate::error::Error;
use crate::position::Position;

/// How far something has got: synced, or delivered by one head.
///
/// Waiting is by [`Waker`], so that threads and tasks of any executor wait in the same way.
#[derive(Debug, Default)]
pub struct Progress {
    reached: AtomicU64,
    waiting: AtomicUsize,
    /// Some last try has failed.
    failing: AtomicBool,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    /// By position: a record has few who wait for it, a journal may have many.
    list: BTreeMap<Position, Vec<Waker>>,
    failed: Option<Error>,
    /// What the last try for everything before this position came to.
    failed_before: Option<(Position, Error)>,
}

impl Waiters {
    fn failure(&self, position: Position) -> Option<&Error> {
        let last = self.failed_before.as_ref().filter(|(before, _)| *before >= position);
        self.failed.as_ref().or(last.map(|(_, error)| error))
    }
}

impl Progress {
    /// Returns the position up to which everything is done.
    #[inline]
    pub fn reached(&self) -> Position {
        // Pairs with the release in `advance`.
        Position::from_u64(self.reached.load(Ordering::Acquire))
    }

    /// Says whether `position` is reached, or the error because of which it never will be, or was not at the last try;
    /// otherwise wakes `waker` as soon as one of the two is so.
    pub fn poll(&self, position: Position, waker: &Waker) -> Option<Result<(), Error>> {
        if self.reached() >= position {
            return Some(Ok(()));
        }
        let mut waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(error) = waiters.failure(position) {
            return Some(Err(error.clone()));
        }
        let here = waiters.list.entry(position).or_default();
        if !here.iter().any(|other| other.will_wake(waker)) {
            here.push(waker.clone());
            // Pairs with the load in `advance`, after its store of `reached`: one of the two sides sees the other.
            self.waiting.store(waiters.list.len(), Ordering::SeqCst);
        }
        if self.reached.load(Ordering::SeqCst) >= position.to_u64() {
            Some(Ok(()))
        } else {
            None
        }
    }

    /// As [`Progress::poll`], and nobody is woken.
    pub(crate) fn look(&self, position: Position) -> Option<Result<(), Error>> {
        if self.reached() >= position {
            return Some(Ok(()));
        }
        let waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        waiters.failure(position).map(|error| Err(error.clone()))
    }

    /// Takes back what [`Progress::poll`] has noted: nobody waits any more, as when a future is dropped.
    pub fn forget(&self, position: Position, waker: &Waker) {
        let mut waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(here) = waiters.list.get_mut(&position) {
            here.retain(|other| !other.will_wake(waker));
            if here.is_empty() {
                waiters.list.remove(&position);
            }
        }
        self.waiting.store(waiters.list.len(), Ordering::SeqCst);
    }

    /// Moves on to `position` and wakes those who waited for it. Going back is ignored.
    pub fn advance(&self, position: Position) {
        let before = self.reached.fetch_max(position.to_u64(), Ordering::SeqCst);
        if before >= position.to_u64() || self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let due = {
            let mut waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.take_until(&mut waiters, position)
        };
        due.into_values().flatten().for_each(Waker::wake);
    }

    /// Tells everyone who waits for a position up to `position` that the last try has failed, until there is another:
    /// [`Progress::try_again`].
    pub(crate) fn fail_before(&self, position: Position, error: &Error) {
        let due = {
            let mut waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            waiters.failed_before = Some((position, error.clone()));
            self.failing.store(true, Ordering::SeqCst);
            self.take_until(&mut waiters, position)
        };
        due.into_values().flatten().for_each(Waker::wake);
    }

    /// Lets those who come wait for a new try.
    pub(crate) fn try_again(&self) {
        if self.failing.load(Ordering::SeqCst) {
            let mut waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            waiters.failed_before = None;
            self.failing.store(false, Ordering::SeqCst);
        }
    }

    fn take_until(&self, waiters: &mut Waiters, position: Position) -> BTreeMap<Position, Vec<Waker>> {
        let after = Position::from_u64(position.to_u64().saturating_add(1));
        let later = waiters.list.split_off(&after);
        let due = std::mem::replace(&mut waiters.list, later);
        self.waiting.store(waiters.list.len(), Ordering::SeqCst);
        due
    }

    /// Gives up: everyone who waits for a position not yet reached is told `error`, now and later.
    pub fn fail(&self, error: &Error) {
        let due = {
            let mut waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            waiters.failed.get_or_insert_with(|| error.clone());
            self.waiting.store(0, Ordering::SeqCst);
            std::mem::take(&mut waiters.list)
        };
        due.into_values().flatten().for_each(Waker::wake);
    }

    /// Returns the error because of which it will never get further, or did not at the last try.
    pub fn failure(&self) -> Option<Error> {
        let waiters = self.waiters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let next = self.reached().to_u64().saturating_add(1);
        waiters.failure(Position::from_u64(next)).cloned()
    }
}
