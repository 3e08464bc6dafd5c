//! Names on the simulated disk.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::disk::{Change, disk};
use super::world;
use crate::disk::{FileId, FileSystem, Info};

const EIO: i32 = 5;

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    world::io(20);
    let path = path.as_ref();
    let above: Vec<&Path> = path.ancestors().collect();
    for dir in above.into_iter().rev().filter(|dir| *dir != Path::new("/")) {
        let mut disk = disk();
        if !disk.names.contains_key(dir) {
            disk.make(dir, true);
        } else if !disk.is_dir(dir) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
    }
    Ok(())
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    world::io(21);
    fail_perhaps()?;
    let mut disk = disk();
    if !disk.names.contains_key(from.as_ref()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    disk.change(Change::Rename(from.as_ref().to_owned(), to.as_ref().to_owned()));
    Ok(())
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn rename_new(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    world::step();
    if disk().names.contains_key(to.as_ref()) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    world::io(22);
    fail_perhaps()?;
    let mut disk = disk();
    match (
        disk.names.contains_key(from.as_ref()),
        disk.names.contains_key(to.as_ref()),
    ) {
        (false, _) => Err(io::ErrorKind::NotFound.into()),
        (_, true) => Err(io::ErrorKind::AlreadyExists.into()),
        _ => {
            disk.change(Change::Rename(from.as_ref().to_owned(), to.as_ref().to_owned()));
            Ok(())
        }
    }
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    world::io(23);
    fail_perhaps()?;
    remove(path.as_ref(), false)
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    world::io(24);
    fail_perhaps()?;
    if !names_in(path.as_ref()).is_empty() {
        return Err(io::ErrorKind::DirectoryNotEmpty.into());
    }
    remove(path.as_ref(), true)
}

fn remove(path: &Path, dir: bool) -> io::Result<()> {
    let mut disk = disk();
    match disk.inode_at(path).map(|inode| inode.is_dir) {
        None => Err(io::ErrorKind::NotFound.into()),
        Some(is_dir) if is_dir != dir => Err(io::ErrorKind::IsADirectory.into()),
        Some(_) => {
            disk.change(Change::Unlink(path.to_owned()));
            Ok(())
        }
    }
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn list(dir: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
    world::io(25);
    let dir = dir.as_ref();
    if !disk().is_dir(dir) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(names_in(dir))
}

fn names_in(dir: &Path) -> Vec<OsString> {
    let disk = disk();
    let inside = disk.names.keys().filter(|path| path.parent() == Some(dir));
    inside.filter_map(|path| path.file_name().map(OsString::from)).collect()
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn info_of(path: impl AsRef<Path>) -> io::Result<Option<Info>> {
    world::step();
    let path = path.as_ref();
    let disk = disk();
    let Some(ino) = disk.names.get(path).copied() else {
        return Ok(None);
    };
    Ok(disk.inodes.get(&ino).map(|inode| Info {
        id: FileId { dev: 1, ino },
        len: inode.len as u64,
        links: disk.links(ino),
        is_regular: !inode.is_dir,
        mode: inode.mode,
        modified_ns: inode.modified_ns,
        born_ns: inode.born_ns,
    }))
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn id_of(path: impl AsRef<Path>) -> io::Result<Option<FileId>> {
    info_of(path).map(|info| info.map(|info| info.id))
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn len_of(path: impl AsRef<Path>) -> io::Result<Option<u64>> {
    info_of(path).map(|info| info.map(|info| info.len))
}

/// See the real one.
///
/// # Errors
/// As the real one.
pub fn sync_dir(dir: impl AsRef<Path>) -> io::Result<()> {
    world::io(26);
    world::told(|| format!("sync the directory {}", dir.as_ref().display()));
    if world::roll(|plan| plan.faults.sync_dir) {
        return Err(io::Error::from_raw_os_error(EIO));
    }
    let mut disk = disk();
    if !disk.is_dir(dir.as_ref()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    disk.sync_names();
    Ok(())
}

/// See the real one. Paths are absolute here, and there are no links.
///
/// # Errors
/// As the real one.
pub fn canonical(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    world::step();
    let path: PathBuf = path
        .as_ref()
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    match path.parent() {
        Some(dir) if disk().is_dir(dir) => Ok(path),
        Some(_) => Err(io::ErrorKind::NotFound.into()),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file")),
    }
}

/// The simulated disk is local.
///
/// # Errors
/// None.
pub fn file_system(_: impl AsRef<Path>) -> io::Result<FileSystem> {
    Ok(FileSystem::Local)
}

fn fail_perhaps() -> io::Result<()> {
    if world::roll(|plan| plan.faults.rename) {
        return Err(io::Error::from_raw_os_error(EIO));
    }
    Ok(())
}
