//! Why a head could not be started.

use std::fmt;
use std::io;

/// An error of [`crate::Head::start`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The journal takes no cursor for it.
    Cursor(hydra_journal::Error),
    /// The system starts no thread of that name.
    Thread(String, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cursor(source) => write!(f, "starting a destination's worker: {source}"),
            Error::Thread(name, source) => write!(f, "starting the thread {name} of a destination: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Cursor(source) => Some(source),
            Error::Thread(_, source) => Some(source),
        }
    }
}
