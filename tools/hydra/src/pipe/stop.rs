//! SIGTERM and SIGINT end the input.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::outcome::Failure;

/// Whether a signal has come, as a flag and as a descriptor to wait on.
#[derive(Debug)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Stop {
    /// Takes both signals over. A second one ends the process at once: what is in a journal's files stays there.
    pub(crate) fn register() -> Result<Stop, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        let register = || -> std::io::Result<UnixStream> {
            let (wake, ring) = UnixStream::pair()?;
            for signal in [SIGTERM, SIGINT] {
                // In this order: the first signal finds the flag unset.
                signal_hook::flag::register_conditional_default(signal, Arc::clone(&asked))?;
                signal_hook::flag::register(signal, Arc::clone(&asked))?;
                signal_hook::low_level::pipe::register(signal, ring.try_clone()?)?;
            }
            Ok(wake)
        };
        match register() {
            Ok(wake) => Ok(Stop { asked, wake }),
            Err(error) => Err(Failure::undone(format_args!("cannot take signals: {error}"))),
        }
    }

    pub(crate) fn is_asked(&self) -> bool {
        // Nothing is published with the flag.
        self.asked.load(Ordering::Relaxed)
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
