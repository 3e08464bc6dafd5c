//! Files and directories.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// An open file.
#[derive(Debug)]
pub struct File(std::fs::File);

#[expect(clippy::len_without_is_empty, reason = "asking costs a system call and may fail")]
impl File {
    /// Returns the file's length in bytes.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    /// Lends the standard library's view of the file.
    #[must_use]
    pub fn as_std(&self) -> &std::fs::File {
        &self.0
    }
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> Self {
        Self(file)
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
