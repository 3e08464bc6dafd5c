//! Who owns a journal's directory.
//!
//! Under the configured directory each process has a subdirectory of its own, `j-PID-RANDOM`, and in it a file `lock`
//! that it holds locked (`flock`) for as long as it lives: the kernel lets go of the lock when the process dies,
//! however it dies. No lock is ever broken on a timer. Creating and adopting are serialised by the file `lock` of the
//! directory itself, which is held for moments only.

use std::path::{Path, PathBuf};

use hydra_os::disk::{self, File, Mode};
use hydra_os::{process, random};

use crate::error::{Error, ErrorKind};
use crate::fork;

pub(crate) const LOCK: &str = "lock";
pub(crate) const CURSORS: &str = "cursors";
pub(crate) const SEGMENT_SUFFIX: &str = ".seg";
const PREFIX: &str = "j-";

/// A journal's subdirectory that this process owns.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    lock: File,
    /// See [`crate::fork`].
    forks: u32,
}

impl Home {
    /// Makes a new subdirectory of `root` (which is made if missing) and locks it.
    pub(crate) fn create(root: &Path) -> Result<Home, Error> {
        disk::create_dir_all(root).map_err(|error| Error::io("creating the journal directory", root, error))?;
        let _serial = serialise(root)?;
        let dir = root.join(format!("{PREFIX}{}-{:08x}", process::id(), random::u64() as u32));
        disk::create_dir_all(&dir).map_err(|error| Error::io("creating a journal", &dir, error))?;
        let path = dir.join(LOCK);
        let wrap = |error| Error::io("locking the journal", &path, error);
        let lock = File::open(&path, Mode::CreateReadWrite).map_err(wrap)?;
        if !lock.try_lock().map_err(wrap)? {
            return Err(Error::at(
                ErrorKind::Owned,
                "locking a journal that was just created",
                &path,
            ));
        }
        lock.write_at(format!("{}\n", process::id()).as_bytes(), 0)
            .map_err(wrap)?;
        let forks = fork::watch();
        Ok(Home { dir, lock, forks })
    }

    /// Takes over the subdirectories of `root` whose owners are dead. One that cannot be looked at does not stop the
    /// others.
    pub(crate) fn adopt(root: &Path) -> Result<Vec<Result<Home, Error>>, Error> {
        if disk::info_of(root)
            .map_err(|error| Error::io("looking for journals", root, error))?
            .is_none()
        {
            return Ok(Vec::new());
        }
        let _serial = serialise(root)?;
        let homes = subdirectories(root)?;
        Ok(homes
            .into_iter()
            .filter_map(|dir| Home::adopt_one(dir).transpose())
            .collect())
    }

    fn adopt_one(dir: PathBuf) -> Result<Option<Home>, Error> {
        let path = dir.join(LOCK);
        let wrap = |error| Error::io("locking a dead process's journal", &path, error);
        let lock = match File::open(&path, Mode::ReadWrite) {
            // The owner died before it had made the file, or somebody removed it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                match File::open(&path, Mode::CreateReadWrite) {
                    // The directory itself has gone: it was closed in good order meanwhile.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    other => other.map_err(wrap)?,
                }
            }
            other => other.map_err(wrap)?,
        };
        let is_free = lock.try_lock().map_err(wrap)?;
        // A lock on a file that was removed since we opened it is a lock on nothing.
        if !is_free || disk::id_of(&path).map_err(wrap)? != Some(lock.id().map_err(wrap)?) {
            return Ok(None);
        }
        let forks = fork::watch();
        Ok(Some(Home { dir, lock, forks }))
    }

    /// Removes the subdirectory and everything in it.
    ///
    /// The cursors go after all segments, so that a death in between leaves nothing that looks undelivered; and nobody
    /// can adopt what is half gone, for adopting is serialised with it.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        if self.is_foreign() {
            return Ok(());
        }
        let wrap = |error| Error::io("removing a finished journal", &self.dir, error);
        let _serial = self.dir.parent().map(serialise).transpose()?;
        for name in disk::list(&self.dir).map_err(wrap)? {
            if name != LOCK && name != CURSORS {
                disk::remove_file(self.dir.join(name)).map_err(wrap)?;
            }
        }
        for name in [CURSORS, LOCK] {
            let path = self.dir.join(name);
            if disk::info_of(&path).map_err(wrap)?.is_some() {
                disk::remove_file(path).map_err(wrap)?;
            }
        }
        disk::remove_dir(&self.dir).map_err(wrap)
    }

    fn is_foreign(&self) -> bool {
        self.forks != fork::generation()
    }

    /// Returns the process id the lock file names.
    pub(crate) fn owner(dir: &Path) -> Option<u32> {
        let mut text = [0; 16];
        let len = File::open(dir.join(LOCK), Mode::Read)
            .ok()?
            .read_at(&mut text, 0)
            .ok()?;
        std::str::from_utf8(text.get(..len)?).ok()?.trim().parse().ok()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Closing would do, unless a forked child still holds the descriptor. A child must not: the lock is its
        // parent's.
        if !self.is_foreign() {
            let _ = self.lock.unlock();
        }
    }
}

/// Returns the journals' subdirectories of `root`.
pub(crate) fn subdirectories(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let names = disk::list(root).map_err(|error| Error::io("looking for journals", root, error))?;
    let mut dirs: Vec<_> = names
        .into_iter()
        .filter(|name| name.to_str().is_some_and(|name| name.starts_with(PREFIX)))
        .map(|name| root.join(name))
        .collect();
    dirs.sort();
    Ok(dirs)
}

fn serialise(root: &Path) -> Result<File, Error> {
    let path = root.join(LOCK);
    let wrap = |error| Error::io("opening the lock of the journal directory", &path, error);
    let file = match File::open(&path, Mode::CreateReadWrite) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            File::open(&path, Mode::ReadWrite).map_err(wrap)?
        }
        other => other.map_err(wrap)?,
    };
    file.lock().map_err(wrap)?;
    Ok(file)
}
