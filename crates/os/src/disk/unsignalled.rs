//! Calls that would tell a failure by a signal as well.
//!
//! A write past the process's limit on file length raises `SIGXFSZ`, one to a pipe that nobody reads `SIGPIPE`, both on
//! the thread that writes; both end a process that does nothing about them. Our own threads take no signals. On a
//! thread of the host's they are held back for the length of the call, and taken away if the call has raised one: its
//! error says all that there is to say. The limit may be lowered at any moment, so asking for it first is not enough.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Makes a call; whatever it says, no signal comes of it.
pub(super) fn unsignalled<T>(call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if crate::thread::takes_no_signals() {
        return call();
    }
    // Without it the call is made as it would have been.
    let Some(held) = Held::new() else { return call() };
    let result = call();
    let raised = result.as_ref().err().and_then(|error| match error.raw_os_error() {
        Some(libc::EFBIG) => Some(libc::SIGXFSZ),
        Some(libc::EPIPE) => Some(libc::SIGPIPE),
        _ => None,
    });
    if let Some(signal) = raised {
        held.take_away(signal);
    }
    result
}

/// While it lives the calling thread is not told of the two signals; afterwards it takes those it took before.
struct Held {
    before: libc::sigset_t,
}

impl Held {
    fn new() -> Option<Held> {
        let signals = set_of(&[libc::SIGXFSZ, libc::SIGPIPE]);
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both sets are live locals; the call concerns the calling thread only.
        let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, before.as_mut_ptr()) };
        // SAFETY: a set is a plain array of numbers, for which zeros are valid, and the call has filled it in.
        let before = unsafe { before.assume_init() };
        (error == 0).then_some(Held { before })
    }

    /// Takes a pending signal away, unless the host holds it back itself: then it is the host's, and does nothing.
    fn take_away(&self, signal: libc::c_int) {
        // SAFETY: the set is a live value, and the signal's number is the system's own.
        if unsafe { libc::sigismember(&raw const self.before, signal) } == 1 {
            return;
        }
        let (signals, at_once) = (set_of(&[signal]), libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: set and time are live locals, and nobody asks for more about the signal. If there is none, as where
        // the host ignores it, the call says so at once.
        unsafe { libc::sigtimedwait(&raw const signals, ptr::null_mut(), &raw const at_once) };
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: `before` is the mask this thread had; the guard never leaves the function, hence the thread, it was
        // made in.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

fn set_of(signals: &[libc::c_int]) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the call fills in the set it is given, which is a live local.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: the set is a live local, and the signal's number is the system's own.
        unsafe { libc::sigaddset(set.as_mut_ptr(), *signal) };
    }
    // SAFETY: `sigemptyset` has filled it in; besides, a set is a plain array of numbers.
    unsafe { set.assume_init() }
}
