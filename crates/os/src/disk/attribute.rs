//! Small notes that stand at a file and not in it, and go with it wherever it is renamed to.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsRawFd;

use super::{File, uninterrupted};

impl File {
    /// Puts the attribute `name` (such as `user.owner`) of the file to `value`: in one piece, so that a process that
    /// is killed in the middle leaves the old value or the new one.
    ///
    /// # Errors
    ///
    /// What the system says: [`io::ErrorKind::Unsupported`] where files have no attributes,
    /// [`io::ErrorKind::PermissionDenied`] for a file that may only be added to.
    pub fn set_attribute(&self, name: &CStr, value: &[u8]) -> io::Result<()> {
        uninterrupted(|| {
            // SAFETY: the name ends with a zero and the value is as long as is said; both live through the call, which
            // only reads them.
            let done =
                unsafe { libc::fsetxattr(self.as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
            if done == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        })
    }

    /// Reads the attribute `name` of the file, and returns how long it is; zero when the file has none.
    ///
    /// # Errors
    ///
    /// What the system says: `ERANGE` when the attribute is longer than `value`, [`io::ErrorKind::Unsupported`] where
    /// files have no attributes.
    pub fn attribute(&self, name: &CStr, value: &mut [u8]) -> io::Result<usize> {
        let asked = uninterrupted(|| {
            // SAFETY: the name ends with a zero; the call writes no more than the length of `value` to it, which we
            // hold exclusively through the call.
            let len =
                unsafe { libc::fgetxattr(self.as_raw_fd(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
            usize::try_from(len).map_err(|_| io::Error::last_os_error())
        });
        match asked {
            Err(error) if error.raw_os_error() == Some(libc::ENODATA) => Ok(0),
            other => other,
        }
    }
}
