//! What only a test of faults does to its own process.
//!
//! Behind the feature `hazards`: nothing of the product uses it.

use std::io;
use std::sync::OnceLock;

static HANDLER: OnceLock<fn()> = OnceLock::new();

/// Ends the process at once with an exit code: no function registered for the end is called, nothing is flushed.
pub fn leave(code: i32) -> ! {
    // SAFETY: the call takes a number and does not return; it runs no code of this process.
    unsafe { libc::_exit(code) }
}

/// Has `handler` called on whatever thread gets the signal, wherever that thread is. One function for the process.
///
/// The handler interrupts its thread between any two instructions, with locks held and memory being allocated. What it
/// may do there is its own affair; it must not unwind, or the process is aborted.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] when there is a handler already; else what the system says.
pub fn on_signal(signal: i32, handler: fn()) -> io::Result<()> {
    HANDLER
        .set(handler)
        .map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
    // SAFETY: all bytes zero is a valid value of this plain C structure: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = run_handler as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` is initialised, its function lives as long as the program and does not unwind into C.
    let result = unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

extern "C" fn run_handler(_signal: libc::c_int) {
    if let Some(handler) = HANDLER.get() {
        handler();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static CALLS: AtomicU32 = AtomicU32::new(0);

    /// The one handler runs for each signal, and a second one is refused.
    #[test]
    fn handler_runs() {
        on_signal(libc::SIGUSR2, || _ = CALLS.fetch_add(1, Ordering::SeqCst)).unwrap();
        for _ in 0..3 {
            // SAFETY: the call takes a number; the signal has the handler that was installed above.
            assert_eq!(unsafe { libc::raise(libc::SIGUSR2) }, 0);
        }
        assert_eq!(CALLS.load(Ordering::SeqCst), 3);
        let error = on_signal(libc::SIGUSR2, || {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
