//! The memory of a segment and its header, which stands at both ends of it.

use std::io;
#[cfg(not(loom))]
use std::path::PathBuf;

#[cfg(not(loom))]
use hydra_os::atomic::AtomicBool;
use hydra_os::atomic::Ordering;
#[cfg(not(loom))]
use hydra_os::disk::{self, Pieces};
use hydra_os::map::Map;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{BYTES_MAX, FRAMES_START, TRAILER_BYTES};
use crate::copies;
use crate::frame::Sum;

/// The version of the layout that this code writes.
pub(crate) const VERSION: u16 = 1;
/// What a segment's file begins with.
pub(crate) const MAGIC: &[u8; 8] = b"HYDRASEG";
const MAGIC_WORD: u64 = u64::from_le_bytes(*MAGIC);
const AT_VERSION: usize = 8;
const AT_JOURNAL: usize = 16;
const AT_GENERATION: usize = 32;
const AT_BYTES: usize = 40;
const AT_CREATED: usize = 48;
const AT_CHECK: usize = 56;
pub(super) const AT_NUMBER: usize = 64;
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
    /// In which pieces the page cache has it.
    #[cfg(not(loom))]
    pub(crate) pieces: Pieces,
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
            pieces: Pieces::Pages,
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
    pub(super) fn bases(&self) -> [usize; 2] {
        [0, self.map.len() - TRAILER_BYTES]
    }

    pub(super) fn number(&self, base: usize, word: u64) {
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
    pub(super) fn was_headed(&self, generation: u64, number: u32) -> bool {
        let is_it = |header: Header| header.generation == generation && [0, number].contains(&header.number);
        self.bases()
            .into_iter()
            .all(|base| self.header_at(base).is_ok_and(is_it))
    }

    pub(super) fn header_at(&self, base: usize) -> Result<Header, BadHeader> {
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

fn header_check(map: &Map, base: usize) -> u64 {
    let mut bytes = [0; AT_CHECK];
    map.copy_out(base, &mut bytes);
    xxh3_64(&bytes)
}

pub(super) fn number_word(number: u32, generation: u64) -> u64 {
    let check = xxh3_64_with_seed(&number.to_le_bytes(), generation) >> 32;
    u64::from(number) | check << 32
}

const _: () = assert!(AT_NUMBER + 8 <= TRAILER_BYTES && TRAILER_BYTES <= FRAMES_START);
