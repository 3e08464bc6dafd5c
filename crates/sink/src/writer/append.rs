//! The write itself, and its failures.

use std::io;

use hydra_os::disk::{self, File};

use super::{Torn, Writer};
use crate::error::{Error, ErrorKind, leaves_file_sound};
use crate::mark::Mark;
use crate::names;
use crate::sink::Batch;

impl Writer {
    /// See [`crate::Sink::write`].
    pub(crate) fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        let (Some((start, cut)), Some(open)) = (self.begun.take(), &mut self.open) else {
            let note = "nothing was begun";
            return Err(Error::without_source(ErrorKind::Misuse, "write to", &self.path, note));
        };
        if !open.is_regular {
            let result = self.taken.pour(&open.file, batch);
            return self.after_special(batch, result);
        }
        let result = match self.poisoned {
            Some(poisoned) if poisoned == open.identity => Err((0, io::Error::other("a sync of the file has failed"))),
            _ => {
                open.announce(start, batch.bytes, cut, &self.metrics);
                append_all(&open.file, batch.bytes)
            }
        };
        let result = result.and_then(|()| {
            let all = batch.bytes.len() as u64;
            if self.options.sync_every_write
                && let Err(error) = open.file.sync_data()
            {
                // Whatever the reason: the system reports it once, and the next success would prove nothing.
                self.poisoned = Some(open.identity);
                return Err((all, error));
            }
            open.file.info().map_err(|error| (all, error))
        });
        match result {
            // Some file systems do not count the names of a file.
            Ok(info) if info.links == 0 && !disk::id_of(&self.options.path).is_ok_and(|id| id == Some(info.id)) => {
                self.metrics.writes_failed.count();
                self.open = None;
                let note = "it was removed during the write";
                Err(Error::without_source(ErrorKind::Gone, "append to", &self.path, note))
            }
            Ok(info) => {
                if !batch.is_empty() {
                    // Longer or shorter than expected only if someone does not respect the lock.
                    open.end = info.len;
                }
                self.metrics.batches_written.count();
                self.metrics.bytes_written.add(batch.bytes.len() as u64);
                self.unlock();
                Ok(Mark::in_file(&info, info.len))
            }
            Err((written, error)) => {
                self.undo(start, written, &error);
                Err(Error::new("append to", &self.path, error))
            }
        }
    }

    fn after_special(&mut self, batch: Batch<'_>, result: io::Result<()>) -> Result<Mark, Error> {
        if let Err(error) = result {
            self.metrics.writes_failed.count();
            self.open = None;
            return Err(Error::of_stream("write to", &self.path, error));
        }
        self.metrics.batches_written.count();
        self.metrics.bytes_written.add(batch.bytes.len() as u64);
        Ok(Mark::NOWHERE)
    }

    /// Removes what a failed write left, and closes the file; it is opened anew, or put aside, by the next `begin`.
    pub(super) fn undo(&mut self, start: u64, written: u64, error: &io::Error) {
        self.metrics.writes_failed.count();
        let Some(mut open) = self.open.take() else { return };
        let is_distrusted = self.poisoned == Some(open.identity);
        let end = start + written;
        // Should someone who does not respect the lock have appended, nothing may be cut off.
        let is_removed =
            written > 0 && open.file.len().is_ok_and(|len| len == end) && open.file.truncate(start).is_ok();
        if is_removed || written == 0 {
            open.take_back(&self.metrics);
        } else {
            // All of it is written again: whoever comes to the file before us is to leave nothing of it.
            self.torn = Some(Torn {
                identity: open.identity,
                start,
                end,
                is_announced: open.give_up(start, &self.metrics),
            });
        }
        if is_removed {
            self.metrics.torn_records_removed.count();
        }
        if !leaves_file_sound(error) {
            self.poisoned = Some(open.identity);
        }
        let _ = open.file.unlock();
        if !is_distrusted {
            // What was written before has yet to be synced, through this descriptor: it is the one that is told of
            // failures.
            self.keep_for_sync(open.identity, open.file);
        }
    }

    /// Renames a file that cannot be trusted any more, so that a new one takes its place. One that cannot be renamed,
    /// for it is mounted by itself or its directory may not be written to, is gone on with by a new descriptor: what is
    /// in doubt is written again at its end, and the next sync tells about that.
    pub(super) fn put_poisoned_aside(&mut self) -> Result<(), Error> {
        let fail = |error| Error::new("put aside the damaged file", &self.path, error);
        self.drop_second_names().map_err(fail)?;
        let name = names::first_free(&names::with(&self.path, ".poisoned")).map_err(fail)?;
        match disk::rename_new(&self.path, name) {
            Err(error) if is_fixed(&error) => {}
            renamed => renamed.map_err(fail)?,
        }
        self.metrics.files_poisoned.count();
        self.names_unsynced = true;
        self.poisoned = None;
        self.open = None;
        Ok(())
    }
}

/// Whether the name of the file is not for this process to change, now and later.
fn is_fixed(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ResourceBusy | Kind::CrossesDevices | Kind::PermissionDenied
    )
}

/// Appends all of `bytes`, by one write where the system takes it; else says how much was taken.
pub(super) fn append_all(file: &File, bytes: &[u8]) -> Result<(), (u64, io::Error)> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = (bytes.len() - rest.len()) as u64;
        match file.append(rest) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}
