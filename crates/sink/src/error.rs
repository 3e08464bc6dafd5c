//! What can go wrong between a sink and its place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a sink could not do what it was asked to.
///
/// It says what was being done and to what, and what an operator can do about it; the system's own error is its source.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    doing: &'static str,
    place: PathBuf,
    source: Option<io::Error>,
    note: Option<String>,
}

/// The kinds of failure a caller may want to tell apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nobody is at the other end any more, such as a pipe whose reader has gone. Trying again is of no use.
    Closed,
    /// There is no room: disk, quota or the limit on a file's length. Goes away when somebody makes room.
    Full,
    /// The process may not: permissions, a read-only file system, a directory where a file should be.
    Denied,
    /// Someone else is at it, and was for longer than a sink waits. Trying again soon is the thing to do.
    Busy,
    /// The file was removed while it was written to; nothing of the batch remains. Trying again makes a new one.
    Gone,
    /// Two destinations want the same place under different terms, or the terms contradict themselves.
    Conflict,
    /// The caller broke the sink's rules, such as writing what was never begun.
    Misuse,
    /// Anything else the system says, such as a broken device. Trying again uses another file.
    Io,
    /// A sync failed: what was written since the last one that succeeded may be lost, and no later sync would tell. It
    /// has to be written again, and will then stand in another file.
    Untrusted,
    /// The place will never take what it was given, however often it is tried. Other records may be fine.
    Rejected,
}

impl Error {
    /// A failure of `doing` (as in "cannot *append to* /var/log/app.log").
    pub(crate) fn new(doing: &'static str, place: &Path, source: io::Error) -> Self {
        Self {
            kind: kind_of(&source),
            doing,
            place: place.to_owned(),
            source: Some(source),
            note: None,
        }
    }

    /// A failure of a pipe, a terminal or a socket, which may have nobody at its other end.
    pub(crate) fn of_stream(doing: &'static str, place: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let is_alone = matches!(
            source.kind(),
            Kind::BrokenPipe | Kind::ConnectionReset | Kind::NotConnected
        );
        let error = Self::new(doing, place, source);
        let kind = if is_alone { ErrorKind::Closed } else { error.kind };
        Self { kind, ..error }
    }

    pub(crate) fn without_source(kind: ErrorKind, doing: &'static str, place: &Path, note: impl Into<String>) -> Self {
        Self {
            kind,
            doing,
            place: place.to_owned(),
            source: None,
            note: Some(note.into()),
        }
    }

    /// The same failure as one of a sync.
    pub(crate) fn untrusted(self) -> Self {
        Self {
            kind: ErrorKind::Untrusted,
            ..self
        }
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the place it happened at: a path, or a name such as `standard output`.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Returns what the system said, when it was the system.
    #[must_use]
    pub fn io(&self) -> Option<&io::Error> {
        self.source.as_ref()
    }

    fn advice(&self) -> &'static str {
        match self.kind {
            ErrorKind::Closed => "whoever read it has gone",
            ErrorKind::Full => "make room on the disk, or raise the limit on file size",
            ErrorKind::Denied => "give this user the right to write there, or choose another path",
            ErrorKind::Busy => "someone else holds it; it will be tried again",
            ErrorKind::Gone => "it was removed; a new one will be made",
            ErrorKind::Conflict => "make the settings agree",
            ErrorKind::Misuse => "this is a mistake in the program",
            ErrorKind::Io => "check the device; another file will be used",
            ErrorKind::Untrusted => "check the device; what was written since the last sync is written again",
            ErrorKind::Rejected => "the record at fault is sorted out; look at what it holds",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.doing, self.place.display())?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        if let Some(note) = &self.note {
            write!(f, ": {note}")?;
        }
        write!(f, " ({})", self.advice())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Tells whether after this failure of a write the file itself is as good as before: there was no room, or no right, or
/// whoever keeps the file could not be asked. What that one has lost shows when the descriptor is synced.
pub(crate) fn leaves_file_sound(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    let is_unreachable = matches!(
        error.kind(),
        Kind::StaleNetworkFileHandle | Kind::BrokenPipe | Kind::ConnectionReset | Kind::NotConnected
    );
    kind_of(error) != ErrorKind::Io || is_unreachable
}

/// Tells whether it is the moment that an error is about, and not what it happened to.
#[cfg(feature = "gzip")]
pub(crate) fn passes(error: &io::Error) -> bool {
    kind_of(error) == ErrorKind::Busy
}

fn kind_of(error: &io::Error) -> ErrorKind {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => ErrorKind::Full,
        Kind::PermissionDenied
        | Kind::ReadOnlyFilesystem
        | Kind::IsADirectory
        | Kind::NotADirectory
        | Kind::InvalidInput
        | Kind::InvalidFilename
        | Kind::NotFound => ErrorKind::Denied,
        Kind::WouldBlock | Kind::TimedOut | Kind::Interrupted | Kind::ResourceBusy | Kind::OutOfMemory => {
            ErrorKind::Busy
        }
        // EMFILE and ENFILE have no kind of their own: descriptors come back.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => ErrorKind::Busy,
        _ => ErrorKind::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message names what was done, to what, what the system said, and what to do.
    #[test]
    fn message() {
        let error = Error::new(
            "append to",
            Path::new("/var/log/a.log"),
            io::Error::from_raw_os_error(28),
        );
        assert_eq!(error.kind(), ErrorKind::Full);
        let text = error.to_string();
        for part in ["cannot append to /var/log/a.log: ", "No space left", "make room"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(kind_of(&io::Error::from_raw_os_error(24)), ErrorKind::Busy);
        assert_eq!(kind_of(&io::Error::from_raw_os_error(5)), ErrorKind::Io);
    }

    /// A server that is gone is not a reader that has gone: what was meant for the file is not given up.
    #[test]
    fn files_have_no_reader() {
        // EPIPE, ECONNRESET and ENOTCONN.
        for errno in [32, 104, 107] {
            let told = || io::Error::from_raw_os_error(errno);
            let path = Path::new("/mnt/share/a.log");
            assert_eq!(Error::new("append to", path, told()).kind(), ErrorKind::Io, "{errno}");
            assert_eq!(Error::of_stream("write to", path, told()).kind(), ErrorKind::Closed);
            assert!(leaves_file_sound(&told()));
        }
        assert!(!leaves_file_sound(&io::Error::from_raw_os_error(5)));
    }
}
