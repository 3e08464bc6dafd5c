//! Counts of what happened at a head. Each event is counted once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hydra_os::atomic::Mutex;

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
    pub(crate) undecodable: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) holes: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) failing: AtomicBool,
    pub(crate) last_error: Mutex<Option<String>>,
}

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
    /// Writes that failed; each was tried again, or went to the fallback.
    pub failures: u64,
    /// Records that the fallback took instead.
    pub fell_back: u64,
    /// Records dropped by `overflow`: the oldest given up, or the newest not taken.
    pub dropped: u64,
    /// Records given up because nobody is at the other end any more (a closed pipe).
    pub discarded: u64,
    /// Frames that are no record, or whose notes are missing.
    pub undecodable: u64,
    /// Damaged ranges stepped over in dead processes' journals.
    pub damaged: u64,
    /// Reservations that a dead process never filled: nothing accepted is lost by them.
    pub holes: u64,
    /// Panics of the format or the sink; the worker started again after each.
    pub panics: u64,
    /// Whether the last write failed.
    pub failing: bool,
    /// The last failure, as text.
    pub last_error: Option<String>,
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
            undecodable: of(&self.undecodable),
            damaged: of(&self.damaged),
            holes: of(&self.holes),
            panics: of(&self.panics),
            failing: self.failing.load(Ordering::Relaxed),
            last_error: self
                .last_error
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone(),
        }
    }

    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        self.failing.store(true, Ordering::Relaxed);
        let text = Some("the format or the sink panicked".to_owned());
        *self.last_error.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = text;
    }

    pub(crate) fn failed(&self, error: &dyn std::error::Error) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.failing.store(true, Ordering::Relaxed);
        *self.last_error.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(error.to_string());
    }
}

pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
