//! Mapped memory: a run of bytes that several threads, and through a file several processes, read and write at once.
//!
//! A [`Map`] is addressed in bytes and kept in words of eight. Every access is an atomic access to one word, so
//! concurrent use is never undefined behaviour, whatever the callers do; *which* words belong together is the caller's
//! affair, who publishes them by a [`Map::store`] with [`Ordering::Release`] and takes them by a [`Map::load`] with
//! [`Ordering::Acquire`].
//!
//! The byte image is the same on every machine: bytes lie as they were copied in, and a word stored with [`Map::store`]
//! is little-endian.
//!
//! Limits: offsets are multiples of eight, lengths of maps too. A violation is a bug in our own code and panics. A file
//! behind a map should not be shortened while it is mapped: the bytes past its end are gone then. What is accessed
//! there reads as zeros and keeps what is stored, in memory alone, and [`Map::faults`] tells (see `fault`).

use std::io;
use std::mem::MaybeUninit;

#[cfg(not(sim))]
use crate::atomic::AtomicU64;
use crate::atomic::Ordering;
#[cfg(not(loom))]
use crate::disk::File;
#[cfg(sim)]
use std::sync::atomic::AtomicU64;

/// A region of memory, private to the process or shared with a file.
///
/// Unmapped when dropped. Dropping does not sync: what was stored in a file's map is in the kernel's hands from the
/// moment of the store and survives the death of the process; only [`Map::sync`] makes it survive a power loss.
///
/// # Examples
///
/// ```
/// use hydra_os::atomic::Ordering;
/// use hydra_os::map::Map;
///
/// let map = Map::anonymous(4096)?;
/// map.copy_in(8, b"a record's bytes");
/// map.store(0, 16, Ordering::Release);
///
/// let length = map.load(0, Ordering::Acquire) as usize;
/// let mut bytes = Vec::new();
/// map.append_to(8, length, &mut bytes);
/// assert_eq!(bytes, b"a record's bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Map {
    memory: memory::Memory,
}

impl Map {
    /// Makes a zeroed map of `len` bytes that no file stands behind.
    ///
    /// A forked child sees a copy of it, never the same memory.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when `len` is zero or no multiple of eight; else what the system says, most
    /// likely [`io::ErrorKind::OutOfMemory`].
    pub fn anonymous(len: usize) -> io::Result<Self> {
        check_len(len)?;
        Ok(Self {
            memory: memory::Memory::anonymous(len)?,
        })
    }

    /// Maps the first `len` bytes of `file`, to read and to write; stores are seen by every other map of the file.
    ///
    /// The file should be preallocated: the first store into a hole of a sparse file on a full disk is a SIGBUS.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when `len` is zero or no multiple of eight, [`io::ErrorKind::UnexpectedEof`]
    /// when the file is shorter than `len`, [`io::ErrorKind::PermissionDenied`] when it is not open for both reading
    /// and writing; else what the system says.
    #[cfg(not(loom))]
    pub fn file(file: &File, len: usize) -> io::Result<Self> {
        Self::of_file(file, len, memory::Access::ReadWrite)
    }

    /// Maps the first `len` bytes of `file` to read only.
    ///
    /// [`Map::store`], [`Map::copy_in`] and [`Map::zero`] on such a map panic.
    ///
    /// # Errors
    ///
    /// As [`Map::file`], except that the file need not be open for writing.
    #[cfg(not(loom))]
    pub fn file_read_only(file: &File, len: usize) -> io::Result<Self> {
        Self::of_file(file, len, memory::Access::Read)
    }

