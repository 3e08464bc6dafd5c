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

use hydra_os::atomic::{Arc, AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use hydra_os::disk;
use hydra_os::map::Map;
use std::io;
use std::ops::Range;
#[cfg(not(loom))]
use std::path::PathBuf;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::copies;
use crate::frame::{Envelope, FRAME_ALIGN, FRAME_HEAD_BYTES, Folding, Kind, Sum, frame_bytes};
use crate::position::Position;

/// Where the first frame of a segment stands: on a page of its own, so that syncing frames never touches the header.
pub(crate) const FRAMES_START: usize = if cfg!(loom) { 128 } else { 4096 };
/// Bytes at the end of a segment that hold the second copy of its header.
pub(crate) const TRAILER_BYTES: usize = 128;
/// The version of the layout that this code writes.
pub(crate) const VERSION: u16 = 1;
/// The largest segment, so that an offset is never near the bits that number segments.
pub(crate) const BYTES_MAX: usize = 512 << 20;

/// What a segment's file begins with.
pub(crate) const MAGIC: &[u8; 8] = b"HYDRASEG";
const MAGIC_WORD: u64 = u64::from_le_bytes(*MAGIC);
const AT_VERSION: usize = 8;
const AT_JOURNAL: usize = 16;
const AT_GENERATION: usize = 32;
const AT_BYTES: usize = 40;
const AT_CREATED: usize = 48;
const AT_CHECK: usize = 56;
const AT_NUMBER: usize = 64;
const COPIES_SHIFT: u32 = 16;
/// Payloads are summed by folding.
const FLAG_FOLDED: u64 = 1 << 32;
/// The flags that a reader must know, and those that this one does.
const FLAGS_SHIFT: u32 = 32;
const FLAGS_KNOWN: u64 = FLAG_FOLDED >> FLAGS_SHIFT;

/// The memory of a segment and the file behind it. It outlives the segment's place in the log: it is recycled.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) map: Map,
    #[cfg(not(loom))]
    pub(crate) file: Option<(disk::File, PathBuf)>,
    /// The file's length and blocks are on the device: all it needs in later lives is its bytes.
    #[cfg(not(loom))]
    on_device: AtomicBool,
}

/// Facts of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) journal: [u8; 16],
    pub(crate) generation: u64,
    pub(crate) bytes: usize,
    pub(crate) created_ns: i64,
    /// 0 = spare.
    pub(crate) number: u32,
    /// Pages at the end for copies of notes.
    pub(crate) copies_pages: usize,
    /// How payloads are summed.
    pub(crate) sum: Sum,
}

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// Not ours, or damaged.
    Damaged,
    /// Ours, of a version or with a flag that this code does not know.
    Newer,
}

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

impl Mapping {
    /// Makes the memory of a segment without a file.
    pub(crate) fn anonymous(bytes: usize) -> io::Result<Mapping> {
        let map = Map::anonymous(bytes)?;
        #[cfg(not(loom))]
        return Ok(Mapping::new(map, None));
        #[cfg(loom)]
        Ok(Mapping { map })
    }

    #[cfg(not(loom))]
    pub(crate) fn new(map: Map, file: Option<(disk::File, PathBuf)>) -> Mapping {
        Mapping {
            map,
            file,
            on_device: AtomicBool::new(false),
        }
    }

    /// Writes a fresh header with number 0: from now on the file is a spare of this journal.
    ///
    /// The number goes first and the body is expected to be zero, so a crash in between leaves a spare or an unreadable
    /// header, and in neither case frames.
    pub(crate) fn begin_life(&self, journal: [u8; 16], generation: u64, created_ns: i64, copies_pages: usize) {
        debug_assert!(copies_pages <= copies::PAGES_MAX);
        let version = u64::from(VERSION) | (copies_pages as u64) << COPIES_SHIFT | FLAG_FOLDED;
        for base in self.bases() {
            self.number(base, 0);
            let map = &self.map;
            map.store(base + AT_VERSION, version, Ordering::Relaxed);
            map.copy_in(base + AT_JOURNAL, &journal);
            map.store(base + AT_GENERATION, generation, Ordering::Relaxed);
            map.store(base + AT_BYTES, map.len() as u64, Ordering::Relaxed);
            map.store(base + AT_CREATED, created_ns as u64, Ordering::Relaxed);
            map.store(base, MAGIC_WORD, Ordering::Relaxed);
            map.store(base + AT_CHECK, header_check(map, base), Ordering::Release);
        }
    }

    /// Takes the segment out of the log: its number is wiped before its frames are.
    pub(crate) fn end_life(&self) {
        self.bases().into_iter().for_each(|base| self.number(base, 0));
    }

