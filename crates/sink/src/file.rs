//! Records go to a file.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::mark::Mark;
use crate::metrics::Metrics;
use crate::resume::Resume;
use crate::shared::SharedFileSink;
use crate::sink::{Batch, Begun, Sink};
use crate::writer::Writer;

/// Where a file sink writes, and when it begins a new file.
///
/// # Examples
///
/// ```
/// use hydra_sink::FileOptions;
///
/// let options = FileOptions { max_size: Some(5 << 20), backup_count: 9, ..FileOptions::new("logs/api.jsonl") };
/// assert_eq!(options.rotate, None);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileOptions {
    /// The file. Directories that are missing are made.
    pub path: PathBuf,
    /// The length in bytes that the file may not pass: before a write that would, it is rotated. A record that is
    /// longer all by itself gets a file of its own. `None` and zero set no limit.
    pub max_size: Option<u64>,
    /// How many rotated files are kept; with none the file is emptied when it would be rotated.
    pub backup_count: u32,
    /// Rotate at the first write of every local hour or day; rotated files are called after the hour or day then, also
    /// those that were rotated because of their size.
    pub rotate: Option<Every>,
    /// Compress rotated files, in the background. Needs the feature `gzip`.
    pub gzip: bool,
    /// What every file begins with, such as a CSV header with its line end; does not count as a record.
    pub preamble: Option<Vec<u8>>,
    /// Wait at every write until it is on the device.
    pub sync_every_write: bool,
}

impl FileOptions {
    /// Options for a file that only grows: no rotation; three rotated files are kept once one of the limits is set.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_size: None,
            backup_count: 3,
            rotate: None,
            gzip: false,
            preamble: None,
            sync_every_write: false,
        }
    }

    /// Checks the options as far as that needs no look at the disk, and makes the path independent of the directory the
    /// process is in.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        let conflict = |path, what| Err(Error::without_source(ErrorKind::Conflict, "write to", path, what));
        if self.gzip && cfg!(not(feature = "gzip")) {
            return conflict(
                &self.path,
                "compression is asked for, but was left out of this build (feature `gzip`)",
            );
        }
        if self.path.file_name().is_none() {
            return conflict(&self.path, "the path names no file");
        }
        self.path = std::path::absolute(&self.path).map_err(|error| Error::new("find", &self.path, error))?;
        self.max_size = self.max_size.filter(|size| *size > 0);
        self.preamble = self.preamble.filter(|preamble| !preamble.is_empty());
        Ok(self)
    }
}

/// How long the files are that are rotated by time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Every {
    /// From one full hour, local time, to the next.
    Hour,
    /// From midnight, local time, to midnight.
    Day,
}

impl Every {
    pub(crate) fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

/// Appends records to a file, and begins a new one as its options say.
///
/// # What holds
///
/// - Whole records only, in order. Each write is one piece: other processes that write to the file through this type,
///   and other sinks in this one, never come in between (`flock`, held from `begin` to `write`).
/// - Half a record that another process left by dying is cut off before anything is written behind it: an attribute of
///   the file (`user.hydra.write`) says before each write from where to where it goes. A line that another program has
///   begun is not cut, but ended. Where files have no attributes (`writes_unannounced`) the two cannot be told apart,
///   and both are ended. A record with line breaks within it is written by itself.
/// - A file that was renamed or removed by someone else is noticed at the next `begin`, and a new one is made at the
///   path. A record written while the file is being removed is reported as not written. A file that was emptied
///   (`copytruncate`) is gone on with at its new end; what someone else cut off without having copied it is lost.
/// - After a failed write nothing of it stands in the file, as far as the system lets it be removed. After one that
///   casts doubt on the device, and after a failed sync, the file is renamed to `f.poisoned` and a new one begun; one
///   that cannot be renamed is gone on with. After a failed sync the caller is told to write again what is not known to
///   be on the device ([`ErrorKind::Untrusted`]); a file that had been rotated away before that sync keeps its name.
/// - A rotation that fails leaves everything as it was, is counted, and is tried again after a second; until then the
///   file grows past its limit.
/// - Never waits for a lock for more than a few seconds: [`ErrorKind::Busy`].
///
/// Two sinks in one process should not have one path: use [`FileSink::shared`], which lets them take turns.
///
/// What is not a plain file (a device, a named pipe) is written to as it comes: not locked, rotated or synced, and
/// without marks.
///
/// # Examples
///
/// ```
/// use hydra_sink::{Batch, FileOptions, FileSink, Sink};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("logs/app.log");
/// let mut sink = FileSink::open(FileOptions::new(&path))?;
/// let batch = Batch { bytes: b"one\ntwo\n", ends: &[4, 8] };
/// let begun = sink.begin(batch)?;
/// sink.write(batch.take(begun.records))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "one\ntwo\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileSink {
    writer: Writer,
    resume: Option<Resume>,
    /// The failed syncs the caller has been told of.
    told: u64,
}

impl FileSink {
    /// Makes a sink that opens its file at the first record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when the options make no sense; the disk is not looked at.
    pub fn new(options: FileOptions) -> Result<Self, Error> {
        Ok(Self {
            writer: Writer::new(options.checked()?),
            resume: None,
            told: 0,
        })
    }

    /// Makes a sink and opens its file: it exists from now on, and so do the directories it is in.
    ///
    /// # Errors
    ///
    /// As [`FileSink::new`], and what keeps the file from being made.
    pub fn open(options: FileOptions) -> Result<Self, Error> {
        let mut sink = Self::new(options)?;
        sink.writer.ensure_open()?;
        Ok(sink)
    }

    /// Returns a handle on the one sink of this process that writes to the file, made and opened now if there is none.
    ///
    /// # Errors
    ///
    /// As [`FileSink::open`], and [`ErrorKind::Conflict`] when the sink there is has other options: the error names
    /// both paths and what differs.
    pub fn shared(options: FileOptions) -> Result<SharedFileSink, Error> {
        SharedFileSink::of(options.checked()?)
    }

    #[cfg(test)]
    pub(crate) fn writer_mut(&mut self) -> &mut Writer {
        &mut self.writer
    }
}

impl Sink for FileSink {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.resume = None;
        self.writer.begin(batch, 0)
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        self.writer.write(batch)
    }

    fn abandon(&mut self) {
        self.writer.abandon();
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.writer.sync(&mut self.told)
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        self.writer.expect_heritage();
        self.resume = Resume::find(&self.writer.real_path()?, mark)?;
        Ok(())
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        Resume::already(&mut self.resume, batch, self.writer.metrics())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.resume = None;
        self.writer.close();
        Ok(())
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        Some(Arc::clone(self.writer.metrics()))
    }
}
