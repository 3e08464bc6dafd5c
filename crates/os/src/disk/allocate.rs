//! Which blocks of the device a file has.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use super::unsignalled::unsignalled;
use super::{File, Pieces, uninterrupted};

/// How many zeros are written at a time.
const ZEROS_BYTES: usize = 64 * 1024;
static ZEROS: [u8; ZEROS_BYTES] = [0; ZEROS_BYTES];

/// `FS_NOCOW_FL` of `linux/fs.h`: overwriting a block changes it in place.
const NO_COPY_ON_WRITE: libc::c_long = 0x0080_0000;

impl File {
    /// Makes sure that the first `len` bytes of the file have blocks on the device, and that the file is at least that
    /// long.
    ///
    /// A later store or write within them cannot fail for want of space, except on a file system that copies on write
    /// (see [`File::no_copy_on_write`]). New bytes are zero. Where the file system cannot allocate, zeros are written
    /// from the present end of the file on; holes before it stay.
    ///
    /// # Errors
    ///
    /// `EFBIG` ([`io::ErrorKind::FileTooLarge`]) when the process's limit on file length forbids it. Else what the
    /// system says, most likely [`io::ErrorKind::StorageFull`]; the file may be longer than before then, but holds
    /// nothing new.
    pub fn preallocate(&self, len: u64) -> io::Result<()> {
        let length = libc::off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
        if len > file_len_max() {
            return Err(io::Error::from_raw_os_error(libc::EFBIG));
        }
        if length == 0 {
            return Ok(());
        }
        match uninterrupted(|| unsignalled(|| self.fallocate(0, length))) {
            // A sandbox that does not know the call answers EPERM or ENOSYS.
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EPERM)
                ) =>
            {
                self.write_zeros(self.len()?, len)
            }
            other => other,
        }
    }

    /// Writes zeros over the first `len` bytes, so that they are in the page cache before somebody maps them.
    ///
    /// A map of them is touched several times faster then than by one page fault after the other. Best effort: where it
    /// fails, or the process may not write that far, the pages come as they are needed.
    pub fn warm_up(&self, len: u64, pieces: Pieces) {
        if len <= file_len_max() {
            let _best_effort = self.write_zeros_by(bytes_of(pieces), 0, len);
        }
    }

    /// Gives the blocks of the first `len` bytes back to the device; they read as zeros then, and the length stays.
    ///
    /// # Errors
    ///
    /// What the system says, such as [`io::ErrorKind::Unsupported`] where files cannot have holes.
    pub fn free_blocks(&self, len: u64) -> io::Result<()> {
        let length = libc::off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
        if length == 0 {
            return Ok(());
        }
        uninterrupted(|| self.fallocate(libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE, length))
    }

    /// Asks the file system to overwrite the file's blocks in place; `true` when it does so from now on.
    ///
    /// Works on an empty file only, and only where copying on write is the default (btrfs); elsewhere nothing happens
    /// and the answer is `false`.
    pub fn no_copy_on_write(&self) -> bool {
        let mut flags: libc::c_long = 0;
        // SAFETY: FS_IOC_GETFLAGS writes at most one long through the pointer, which is to a live, writable local.
        if unsafe { libc::ioctl(self.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut flags) } != 0 {
            return false;
        }
        flags |= NO_COPY_ON_WRITE;
        // SAFETY: FS_IOC_SETFLAGS reads at most one long through the pointer, which is to a live, initialised local.
        unsafe { libc::ioctl(self.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const flags) == 0 }
    }

    fn fallocate(&self, mode: libc::c_int, len: libc::off_t) -> io::Result<()> {
        // SAFETY: no memory is passed; the descriptor is open for as long as `self` is borrowed.
        if unsafe { libc::fallocate(self.as_raw_fd(), mode, 0, len) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    fn write_zeros(&self, start: u64, end: u64) -> io::Result<()> {
        self.write_zeros_by(ZEROS_BYTES, start, end)
    }

    fn write_zeros_by(&self, piece: usize, mut start: u64, end: u64) -> io::Result<()> {
        while start < end {
            let count = usize::try_from(end - start).map_or(piece, |missing| missing.min(piece));
            self.write_at(ZEROS.get(..count).unwrap_or(&ZEROS), start)?;
            start += count as u64;
        }
        Ok(())
    }
}

fn bytes_of(pieces: Pieces) -> usize {
    match pieces {
        Pieces::Large => ZEROS_BYTES,
        Pieces::Pages => 4 * 1024,
    }
}

/// Returns how long, in bytes, the system lets this process make a file (`RLIMIT_FSIZE`); [`u64::MAX`] when it sets no
/// limit.
///
/// The limit may change at any time. To run into it is an error of the call and no signal, see [`File`].
#[must_use]
pub fn file_len_max() -> u64 {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the pointer is to memory of the right size and alignment that lives through the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, limit.as_mut_ptr()) } != 0 {
        return u64::MAX;
    }
    // SAFETY: getrlimit has answered 0, so it has filled the structure.
    let limit = unsafe { limit.assume_init() };
    if limit.rlim_cur == libc::RLIM_INFINITY {
        u64::MAX
    } else {
        limit.rlim_cur
    }
}
