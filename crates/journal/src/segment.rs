//! One piece of the log: a mapped file of fixed size, or a run of anonymous memory.
//!
//! The first page is the header; frames follow from [`FRAMES_START`].
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0 | 8 | magic: `HYDRASEG` |
//! | 8 | 8 | version u16, pages for copies of notes u15 (see `copies`), flags: a reader may ignore 1, must know 32 |
//! | 16 | 16 | id of the journal |
//! | 32 | 8 | generation: a random number of this life of the file |
//! | 40 | 8 | size of the segment in bytes |
//! | 48 | 8 | wall clock when this life began, nanoseconds |
//! | 56 | 8 | XXH3-64 of the bytes 0 to 55 |
//! | 64 | 8 | number of the segment in the log (u32, from 1) and a 32-bit check of it; 0 while it is a spare |
//!
//! The first flag that a reader must know says that payloads are summed by folding (see `frame`).
//!
//! The same header stands once more in the last 128 bytes, so that losing one of the two loses nothing.
//!
//! Who writes: the keeper makes and clears segments, the thread that rolls the tail gives them their number, producers
//! add frames. After a crash the header tells whether the file is part of the log; everything else stands in the
//! frames.

mod mapping;

use std::ops::Range;
#[cfg(not(loom))]
use std::path::PathBuf;

use hydra_os::atomic::{Arc, AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

pub(crate) use self::mapping::Mapping;
use self::mapping::number_word;
#[cfg(not(loom))]
pub(crate) use self::mapping::{BadHeader, MAGIC};
use crate::copies;
use crate::frame::{Envelope, FRAME_ALIGN, FRAME_HEAD_BYTES, Folding, Kind, Sum, frame_bytes};
use crate::position::Position;

/// Where the first frame of a segment stands: on a page of its own, so that syncing frames never touches the header.
pub(crate) const FRAMES_START: usize = if cfg!(loom) { 128 } else { 4096 };
/// Bytes at the end of a segment that hold the second copy of its header.
pub(crate) const TRAILER_BYTES: usize = 128;
/// The largest segment, so that an offset is never near the bits that number segments.
pub(crate) const BYTES_MAX: usize = 512 << 20;

/// A segment in its place in the log.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) generation: u64,
    pub(crate) number: u32,
    /// Offset past the last byte that frames may take.
    pub(crate) end: usize,
    /// Bytes of frames that were cut off the file's end, in a dead process's journal.
    pub(crate) cut: usize,
    sum: Sum,
    /// Where copies of notes stand: see `copies`.
    pub(crate) copies: Range<usize>,
    /// Bytes of that which are taken.
    pub(crate) copies_taken: AtomicU64,
    /// Whether it is in the log, see [`Segment::retire`] and [`Segment::set_replaced`].
    fate: AtomicU32,
    /// Every byte of it has been published, so no producer will ever store into it again.
    settled: AtomicBool,
    /// Its pages have been given back to the system once.
    #[cfg(not(loom))]
    released: AtomicBool,
    /// A sync of it has failed: no later success proves anything about what it held then.
    #[cfg(not(loom))]
    poisoned: AtomicBool,
    /// How often the keeper has looked at it without being able to copy it.
    #[cfg(not(loom))]
    looks: AtomicU32,
    /// What could not be saved when this one took another's place: no frame is read there.
    pub(crate) lost: Vec<Range<usize>>,
    /// The file whose place this one took, kept for as long as its records are needed.
    #[cfg(not(loom))]
    pub(crate) evidence: Option<PathBuf>,
}

/// In the log.
const FATE_IN_USE: u32 = 0;
const FATE_RETIRED: u32 = 1;
const FATE_REPLACED: u32 = 2;

impl Segment {
    /// Gives a spare its number: it is part of the log from now on.
    pub(crate) fn begin(mapping: Arc<Mapping>, generation: u64, number: u32, copies_pages: usize) -> Segment {
        for base in mapping.bases() {
            mapping.number(base, number_word(number, generation));
        }
        let bytes = mapping.map.len();
        Segment::of(mapping, generation, number, bytes, copies_pages)
    }

