//! The signals by which others ask a process to end, taken over on request.
//!
//! Behind the feature `signals`. A handler only sets flags and writes a byte to a socket, so that whoever waits at the
//! other end can act on a thread of its own. Handlers that were there before are called first.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::exit;

/// Whether the process has been asked to end. In a forked child it says yes from the start: see [`Signals::take`].
static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// SIGTERM and SIGINT, taken over, and SIGHUP if asked for.
#[derive(Debug)]
pub struct Signals {
    /// The first of the two that has come; 0: none.
    ending: Arc<AtomicUsize>,
    hung_up: Arc<AtomicBool>,
    wake: UnixStream,
    ring: UnixStream,
}

impl Signals {
    /// Takes SIGTERM and SIGINT over, for the rest of the process's life. A second one ends the process at once, as it
    /// would have without this; so does the first one in a child that is forked later, for nobody waits there.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when they are taken already; else what the system says.
    pub fn take() -> io::Result<Signals> {
        let asked = Arc::new(AtomicBool::new(false));
        ASKED
            .set(Arc::clone(&asked))
            .map_err(|_| io::Error::new(io::ErrorKind::AlreadyExists, "SIGTERM and SIGINT are taken already"))?;
        exit::at_fork_child(|| {
            if let Some(asked) = ASKED.get() {
                asked.store(true, Ordering::SeqCst);
            }
        })?;
        let (wake, ring) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let ending = Arc::new(AtomicUsize::new(0));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal finds the flag unset.
            flag::register_conditional_default(signal, Arc::clone(&asked))?;
            flag::register_usize(signal, Arc::clone(&ending), signal as usize)?;
            flag::register(signal, Arc::clone(&asked))?;
            low_level::pipe::register(signal, ring.try_clone()?)?;
        }
        let hung_up = Arc::default();
        Ok(Signals {
            ending,
            hung_up,
            wake,
            ring,
        })
    }

    /// Takes SIGHUP over as well, which does not end the process then.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_hang_up(&self) -> io::Result<()> {
        flag::register(SIGHUP, Arc::clone(&self.hung_up))?;
        low_level::pipe::register(SIGHUP, self.ring.try_clone()?)?;
        Ok(())
    }

    /// Returns the signal by which the process is asked to end, if one has come.
    pub fn ending(&self) -> Option<i32> {
        // Nothing is published with it.
        match self.ending.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal as i32),
        }
    }

    /// Says whether SIGHUP has come since this was asked last, and makes the descriptor quiet: ask before
    /// [`Signals::ending`], not after.
    pub fn has_hung_up(&self) -> bool {
        let mut bytes = [0; 64];
        while matches!((&self.wake).read(&mut bytes), Ok(read) if read > 0) {}
        self.hung_up.swap(false, Ordering::Relaxed)
    }

    /// Waits until the process is asked to end.
    ///
    /// # Errors
    /// What the system says about waiting.
    pub fn wait(&self) -> io::Result<i32> {
        self.wake.set_nonblocking(false)?;
        loop {
            let read = (&self.wake).read(&mut [0; 64]);
            // A byte alone may come from a forked child, which has the socket, too, but not this memory.
            if let Some(signal) = self.ending() {
                return Ok(signal);
            }
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Ends the process by the default action of a signal, so that its exit status tells which it was.
pub fn end_by(signal: i32) -> ! {
    // It returns only where the system keeps the process from that: the first process of a container is such a one.
    let _ = low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}
