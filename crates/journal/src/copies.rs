//! Second copies of a segment's notes, far from the first.
//!
//! A note stands once in a segment, and many records need it: damage to its few bytes would cost all of them. So what
//! is written as a note is written a second time, before any record that needs it is published: into the last pages of
//! the segment, which no other frames share. Damage to one place, be it a bit or a page, leaves one of the two.
//!
//! The pages hold, behind the head of a padding frame (a reader that does not know of copies passes over them), frames
//! of kind note. The payload of each is the offset at which the note stands (u64) and the note. A reader that has to
//! step over damage takes the notes that stood there from their copies. The header tells how many pages there are:
//! segments of earlier versions have none, nor have those in memory.
//!
//! Where the pages are full, the segment is: what needs another note goes to the next one. So an unusual number of
//! notes costs room, and never the second copy.

use std::ops::Range;

use hydra_os::atomic::Ordering;

use crate::frame::{FRAME_ALIGN, FRAME_HEAD_BYTES, Kind, frame_bytes};
use crate::segment::{Segment, TRAILER_BYTES};

/// What copies are kept in, a whole number of them.
pub(crate) const PAGE_BYTES: usize = 4096;
/// The most pages that a header can tell.
pub(crate) const PAGES_MAX: usize = (1 << 15) - 1;

/// One part in so many of an ordinary segment is for copies.
const SEGMENT_PART: usize = 16;
/// The offset at which the note stands.
const OFFSET_BYTES: usize = 8;

/// A note and the offset at which it stands, or stood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) offset: usize,
    pub(crate) note: Vec<u8>,
}

/// The pages for the copies of an ordinary segment's notes, the `preamble` among them.
pub(crate) fn pages_of(segment_bytes: usize, preamble: usize) -> usize {
    let bytes = (segment_bytes / SEGMENT_PART).max(2 * copy_bytes(preamble));
    bytes.div_ceil(PAGE_BYTES).min(PAGES_MAX)
}

/// The pages for the copies of notes that take so many bytes.
pub(crate) fn pages_for(copies: usize) -> usize {
    (FRAME_HEAD_BYTES + copies + TRAILER_BYTES).div_ceil(PAGE_BYTES)
}

/// The bytes of copies that so many pages have room for.
pub(crate) fn room_bytes(pages: usize) -> usize {
    (pages * PAGE_BYTES).saturating_sub(FRAME_HEAD_BYTES + TRAILER_BYTES)
}

/// Bytes that the copy of a note takes.
pub(crate) fn copy_bytes(note: usize) -> usize {
    frame_bytes(OFFSET_BYTES + note)
}

impl Segment {
    /// Says whether notes are copied here.
    pub(crate) fn keeps_copies(&self) -> bool {
        !self.copies.is_empty()
    }

    /// Returns how many pages there are for copies.
    #[cfg(not(loom))]
    pub(crate) fn copies_pages(&self) -> usize {
        match self.copies.is_empty() {
            true => 0,
            false => (self.copies.end + TRAILER_BYTES - self.end) / PAGE_BYTES,
        }
    }

    /// Marks the pages for copies as no frames of the log's.
    pub(crate) fn begin_copies(&self) {
        if self.keeps_copies() {
            self.write_padding(self.end, self.copies.end - self.end);
        }
    }

    /// Takes room for copies of so many bytes, where copies are kept; `None` if there is not so much.
    pub(crate) fn reserve_copies(&self, bytes: usize) -> Option<usize> {
        if !self.keeps_copies() {
            return Some(self.copies.start);
        }
        let room = self.copies.len() as u64;
        let step = |taken: u64| taken.checked_add(bytes as u64).filter(|taken| *taken <= room);
        // Nobody reads what stands here before the frames that follow are published with release.
        let taken = self
            .copies_taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        taken.ok().map(|taken| self.copies.start + taken as usize)
    }

    /// Writes the copy of a note that is going to stand at `offset`, into room that was taken. Returns the offset past
    /// it.
    pub(crate) fn write_copy(&self, at: usize, offset: usize, note: &[u8]) -> usize {
        let mut payload = Vec::with_capacity(OFFSET_BYTES + note.len());
        payload.extend_from_slice(&(offset as u64).to_le_bytes());
        payload.extend_from_slice(note);
        self.write(at, Kind::Note, &payload)
    }

