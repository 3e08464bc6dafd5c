//! Syncing, and what a failed sync comes to.
//!
//! The system reports that bytes did not reach the device once, and forgets it: after a failed sync of a file no later
//! success proves anything about it. So the file is put aside and never written to again (unless it cannot be renamed),
//! and everyone who writes to it is told, once, to write again what was written since the last sync that succeeded.
//! Those records then stand twice: in the file put aside (or in one that was rotated away before the sync), and in its
//! successor.

use std::io;

use hydra_os::disk::{self, File};

use super::{Open, Writer};
use crate::error::{Error, ErrorKind};
use crate::mark::Identity;
use crate::names;

/// How many files that were rotated away are kept open for the next sync; were there more, it syncs the file system.
pub(super) const UNSYNCED_FILES_MAX: usize = 4;

/// What "too many links" is called where the kind of an error has no name for it.
const ELOOP: i32 = 40;

/// Why it is not known that all is on the device.
#[derive(Debug)]
enum Failure {
    /// A sync has failed: of this file, as far as known.
    Sync(Option<Identity>, io::Error),
    /// A file could not be looked at now. Nothing is wrong with it: looking again is the thing to do.
    Look(io::Error),
}

impl Writer {
    /// Closes the file, but keeps it for the next sync.
    pub(super) fn set_aside(&mut self) {
        self.unlock();
        if let Some(open) = self.open.take() {
            self.keep_for_sync(open.identity, open.file);
        }
    }

    /// The identity is noted now: of a file that has become stale it cannot be asked any more.
    pub(crate) fn keep_for_sync(&mut self, identity: Identity, file: File) {
        self.unsynced.push_back((identity, file));
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
        if self.is_open_poisoned() && !self.put_aside_now()? {
            let note = "it has failed before and is about to be put aside";
            return Err(Error::without_source(ErrorKind::Busy, "sync", &self.path, note));
        }
        if let Err(failure) = self.sync_files() {
            let (identity, error) = match failure {
                Failure::Sync(identity, error) => (identity, error),
                Failure::Look(error) => {
                    return Err(Error::new("sync what a dead process wrote to", &self.path, error));
                }
            };
            self.metrics.syncs_failed.count();
            self.failed_syncs += 1;
            *told = self.failed_syncs;
            let last = self.open.as_ref().map(|open| open.identity);
            self.poisoned = last.or(identity);
            // All that is not synced yet is written again.
            self.unsynced.clear();
            self.more_unsynced = false;
            // If it cannot be now, the next sync or write does it, or says why not.
            let _ = self.put_aside_now();
            return Err(Error::new("sync", &self.path, error).untrusted());
        }
        if self.names_unsynced {
            self.sync_names().map_err(|error| {
                self.metrics.syncs_failed.count();
                Error::new("sync the directory of", &self.path, error)
            })?;
            self.names_unsynced = false;
        }
        Ok(())
    }

    /// Syncs the names in the directory. One that may not be read cannot be opened for that, and some file systems sync
    /// no directories: then all of the file system is synced.
    fn sync_names(&self) -> io::Result<()> {
        match (disk::sync_dir(names::dir(&self.path)), &self.open) {
            (Err(error), Some(open)) if is_not_for_us(&error) => open.file.sync_file_system(),
            (synced, _) => synced,
        }
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

    /// Syncs everything written since the last time.
    fn sync_files(&mut self) -> Result<(), Failure> {
        if self.heritage_unsynced {
            let synced = self.sync_heritage();
            // Once: if a sync fails, what the dead process had written is written again.
            self.heritage_unsynced = matches!(synced, Err(Failure::Look(_)));
            synced?;
        }
        let fail = |error| Failure::Sync(None, error);
        if self.more_unsynced
            && let Some((_, file)) = self.unsynced.front()
        {
            file.sync_file_system().map_err(fail)?;
            self.more_unsynced = false;
        }
        while let Some((identity, file)) = self.unsynced.pop_front() {
            file.sync_data().map_err(|error| Failure::Sync(Some(identity), error))?;
        }
        match self.open.as_ref().filter(|open| open.is_regular) {
            Some(open) => open.file.sync_data().map_err(fail),
            None => Ok(()),
        }
    }

    /// Syncs the file and those that were rotated away from it, whoever wrote to them.
    fn sync_heritage(&self) -> Result<(), Failure> {
        let own = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let siblings = match (disk::list(names::dir(&self.path)), &self.open) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            (Err(error), Some(open)) if is_not_for_us(&error) => {
                let synced = open.file.sync_file_system();
                return synced.map_err(|error| Failure::Sync(None, error));
            }
            (siblings, _) => siblings.map_err(Failure::Look)?,
        };
        for name in siblings.iter().filter(|name| name.as_encoded_bytes().starts_with(own)) {
            match names::open_plain(&self.path.with_file_name(name)) {
                Ok(None) => {}
                Ok(Some(file)) => file.sync_data().map_err(|error| Failure::Sync(None, error))?,
                // It has gone; or it is closed to this process, which then did not write it; or a link leads nowhere.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
                Err(error) if error.raw_os_error() == Some(ELOOP) => {}
                Err(error) => return Err(Failure::Look(error)),
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
    fn put_aside_now(&mut self) -> Result<bool, Error> {
        if self.begun.is_some() {
            return Ok(false);
        }
        let done = match self.lock_on_path() {
            Ok(Some(info)) if self.poisoned.is_some_and(|poisoned| poisoned.is(&info)) => {
                self.put_poisoned_aside().map(|()| true)
            }
            // Somebody else has renamed it: the next `begin` opens what is at the path.
            Ok(None) => {
                self.open = None;
                Ok(true)
            }
            other => other.map(|_| false),
        };
        self.unlock();
        done
    }
}

/// Whether this directory can be neither listed nor synced, now and later: the process may not read it, or the file
/// system does not know how.
fn is_not_for_us(error: &io::Error) -> bool {
    let is_unknown = matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported);
    is_unknown || error.kind() == io::ErrorKind::PermissionDenied
}
