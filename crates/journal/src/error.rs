//! What can go wrong with a journal.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system refused: see [`std::error::Error::source`].
    Io,
    /// It has another owner: the directory a live process, the cursor a head of this one.
    Owned,
    /// The bytes are not those of a journal, or damaged.
    Corrupt,
    /// The journal was written by a later version.
    Newer,
    /// An option's value is out of its limits.
    Option,
    /// A record is larger than the journal takes.
    TooLarge,
    /// The quota is reached, or the disk is full, and a head is behind.
    Full,
    /// The journal was closed.
    Closed,
    /// A note of the record's has been retired: see [`crate::NoteSlot::retire`].
    Retired,
}

/// An error of the journal: what was being done, to what, and why it failed. Cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    doing: String,
    path: Option<PathBuf>,
    source: Option<io::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, doing: impl Into<String>) -> Error {
        Error(Arc::new(Inner {
            kind,
            doing: doing.into(),
            path: None,
            source: None,
        }))
    }

    pub(crate) fn at(kind: ErrorKind, doing: impl Into<String>, path: &Path) -> Error {
        Error(Arc::new(Inner {
            kind,
            doing: doing.into(),
            path: Some(path.to_owned()),
            source: None,
        }))
    }

    pub(crate) fn io(doing: impl Into<String>, path: &Path, source: io::Error) -> Error {
        let path = Some(path.to_owned());
        Error(Arc::new(Inner {
            kind: ErrorKind::Io,
            doing: doing.into(),
            path,
            source: Some(source),
        }))
    }

    /// As [`Error::io`], but what goes away when somebody makes room is [`ErrorKind::Full`]: waiting for it makes
    /// sense.
    pub(crate) fn allocation(doing: impl Into<String>, path: &Path, source: io::Error) -> Error {
        let kind = if is_shortage(&source) {
            ErrorKind::Full
        } else {
            ErrorKind::Io
        };
        Error(Arc::new(Inner {
            kind,
            doing: doing.into(),
            path: Some(path.to_owned()),
            source: Some(source),
        }))
    }

    /// Makes the error of a head that will never deliver what is waited for.
    pub fn undelivered(why: impl Into<String>) -> Error {
        Error::new(ErrorKind::Closed, why)
    }

    /// Returns the kind, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the file or directory concerned.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }
}

/// Says whether the system lacks space, memory or descriptors at this moment.
fn is_shortage(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull};
    let kinds = [FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull];
    // ENFILE and EMFILE have no kind of their own.
    kinds.contains(&error.kind()) || matches!(error.raw_os_error(), Some(23 | 24))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.doing)?;
        if let Some(path) = &self.0.path {
            write!(f, ": {}", path.display())?;
        }
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