    /// Returns the copies of notes that stand, or stood, within `range`, in order.
    #[cfg(not(loom))]
    pub(crate) fn copies_within(&self, range: &Range<usize>) -> Vec<Copied> {
        let (mut found, mut scratch) = (Vec::new(), Vec::new());
        let mut at = self.copies.start;
        while at + FRAME_HEAD_BYTES <= self.copies.end {
            let envelope = self.envelope_before(at, self.copies.end);
            let Some(envelope) = envelope.filter(|envelope| self.verify(at, *envelope, &mut scratch)) else {
                at += FRAME_ALIGN;
                continue;
            };
            at += envelope.total();
            let Some((offset, note)) = scratch.split_first_chunk::<OFFSET_BYTES>() else {
                continue;
            };
            let offset = u64::from_le_bytes(*offset) as usize;
            if range.contains(&offset) {
                let note = note.to_vec();
                found.push(Copied { offset, note });
            }
        }
        found.sort_by_key(|copied| copied.offset);
        found
    }

    /// Writes notes that are damaged again, from their copies.
    #[cfg(not(loom))]
    pub(crate) fn mend_notes(&self) {
        let mut scratch = Vec::new();
        for Copied { offset, note } in self.copies_within(&(0..self.end)) {
            let envelope = self.envelope(offset);
            let is_whole = envelope.is_some_and(|envelope| self.verify(offset, envelope, &mut scratch));
            if !is_whole && offset + frame_bytes(note.len()) <= self.end {
                self.write(offset, Kind::Note, &note);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use hydra_os::atomic::Arc;

    use super::*;
    use crate::segment::{FRAMES_START, Mapping};

    fn segment(pages: usize) -> Segment {
        let mapping = Mapping::anonymous(64 << 10).unwrap();
        mapping.begin_life([3; 16], 99, 5, pages);
        let segment = Segment::begin(Arc::new(mapping), 99, 1, pages);
        segment.begin_copies();
        segment
    }

    /// Copies are found by the place of what they are copies of, until there is no room; other damage than theirs does
    /// not matter, and a note that is gone is written again as it was.
    #[test]
    fn notes_come_back() {
        let segment = segment(1);
        let (mut offset, mut written) = (FRAMES_START, Vec::new());
        for number in 0..u8::MAX {
            let note = [number; 100];
            let Some(at) = segment.reserve_copies(copy_bytes(note.len())) else {
                break;
            };
            segment.write_copy(at, offset, &note);
            written.push((offset, segment.write(offset, Kind::Note, &note)));
            offset += frame_bytes(note.len());
        }
        assert_eq!(written.len(), room_bytes(1) / copy_bytes(100));
        assert_eq!(segment.reserve_copies(copy_bytes(100)), None);
        let (third, fourth) = (*written.get(2).unwrap(), *written.get(3).unwrap());
        let found = segment.copies_within(&(third.0..fourth.1));
        let offsets: Vec<_> = found.iter().map(|copied| copied.offset).collect();
        assert_eq!(offsets, [third.0, fourth.0]);
        assert!(found.iter().all(|copied| copied.note.len() == 100));
        let image = |at: usize| {
            let mut bytes = [0; 128];
            segment.mapping.map.copy_out(at, &mut bytes);
            bytes
        };
        let before = image(third.0);
        segment.mapping.map.zero(third.0, 4096 - third.0 % 4096);
        segment.mapping.map.zero(segment.copies.start, 64);
        segment.mend_notes();
        assert_eq!(image(third.0), before);
    }

    /// A segment that keeps no copies has all its room for frames, and finds none.
    #[test]
    fn there_may_be_none() {
        let segment = segment(0);
        assert!(!segment.keeps_copies());
        assert_eq!(segment.end, (64 << 10) - TRAILER_BYTES);
        assert_eq!(segment.copies_within(&(0..usize::MAX)), []);
    }
}
