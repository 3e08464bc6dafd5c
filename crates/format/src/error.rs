//! What can be wrong with a format's options.

use std::fmt;

/// What kind of mistake an [`Error`] tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A `%` directive of a date format that is not known.
    UnknownDirective,
    /// A placeholder that is not known or not closed.
    UnknownPlaceholder,
    /// A message format without the message.
    MessageMissing,
    /// A syslog facility above 23.
    Facility,
    /// A structured-data name that RFC 5424 does not allow.
    StructuredDataId,
    /// A colour's name that is not known.
    UnknownColor,
}

/// A mistake in a format's options, found while the format is built.
///
/// Its text names the option, what stands there and what may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    text: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: String) -> Error {
        Error { kind, text }
    }

    /// Returns the kind of mistake.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
