//! A record with a segment of its own.

use hydra_os::atomic::Arc;

use super::{Log, NUMBER_MAX, closed, used_up, write_note};
use crate::copies;
use crate::error::Error;
use crate::frame::{Kind, frame_bytes};
use crate::position::Position;
use crate::segment::{FRAMES_START, Mapping, Segment, TRAILER_BYTES};

impl Log {
    /// The size of a segment for one payload that does not fit an ordinary one, and how many of its pages are for
    /// copies of its notes.
    pub(crate) fn large_bytes(&self, payload: usize, notes: &[&[u8]]) -> (usize, usize) {
        let sum = |bytes: fn(usize) -> usize| -> usize {
            let notes = notes.iter().map(|note| bytes(note.len()));
            notes.sum::<usize>() + bytes(self.preamble.len())
        };
        let frames = FRAMES_START + sum(frame_bytes) + frame_bytes(payload);
        if self.copies_pages == 0 {
            return ((frames + TRAILER_BYTES).next_multiple_of(copies::PAGE_BYTES), 0);
        }
        let pages = copies::pages_for(sum(copies::copy_bytes));
        (
            frames.next_multiple_of(copies::PAGE_BYTES) + pages * copies::PAGE_BYTES,
            pages,
        )
    }

    /// Takes `bytes` of the quota for a large record's segment.
    ///
    /// # Errors
    /// [`Full`](crate::ErrorKind::Full) when so much is not left: [`Log::wait_until_room`] then waits for that much.
    pub(crate) fn reserve_large(&self, bytes: usize) -> Result<(), Error> {
        let mut store = self.store();
        if store.closed {
            return Err(closed());
        }
        if store.bytes + bytes as u64 > self.quota_bytes {
            store.large_bytes = bytes as u64;
            self.metrics.full.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.ask(&mut store);
            return Err(self.full());
        }
        store.bytes += bytes as u64;
        Ok(())
    }

    /// Puts a segment that holds nothing but `payload` into the log, after everything appended so far.
    ///
    /// Its bytes have been taken by [`Log::reserve_large`].
    ///
    /// # Errors
    /// [`Full`](crate::ErrorKind::Full) when there is no spare for what comes after it; for a log that is closed, and
    /// what `check`, called while no other segment can be begun, says.
    pub(crate) fn insert_large(
        &self,
        mapping: &Arc<Mapping>,
        generation: u64,
        payload: &[u8],
        notes: &[&[u8]],
        copies_pages: usize,
        check: impl Fn() -> Result<(), Error>,
    ) -> Result<Position, Error> {
        let mut store = self.store();
        let spare = loop {
            if store.closed {
                return Err(closed());
            }
            check()?;
            if let Some(spare) = store.spares.pop_front() {
                break spare;
            }
            if let Some(error) = &store.full {
                self.metrics.full.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                return Err(error.clone());
            }
            self.ask(&mut store);
            store = self.wait_for_room(store);
        };
        let last = self.tail().segment();
        if last > NUMBER_MAX - 2 {
            store.spares.push_front(spare);
            return Err(used_up());
        }
        self.seal_tail(&store);
        let number = last + 1;
        let segment = Segment::begin(Arc::clone(mapping), generation, number, copies_pages);
        let start = self.write_preamble(&segment);
        let start = notes.iter().fold(start, |at, note| write_note(&segment, at, note));
        let end = segment.write(start, Kind::Data, payload);
        segment.seal(end);
        self.metrics
            .appended_large
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        store.segments.insert(number, Arc::new(segment));
        self.begin(&mut store, spare, number + 1);
        Ok(Position::new(number, end as u32))
    }
}
