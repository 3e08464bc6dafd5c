//! Who owns a journal's directory.
//!
//! Under the configured directory each process has a subdirectory of its own, `j-PID-RANDOM`, which it holds locked
//! (`flock`) for as long as it lives: the kernel lets go of the lock when the process dies, however it dies. No lock is
//! ever broken on a timer. The lock is on the directory itself, which cannot be removed while there is anything in it,
//! and on a file `lock` in it, which names the owner; whoever wants to own needs both, so that neither a removed file
//! nor a process that knows of the file alone leads to two owners. Creating and adopting are serialised by a lock on
//! the configured directory, which is held for moments only.

use std::io;
use std::path::{Path, PathBuf};

use hydra_os::atomic::{Arc, Mutex};
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
    /// The last one is that of the directory; those before it are of directories that were moved away.
    held: Mutex<Vec<Held>>,
    /// See [`crate::fork`].
    forks: u32,
}

/// The locks of an owner.
#[derive(Debug)]
struct Held {
    dir: Arc<File>,
    file: File,
}

impl Home {
    /// Makes a new subdirectory of `root` (which is made if missing) and locks it.
    pub(crate) fn create(root: &Path) -> Result<Home, Error> {
        disk::create_dir_all(root).map_err(|error| Error::io("creating the journal directory", root, error))?;
        let _serial = serialise(root)?;
        let dir = root.join(format!("{PREFIX}{}-{:08x}", process::id(), random::u64() as u32));
        disk::create_dir_all(&dir).map_err(|error| Error::io("creating a journal", &dir, error))?;
        let held = Held::take(&dir)?.ok_or_else(|| taken(&dir))?;
        held.sign(&dir)?;
        let forks = fork::watch();
        let held = Mutex::new(vec![held]);
        Ok(Home { dir, held, forks })
    }

    /// Makes the directory and its lock anew if they have been removed or moved away. Returns whether the directory
    /// had.
    pub(crate) fn restore(&self) -> Result<bool, Error> {
        if self.is_foreign() {
            return Ok(false);
        }
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let wrap = |error| Error::io("looking after the journal's directory", &self.dir, error);
        let is_at = |file: &File, path: &Path| Ok(disk::id_of(path)? == Some(file.id()?));
        let lock = self.dir.join(LOCK);
        let root = self.dir.parent().unwrap_or(Path::new("."));
        let Some(last) = held.last_mut() else { return Ok(false) };
        if is_at(&last.dir, &self.dir).map_err(wrap)? {
            if !is_at(&last.file, &lock).map_err(wrap)? {
                let _serial = serialise(root)?;
                last.file = lock_file(&lock).map_err(wrap)?.ok_or_else(|| taken(&self.dir))?;
                last.sign(&self.dir)?;
            }
            return Ok(false);
        }
        disk::create_dir_all(root).map_err(wrap)?;
        let _serial = serialise(root)?;
        disk::create_dir_all(&self.dir).map_err(wrap)?;
        let fresh = Held::take(&self.dir)?.ok_or_else(|| taken(&self.dir))?;
        fresh.sign(&self.dir)?;
        // One that was moved away stays ours, so that nobody takes it for a dead one's; one that was removed is
        // nothing.
        held.retain(|former| former.dir.links().is_ok_and(|links| links > 0));
        held.push(fresh);
        Ok(true)
    }

    /// Waits until the names in the directory are on the device; needs no descriptor that is not open already.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        let dir = {
            let held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            held.last().map(|held| Arc::clone(&held.dir))
        };
        dir.map_or(Ok(()), |dir| dir.sync_names())
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
        let held = Held::take(&dir)?;
        let forks = fork::watch();
        let home = |held| Home {
            dir,
            held: Mutex::new(vec![held]),
            forks,
        };
        Ok(held.map(home))
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
            let held = self.held.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
            for held in held {
                let _ = held.file.unlock();
                let _ = held.dir.unlock();
            }
        }
    }
}

impl Held {
    /// Takes both locks of the journal in `dir`; `None` if somebody has one of them, or the directory has gone.
    fn take(dir: &Path) -> Result<Option<Held>, Error> {
        let wrap = |error| Error::io("locking a journal", dir, error);
        let lock_dir = match File::open(dir, Mode::Read) {
            // It was closed in good order meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(wrap)?,
        };
        if !lock_dir.try_lock().map_err(wrap)? {
            return Ok(None);
        }
        let file = lock_file(&dir.join(LOCK)).map_err(wrap)?;
        let dir = Arc::new(lock_dir);
        Ok(file.map(|file| Held { dir, file }))
    }

    /// Writes into the lock file whose it is.
    fn sign(&self, dir: &Path) -> Result<(), Error> {
        let signed = self.file.write_at(format!("{}\n", process::id()).as_bytes(), 0);
        signed.map_err(|error| Error::io("writing the owner into the journal's lock", dir, error))
    }
}

/// Opens or makes a lock file and takes the lock; `None` if somebody has it, or the directory has gone.
fn lock_file(path: &Path) -> io::Result<Option<File>> {
    let file = match File::open(path, Mode::ReadWrite) {
        // Its owner died before it had made the file, or somebody removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match File::open(path, Mode::CreateReadWrite) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        },
        other => other?,
    };
    // A lock on a file that was removed since we opened it is a lock on nothing.
    let is_ours = file.try_lock()? && disk::id_of(path)? == Some(file.id()?);
    Ok(Some(file).filter(|_| is_ours))
}

fn taken(dir: &Path) -> Error {
    Error::at(ErrorKind::Owned, "locking a journal that was just made", dir)
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

/// Waits until nobody else creates, adopts or removes a journal under `root`; lasts until the value is dropped.
pub(crate) fn serialise(root: &Path) -> Result<File, Error> {
    let wrap = |error| Error::io("locking the journal directory", root, error);
    let dir = File::open(root, Mode::Read).map_err(wrap)?;
    dir.lock().map_err(wrap)?;
    Ok(dir)
}
