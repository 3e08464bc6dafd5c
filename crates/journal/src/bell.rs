//! How producers wake readers without paying for it.
//!
//! A reader that finds nothing first polls for a while and only then *parks*: it sets its bit in [`Hot::parked`], looks at
//! the tail once more, and sleeps. A producer looks at `parked` after its reservation. Both use sequentially consistent
//! accesses, so either the reader sees the moved tail or the producer sees the bit; a record is never left lying. While
//! nobody is parked the producer's look is a load from a cache line it owns already.

use std::sync::Mutex;
use std::thread::Thread;
use std::time::Duration;

use hydra_os::atomic::{AtomicU64, Ordering};

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
    sleepers: Mutex<Vec<(u32, Thread)>>,
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
        for (number, thread) in sleepers.iter() {
            if parked & bit(*number) != 0 {
                thread.unpark();
            }
        }
    }

    /// Wakes every reader that has ever slept here, parked or not.
    pub(crate) fn ring_all(&self) {
        let sleepers = self.sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sleepers.iter().for_each(|(_, thread)| thread.unpark());
    }

    /// Sleeps until the tail is no longer `seen`, `timeout` is over, or the thread is unparked for another reason.
    pub(crate) fn wait(&self, hot: &Hot, number: u32, seen: Position, timeout: Duration) {
        self.join(number);
        // Pairs with the load in `Writer::append`: either it sees the bit, or we see its reservation.
        hot.parked.fetch_or(bit(number), Ordering::SeqCst);
        if hot.tail.load(Ordering::SeqCst) == seen.to_u64() {
            std::thread::park_timeout(timeout);
        }
        if number < 63 {
            hot.parked.fetch_and(!bit(number), Ordering::SeqCst);
        }
    }

    fn join(&self, number: u32) {
        let me = std::thread::current();
        let mut sleepers = self.sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match sleepers.iter_mut().find(|(other, _)| *other == number) {
            Some((_, thread)) if thread.id() == me.id() => {}
            Some((_, thread)) => *thread = me,
            None => sleepers.push((number, me)),
        }
    }
}

const fn bit(number: u32) -> u64 {
    1 << if number < 63 { number } else { 63 }
}
