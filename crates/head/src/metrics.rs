//! Counts of what happened at a head. Each event is counted once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::Duration;

use hydra_journal::Position;
use hydra_os::atomic::{Mutex, thread, yield_now};
use hydra_os::clock::mono_ns;

use crate::attempt::Failure;

/// Counters of one head.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) delivered: AtomicU64,
    pub(crate) delivered_before: AtomicU64,
    pub(crate) recovered: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) fell_back: AtomicU64,
    pub(crate) discarded: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) rewritten: AtomicU64,
    pub(crate) undecodable: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) holes: AtomicU64,
    pub(crate) panics: AtomicU64,
    /// Odd while records are counted and the cursor has yet to move behind them.
    settling: AtomicU64,
    failing: AtomicBool,
    sync_failing: AtomicBool,
    /// When the destination was asked to do what it is at; 0 when it is at nothing.
    working_since_ns: AtomicU64,
    last_error: Mutex<Option<String>>,
    rejected: Mutex<BTreeMap<u64, Rejection>>,
}

/// Why the destination never got a record that its head has done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What the destination, or its format, said.
    pub reason: String,
    /// Whether the record is in the dead-letter file; else it was discarded.
    pub is_dead_letter: bool,
}

/// How many rejections are kept for those who wait for the delivery of just these records.
const REJECTIONS_KEPT: usize = 10_000;

/// How often one looks again because the head has gone on meanwhile: so often at once, then with a rest in between, for
/// the system may not let the head run.
const LOOKS_MAX: u32 = 1_000;
const LOOKS_AT_ONCE: u32 = 100;
const REST: Duration = Duration::from_micros(100);

/// The counters of a head at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of this process that the destination took.
    pub delivered: u64,
    /// Records of dead processes that the destination took now.
    pub recovered: u64,
    /// Records of dead processes that stood at the destination already.
    pub delivered_before: u64,
    /// Records of dead processes that were not to be replayed here.
    pub skipped: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Writes.
    pub writes: u64,
    /// Writes and syncs that failed; each was tried again, or went another way.
    pub failures: u64,
    /// Records that the fallback took instead.
    pub fell_back: u64,
    /// Records dropped by `overflow`: the oldest given up, or the newest not taken.
    pub dropped: u64,
    /// Records given up because nobody is at the other end any more (a closed pipe), or because the destination will
    /// never take them and there is no dead-letter file.
    pub discarded: u64,
    /// Records that the destination will never take, and that are in the dead-letter file instead.
    pub dead_lettered: u64,
    /// Records written once more because a sync failed. Each is counted elsewhere as well.
    pub rewritten: u64,
    /// Frames that are no record, or whose notes are missing.
    pub undecodable: u64,
    /// Damaged ranges stepped over in dead processes' journals.
    pub damaged: u64,
    /// Reservations that a dead process never filled: nothing accepted is lost by them.
    pub holes: u64,
    /// Panics of the format or the sink; what they were at was tried again.
    pub panics: u64,
    /// Whether the destination does not work now: its last write, or its last sync, failed. Being served by the
    /// fallback does not change that; that it takes other records than one it rejects does.
    pub failing: bool,
    /// How long the destination has been at what it was asked to do last, if it is still at it. More than a few seconds
    /// mean that it is stuck: the worker waits for it, other destinations do not.
    pub busy_for: Option<Duration>,
    /// The last failure, as text.
    pub last_error: Option<String>,
}

impl Counts {
    /// Returns how many records' fate is decided. Together with what is pending these are all that were meant for the
    /// destination: nothing is counted twice, and nothing is missing.
    pub fn settled(&self) -> u64 {
        self.delivered
            + self.recovered
            + self.delivered_before
            + self.skipped
            + self.fell_back
            + self.dropped
            + self.discarded
            + self.dead_lettered
            + self.undecodable
    }
}

impl Metrics {
    /// Returns the counters as they are now.
    pub fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            delivered: of(&self.delivered),
            recovered: of(&self.recovered),
            delivered_before: of(&self.delivered_before),
            skipped: of(&self.skipped),
            bytes: of(&self.bytes),
            writes: of(&self.writes),
            failures: of(&self.failures),
            fell_back: of(&self.fell_back),
            dropped: 0,
            discarded: of(&self.discarded),
            dead_lettered: of(&self.dead_lettered),
            rewritten: of(&self.rewritten),
            undecodable: of(&self.undecodable),
            damaged: of(&self.damaged),
            holes: of(&self.holes),
            panics: of(&self.panics),
            failing: self.failing.load(Ordering::Relaxed) || self.sync_failing.load(Ordering::Relaxed),
            busy_for: match of(&self.working_since_ns) {
                0 => None,
                since => Some(Duration::from_nanos(mono_ns().saturating_sub(since))),
            },
            last_error: self
                .last_error
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone(),
        }
    }

    /// Counts records and moves the cursor behind them: to those who look, in one step.
    pub(crate) fn settle<T>(&self, work: impl FnOnce() -> T) -> T {
        self.settling.fetch_add(1, Ordering::Relaxed);
        // Pairs with the one in `at_one_moment`: who sees anything of the work sees the odd number, too.
        fence(Ordering::Release);
        let done = work();
        // Pairs with the load before the look.
        self.settling.fetch_add(1, Ordering::Release);
        done
    }

    /// Looks at counters and cursor when the head is not between the two; soon, as it never is for long.
    pub(crate) fn at_one_moment<T>(&self, mut look: impl FnMut() -> T) -> T {
        for number in 0..LOOKS_MAX {
            let before = self.settling.load(Ordering::Acquire);
            let seen = look();
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.settling.load(Ordering::Relaxed) == before {
                return seen;
            }
            if number < LOOKS_AT_ONCE {
                yield_now();
            } else {
                thread::park_timeout(REST);
            }
        }
        look()
    }

    /// The destination is asked to do something.
    pub(crate) fn begin_work(&self) {
        self.working_since_ns.store(mono_ns().max(1), Ordering::Relaxed);
    }

    /// It has done it, or failed to.
    pub(crate) fn end_work(&self) {
        self.working_since_ns.store(0, Ordering::Relaxed);
    }

    /// Counts what went wrong, and keeps the reason.
    pub(crate) fn failed(&self, failure: &Failure) {
        if failure.is_panic() {
            self.panicked(failure.reason.clone());
        } else {
            self.failures.fetch_add(1, Ordering::Relaxed);
            self.tell(failure.reason.clone());
        }
    }

    /// Counts a panic, and keeps what it said.
    pub(crate) fn panicked(&self, reason: String) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        self.tell(reason);
    }

    /// Keeps a reason for those who look.
    pub(crate) fn tell(&self, reason: String) {
        *self.last_error.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(reason);
    }

    /// Keeps why the record before `end` is not delivered; the oldest are forgotten. To be called before anybody can
    /// see that the head has done with it.
    pub(crate) fn reject(&self, end: Position, rejection: Rejection) {
        let mut rejected = self.rejected.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        rejected.insert(end.to_u64(), rejection);
        if rejected.len() > REJECTIONS_KEPT {
            rejected.pop_first();
        }
    }

    pub(crate) fn rejection(&self, end: Position) -> Option<Rejection> {
        let rejected = self.rejected.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        rejected.get(&end.to_u64()).cloned()
    }

    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    pub(crate) fn set_sync_failing(&self, failing: bool) {
        self.sync_failing.store(failing, Ordering::Relaxed);
    }
}

pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
