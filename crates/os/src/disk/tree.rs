//! Names: directories, renaming, removing, and what stands behind a path.

use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{FileId, FileSystem, Info};

/// How many links are followed until one leads to something, as the kernel does.
const LINKS_MAX: usize = 40;

/// Makes the directory at `path` and those above it that are missing; nothing happens when it exists.
///
/// # Errors
///
/// What the system says; some of the directories may have been made then.
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Renames `from` to `to`; a file that has that name is replaced, and at every instant the name leads to one of the
/// two.
///
/// # Errors
///
/// What the system says; nothing has changed then.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    fs::rename(from, to)
}

/// Renames the file `from` to `to` unless something has that name.
///
/// Where the file system cannot do it in one step the file has both names for an instant. Where it does not know second
/// names either, the name is looked at first: who takes it in that instant loses it again.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] when the name is taken; else what the system says.
pub fn rename_new(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let old = c_path(from.as_ref())?;
    let new = c_path(to.as_ref())?;
    // SAFETY: both pointers are to NUL-terminated strings that live through the call.
    let answer = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            old.as_ptr(),
            libc::AT_FDCWD,
            new.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if answer == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // The file system, the kernel or a sandbox does not know the flag or the call.
        Some(libc::EINVAL | libc::ENOSYS | libc::EPERM) => match fs::hard_link(&from, &to) {
            Ok(()) => fs::remove_file(from),
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EPERM | libc::ENOSYS | libc::EOPNOTSUPP)
                ) =>
            {
                rename_if_free(from.as_ref(), to.as_ref())
            }
            other => other,
        },
        _ => Err(error),
    }
}

/// The last way: in two steps.
pub(super) fn rename_if_free(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

/// Removes the name `path` of a file; its bytes go when nobody has it open any more.
///
/// # Errors
///
/// What the system says.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes the empty directory at `path`.
///
/// # Errors
///
/// What the system says.
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    fs::remove_dir(path)
}

/// Returns the names within the directory `dir`, in no order.
///
/// # Errors
///
/// What the system says.
pub fn list(dir: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
    fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect()
}

/// Returns what the system says about the file at `path`, links followed; `None` when there is none.
///
/// # Errors
///
/// What the system says, except that the path leads nowhere.
pub fn info_of(path: impl AsRef<Path>) -> io::Result<Option<Info>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(Info::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns what the file at `path` is, links followed; `None` when there is none.
///
/// # Errors
///
/// What the system says, except that the path leads nowhere.
pub fn id_of(path: impl AsRef<Path>) -> io::Result<Option<FileId>> {
    info_of(path).map(|info| info.map(|info| info.id))
}

/// Returns the length in bytes of the file at `path`, links followed; `None` when there is none.
///
/// # Errors
///
/// What the system says, except that the path leads nowhere.
pub fn len_of(path: impl AsRef<Path>) -> io::Result<Option<u64>> {
    info_of(path).map(|info| info.map(|info| info.len))
}

/// Waits until the names within `dir` are on the device: a file that was made, renamed or removed there stays so.
///
/// # Errors
///
/// What the system says.
pub fn sync_dir(dir: impl AsRef<Path>) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// Returns the one absolute path, without links, dots and doubled slashes, that `path` stands for.
///
/// The file itself need not exist, not even where a link leads to; the directory it is in must.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] when the path ends in no file name (such as `/` or `..`); else what the system says.
pub fn canonical(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let mut path = path.as_ref().to_owned();
    for _ in 0..LINKS_MAX {
        match path.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
        let dir = path
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."))
            .canonicalize()?;
        match fs::read_link(&path) {
            Ok(target) => path = dir.join(target),
            // Nothing is there, or something is by now that is no link.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINVAL)) => {
                return Ok(dir.join(name));
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}

/// Returns the kind of file system that `path`, which must exist, is on.
///
/// # Errors
///
/// What the system says.
pub fn file_system(path: impl AsRef<Path>) -> io::Result<FileSystem> {
    let path = c_path(path.as_ref())?;
    let mut answer = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the first pointer is to a NUL-terminated string, the second to memory of the right size and alignment.
    if unsafe { libc::statfs(path.as_ptr(), answer.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: statfs has answered 0, so it has filled the structure.
    let answer = unsafe { answer.assume_init() };
    Ok(kind_of(answer.f_type.cast_unsigned() & 0xFFFF_FFFF))
}

/// Sorts the numbers of `linux/magic.h` and of the file systems' own headers.
fn kind_of(magic: u64) -> FileSystem {
    match magic {
        // ext2 to ext4, XFS, btrfs, F2FS, JFS, ReiserFS, bcachefs, ZFS, NTFS3, exFAT, FAT, NILFS.
        0xEF53 | 0x5846_5342 | 0x9123_683E | 0xF2F5_2010 | 0x3153_464A | 0x5265_4973 | 0xCA45_1A4E | 0x2FC1_2FC1
        | 0x7366_746E | 0x2011_BAB0 | 0x4D44 | 0x3434 => FileSystem::Local,
        // tmpfs, ramfs, hugetlbfs.
        0x0102_1994 | 0x8584_58F6 | 0x9584_58F6 => FileSystem::Memory,
        // NFS, SMB, CIFS, SMB2, AFS (two), Coda, Ceph, 9P, GFS2, OCFS2, Lustre, NCP.
        0x6969 | 0x517B | 0xFF53_4D42 | 0xFE53_4D42 | 0x5346_414F | 0x6B41_4653 | 0x7375_7245 | 0x00C3_6400
        | 0x0102_1997 | 0x0116_1970 | 0x7461_636F | 0x0BD0_0BD0 | 0x564C => FileSystem::Network,
        _ => FileSystem::Other,
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}
