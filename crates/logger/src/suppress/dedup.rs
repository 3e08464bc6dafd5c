//! Which records have been taken a moment ago.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many different records are remembered; a further one takes the place of some other, which then passes again.
const RECENT_MAX: usize = 1024;
/// Where a record's bytes hold what two repetitions do not share, its time and its thread; see `hydra_logger::encode`.
const TIME: std::ops::Range<usize> = 0..8;
const SITE: std::ops::Range<usize> = 8..12;
const THREAD: std::ops::Range<usize> = 12..16;

/// The records taken last, by their fingerprints.
///
/// A look-up is two loads, a note two stores, without a lock. Of two threads at the same record at the same time both
/// may pass; none is ever held back that is not the same as one that has passed, but for a chance of one in 2^64.
#[derive(Debug)]
pub(crate) struct Recent {
    slots: Vec<Slot>,
    /// Nobody shall be able to make up two records with one fingerprint.
    key: u64,
}

#[derive(Debug, Default)]
struct Slot {
    print: AtomicU64,
    /// When the record was taken; 0: never.
    at_ms: AtomicU64,
}

/// What tells one record from others: level, layer, place, message, fields and context, but not time and thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Recent {
    pub(crate) fn new() -> Recent {
        Recent {
            slots: (0..RECENT_MAX).map(|_| Slot::default()).collect(),
            key: hydra_os::random::u64(),
        }
    }

    pub(crate) fn fingerprint(&self, bytes: &[u8]) -> Fingerprint {
        const { assert!(TIME.end == SITE.start && SITE.end == THREAD.start) };
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.key);
        hasher.write(bytes.get(SITE).unwrap_or_default());
        hasher.write(bytes.get(THREAD.end..).unwrap_or_default());
        Fingerprint(hasher.finish())
    }

    /// Returns when such a record was taken, if that is no longer ago than `span_ms`; else notes that it is taken now.
    pub(crate) fn seen_at(&self, print: Fingerprint, now_ms: u64, span_ms: u64) -> Option<u64> {
        let slot = self.slot(print)?;
        let at_ms = slot.at_ms.load(Ordering::Acquire);
        let is_known = slot.print.load(Ordering::Relaxed) == print.0 && at_ms != 0;
        if is_known && now_ms.saturating_sub(at_ms) < span_ms {
            return Some(at_ms);
        }
        // Without its time first a reader could take the new record for one of the old one's time.
        slot.at_ms.store(0, Ordering::Relaxed);
        slot.print.store(print.0, Ordering::Release);
        slot.at_ms.store(now_ms, Ordering::Release);
        None
    }

    pub(crate) fn forget(&self, print: Fingerprint) {
        if let Some(slot) = self.slot(print)
            && slot.print.load(Ordering::Relaxed) == print.0
        {
            slot.at_ms.store(0, Ordering::Release);
        }
    }

    fn slot(&self, print: Fingerprint) -> Option<&Slot> {
        self.slots.get(print.0 as usize % RECENT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydra_record::{Encoder, Head, Level, Scratch, Value};

    fn record(time_ns: i64, thread: u32, level: Level, message: &str, id: u64) -> Vec<u8> {
        let (site, layer) = (0, 3);
        let head = Head {
            time_ns,
            site,
            thread,
            layer,
            level,
        };
        let mut bytes = Scratch::new();
        let mut encoder = Encoder::message(&mut bytes, head, message, None);
        encoder.field("id", Value::U64(id));
        encoder.finish();
        bytes.to_vec()
    }

    /// Time and thread make no difference; level, message and fields do.
    #[test]
    fn repetitions_differ_in_time_and_thread_alone() {
        let recent = Recent::new();
        let print = |time, thread, level, message, id| recent.fingerprint(&record(time, thread, level, message, id));
        let first = print(1, 1, Level::Info, "full", 7);
        assert_eq!(first, print(2, 9, Level::Info, "full", 7));
        for other in [
            print(1, 1, Level::Warning, "full", 7),
            print(1, 1, Level::Info, "empty", 7),
            print(1, 1, Level::Info, "full", 8),
        ] {
            assert_ne!(first, other);
        }
    }

    /// A record is known for the span from when it passed, however often it comes, and is forgotten on demand.
    #[test]
    fn known_for_the_span() {
        let recent = Recent::new();
        let print = recent.fingerprint(&record(1, 1, Level::Info, "full", 7));
        assert_eq!(recent.seen_at(print, 1_000, 500), None);
        assert_eq!(recent.seen_at(print, 1_400, 500), Some(1_000));
        assert_eq!(recent.seen_at(print, 1_499, 500), Some(1_000));
        assert_eq!(recent.seen_at(print, 1_500, 500), None);
        recent.forget(print);
        assert_eq!(recent.seen_at(print, 1_501, 500), None);
    }

    /// More different records than there is room for pass, all of them.
    #[test]
    fn what_is_not_remembered_passes() {
        let recent = Recent::new();
        for id in 0..10 * RECENT_MAX as u64 {
            let print = recent.fingerprint(&record(1, 1, Level::Info, "full", id));
            assert_eq!(recent.seen_at(print, 5, 500), None, "{id}");
        }
    }
}
