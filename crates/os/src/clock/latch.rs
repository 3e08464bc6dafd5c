//! One [`Line`] that many threads read while one, now and then, replaces it.
//!
//! Two slots: readers use the one the generation points at while the writer fills the other. A reader never waits for
//! the writer, not even for one that was stopped or killed half-way, and may be a signal handler that interrupted it;
//! it starts again only when the writer came round twice during a handful of loads.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::line::Line;

/// A line, replaceable under readers. Lives in a `static`, so its atomics are the standard library's under loom too.
pub(super) struct Latch {
    generation: AtomicU64,
    even: Slot,
    odd: Slot,
}

#[repr(align(64))]
struct Slot {
    tick: AtomicU64,
    ns: AtomicU64,
    rate: AtomicU64,
    rate_before: AtomicU64,
    ticks_max: AtomicU64,
}

impl Latch {
    /// Makes a latch with the line that holds nowhere.
    pub(super) const fn new() -> Self {
        Self {
            generation: AtomicU64::new(0),
            even: Slot::new(),
            odd: Slot::new(),
        }
    }

    /// Returns the line published last, or for a moment the one before.
    #[inline]
    pub(super) fn load(&self) -> Line {
        loop {
            // Pairs with the release store in `publish`: the slot it points at is filled.
            let generation = self.generation.load(Ordering::Acquire);
            let line = self.slot(generation).load();
            // Pairs with the release fence in `publish`: had a load above seen the slot being refilled, the load below
            // would see the generation that came before the refill.
            fence(Ordering::Acquire);
            if self.generation.load(Ordering::Relaxed) == generation {
                return line;
            }
        }
    }

    /// Replaces the line. The caller sees to it that no other thread is here at the same time.
    pub(super) fn publish(&self, line: &Line) {
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1);
        // Pairs with the acquire fence in `load`; keeps the stores below from being seen before the last publication.
        fence(Ordering::Release);
        self.slot(next).store(line);
        // Pairs with the acquire load in `load`.
        self.generation.store(next, Ordering::Release);
    }

    #[inline]
    fn slot(&self, generation: u64) -> &Slot {
        if generation.is_multiple_of(2) {
            &self.even
        } else {
            &self.odd
        }
    }
}

impl Slot {
    const fn new() -> Self {
        Self {
            tick: AtomicU64::new(0),
            ns: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            rate_before: AtomicU64::new(0),
            ticks_max: AtomicU64::new(0),
        }
    }

    #[inline]
    fn load(&self) -> Line {
        // Ordered by the fence in `Latch::load`.
        Line {
            tick: self.tick.load(Ordering::Relaxed),
            ns: self.ns.load(Ordering::Relaxed).cast_signed(),
            rate: self.rate.load(Ordering::Relaxed),
            rate_before: self.rate_before.load(Ordering::Relaxed),
            ticks_max: self.ticks_max.load(Ordering::Relaxed),
        }
    }

    fn store(&self, line: &Line) {
        // Ordered by the fence and the release store in `Latch::publish`.
        self.tick.store(line.tick, Ordering::Relaxed);
        self.ns.store(line.ns.cast_unsigned(), Ordering::Relaxed);
        self.rate.store(line.rate, Ordering::Relaxed);
        self.rate_before.store(line.rate_before, Ordering::Relaxed);
        self.ticks_max.store(line.ticks_max, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn numbered(number: u64) -> Line {
        Line {
            tick: number,
            ns: number.cast_signed(),
            rate: number * 3,
            rate_before: number * 5,
            ticks_max: number * 7,
        }
    }

    /// Readers see whole lines only, each reader in the order of publication, and in the end the last.
    #[test]
    fn readers_see_whole_lines() {
        let (latch, done) = (Latch::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let line = latch.load();
                        assert_eq!(line, numbered(line.tick));
                        assert!(line.tick >= last);
                        last = line.tick;
                    }
                });
            }
            (1..=200_000).for_each(|number| latch.publish(&numbered(number)));
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(latch.load(), numbered(200_000));
    }
}
