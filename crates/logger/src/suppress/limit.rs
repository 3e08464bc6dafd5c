//! So many records in so much time.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Rate;

/// How many places in a program are told apart; further ones share a window with some other.
const SITES_MAX: usize = 1024;
/// How many slots are looked at for a place.
const PROBES: usize = 8;
/// The low bits of a window's word: how many records it has let pass.
const COUNT_BITS: u32 = 24;

/// A stretch of time and how many records have passed in it: the millisecond it began at, and below it the count. All
/// zero before the first record.
#[derive(Debug, Default)]
pub(crate) struct Window(AtomicU64);

impl Window {
    /// Lets a record pass; else says when the window ends.
    pub(crate) fn take(&self, rate: Rate, now_ms: u64) -> Result<(), u64> {
        let span_ms = rate.span.as_millis() as u64;
        let step = |word: u64| {
            let (start_ms, count) = (word >> COUNT_BITS, word & ((1 << COUNT_BITS) - 1));
            if word == 0 || now_ms.saturating_sub(start_ms) >= span_ms {
                Some(now_ms << COUNT_BITS | 1)
            } else {
                (count < u64::from(rate.count)).then(|| word + 1)
            }
        };
        // One word and nothing behind it: there is nothing to order.
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(_) => Ok(()),
            Err(word) => Err((word >> COUNT_BITS) + span_ms),
        }
    }
}

/// A window for each place in the program.
#[derive(Debug)]
pub(crate) struct Sites(Vec<Slot>);

#[derive(Debug, Default)]
struct Slot {
    /// The place; 0 while there is none.
    place: AtomicU64,
    window: Window,
}

impl Sites {
    pub(crate) fn new() -> Sites {
        Sites((0..SITES_MAX).map(|_| Slot::default()).collect())
    }

    /// Returns the window of a place.
    pub(crate) fn window(&self, place: u64) -> &Window {
        let place = place.max(1);
        // A multiplier without pattern: places are addresses, whose low bits are alike.
        let start = (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        let slot = |probe: usize| self.0.get((start + probe) % SITES_MAX);
        for slot in (0..PROBES).filter_map(slot) {
            let claim = slot
                .place
                .compare_exchange(0, place, Ordering::Relaxed, Ordering::Relaxed);
            if claim.is_ok() || claim == Err(place) {
                return &slot.window;
            }
        }
        // Shared, so stricter than asked for, but counted as everything is.
        slot(0).map_or(&SHARED, |slot| &slot.window)
    }
}

/// Never used: a table has slots.
static SHARED: Window = Window(AtomicU64::new(0));

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A window lets through what it may, says when it ends, and begins anew with the first record after that.
    #[test]
    fn windows_begin_with_a_record() {
        let (window, rate) = (Window::default(), Rate::new(2, Duration::from_secs(1)));
        assert_eq!(window.take(rate, 5_500), Ok(()));
        assert_eq!(window.take(rate, 6_499), Ok(()));
        assert_eq!(window.take(rate, 6_499), Err(6_500));
        assert_eq!(window.take(rate, 9_000), Ok(()));
        assert_eq!(window.take(rate, 9_001), Ok(()));
        assert_eq!(window.take(rate, 9_002), Err(10_000));
    }

    /// Threads that race for a window get together what it may let through, not one more.
    #[test]
    fn windows_are_exact_between_threads() {
        let (window, rate) = (Window::default(), Rate::new(1_000, Duration::from_secs(1)));
        let passed = std::thread::scope(|scope| {
            let count = || (0..1_000).filter(|_| window.take(rate, 7).is_ok()).count();
            let threads = [(); 4].map(|()| scope.spawn(count));
            threads
                .map(|thread| thread.join().expect("it counts"))
                .iter()
                .sum::<usize>()
        });
        assert_eq!(passed, 1_000);
    }

    /// Each place has a window of its own, until there are more places than windows: then some share one.
    #[test]
    fn places_are_apart() {
        let (sites, rate) = (Sites::new(), Rate::new(1, Duration::from_secs(1)));
        let places = (0..100).map(|number| 0x5555_0000_1000 + number * 64);
        for place in places.clone() {
            assert_eq!(sites.window(place).take(rate, 7), Ok(()));
        }
        for place in places {
            assert!(sites.window(place).take(rate, 8).is_err());
        }
        let passed = (1..=10_000_u64).filter(|place| sites.window(place << 40).take(rate, 8).is_ok());
        assert!(passed.count() <= SITES_MAX - 100);
    }
}
