//! Files and directories.
//!
//! [`File`] is an owned descriptor with exactly the operations the other rooms need; the functions of this module work
//! on paths. All of them do one thing, once, and report what the system said: deciding what to do about a failure is
//! left to the caller. A call that a signal interrupts before it did anything is made again, a thousand times at most;
//! one that would raise a signal itself, at a limit or a closed pipe, is an error and nothing else.
//!
//! Every descriptor is close-on-exec and above 2, so that a stray print of a program that was started with its standard
//! streams closed can never land in one of our files.

#[cfg(not(sim))]
mod allocate;
#[cfg(not(sim))]
mod attribute;
#[cfg(not(sim))]
mod file;
mod stream;
#[cfg(not(sim))]
#[cfg(test)]
mod tests;
#[cfg(not(sim))]
mod tree;
mod unsignalled;

#[cfg(not(sim))]
use std::fs::Metadata;
use std::io;
#[cfg(not(sim))]
use std::os::unix::fs::MetadataExt as _;
#[cfg(not(sim))]
use std::time::UNIX_EPOCH;

#[cfg(not(sim))]
pub use self::allocate::file_len_max;
#[cfg(not(sim))]
pub use self::file::File;
pub use self::names::{
    canonical, create_dir_all, file_system, id_of, info_of, len_of, list, remove_dir, remove_file, rename, rename_new,
    sync_dir,
};
pub use self::stream::{Stream, wait_writable, write_once};
#[cfg(not(sim))]
use self::tree as names;
#[cfg(sim)]
pub use crate::sim::file::{File, file_len_max};
#[cfg(sim)]
use crate::sim::tree as names;

/// How often in a row a call is made again that a signal has interrupted before it did anything.
const INTERRUPTIONS_MAX: u32 = 1_000;

/// Makes a call, again where a signal has interrupted it. A call that is interrupted every time fails in the end: else
/// nobody would ever learn why its thread does nothing else.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..INTERRUPTIONS_MAX {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
    call()
}

/// The pieces in which the page cache holds a file, where it can choose: it keeps what comes in one write in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// Sixteen pages: one page fault instead of sixteen.
    Large,
    /// A page. A sync writes the whole of a piece for any byte in it, and makes it read-only: whoever stores into the
    /// page behind what was synced pays for that if it is in the same piece.
    Pages,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// To read only; the file must exist.
    Read,
    /// To read and to write; the file must exist.
    ReadWrite,
    /// To write at the end only; the file must exist. A named pipe nobody reads is an error (`ENXIO`) instead of a
    /// wait.
    Append,
    /// To read and to write; the file must not exist and is made.
    CreateReadWrite,
    /// As [`Mode::Append`], and the file is made when it does not exist.
    CreateAppend,
}

/// What a file is, as opposed to what it is called: equal for two names or descriptors of one file.
///
/// A number is used again once a file is gone; [`Info::born_ns`] tells the two apart where the file system knows it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct FileId {
    /// The number of the device.
    pub dev: u64,
    /// The number of the inode on it.
    pub ino: u64,
}

/// What the system says about a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Info {
    /// What the file is.
    pub id: FileId,
    /// Its length in bytes.
    pub len: u64,
    /// How many names it has; zero once the last one is removed.
    pub links: u64,
    /// Whether it is a plain file, and no pipe, device, socket or directory.
    pub is_regular: bool,
    /// Who may do what with it: the low twelve bits of its mode.
    pub mode: u32,
    /// When it was last written to, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// When it was made, in nanoseconds since 1970; zero where the file system does not tell.
    pub born_ns: i64,
}

#[cfg(not(sim))]
impl Info {
    fn of(metadata: &Metadata) -> Self {
        let born = metadata
            .created()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            id: FileId {
                dev: metadata.dev(),
                ino: metadata.ino(),
            },
            len: metadata.len(),
            links: metadata.nlink(),
            is_regular: metadata.is_file(),
            mode: metadata.mode() & 0o7777,
            modified_ns: metadata
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(metadata.mtime_nsec()),
            born_ns: born.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0),
        }
    }
}

/// What a file system can be trusted with.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FileSystem {
    /// On a device of this machine: what is synced survives a loss of power.
    Local,
    /// In memory (tmpfs, ramfs): nothing survives a loss of power.
    Memory,
    /// On another machine: a file may fail, vanish or be changed at any time, and mapping one is not safe.
    Network,
    /// Known to be neither (FUSE, overlays): whatever is behind it decides.
    Other,
}
