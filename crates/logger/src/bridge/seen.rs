//! The places that a thread has found last, by address.

use std::cell::Cell;

use super::Place;

/// Twice as many as a busy program's inner loops have, in 4 KiB of each thread that logs.
const SEEN_MAX: usize = 256;

/// A table in which each address has one place to be. It owns nothing, so it can be used to a thread's end.
pub(crate) struct Seen([Cell<(usize, Option<&'static Place>)>; SEEN_MAX]);

impl Seen {
    pub(crate) const fn new() -> Seen {
        Seen([const { Cell::new((0, None)) }; SEEN_MAX])
    }

    #[inline]
    pub(super) fn find(&self, address: usize) -> Option<&'static Place> {
        let (known, place) = self.slot(address)?.get();
        place.filter(|_| known == address)
    }

    #[inline]
    pub(super) fn keep(&self, address: usize, place: &'static Place) {
        if let Some(slot) = self.slot(address) {
            slot.set((address, Some(place)));
        }
    }

    #[inline]
    fn slot(&self, address: usize) -> Option<&Cell<(usize, Option<&'static Place>)>> {
        // Statics stand at multiples of 8 at least; neighbours shall not share a slot, nor shall those a page apart.
        self.0.get((address >> 3 ^ address >> 11) % SEEN_MAX)
    }
}
