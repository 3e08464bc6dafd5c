//! What only a test of faults does to its own process.
//!
//! Behind the feature `hazards`: nothing of the product uses it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// How many allocations from now on the one is that fails; 0: none does.
static FAILS_IN: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which can be made to fail once, and counts what each thread asks of it.
///
/// # Examples
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: hydra_os::hazard::Fallible = hydra_os::hazard::Fallible;
///
/// let before = hydra_os::hazard::allocations();
/// drop(Box::new(7));
/// assert_eq!(hydra_os::hazard::allocations(), before + 1);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Fallible;

/// Makes one allocation of the process fail: the `number`th from now on, whoever asks for it.
pub fn fail_allocation(number: u64) {
    FAILS_IN.store(number, Ordering::Relaxed);
}

/// Returns how many are left until one fails; 0 if none will, or has.
pub fn allocations_left() -> u64 {
    FAILS_IN.load(Ordering::Relaxed)
}

/// Returns how often the calling thread has asked for memory.
pub fn allocations() -> u64 {
    ALLOCATIONS.try_with(Cell::get).unwrap_or_default()
}

/// Says whether it is this allocation that fails.
fn fails() -> bool {
    // At the very end of a thread there is nobody to count for.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    if FAILS_IN.load(Ordering::Relaxed) == 0 {
        return false;
    }
    let counted = FAILS_IN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    counted == Ok(1)
}

// SAFETY: every call is the system's own allocator's, with what was given; where one fails it returns null, as an
// allocator may, and nothing else was done.
unsafe impl GlobalAlloc for Fallible {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds for `layout` what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: whatever is given back here was had from `System`, with that layout.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if fails() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds for `layout` what `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if fails() {
            return std::ptr::null_mut();
        }
        // SAFETY: it was had from `System` with that layout, and the caller upholds for `size` what `System` asks for.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::atomic::AtomicU32;

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
