//! Mapped memory itself: the system calls, and the view of the region as atomic words.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::OnceLock;

use super::{WORD, fault};
use crate::atomic::{AtomicU64, Ordering};
use crate::disk::File;

/// What a map of a file may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    ReadWrite,
}

/// A mapping of the process's own, unmapped on drop.
#[derive(Debug)]
pub(super) struct Memory {
    /// Start of a mapping of `words` words, page-aligned, owned by this value alone.
    start: NonNull<AtomicU64>,
    words: usize,
    /// Either `words` or, for a read-only map, zero: one comparison checks range and permission at once.
    words_writable: usize,
    has_file: bool,
    /// Its place among the maps that lost pages are replaced in.
    protected: Option<usize>,
}

// SAFETY: the value owns its mapping, and a mapping belongs to no thread.
unsafe impl Send for Memory {}
// SAFETY: a shared reference gives access to the memory as atomics only, which may be used from any thread.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) fn anonymous(len: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        Self::map(len, Access::ReadWrite, flags, None)
    }

    pub(super) fn file(file: &File, len: usize, access: Access) -> io::Result<Self> {
        Self::map(len, access, libc::MAP_SHARED, Some(file.as_fd().as_raw_fd()))
    }

    fn map(len: usize, access: Access, flags: libc::c_int, file: Option<RawFd>) -> io::Result<Self> {
        let (protection, words_writable) = match access {
            Access::Read => (libc::PROT_READ, 0),
            Access::ReadWrite => (libc::PROT_READ | libc::PROT_WRITE, len / WORD),
        };
        // SAFETY: without MAP_FIXED the kernel picks an address range nobody uses; no memory of ours is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, file.unwrap_or(-1), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        let protected = match file {
            Some(_) => fault::protect(start.addr().get(), len, words_writable > 0),
            None => None,
        };
        Ok(Self {
            start,
            words: len / WORD,
            words_writable,
            has_file: file.is_some(),
            protected,
        })
    }

    /// The whole region, to load from.
    #[inline]
    pub(super) fn words(&self) -> &[AtomicU64] {
        // SAFETY: `start` points to a readable mapping of `words` words, page-aligned, that lives as long as `self`;
        // all access to it, by other processes too, is by whole aligned words, and relaxed loads of read-only memory
        // are allowed.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    /// The whole region to store into, or nothing of it when it is read-only.
    #[inline]
    pub(super) fn writable_words(&self) -> &[AtomicU64] {
        // SAFETY: as in `words`, with `words_writable <= words`; it is zero unless the mapping is writable.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.words_writable) }
    }

    pub(super) fn faults(&self) -> u32 {
        self.protected.map_or(0, fault::faults)
    }

    pub(super) fn sync(&self, offset: usize, len: usize) -> io::Result<()> {
        if !self.has_file || len == 0 {
            return Ok(());
        }
        let first = offset - offset % page_bytes();
        let start = self.start.as_ptr().wrapping_byte_add(first);
        // SAFETY: `Map::sync` has checked that `offset + len` is within this mapping, and rounding `offset` down to a
        // page keeps it there; msync changes no memory.
        let result = unsafe { libc::msync(start.cast(), offset + len - first, libc::MS_SYNC) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    pub(super) fn prefault(&self) -> io::Result<()> {
        let advice = if self.words_writable == 0 {
            libc::MADV_POPULATE_READ
        } else {
            libc::MADV_POPULATE_WRITE
        };
        match self.advise(advice) {
            // Before Linux 5.14 there is no such advice.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => self.touch(),
            result => return result,
        }
        Ok(())
    }

    pub(super) fn release_pages(&self) {
        // Of anonymous memory the advice would throw the contents away.
        if self.has_file {
            let _best_effort = self.advise(libc::MADV_DONTNEED);
        }
    }

    /// Gives advice for the whole region; callers pick advice that keeps what the region holds.
    fn advise(&self, advice: libc::c_int) -> io::Result<()> {
        // SAFETY: the range is exactly this value's mapping, and the advice keeps its contents: populating does always,
        // and DONTNEED does for a shared mapping of a file, for which alone `release_pages` asks.
        let result = unsafe { libc::madvise(self.start.as_ptr().cast(), self.words * WORD, advice) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Makes every page present by a store that changes nothing, even while others store.
    pub(super) fn touch(&self) {
        for word in self.words().iter().step_by(page_bytes() / WORD) {
            let seen = word.load(Ordering::Relaxed);
            if self.words_writable > 0 {
                // Whichever way it ends the page has been fetched for writing. Unlike `fetch_or(0)` a compiler cannot
                // turn it into a load.
                let _unchanged = word.compare_exchange(seen, seen, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.protected.into_iter().for_each(fault::forget);
        // SAFETY: the mapping is this value's own, and `&mut self` proves that no reference into it is left.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.words * WORD) };
    }
}

pub(super) fn page_bytes() -> usize {
    static PAGE_BYTES: OnceLock<usize> = OnceLock::new();
    *PAGE_BYTES.get_or_init(|| {
        // SAFETY: sysconf only reads a constant of the system.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(bytes).unwrap_or(4096)
    })
}

/// Stores zeros into `words` without fetching them first: that would cost most of the time where another processor has
/// read them last.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) fn clear(words: &[AtomicU64]) {
    for word in words {
        // SAFETY: an aligned store of eight bytes into a live atomic, which no other access to it can tear; that it is
        // weakly ordered ends at the fence below.
        unsafe {
            std::arch::asm!(
                "movnti [{word}], {zero}",
                word = in(reg) word.as_ptr(),
                zero = in(reg) 0_u64,
                options(nostack, preserves_flags)
            );
        }
    }
    // SAFETY: a fence touches no memory. Every store after it is seen after those above.
    unsafe { std::arch::asm!("sfence", options(nostack, preserves_flags)) };
}