    #[cfg(not(loom))]
    fn of_file(file: &File, len: usize, access: memory::Access) -> io::Result<Self> {
        check_len(len)?;
        if file.len()? < len as u64 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file is shorter than the map asked for",
            ));
        }
        Ok(Self {
            memory: memory::Memory::file(file, len, access)?,
        })
    }

    /// Returns the length in bytes; never zero.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a map is never empty")]
    pub fn len(&self) -> usize {
        self.memory.words().len() * WORD
    }

    /// Loads the word at byte `offset`.
    ///
    /// # Panics
    ///
    /// When `offset` is no multiple of eight or the word is not within the map, or `order` is no order for a load.
    #[inline]
    #[must_use]
    pub fn load(&self, offset: usize, order: Ordering) -> u64 {
        step();
        match self.memory.words().get(offset / WORD) {
            Some(word) if offset.is_multiple_of(WORD) => u64::from_le(word.load(order)),
            _ => self.refuse("load", offset, WORD),
        }
    }

    /// Stores `value` at byte `offset`.
    ///
    /// # Panics
    ///
    /// When `offset` is no multiple of eight or the word is not within the map, when the map is read-only, or `order`
    /// is no order for a store.
    #[inline]
    pub fn store(&self, offset: usize, value: u64, order: Ordering) {
        step();
        match self.memory.writable_words().get(offset / WORD) {
            Some(word) if offset.is_multiple_of(WORD) => word.store(value.to_le(), order),
            _ => self.refuse("store", offset, WORD),
        }
    }

    /// Copies `bytes` to byte `offset` on, by relaxed stores of whole words; the last word is padded with zeros.
    ///
    /// A reader that has not been told that the bytes are there (by a release store after this call) may see any mix of
    /// old and new words, but never a torn word.
    ///
    /// # Panics
    ///
    /// When `offset` is no multiple of eight, the padded bytes do not fit, or the map is read-only.
    #[inline]
    pub fn copy_in(&self, offset: usize, bytes: &[u8]) {
        let Some(words) = range(self.memory.writable_words(), offset, bytes.len()) else {
            self.refuse("copy_in", offset, bytes.len())
        };
        let (whole, tail) = bytes.as_chunks::<WORD>();
        for (word, chunk) in words.iter().zip(whole) {
            step();
            word.store(u64::from_ne_bytes(*chunk), Ordering::Relaxed);
        }
        if !tail.is_empty()
            && let Some(last) = words.last()
        {
            last.store(tail_word(bytes, tail).to_le(), Ordering::Relaxed);
        }
    }

    /// As [`Map::copy_in`], in pairs of words, behind one at `offset` that is returned to be stored last. The last pair
    /// is padded with zeros. `see` is shown each, as numbers of which the byte image is little-endian.
    ///
    /// # Panics
    ///
    /// As [`Map::copy_in`]; the pair at `offset` must fit as well.
    #[inline(always)]
    pub fn copy_in_behind(&self, offset: usize, bytes: &[u8], mut see: impl FnMut(u64, u64)) -> Lead<'_> {
        let len = PAIR + bytes.len().next_multiple_of(PAIR);
        let words = range(self.memory.writable_words(), offset, len).unwrap_or_default();
        let ([lead, places @ ..], _) = words.as_chunks::<2>() else {
            self.refuse("copy_in_behind", offset, len)
        };
        let (whole, tail) = bytes.as_chunks::<PAIR>();
        let mut put = |[first, second]: &[AtomicU64; 2], both: u128| {
            step();
            let (low, high) = (both as u64, (both >> 64) as u64);
            first.store(low.to_le(), Ordering::Relaxed);
            second.store(high.to_le(), Ordering::Relaxed);
            see(low, high);
        };
        for (place, pair) in places.iter().zip(whole) {
            put(place, u128::from_le_bytes(*pair));
        }
        if !tail.is_empty()
            && let Some(place) = places.last()
        {
            put(place, tail_pair(bytes, tail));
        }
        Lead(lead)
    }

    /// Copies the bytes from byte `offset` on into `out`, by relaxed loads, filling it.
    ///
    /// # Panics
    ///
    /// When `offset` is no multiple of eight or the bytes are not all within the map.
    #[inline]
    pub fn copy_out(&self, offset: usize, out: &mut [u8]) {
        let Some(words) = range(self.memory.words(), offset, out.len()) else {
            self.refuse("copy_out", offset, out.len())
        };
        step();
        let (whole, tail) = out.as_chunks_mut::<WORD>();
        for (word, chunk) in words.iter().zip(whole) {
            *chunk = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        if !tail.is_empty()
            && let Some(last) = words.last()
        {
            for (to, from) in tail.iter_mut().zip(last.load(Ordering::Relaxed).to_ne_bytes()) {
                *to = from;
            }
        }
    }

    /// Appends `len` bytes from byte `offset` on to `out`, by relaxed loads.
    ///
    /// # Panics
    ///
    /// When `offset` is no multiple of eight or the bytes are not all within the map.
    #[inline]
    pub fn append_to(&self, offset: usize, len: usize, out: &mut Vec<u8>) {
        let Some(words) = range(self.memory.words(), offset, len) else {
            self.refuse("append_to", offset, len)
        };
        step();
        // Whole words are written, into room for whole words; only `len` bytes of them are kept.
        out.reserve(words.len() * WORD);
        let (room, _) = out.spare_capacity_mut().as_chunks_mut::<WORD>();
        debug_assert!(room.len() >= words.len());
        for (word, chunk) in words.iter().zip(room) {
            *chunk = word.load(Ordering::Relaxed).to_ne_bytes().map(MaybeUninit::new);
        }
        let filled = out.len() + len;
        // SAFETY: `reserve` above made room for `words.len() * WORD >= len` bytes past the end, and the loop has
        // written every one of them, for `room` then has at least as many chunks as `words` has words.
        unsafe { out.set_len(filled) };
    }

    /// Stores zeros over `len` bytes from byte `offset` on, rounded up to whole words.
    ///
    /// As after relaxed stores, who sees a release store that comes after this call sees the zeros. Where the processor
    /// can, they go past its caches, for what is cleared is most often far from being used.
    ///
    /// # Panics
    ///
    /// When `offset` is no multiple of eight, the words are not all within the map, or the map is read-only.
    pub fn zero(&self, offset: usize, len: usize) {
        let Some(words) = range(self.memory.writable_words(), offset, len) else {
            self.refuse("zero", offset, len)
        };
        for words in words.chunks(ZERO_WORDS) {
            step();
            clear(words);
        }
    }

    /// Writes the pages that hold the given bytes to the device, and waits for it.
    ///
    /// The range is widened to whole pages. Nothing happens on a map without a file. After an error nothing is known
    /// about the pages, and a later success proves nothing: the kernel reports a failed write-back once.
    ///
    /// # Errors
    ///
    /// What the system says of the write-back.
    ///
    /// # Panics
    ///
    /// When the bytes are not all within the map.
    #[cfg(not(loom))]
    pub fn sync(&self, offset: usize, len: usize) -> io::Result<()> {
        if offset.checked_add(len).is_none_or(|end| end > self.len()) {
            self.refuse("sync", offset, len);
        }
        self.memory.sync(offset, len)
    }

    /// Returns how many pages of a file's map have been lost since it was made, and were replaced by empty ones: the
    /// file was cut short, or its device could not read them.
    #[cfg(not(loom))]
    #[must_use]
    pub fn faults(&self) -> u32 {
        #[cfg(not(sim))]
        return self.memory.faults();
        #[cfg(sim)]
        0
    }

    /// Touches every page, so that no later access to a writable map has to wait for the kernel to find one.
    ///
    /// Keeps what the map holds, and may run while others write to it. On a read-only map it reads the pages in.
    ///
    /// # Errors
    ///
    /// What the system says, such as an I/O error or a full disk under a sparse file.
    #[cfg(not(loom))]
    pub fn prefault(&self) -> io::Result<()> {
        self.memory.prefault()
    }

    /// Lets go of the pages of a file's map: they no longer count towards the process's resident memory.
    ///
    /// What the map holds is kept, and the next access brings the page back from the page cache or the disk. Nothing
    /// happens on a map without a file. Best effort: a refusal by the system is of no consequence.
    #[cfg(not(loom))]
    pub fn release_pages(&self) {
        self.memory.release_pages();
    }

    #[cold]
    #[inline(never)]
    #[expect(
        clippy::panic,
        reason = "an access outside the map is a bug of ours, and going on would corrupt records"
    )]
    fn refuse(&self, what: &str, offset: usize, len: usize) -> ! {
        let (words, writable) = (self.memory.words().len(), self.memory.writable_words().len());
        panic!(
            "map: {what} of {len} bytes at offset {offset} refused: the map has {} bytes ({} writable), \
             and offsets are multiples of {WORD}",
            words * WORD,
            writable * WORD,
        );
    }
}