    /// Clears the mapping for its next life: the number goes first, then the frames, then comes the new header.
    pub(crate) fn renew(&self, journal: [u8; 16], generation: u64, created_ns: i64, copies_pages: usize) {
        self.end_life();
        self.map
            .zero(FRAMES_START, self.map.len() - TRAILER_BYTES - FRAMES_START);
        self.begin_life(journal, generation, created_ns, copies_pages);
    }

    /// Brings everything but its frames and the first copy of the header to the device: the file's length and blocks,
    /// if that has not been done yet, and what stands behind the frames.
    ///
    /// It must cost those who append nothing. What has been synced costs the next store into its page a page fault; so
    /// of a file that is used again no more is synced than has to be, and of a new one, all of which is, the pages are
    /// touched again.
    #[cfg(not(loom))]
    pub(crate) fn sync_around(&self, frames_end: usize) -> io::Result<()> {
        if self.on_device.load(Ordering::Relaxed) {
            return self.map.sync(frames_end, self.map.len() - frames_end);
        }
        if let Some((file, _)) = &self.file {
            file.sync_data()?;
            self.on_device.store(true, Ordering::Relaxed);
            let _best_effort = self.map.prefault();
        }
        Ok(())
    }

    /// Where the two copies of the header stand.
    fn bases(&self) -> [usize; 2] {
        [0, self.map.len() - TRAILER_BYTES]
    }

    fn number(&self, base: usize, word: u64) {
        self.map.store(base + AT_NUMBER, word, Ordering::Release);
    }

    /// Reads the header, or its second copy if the first is damaged.
    ///
    /// [`Header::bytes`] is the size the segment was made with: a file that was cut since is shorter than that.
    pub(crate) fn header(&self) -> Result<Header, BadHeader> {
        let len = self.map.len();
        let first = if len < TRAILER_BYTES {
            Err(BadHeader::Damaged)
        } else {
            self.header_at(0)
        };
        // A death between the two stores of the number leaves it in the first copy alone.
        if first != Err(BadHeader::Damaged) || len < FRAMES_START + TRAILER_BYTES {
            return first;
        }
        let base = len - TRAILER_BYTES;
        // Where the second copy stands depends on the size, so it vouches for that size only.
        self.header_at(base / 8 * 8).and_then(|header| {
            if header.bytes == len {
                Ok(header)
            } else {
                Err(BadHeader::Damaged)
            }
        })
    }

    /// Says whether both copies of the header are those of this life.
    #[cfg(not(loom))]
    pub(crate) fn is_headed(&self, generation: u64, number: u32) -> bool {
        let is_it = |header: Header| header.generation == generation && header.number == number;
        self.bases()
            .into_iter()
            .all(|base| self.header_at(base).is_ok_and(is_it))
    }

    /// As [`Mapping::is_headed`], of a file that a dead process left: it may have died between the two numbers.
    #[cfg(not(loom))]
    fn was_headed(&self, generation: u64, number: u32) -> bool {
        let is_it = |header: Header| header.generation == generation && [0, number].contains(&header.number);
        self.bases()
            .into_iter()
            .all(|base| self.header_at(base).is_ok_and(is_it))
    }

    fn header_at(&self, base: usize) -> Result<Header, BadHeader> {
        let map = &self.map;
        if map.load(base, Ordering::Relaxed) != MAGIC_WORD
            || map.load(base + AT_CHECK, Ordering::Acquire) != header_check(map, base)
        {
            return Err(BadHeader::Damaged);
        }
        let version = map.load(base + AT_VERSION, Ordering::Relaxed);
        if version & 0xFFFF != u64::from(VERSION) || version >> FLAGS_SHIFT & !FLAGS_KNOWN != 0 {
            return Err(BadHeader::Newer);
        }
        let generation = map.load(base + AT_GENERATION, Ordering::Relaxed);
        let number = match map.load(base + AT_NUMBER, Ordering::Acquire) {
            0 => 0,
            word if word == number_word(word as u32, generation) => word as u32,
            _ => return Err(BadHeader::Damaged),
        };
        let mut journal = [0; 16];
        map.copy_out(base + AT_JOURNAL, &mut journal);
        let bytes = map.load(base + AT_BYTES, Ordering::Relaxed) as usize;
        let copies_pages = (version >> COPIES_SHIFT) as usize & copies::PAGES_MAX;
        let least = FRAMES_START + TRAILER_BYTES.max(copies_pages * copies::PAGE_BYTES);
        if !(least..=BYTES_MAX).contains(&bytes) {
            return Err(BadHeader::Damaged);
        }
        let created_ns = map.load(base + AT_CREATED, Ordering::Relaxed) as i64;
        Ok(Header {
            journal,
            generation,
            bytes,
            created_ns,
            number,
            copies_pages,
            sum: if version & FLAG_FOLDED != 0 {
                Sum::Folded
            } else {
                Sum::Xxh3
            },
        })
    }
}

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
        let map = &self.mapping.map;
        let mut folding = Folding::begin(self.generation, offset, word);
        map.copy_in_pairs(offset + FRAME_HEAD_BYTES, payload, |first, second| {
            folding.add(first, second);
        });
        map.store(offset + 8, folding.end(), Ordering::Relaxed);
        // Pairs with the acquire in `envelope`: who sees this word sees the payload.
        map.store(offset, word, Ordering::Release);
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

