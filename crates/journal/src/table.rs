//! The bytes of the cursors' file: in memory, and written through to a file that may have to be another one tomorrow.
//!
//! The copy in memory is what is read, so that it does not matter what becomes of the file: if that has been removed or
//! cut short, a new one is made of the copy. A few kilobytes; who writes is a head, once a batch.

use std::io;

use hydra_os::atomic::{Arc, Mutex, MutexGuard, Ordering};

use crate::audit::Trouble;
use crate::segment::Mapping;

/// Bytes in memory, and in a file if there is one.
#[derive(Debug)]
pub(crate) struct Table {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    bytes: Vec<u8>,
    file: Option<Arc<Mapping>>,
}

impl From<Mapping> for Arc<Table> {
    /// Reads everything. Without a file behind it, the mapping is not written to.
    fn from(mapping: Mapping) -> Arc<Table> {
        let mut bytes = vec![0; mapping.map.len()];
        mapping.map.copy_out(0, &mut bytes);
        let file = Some(Arc::new(mapping)).filter(|mapping| mapping.file.is_some());
        Arc::new(Table {
            inner: Mutex::new(Inner { bytes, file }),
        })
    }
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.lock().bytes.len()
    }

    /// Returns the word at `at`; 0 behind the end.
    pub(crate) fn load(&self, at: usize) -> u64 {
        let inner = self.lock();
        let word = inner.bytes.get(at..).and_then(|rest| rest.first_chunk());
        word.map_or(0, |word| u64::from_le_bytes(*word))
    }

    /// Writes the word at `at`, after everything that was written before.
    pub(crate) fn store(&self, at: usize, word: u64) {
        let mut inner = self.lock();
        inner.put(at, &word.to_le_bytes());
        if let Some(file) = &inner.file {
            file.map.store(at, word, Ordering::Release);
        }
    }

    /// Writes `bytes`, a whole number of words or padded to one with zeros, from `at` on.
    pub(crate) fn copy_in(&self, at: usize, bytes: &[u8]) {
        let mut inner = self.lock();
        let end = at + bytes.len();
        inner.put(at, bytes);
        inner.put(end, [0; 7].get(..end.next_multiple_of(8) - end).unwrap_or_default());
        if let Some(file) = &inner.file {
            file.map.copy_in(at, bytes);
        }
    }

    pub(crate) fn copy_out(&self, at: usize, bytes: &mut [u8]) {
        let inner = self.lock();
        let found = inner.bytes.get(at..).and_then(|rest| rest.get(..bytes.len()));
        found.into_iter().for_each(|found| bytes.copy_from_slice(found));
    }

    /// Writes the file to the device.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let file = self.lock().file.clone();
        file.map_or(Ok(()), |file| file.map.sync(0, file.map.len()))
    }

    /// Says whether the file is not what it was any more.
    pub(crate) fn is_in_trouble(&self) -> bool {
        let file = self.lock().file.clone();
        file.is_some_and(|file| {
            Trouble::of_file(&file).is_some() || file.map.load(0, Ordering::Relaxed) != self.load(0)
        })
    }

    /// Goes on in another file, which `publish` puts in its place once everything is in it.
    pub(crate) fn move_to(&self, file: Mapping, publish: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut inner = self.lock();
        file.map.copy_in(0, &inner.bytes);
        publish()?;
        inner.file = Some(Arc::new(file));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        let place = self.bytes.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len()));
        place.into_iter().for_each(|place| place.copy_from_slice(bytes));
    }
}
