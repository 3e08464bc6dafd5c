//! SIGTERM and SIGINT end the input, SIGHUP has the configuration read again.

use std::os::fd::{AsFd, BorrowedFd};

use hydra_os::signals::Signals;

use crate::outcome::Failure;

/// Whether a signal has come, as a flag and as a descriptor to wait on.
#[derive(Debug)]
pub(crate) struct Stop(Signals);

impl Stop {
    /// Takes the signals over. A second SIGTERM or SIGINT ends the process at once: what is in a journal's files stays
    /// there.
    pub(crate) fn register() -> Result<Stop, Failure> {
        let signals = Signals::take().and_then(|signals| signals.take_hang_up().map(|()| signals));
        let refused = |error| Failure::undone(format_args!("cannot take signals: {error}"));
        signals.map(Stop).map_err(refused)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.ending().is_some()
    }

    /// Says whether the configuration is to be read again.
    pub(crate) fn takes_reload(&self) -> bool {
        // The descriptor stays loud once the end has come: that is what it is waited on for.
        !self.is_asked() && self.0.has_hung_up()
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
