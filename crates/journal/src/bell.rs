//! How producers wake readers without paying for it.
//!
//! A reader that finds nothing first polls for a while and only then *parks*: it sets its bit in [`Hot::parked`], looks
//! at the tail once more, and sleeps. A producer looks at `parked` after its reservation. Both use sequentially
//! consistent accesses, so either the reader sees the moved tail or the producer sees the bit; a record is never left
//! lying. While nobody is parked the producer's look is a load from a cache line it owns already.

use std::time::Duration;

use hydra_os::atomic::thread::{self, Thread};
use hydra_os::atomic::{AtomicU64, Mutex, Ordering};

use crate::position::Position;

/// What every append touches, on one cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Hot {
    /// Segment and offset of the next free byte. All reservations are additions to it.
    pub(crate) tail: AtomicU64,
    /// A bit for each parked reader; bit 63 is shared by all from the 64th on.
    pub(crate) parked: AtomicU64,
}

/// The readers that can be woken.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug, Default)]
struct Sleepers {
    list: Vec<Sleeper>,
    /// How often all were woken.
    calls: u64,
}

#[derive(Debug)]
struct Sleeper {
    number: u32,
    thread: Thread,
    /// The calls it has answered.
    calls: u64,
}

impl Bell {
    /// Wakes every parked reader. Called by producers when they saw `parked` set.
    #[cold]
    pub(crate) fn ring(&self, hot: &Hot) {
        // Pairs with the `fetch_or` in `wait`.
        let parked = hot.parked.swap(0, Ordering::SeqCst);
        if parked == 0 {
            return;
        }
        let sleepers = self.sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for sleeper in &sleepers.list {
            if parked & bit(sleeper.number) != 0 {
                sleeper.thread.unpark();
            }
        }
    }

    /// Wakes every reader, parked or not: one that was just about to sleep does not.
    pub(crate) fn ring_all(&self) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sleepers.calls += 1;
        sleepers.list.iter().for_each(|sleeper| sleeper.thread.unpark());
    }

    /// Sleeps until the tail is no longer `seen`, `timeout` is over, or the thread is unparked for another reason.
    pub(crate) fn wait(&self, hot: &Hot, number: u32, seen: Position, timeout: Duration) {
        if self.join(number) {
            return;
        }
        // Pairs with the load in `Writer::append`: either it sees the bit, or we see its reservation.
        hot.parked.fetch_or(bit(number), Ordering::SeqCst);
        // Loom takes a sequentially consistent access for an acquiring or releasing one, unless a fence tells it
        // otherwise.
        #[cfg(loom)]
        hydra_os::atomic::fence(Ordering::SeqCst);
        if hot.tail.load(Ordering::SeqCst) == seen.to_u64() {
            park(timeout);
        }
        if number < 63 {
            hot.parked.fetch_and(!bit(number), Ordering::SeqCst);
        }
    }

    /// Puts the thread on the list. Says whether all were called since it was last here: it may have missed the reason.
    fn join(&self, number: u32) -> bool {
        let thread = thread::current();
        let mut sleepers = self.sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let calls = sleepers.calls;
        let me = Sleeper { number, thread, calls };
        match sleepers.list.iter_mut().find(|sleeper| sleeper.number == number) {
            Some(sleeper) => std::mem::replace(sleeper, me).calls < calls,
            None => {
                sleepers.list.push(me);
                calls > 0
            }
        }
    }
}

#[cfg(not(loom))]
fn park(timeout: Duration) {
    thread::park_timeout(timeout);
}

/// A model has no time: who is not woken sleeps for ever, and the model fails.
#[cfg(loom)]
fn park(_timeout: Duration) {
    thread::park();
}

const fn bit(number: u32) -> u64 {
    1 << if number < 63 { number } else { 63 }
}
