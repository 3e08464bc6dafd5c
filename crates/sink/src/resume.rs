//! After a crash: which of the records that are to be written again does the file hold already?
//!
//! A process may die after its bytes have reached the file and before it has noted that they have. The next start knows
//! the mark of that write, and renders the same records again: what stands at the mark is compared with them, byte for
//! byte.
//!
//! - Records that stand there whole are ours and are not written again.
//! - Part of a record right before the end of the file (or of zeros up to it, as a loss of power leaves them) is a
//!   write that was cut short: it is removed.
//! - Anything else was written by someone else after us, and stays. So that this never hides a record that was cut
//!   short, whoever writes to the file next cuts it off first (`writer/intent.rs`).
//!
//! The file is found by its identity: at the path, or, renamed by a rotation of ours or of anybody else, under another
//! name in the same directory, or compressed by us (the compressed file remembers what it was made from). A file found
//! under another name is compared and mended there, and writing goes on in the one at the path.
//!
//! # What holds
//!
//! In question are the records of one write at most: those between the cursor's position and the end its mark tells.
//! Whatever else was done to the file between that write and the next start, none of them is lost:
//!
//! | the file was                                      | its last write's records              | a torn one    |
//! |---------------------------------------------------|---------------------------------------|---------------|
//! | left where it was, or renamed in its directory    | come once                             | is removed    |
//! | rotated and compressed by us                      | come once                             | stays, packed |
//! | moved to another directory                        | come once more, at the path           | stays there   |
//! | compressed by somebody else                       | come once more, at the path           | stays, packed |
//! | copied and emptied (`copytruncate`)               | come once more, at the path           | stays, copied |
//! | put aside because a sync had failed               | come once more, at the path           | stays there   |
//! | removed                                           | come once, at the path                | is gone       |
//!
//! Where they come once more that is on purpose. A copy has no identity that leads from the mark to it; its content
//! alone would do, but two files may well hold the same bytes at the same place, and to take one for the other would
//! lose records.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydra_os::disk::{self, File, Mode};

use crate::error::{Error, ErrorKind};
use crate::lock::{self, Lock};
use crate::mark::{Identity, Mark};
use crate::metrics::Metrics;
use crate::names;
use crate::sink::Batch;

/// How long the lock of a file is asked for before a torn record in it is removed.
const LOCK_WAIT_MS_MAX: u64 = 2_000;
/// How many bytes are looked at together in search of something that is not zero.
const ZEROS_BYTES: usize = 64 * 1024;

/// A comparison under way.
#[derive(Debug)]
pub(crate) struct Resume {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Plain {
        path: PathBuf,
        file: File,
        identity: Identity,
        /// Where the next record to be compared would stand.
        at: u64,
    },
    #[cfg(feature = "gzip")]
    Packed {
        path: PathBuf,
        reader: crate::gzip::Unpacked,
    },
}

impl Resume {
    /// Finds the file the mark is in, at `path` or beside it. `None` when the mark is nowhere, or its file is gone:
    /// then nothing of ours is there.
    pub(crate) fn find(path: &Path, mark: Mark) -> Result<Option<Self>, Error> {
        let Some(identity) = mark.file() else { return Ok(None) };
        if let Some(found) = Self::look_at(path, identity, mark)? {
            return Ok(Some(found));
        }
        let mut siblings = names::beside(path).map_err(|error| Error::new("look into", names::dir(path), error))?;
        let own = path.file_name().unwrap_or_default().as_encoded_bytes();
        // Most likely it is called something like the log file.
        siblings.sort_by_key(|name: &OsString| !name.as_encoded_bytes().starts_with(own));
        // A file put aside after a failed sync is not trusted: what stands in it is written again.
        let poisoned = [own, b".poisoned"].concat();
        siblings.retain(|name| !name.as_encoded_bytes().starts_with(&poisoned));
        for name in &siblings {
            match Self::look_at(&path.with_file_name(name), identity, mark) {
                Ok(Some(found)) => return Ok(Some(found)),
                // It may be the one, and cannot be opened now: for want of a descriptor, or of memory.
                Err(error) if error.kind() == ErrorKind::Busy => return Err(error),
                // Whatever else is there may come and go, or be closed to us: it is not what is looked for.
                _ => {}
            }
        }
        #[cfg(feature = "gzip")]
        for name in siblings.iter().filter(|name| name.as_encoded_bytes().starts_with(own)) {
            let path = path.with_file_name(name);
            let opened = crate::gzip::Unpacked::open(&path, identity, mark.offset());
            if let Some(reader) = opened.map_err(|error| Error::new("look at", &path, error))? {
                return Ok(Some(Self {
                    place: Place::Packed { path, reader },
                }));
            }
        }
        Ok(None)
    }