/// The pair of words before bytes that have been copied in: see [`Map::copy_in_behind`].
#[derive(Debug)]
#[must_use = "the bytes behind it are not published"]
pub struct Lead<'m>(&'m [AtomicU64; 2]);

impl Lead<'_> {
    /// Stores the pair. Who sees its first word by a load with [`Ordering::Acquire`] sees the second, and the bytes.
    #[inline(always)]
    pub fn publish(self, first: u64, second: u64) {
        step();
        let [lead, other] = self.0;
        other.store(second.to_le(), Ordering::Relaxed);
        step();
        lead.store(first.to_le(), Ordering::Release);
    }
}

/// Bytes in a word: the unit of every access.
const WORD: usize = size_of::<u64>();
/// Bytes in a pair of words.
const PAIR: usize = 2 * WORD;
/// How many words are cleared in a row.
const ZERO_WORDS: usize = 512;

fn check_len(len: usize) -> io::Result<()> {
    if len == 0 || !len.is_multiple_of(WORD) || len > isize::MAX as usize {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a map's length is a multiple of 8 above 0",
        ));
    }
    Ok(())
}

/// The words that hold `len` bytes from `offset` on, or nothing when that is no proper range.
#[inline]
fn range(words: &[AtomicU64], offset: usize, len: usize) -> Option<&[AtomicU64]> {
    let first = offset / WORD;
    if offset.is_multiple_of(WORD) {
        words.get(first..first + len.div_ceil(WORD))
    } else {
        None
    }
}

