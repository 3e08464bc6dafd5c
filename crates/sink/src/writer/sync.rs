//! Syncing, and what a failed sync comes to.
//!
//! The system reports that bytes did not reach the device once, and forgets it: after a failed sync of a file no later
//! success proves anything about it. So the file is put aside and never written to again, and everyone who writes to it
//! is told, once, to write again what was written since the last sync that succeeded. Those records then stand twice:
//! in the file put aside (or in one that was rotated away before the sync), and in its successor.

use std::io;

use hydra_os::disk::{self, File, Mode};

use super::{Open, Writer};
use crate::error::{Error, ErrorKind, kind_of};
use crate::mark::Identity;
use crate::names;

/// How many files that were rotated away are kept open for the next sync; were there more, it syncs the file system.
pub(super) const UNSYNCED_FILES_MAX: usize = 4;

impl Writer {
    /// Closes the file, but keeps it for the next sync.
    pub(super) fn set_aside(&mut self) {
        self.unlock();
        if let Some(open) = self.open.take() {
            self.keep_for_sync(open.file);
        }
    }

    pub(crate) fn keep_for_sync(&mut self, file: File) {
        self.unsynced.push_back(file);
        if self.unsynced.len() > UNSYNCED_FILES_MAX {
            self.unsynced.pop_front();
            self.more_unsynced = true;
        }
    }

    /// A process that has died wrote to the file, and may have rotated it since it was synced.
    pub(crate) fn expect_heritage(&mut self) {
        self.heritage_unsynced = true;
    }

    /// See [`crate::Sink::sync`]. `told` is how many failures the caller knows of.
    pub(crate) fn sync(&mut self, told: &mut u64) -> Result<(), Error> {
        self.notice_fork();
        self.tell(told)?;
        if self.is_open_poisoned() && !self.put_aside_now() {
            let note = "it has failed before and is about to be put aside";
            return Err(Error::without_source(ErrorKind::Busy, "sync", &self.path, note));
        }
        if let Err((identity, error)) = self.sync_files() {
            if self.heritage_unsynced {
                // No sync has failed: there were no means to try one.
                return Err(Error::new("sync what a dead process wrote to", &self.path, error));
            }
            self.metrics.syncs_failed.count();
            self.failed_syncs += 1;
            *told = self.failed_syncs;
            let last = self.open.as_ref().map(|open| open.identity);
            self.poisoned = last.or(identity);
            // All that is not synced yet is written again.
            self.unsynced.clear();
            self.more_unsynced = false;
            self.put_aside_now();
            return Err(Error::new("sync", &self.path, error).untrusted());
        }
        if self.names_unsynced {
            disk::sync_dir(names::dir(&self.path)).map_err(|error| {
                self.metrics.syncs_failed.count();
                Error::new("sync the directory of", &self.path, error)
            })?;
            self.names_unsynced = false;
        }
        Ok(())
    }

    /// Tells a user of the file, once, that a sync another one asked for has failed: before that user writes anything
    /// to the successor, so that nothing comes to stand there twice.
    pub(crate) fn tell(&self, told: &mut u64) -> Result<(), Error> {
        if std::mem::replace(told, self.failed_syncs) == self.failed_syncs {
            return Ok(());
        }
        let note = "a sync of it that another destination asked for has failed";
        Err(Error::without_source(ErrorKind::Untrusted, "sync", &self.path, note))
    }

    /// Syncs everything written since the last time; on failure says which file it was, as far as known.
    fn sync_files(&mut self) -> Result<(), (Option<Identity>, io::Error)> {
        if self.heritage_unsynced {
            let synced = self.sync_heritage();
            // Once: if it fails, what the dead process had written is written again.
            self.heritage_unsynced = synced.as_ref().is_err_and(is_shortage);
            synced.map_err(|error| (None, error))?;
        }
        if self.more_unsynced
            && let Some(file) = self.unsynced.front()
        {
            file.sync_file_system().map_err(|error| (None, error))?;
            self.more_unsynced = false;
        }
        while let Some(file) = self.unsynced.pop_front() {
            let identity = file.info().ok().map(|info| Identity::of(&info));
            file.sync_data().map_err(|error| (identity, error))?;
        }
        match self.open.as_ref().filter(|open| open.is_regular) {
            Some(open) => open.file.sync_data().map_err(|error| (None, error)),
            None => Ok(()),
        }
    }

    /// Syncs the file and those that were rotated away from it, whoever wrote to them.
    fn sync_heritage(&self) -> io::Result<()> {
        let own = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let siblings = disk::list(names::dir(&self.path))?;
        for name in siblings.iter().filter(|name| name.as_encoded_bytes().starts_with(own)) {
            let path = self.path.with_file_name(name);
            if disk::info_of(&path)?.is_none_or(|info| !info.is_regular) {
                continue;
            }
            match File::open(&path, Mode::Read) {
                Ok(file) => file.sync_data()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // A file that this process may not read is not one that it wrote.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_open_poisoned(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open: &Open| self.poisoned == Some(open.identity))
    }

    /// Puts the poisoned file aside, unless a write to it has begun or its lock cannot be had: then the next `begin`
    /// does. Says whether it is.
    fn put_aside_now(&mut self) -> bool {
        if self.begun.is_some() {
            return false;
        }
        let done = match self.lock_on_path() {
            Ok(Some(info)) if self.poisoned.is_some_and(|poisoned| poisoned.is(&info)) => {
                self.put_poisoned_aside().is_ok()
            }
            // Somebody else has renamed it: the next `begin` opens what is at the path.
            Ok(None) => {
                self.open = None;
                true
            }
            _ => false,
        };
        self.unlock();
        done
    }
}

/// Tells whether an error is about this process or this moment, and not about a device: descriptors and memory come
/// back.
fn is_shortage(error: &io::Error) -> bool {
    kind_of(error) == ErrorKind::Busy
}
