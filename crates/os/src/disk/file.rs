//! Open files.

use std::fs::{OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::unsignalled::unsignalled;
use super::{FileId, Info, Mode, uninterrupted};

/// An open file.
///
/// The descriptor is closed, and a lock given up, when the value is dropped.
#[derive(Debug)]
pub struct File(std::fs::File);

#[expect(clippy::len_without_is_empty, reason = "asking costs a system call and may fail")]
impl File {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// What the system says; [`io::ErrorKind::AlreadyExists`] for [`Mode::CreateReadWrite`] on a file that exists.
    pub fn open(path: impl AsRef<Path>, mode: Mode) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        match mode {
            Mode::Read => options.read(true),
            Mode::ReadWrite => options.read(true).write(true),
            Mode::Append => options.append(true),
            Mode::CreateReadWrite => options.read(true).write(true).create_new(true),
            Mode::CreateAppend => options.append(true).create(true),
        };
        if matches!(mode, Mode::Append | Mode::CreateAppend) {
            // No effect on a plain file. A named pipe without a reader would else hold the caller in `open` for ever,
            // and a terminal would become the one that controls this process.
            options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        }
        let file = options.open(path)?;
        // `try_clone` duplicates to the lowest free descriptor from 3 on.
        if file.as_raw_fd() <= libc::STDERR_FILENO {
            Ok(Self(file.try_clone()?))
        } else {
            Ok(Self(file))
        }
    }

    /// Returns the file's length in bytes.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn len(&self) -> io::Result<u64> {
        self.info().map(|info| info.len)
    }

    /// Returns what the file is.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn id(&self) -> io::Result<FileId> {
        self.info().map(|info| info.id)
    }

    /// Returns how many names the file has; zero once the last one was removed.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn links(&self) -> io::Result<u64> {
        self.info().map(|info| info.links)
    }

    /// Returns all of the above by one system call.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn info(&self) -> io::Result<Info> {
        self.0.metadata().map(|metadata| Info::of(&metadata))
    }

    /// Reads from byte `offset` on into `buffer`, and returns how many bytes there were: fewer than the buffer holds
    /// only at the end of the file.
    ///
    /// # Errors
    ///
    /// What the system says; some bytes may have been read then.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match uninterrupted(|| self.0.read_at(rest, offset.saturating_add(done as u64)))? {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }

    /// Writes all of `bytes` from byte `offset` on.
    ///
    /// # Errors
    ///
    /// What the system says; some of the bytes may have been written then. On a file open to append the offset would be
    /// ignored: do not.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let write = || unsignalled(|| self.0.write_at(rest, offset.saturating_add(done as u64)));
            match uninterrupted(write)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => done += count,
            }
        }
        Ok(())
    }

    /// Hands `bytes` to the system by one write call, and returns how many of them it took.
    ///
    /// On a file open to append they stand at the end, in one piece, whoever else is writing.
    ///
    /// # Errors
    ///
    /// What the system says; nothing was written then.
    pub fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| unsignalled(|| (&self.0).write(bytes)))
    }

    /// Cuts the file to, or extends it by a hole to, `len` bytes.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn truncate(&self, len: u64) -> io::Result<()> {
        unsignalled(|| self.0.set_len(len))
    }

    /// Sets who may do what with the file: the low twelve bits of its mode.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.0.set_permissions(Permissions::from_mode(mode))
    }

    /// Waits until what was written, and the length, are on the device (`fdatasync`).
    ///
    /// # Errors
    ///
    /// What the system says. It says so once: a success after a failure proves nothing about what was written before.
    pub fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    /// Waits until the names within the directory that this file is are on the device, as [`super::sync_dir`] does; it
    /// needs no other descriptor.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn sync_names(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    /// Waits until everything written to the file's file system, by anyone, is on the device (`syncfs`).
    ///
    /// # Errors
    ///
    /// What the system says; kernels before 5.8 do not tell of data that could not be written.
    pub fn sync_file_system(&self) -> io::Result<()> {
        // SAFETY: no memory is passed; the descriptor is open for as long as `self` is borrowed.
        if unsafe { libc::syncfs(self.as_raw_fd()) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Takes the exclusive lock of the file unless someone has it; `true` when it is ours now.
    ///
    /// The lock belongs to this opening of the file (`flock`): another `File` on the same file is someone else, in this
    /// process too. The kernel gives it up when the process dies, however it dies.
    ///
    /// # Errors
    ///
    /// What the system says, such as [`io::ErrorKind::Unsupported`] on file systems without locks.
    pub fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// As [`File::try_lock`], but waits for the lock, without bound, however many signals come meanwhile.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn lock(&self) -> io::Result<()> {
        loop {
            match self.0.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Gives the lock up.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> Self {
        Self(file)
    }
}
