//! What a run keeps beside the number, so that the next run can finish what it was at when it was killed.
//!
//! A mapped file `.NAME.hydra` beside the number's file NAME, little endian, locked by its owner while it lives:
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0 | 8 | magic, with the version |
//! | 8 | 16 | device and inode of the number's file |
//! | 24 | 8 | the number, a moment after it stands in its own file |
//! | 32 | 8 | lines dealt with: logged, or known to have been logged by the run before |
//! | 40 | 8 | 1 while the first lines are still being compared with those of the run before |
//! | 48 | 8 | how many lines of the run before are kept at the end of this file |
//! | 56 | 8 | length of the path of the run's journal; 0: in memory |
//! | 64 | 4032 | that path |
//! | 4096 | 24 each | ring by line number: the line's hash (16), the journal position behind its record (8) |
//! | | 16 each | hashes of the lines the run before had logged and not counted |
//!
//! A line's hash is stored before it is logged, the position and the count after; so at any moment at most one record,
//! the last in the journal, is not accounted for here, and [`hydra_journal::records_from`] tells whether it is there.

use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use hydra_os::disk::{self, File, FileId, Mode};
use hydra_os::map::Map;

/// Tells a line from others.
pub(crate) type Hash = u128;

/// Lines that may be logged and not yet counted.
pub(crate) const UNCOUNTED_MAX: u64 = RING - 2;
const RING: u64 = 8192;

const MAGIC: u64 = u64::from_le_bytes(*b"hydrpip1");
const AT_FILE: usize = 8;
const AT_COUNTED: usize = 24;
const AT_DONE: usize = 32;
const AT_COMPARING: usize = 40;
const AT_KEPT: usize = 48;
const AT_JOURNAL: usize = 56;
const PATH_BYTES_MAX: usize = 4096 - AT_JOURNAL - 8;
const AT_RING: usize = 4096;
const SLOT_BYTES: usize = 24;
const HASH_BYTES: usize = 16;
const AT_HASHES: usize = AT_RING + RING as usize * SLOT_BYTES;

const _: () = assert!(AT_JOURNAL + 8 + PATH_BYTES_MAX == AT_RING && RING.is_power_of_two());

/// The file of one run, mapped.
#[derive(Debug)]
pub(crate) struct State {
    map: Map,
    path: PathBuf,
    /// Keeps the lock.
    _file: File,
}