    fn look_at(path: &Path, identity: Identity, mark: Mark) -> Result<Option<Self>, Error> {
        let fail = |error| Error::new("look at", path, error);
        let identity = match disk::info_of(path).map_err(fail)? {
            Some(info) if info.is_regular && (identity.is(&info) || identity.was(Identity::of(&info))) => {
                Identity::of(&info)
            }
            _ => return Ok(None),
        };
        let file = File::open(path, Mode::Read).map_err(fail)?;
        if !identity.is(&file.info().map_err(fail)?) {
            return Err(Error::without_source(
                ErrorKind::Busy,
                "look at",
                path,
                "it was replaced just now",
            ));
        }
        Ok(Some(Self {
            place: Place::Plain {
                path: path.to_owned(),
                file,
                identity,
                at: mark.offset(),
            },
        }))
    }

    /// See [`crate::Sink::already`]. What is pending is taken away when the comparison ends.
    pub(crate) fn already(
        pending: &mut Option<Self>,
        batch: Batch<'_>,
        metrics: &Arc<Metrics>,
    ) -> Result<usize, Error> {
        let Some(resume) = pending else { return Ok(0) };
        let there = match &mut resume.place {
            Place::Plain {
                path,
                file,
                identity,
                at,
            } => {
                let whole = compare(file, *at, batch).map_err(|error| Error::new("read", path, error))?;
                let end = *at + batch.take(whole).bytes.len() as u64;
                if whole < batch.len() {
                    remove_torn(
                        path,
                        file,
                        *identity,
                        end,
                        batch.record(whole).unwrap_or_default(),
                        metrics,
                    )?;
                }
                *at = end;
                whole
            }
            #[cfg(feature = "gzip")]
            Place::Packed { path, reader } => {
                let there = reader
                    .read(batch.bytes.len())
                    .map_err(|error| Error::new("read", path, error))?;
                batch.fitting(common(&there, batch.bytes) as u64)
            }
        };
        if there < batch.len() {
            *pending = None;
        }
        Ok(there)
    }
}

/// How many leading records of the batch stand at `at`.
fn compare(file: &File, at: u64, batch: Batch<'_>) -> io::Result<usize> {
    let mut there = vec![0; batch.bytes.len()];
    let count = file.read_at(&mut there, at)?;
    let same = common(there.get(..count).unwrap_or_default(), batch.bytes);
    Ok(batch.fitting(same as u64))
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// Removes what stands between `at` and the end of the file, if it is part of `record` and nothing, or only zeros,
/// after it.
fn remove_torn(
    path: &Path,
    file: &File,
    identity: Identity,
    at: u64,
    record: &[u8],
    metrics: &Metrics,
) -> Result<(), Error> {
    let fail = |error| Error::new("read", path, error);
    let mut there = vec![0; record.len()];
    let count = file.read_at(&mut there, at).map_err(fail)?;
    let same = common(there.get(..count).unwrap_or_default(), record);
    let Some(len) = only_zeros_from(file, at + same as u64).map_err(fail)? else {
        return Ok(());
    };
    if len <= at {
        return Ok(());
    }
    let fail = |error| Error::new("remove a torn record from", path, error);
    let writer = File::open(path, Mode::Append).map_err(fail)?;
    if lock::take(&writer, LOCK_WAIT_MS_MAX, || false).map_err(fail)? == Lock::Busy {
        let note = "another process has held its lock for too long";
        return Err(Error::without_source(
            ErrorKind::Busy,
            "remove a torn record from",
            path,
            note,
        ));
    }
    let info = writer.info().map_err(fail)?;
    if !identity.is(&info) || info.len != len {
        return Err(Error::without_source(
            ErrorKind::Busy,
            "remove a torn record from",
            path,
            "it has changed just now",
        ));
    }
    writer.truncate(at).map_err(fail)?;
    metrics.torn_records_removed.count();
    Ok(())
}

/// The length of the file, when there is nothing but zeros in it from `at` on.
fn only_zeros_from(file: &File, mut at: u64) -> io::Result<Option<u64>> {
    let mut piece = vec![0; ZEROS_BYTES];
    loop {
        let count = file.read_at(&mut piece, at)?;
        if piece.iter().take(count).any(|byte| *byte != 0) {
            return Ok(None);
        }
        at += count as u64;
        if count < piece.len() {
            return Ok(Some(at));
        }
    }
}
