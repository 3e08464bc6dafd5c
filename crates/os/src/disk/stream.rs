//! Writing to what is no plain file: standard streams, pipes, terminals.

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use super::uninterrupted;
use super::unsignalled::unsignalled;

/// A standard stream of the process to write to.
///
/// Bytes go past the buffers and locks of the standard library, so that a thread that panics or hangs while it prints
/// holds nobody up.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stream {
    /// Standard output, descriptor 1.
    Output,
    /// Standard error, descriptor 2.
    Error,
}

impl Stream {
    /// Tells whether a person may be reading: whether the stream is a terminal.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.as_fd().is_terminal()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let raw = match self {
            Self::Output => libc::STDOUT_FILENO,
            Self::Error => libc::STDERR_FILENO,
        };
        // SAFETY: the number is not -1, and the standard streams belong to the whole process, which keeps them for its
        // life; should the host have closed one, calls on it answer EBADF and touch no memory.
        unsafe { BorrowedFd::borrow_raw(raw) }
    }
}

/// Hands `bytes` to the system by one write call, and returns how many of them it took.
///
/// # Errors
///
/// What the system says: [`io::ErrorKind::WouldBlock`] when the stream does not wait and is full,
/// [`io::ErrorKind::BrokenPipe`] when nobody reads any more. No signal tells the calling thread so.
pub fn write_once(to: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let write = || {
        // SAFETY: the slice is valid for reads of its length, and the descriptor is borrowed for the call.
        let count = unsafe { libc::write(to.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    };
    uninterrupted(|| unsignalled(write))
}

/// Waits until `to` takes bytes without waiting, for `wait_ms_max` milliseconds at most; `false` when it still does
/// not.
///
/// A stream whose reader is gone counts as ready: writing then tells. So does a plain file, always. A pipe that is
/// ready takes 4096 bytes at least. A signal may start the wait anew.
///
/// # Errors
///
/// What the system says.
pub fn wait_writable(to: BorrowedFd<'_>, wait_ms_max: u32) -> io::Result<bool> {
    let mut asked = libc::pollfd {
        fd: to.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    let timeout = i32::try_from(wait_ms_max).unwrap_or(i32::MAX);
    loop {
        // SAFETY: the pointer is to one live, writable pollfd, and 1 is how many there are.
        let ready = unsafe { libc::poll(&raw mut asked, 1, timeout) };
        if ready >= 0 {
            return Ok(ready > 0);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