impl State {
    /// Makes the file of a run that begins by comparing its lines with `kept`, as `path`; locked.
    pub(crate) fn create(path: PathBuf, number: FileId, kept: &[Hash]) -> io::Result<State> {
        if disk::id_of(&path)?.is_some() {
            disk::remove_file(&path)?;
        }
        let file = File::open(&path, Mode::CreateReadWrite)?;
        let len = AT_HASHES + kept.len() * HASH_BYTES;
        file.preallocate(len as u64)?;
        if !file.try_lock()? {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let map = Map::file(&file, len)?;
        // Whoever cannot have the pages now gets them when they are stored to.
        let _ = map.prefault();
        for (at, hash) in (AT_HASHES..).step_by(HASH_BYTES).zip(kept) {
            map.copy_in(at, &hash.to_le_bytes());
        }
        map.store(AT_KEPT, kept.len() as u64, Ordering::Relaxed);
        map.store(AT_COMPARING, 1, Ordering::Relaxed);
        let state = State { map, path, _file: file };
        state.set_file(number);
        state.map.store(0, MAGIC, Ordering::Release);
        Ok(state)
    }

    /// Opens the file of an earlier run, locked; `None` if there is none or it is not one of ours.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] while the run lives.
    pub(crate) fn open(path: &Path) -> io::Result<Option<State>> {
        let file = match File::open(path, Mode::ReadWrite) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if !file.try_lock()? {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let len = file.len()? as usize / 8 * 8;
        if len < AT_HASHES {
            return Ok(None);
        }
        let map = Map::file(&file, len)?;
        let state = State {
            map,
            path: path.to_owned(),
            _file: file,
        };
        let kept_end = AT_HASHES as u64 + state.load(AT_KEPT).saturating_mul(HASH_BYTES as u64);
        let is_ours = state.load(0) == MAGIC && kept_end <= len as u64;
        Ok(is_ours.then_some(state))
    }

    /// Moves it to where the next run looks for it.
    pub(crate) fn rename(&mut self, path: &Path) -> io::Result<()> {
        disk::rename(&self.path, path)?;
        path.clone_into(&mut self.path);
        Ok(())
    }

    /// Removes it: nothing is left to finish.
    pub(crate) fn remove(&self) -> io::Result<()> {
        disk::remove_file(&self.path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> FileId {
        FileId {
            dev: self.load(AT_FILE),
            ino: self.load(AT_FILE + 8),
        }
    }

    pub(crate) fn set_file(&self, number: FileId) {
        self.map.store(AT_FILE, number.dev, Ordering::Relaxed);
        self.map.store(AT_FILE + 8, number.ino, Ordering::Release);
    }

    pub(crate) fn counted(&self) -> u64 {
        self.load(AT_COUNTED)
    }

    #[inline]
    pub(crate) fn set_counted(&self, count: u64) {
        self.map.store(AT_COUNTED, count, Ordering::Release);
    }

    pub(crate) fn done(&self) -> u64 {
        self.load(AT_DONE)
    }

    pub(crate) fn is_comparing(&self) -> bool {
        self.load(AT_COMPARING) == 1
    }

    pub(crate) fn end_comparing(&self) {
        self.map.store(AT_COMPARING, 0, Ordering::Release);
    }

    pub(crate) fn kept(&self) -> Vec<Hash> {
        let count = self.load(AT_KEPT) as usize;
        (AT_HASHES..)
            .step_by(HASH_BYTES)
            .take(count)
            .map(|at| self.hash_at(at))
            .collect()
    }

    pub(crate) fn journal(&self) -> Option<PathBuf> {
        let len = (self.load(AT_JOURNAL) as usize).min(PATH_BYTES_MAX);
        let mut bytes = vec![0; len];
        self.map.copy_out(AT_JOURNAL + 8, &mut bytes);
        (len > 0).then(|| std::ffi::OsString::from_vec(bytes).into())
    }

    /// Keeps where the run's journal is. A path too long is left out: then nothing can be looked up in it.
    pub(crate) fn set_journal(&self, dir: &Path) {
        let bytes = dir.as_os_str().as_bytes();
        if bytes.len() <= PATH_BYTES_MAX {
            self.map.copy_in(AT_JOURNAL + 8, bytes);
            self.map.store(AT_JOURNAL, bytes.len() as u64, Ordering::Release);
        }
    }

    /// Keeps the hash of a line that is about to be logged.
    #[inline]
    pub(crate) fn begin_line(&self, number: u64, hash: Hash) {
        let at = slot(number);
        self.map.store(at, hash as u64, Ordering::Relaxed);
        self.map.store(at + 8, (hash >> 64) as u64, Ordering::Release);
    }

    /// Keeps that a line has been dealt with, and the position behind its record or the last one before it.
    #[inline]
    pub(crate) fn end_line(&self, number: u64, position: u64) {
        self.map.store(slot(number) + 16, position, Ordering::Relaxed);
        self.map.store(AT_DONE, number, Ordering::Release);
    }

    pub(crate) fn line(&self, number: u64) -> (Hash, u64) {
        let at = slot(number);
        (self.hash_at(at), self.load(at + 16))
    }

    fn hash_at(&self, at: usize) -> Hash {
        u128::from(self.load(at)) | u128::from(self.load(at + 8)) << 64
    }

    fn load(&self, at: usize) -> u64 {
        self.map.load(at, Ordering::Acquire)
    }
}

#[inline]
fn slot(number: u64) -> usize {
    AT_RING + (number % RING) as usize * SLOT_BYTES
}
