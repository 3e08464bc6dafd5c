//! How producers wake readers without paying for it.
//!
//! A reader that finds nothing first polls for a while and only then *parks*: it sets its bit in [`Hot::parked`], looks
//! at the tail once more, and sleeps. A producer looks at `parked` after its reservation. Both use sequentially
//! consistent accesses, so either the reader sees the moved tail or the producer sees the bit; a record is never left
//! lying. While nobody is parked the producer's look is a load from a cache line it owns already.
//!
//! A thread may be held up for ever while it wakes others, so it keeps nobody out meanwhile: the list of readers is
//! shared by all who read it, and only a reader that comes for the first time has it to itself.

use std::time::Duration;

use hydra_os::atomic::thread::{self, Thread};
use hydra_os::atomic::{AtomicU64, Ordering, RwLock, RwLockReadGuard};

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
    sleepers: RwLock<Vec<Sleeper>>,
    /// How often all were woken.
    calls: AtomicU64,
}

#[derive(Debug)]
struct Sleeper {
    number: u32,
    thread: Thread,
    /// The calls it has answered. Nobody else looks at them.
    calls: AtomicU64,
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
        for sleeper in self.sleepers().iter() {
            if parked & bit(sleeper.number) != 0 {
                sleeper.thread.unpark();
            }
        }
    }

    /// Wakes every reader, parked or not: one that was just about to sleep does not.
    pub(crate) fn ring_all(&self) {
        // Pairs with the loads in `join`: a reader that comes to the list later than we look at it sees the call there;
        // one that is on it does so, or finds that it was unparked.
        self.calls.fetch_add(1, Ordering::AcqRel);
        self.sleepers().iter().for_each(|sleeper| sleeper.thread.unpark());
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
        let is_mine = |sleeper: &&Sleeper| sleeper.number == number && sleeper.thread.id() == thread.id();
        if let Some(me) = self.sleepers().iter().find(is_mine) {
            let calls = self.calls.load(Ordering::Acquire);
            return me.calls.swap(calls, Ordering::Relaxed) < calls;
        }
        let mut sleepers = self.sleepers.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let calls = self.calls.load(Ordering::Acquire);
        let me = Sleeper {
            number,
            thread,
            calls: AtomicU64::new(calls),
        };
        match sleepers.iter_mut().find(|sleeper| sleeper.number == number) {
            Some(sleeper) => std::mem::replace(sleeper, me).calls.load(Ordering::Relaxed) < calls,
            None => {
                sleepers.push(me);
                calls > 0
            }
        }
    }

    fn sleepers(&self) -> RwLockReadGuard<'_, Vec<Sleeper>> {
        self.sleepers.read().unwrap_or_else(|poisoned| poisoned.into_inner())
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

#[cfg(all(test, not(any(loom, sim))))]
mod tests {
    use super::*;

    /// A thread that stands still while it wakes readers keeps neither another one that does so waiting, nor a reader.
    #[test]
    fn ringing_keeps_nobody_out() {
        let (bell, hot) = (
            Bell::default(),
            Hot {
                tail: AtomicU64::new(1),
                parked: AtomicU64::new(0),
            },
        );
        let seen = Position::from_u64(0);
        bell.wait(&hot, 1, seen, Duration::ZERO);
        let _stands_still = bell.sleepers();
        bell.wait(&hot, 1, seen, Duration::ZERO);
        hot.parked.fetch_or(bit(1), Ordering::SeqCst);
        bell.ring(&hot);
        bell.ring_all();
        assert!(bell.join(1), "the call was seen");
    }
}