    /// Wraps a mapping that has its number already and was made with `bytes` bytes.
    pub(crate) fn of(
        mapping: Arc<Mapping>,
        generation: u64,
        number: u32,
        bytes: usize,
        copies_pages: usize,
    ) -> Segment {
        let whole = frames_end(bytes, copies_pages);
        let there = mapping.map.len() / FRAME_ALIGN * FRAME_ALIGN;
        let end = whole.min(there);
        let copies_end = (bytes - TRAILER_BYTES).min(there);
        let copies_start = (whole + FRAME_HEAD_BYTES).min(copies_end);
        Segment {
            mapping,
            generation,
            number,
            end,
            cut: whole - end,
            sum: Sum::Folded,
            copies: copies_start..copies_end,
            copies_taken: AtomicU64::new(0),
            fate: AtomicU32::new(FATE_IN_USE),
            settled: AtomicBool::new(false),
            #[cfg(not(loom))]
            released: AtomicBool::new(false),
            #[cfg(not(loom))]
            poisoned: AtomicBool::new(false),
            #[cfg(not(loom))]
            looks: AtomicU32::new(0),
            lost: Vec::new(),
            #[cfg(not(loom))]
            evidence: None,
        }
    }

    /// Says that its payloads are summed otherwise than in segments made now.
    pub(crate) fn summed(mut self, sum: Sum) -> Segment {
        self.sum = sum;
        self
    }

    /// Marks the segment as gone from the log, before its memory is cleared.
    pub(crate) fn retire(&self) {
        self.fate.store(FATE_RETIRED, Ordering::Relaxed);
        // Pairs with the fence in `is_retired`: who has seen a byte of the next life sees the mark.
        fence(Ordering::SeqCst);
    }

    /// Says whether what was read from the segment before this call may already be of its memory's next life.
    pub(crate) fn is_retired(&self) -> bool {
        fence(Ordering::Acquire);
        self.fate.load(Ordering::Relaxed) == FATE_RETIRED
    }

    /// Notes that a copy stands in the log in its place: see `poison`.
    #[cfg(not(loom))]
    pub(crate) fn set_replaced(&self) {
        // Pairs with the load in `is_replaced`: who sees it finds the copy in the log.
        self.fate.store(FATE_REPLACED, Ordering::Release);
    }

    /// Says whether a copy stands in the log in its place.
    #[cfg(not(loom))]
    pub(crate) fn is_replaced(&self) -> bool {
        self.fate.load(Ordering::Acquire) == FATE_REPLACED
    }

    /// Notes that a sync has failed. Returns whether it is the first.
    #[cfg(not(loom))]
    pub(crate) fn poison(&self) -> bool {
        !self.poisoned.swap(true, Ordering::AcqRel)
    }

    /// Says whether a sync has failed.
    #[cfg(not(loom))]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    /// Says whether neither copy of a dead process's header is damaged; its file is as long as it was.
    #[cfg(not(loom))]
    pub(crate) fn has_both_headers(&self) -> bool {
        self.mapping.was_headed(self.generation, self.number)
    }

    /// Gives the pages back that have come again after [`Segment::release_pages_once`].
    #[cfg(not(loom))]
    pub(crate) fn release_pages_again(&self) {
        if self.released.load(Ordering::Relaxed) {
            self.mapping.map.release_pages();
        }
    }

    /// Counts a look.
    #[cfg(not(loom))]
    pub(crate) fn count_look(&self) -> u32 {
        self.looks.fetch_add(1, Ordering::Relaxed)
    }

    /// Says whether pages of its memory have been lost, so that frames must be verified.
    #[cfg(not(loom))]
    pub(crate) fn is_broken(&self) -> bool {
        self.mapping.map.faults() > 0
    }

    /// Returns where the lost range that `offset` lies in ends.
    pub(crate) fn lost_at(&self, offset: usize) -> Option<usize> {
        self.lost
            .iter()
            .find(|lost| lost.contains(&offset))
            .map(|lost| lost.end)
    }

    /// Notes that somebody has seen every frame of the segment published, up to its end.
    pub(crate) fn settle(&self) {
        // Pairs with the load in `is_settled`.
        self.settled.store(true, Ordering::Release);
    }