fn header_check(map: &Map, base: usize) -> u64 {
    let mut bytes = [0; AT_CHECK];
    map.copy_out(base, &mut bytes);
    xxh3_64(&bytes)
}

fn number_word(number: u32, generation: u64) -> u64 {
    let check = xxh3_64_with_seed(&number.to_le_bytes(), generation) >> 32;
    u64::from(number) | check << 32
}

const _: () = assert!(AT_NUMBER + 8 <= TRAILER_BYTES && TRAILER_BYTES <= FRAMES_START);

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may fail by panicking"
    )]

    use super::*;

    fn segment() -> Segment {
        let mapping = Mapping::anonymous(64 * 1024).unwrap();
        mapping.begin_life([3; 16], 99, 5, 2);
        Segment::begin(Arc::new(mapping), 99, 1, 2)
    }

    /// A header is read back as written; any flipped bit of it is noticed, and the other copy stands in.
    #[test]
    fn header_round_trips_and_notices_damage() {
        let segment = segment();
        let mapping = &segment.mapping;
        let header = Header {
            journal: [3; 16],
            generation: 99,
            bytes: 64 * 1024,
            created_ns: 5,
            number: 1,
            copies_pages: 2,
            sum: Sum::Folded,
        };
        assert_eq!(mapping.header(), Ok(header));
        for offset in (0..=AT_NUMBER).step_by(8) {
            let word = mapping.map.load(offset, Ordering::Relaxed);
            for bit in 0..64 {
                mapping.map.store(offset, word ^ 1 << bit, Ordering::Relaxed);
                assert!(mapping.header_at(0).is_err(), "offset {offset} bit {bit}");
                assert_eq!(mapping.header(), Ok(header));
            }
            mapping.map.store(offset, word, Ordering::Relaxed);
        }
        mapping.end_life();
        assert_eq!(mapping.header().map(|header| header.number), Ok(0));
    }

    /// A frame is whole or absent: any flipped bit of envelope or payload is noticed.
    #[test]
    fn frames_verify() {
        let segment = segment();
        let end = segment.write(FRAMES_START, Kind::Data, b"seventeen bytes!!");
        assert_eq!(end, FRAMES_START + 48);
        let mut scratch = Vec::new();
        let envelope = segment.envelope(FRAMES_START).unwrap();
        assert!(segment.verify(FRAMES_START, envelope, &mut scratch));
        for byte in (0..40).step_by(8) {
            let word = segment.mapping.map.load(FRAMES_START + byte, Ordering::Relaxed);
            // Of the last word of the payload only one byte is payload; the rest is padding.
            for bit in 0..if byte == 32 { 8 } else { 64 } {
                segment
                    .mapping
                    .map
                    .store(FRAMES_START + byte, word ^ 1 << bit, Ordering::Relaxed);
                let passes = segment
                    .envelope(FRAMES_START)
                    .is_some_and(|envelope| segment.verify(FRAMES_START, envelope, &mut scratch));
                assert!(!passes, "byte {byte} bit {bit}");
            }
            segment.mapping.map.store(FRAMES_START + byte, word, Ordering::Relaxed);
        }
        assert_eq!(segment.envelope(end), None);
    }

    /// The bytes on disk are these, forever: a change here is a new version.
    #[test]
    fn layout_is_pinned() {
        let segment = segment();
        segment.write(FRAMES_START, Kind::Data, b"hello");
        let mut bytes = [0; 80];
        segment.mapping.map.copy_out(0, &mut bytes);
        assert_eq!(&bytes[..16], b"HYDRASEG\x01\0\x02\0\x01\0\0\0");
        assert_eq!(&bytes[64..72], &number_word(1, 99).to_le_bytes());
        let mut frame = [0; 32];
        segment.mapping.map.copy_out(FRAMES_START, &mut frame);
        assert_eq!(&frame[..5], &[5, 0, 0, 0, 1]);
        assert_eq!(&frame[16..], b"hello\0\0\0\0\0\0\0\0\0\0\0");
    }
}