/// The little-endian word that begins with `tail`, the one to seven bytes `bytes` ends with, and goes on with zeros.
#[inline]
fn tail_word(bytes: &[u8], tail: &[u8]) -> u64 {
    if let Some(last) = bytes.last_chunk::<WORD>() {
        // One load that overlaps the word before is much faster than a loop over single bytes.
        return u64::from_le_bytes(*last) >> (8 * (WORD - tail.len()));
    }
    tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// As [`tail_word`], of a pair.
#[inline]
fn tail_pair(bytes: &[u8], tail: &[u8]) -> u128 {
    if let Some(last) = bytes.last_chunk::<PAIR>() {
        return u128::from_le_bytes(*last) >> (8 * (PAIR - tail.len()));
    }
    tail.iter().rev().fold(0, |pair, byte| pair << 8 | u128::from(*byte))
}

#[cfg(loom)]
mod memory {
    //! A vector of loom's words in the place of mapped memory.

    use super::{AtomicU64, WORD, io};

    #[derive(Debug)]
    pub(super) struct Memory {
        words: Vec<AtomicU64>,
    }

    impl Memory {
        pub(super) fn anonymous(len: usize) -> io::Result<Self> {
            Ok(Self {
                words: (0..len / WORD).map(|_| AtomicU64::new(0)).collect(),
            })
        }

        pub(super) fn words(&self) -> &[AtomicU64] {
            &self.words
        }

        pub(super) fn writable_words(&self) -> &[AtomicU64] {
            &self.words
        }
    }
}

#[cfg(not(any(loom, sim)))]
mod fault;
#[cfg(not(any(loom, sim)))]
mod memory;
#[cfg(not(any(loom, sim)))]
pub use self::fault::leave_sigbus_alone;
#[cfg(sim)]
use crate::sim::memory;

#[cfg(all(target_arch = "x86_64", not(any(loom, sim, miri))))]
use self::memory::clear;

#[cfg(not(all(target_arch = "x86_64", not(any(loom, sim, miri)))))]
fn clear(words: &[AtomicU64]) {
    words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
}

/// A point where the simulation may do something else first; nothing otherwise.
#[inline]
fn step() {
    #[cfg(sim)]
    crate::sim::step();
}

#[cfg(all(test, not(any(loom, sim))))]
mod tests;