    /// Says whether every byte of the segment has been published: only then no producer is still storing into it.
    pub(crate) fn is_settled(&self) -> bool {
        if self.settled.load(Ordering::Acquire) {
            return true;
        }
        let mut offset = FRAMES_START;
        while offset + FRAME_HEAD_BYTES <= self.end {
            match self.envelope(offset) {
                Some(envelope) => offset += envelope.total(),
                None => return false,
            }
        }
        self.settle();
        true
    }

    /// Gives the pages back to the system, the first time it is called; they come again when somebody reads them.
    #[cfg(not(loom))]
    pub(crate) fn release_pages_once(&self) {
        if !self.released.swap(true, Ordering::Relaxed) {
            self.mapping.map.release_pages();
        }
    }

    /// Pads what is left of a segment that takes no more frames.
    pub(crate) fn seal(&self, offset: usize) {
        if offset < self.end {
            self.write_padding(offset, self.end - offset);
        }
    }

    /// Returns the position at `offset`.
    #[inline]
    pub(crate) fn position(&self, offset: usize) -> Position {
        Position::new(self.number, offset as u32)
    }

    /// Writes and publishes a frame in space that the caller has reserved. Returns the offset past it.
    #[inline(always)]
    pub(crate) fn write(&self, offset: usize, kind: Kind, payload: &[u8]) -> usize {
        let word = Envelope {
            kind,
            len: payload.len(),
        }
        .word(self.generation, offset);
        debug_assert!(self.sum == Sum::Folded);
        let mut folding = Folding::begin(self.generation, offset, word);
        let map = &self.mapping.map;
        let head = map.copy_in_behind(offset, payload, |first, second| folding.add(first, second));
        // The release in it pairs with the acquire in `envelope`: who sees this word sees the payload.
        head.publish(word, folding.end());
        offset + frame_bytes(payload.len())
    }

    /// Publishes padding over `bytes` reserved bytes, at least one frame's head.
    pub(crate) fn write_padding(&self, offset: usize, bytes: usize) {
        debug_assert!(bytes >= FRAME_HEAD_BYTES && bytes.is_multiple_of(FRAME_HEAD_BYTES));
        let word = Envelope {
            kind: Kind::Padding,
            len: bytes - FRAME_HEAD_BYTES,
        }
        .word(self.generation, offset);
        self.mapping.map.store(offset, word, Ordering::Release);
    }

    /// Returns the raw first word at `offset`; 0 where nothing was published.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> u64 {
        self.mapping.map.load(offset, Ordering::Acquire)
    }

    /// Returns the frame published at `offset` if there is one whose length fits the segment.
    #[inline]
    pub(crate) fn envelope(&self, offset: usize) -> Option<Envelope> {
        self.envelope_before(offset, self.end)
    }

    /// Returns the frame published at `offset` if there is one that ends at `end` or before.
    #[inline]
    pub(crate) fn envelope_before(&self, offset: usize, end: usize) -> Option<Envelope> {
        let envelope = Envelope::read(self.word(offset), self.generation, offset)?;
        if offset + envelope.total() <= end {
            Some(envelope)
        } else {
            None
        }
    }

    /// Says whether the payload of the frame at `offset` is what was written; `scratch` is overwritten with it.
    pub(crate) fn verify(&self, offset: usize, envelope: Envelope, scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        if envelope.kind == Kind::Padding {
            return true;
        }
        self.mapping
            .map
            .append_to(offset + FRAME_HEAD_BYTES, envelope.len, scratch);
        let stored = self.mapping.map.load(offset + 8, Ordering::Relaxed);
        stored == self.sum.of(scratch, self.generation, offset, self.word(offset))
    }
}

/// Where frames end in a segment of so many bytes: they share no page with copies of notes.
pub(crate) fn frames_end(bytes: usize, copies_pages: usize) -> usize {
    bytes - TRAILER_BYTES.max(copies_pages * copies::PAGE_BYTES)
}

#[cfg(all(test, not(loom)))]
mod tests;
