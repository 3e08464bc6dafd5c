//! How a command ends.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// What the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: everything was done.
    Done,
    /// 1: something was not delivered, or could not be done.
    Undone,
    /// 2: the command line or the configuration is wrong.
    Wrong,
    /// 3: a journal is corrupt.
    Corrupt,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Undone => 1,
            Outcome::Wrong => 2,
            Outcome::Corrupt => 3,
        })
    }
}

/// Why a command could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads standard output any more.
    NoReader,
    /// Something to be told on standard error.
    Told { outcome: Outcome, message: String },
}

impl Failure {
    /// Something could not be done.
    pub(crate) fn undone(message: impl fmt::Display) -> Failure {
        Failure::Told {
            outcome: Outcome::Undone,
            message: message.to_string(),
        }
    }

    /// What was asked for is wrong.
    pub(crate) fn wrong(message: impl fmt::Display) -> Failure {
        Failure::Told {
            outcome: Outcome::Wrong,
            message: message.to_string(),
        }
    }
}

impl From<hydra_logger::Error> for Failure {
    fn from(error: hydra_logger::Error) -> Failure {
        use hydra_logger::ErrorKind;
        match error.kind() {
            ErrorKind::Configuration | ErrorKind::Unsupported => Failure::wrong(error),
            _ => Failure::undone(error),
        }
    }
}

/// Writes data to standard output.
pub(crate) fn put(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::NoReader,
            _ => Failure::undone(format_args!("cannot write to standard output: {error}")),
        })
}
