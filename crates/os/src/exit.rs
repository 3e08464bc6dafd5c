//! Being told when the process ends, and in a child when the process was forked.

use std::io;
use std::ptr;
use std::sync::OnceLock;

/// How many functions [`at_exit`], and as many again [`at_fork_child`], can hold.
pub const HOOKS_MAX: usize = 16;

// Read by `exit` and by a forked child, where a lock could be held by a thread that is stopped or gone: looking into a
// `OnceLock` takes none.
static AT_EXIT: Hooks = Hooks::new();
static AT_FORK_CHILD: Hooks = Hooks::new();

/// Has `hook` called once when the process ends in an orderly way: `main` returns, or anyone calls `exit`.
///
/// Hooks run on the thread that ends the process, the one registered last first, while other threads still run and
/// possibly while thread-local values of this one are gone already. A panic in a hook is contained and the next one
/// runs. A function that is registered already is not registered again. Nothing is called on `_exit`, `abort`, a
/// signal, or `exec`.
///
/// # Errors
///
/// [`io::ErrorKind::QuotaExceeded`] when [`HOOKS_MAX`] functions are registered, [`io::ErrorKind::OutOfMemory`] when
/// the C library has no room.
pub fn at_exit(hook: fn()) -> io::Result<()> {
    #[cfg(sim)]
    return {
        crate::sim::at_exit(hook);
        Ok(())
    };
    #[cfg(not(sim))]
    AT_EXIT.add(hook, || {
        // SAFETY: `run_at_exit` is a function that lives as long as the program and does not unwind.
        let result = unsafe { libc::atexit(run_at_exit) };
        if result == 0 { 0 } else { libc::ENOMEM }
    })
}

/// Has `hook` called in the child, before `fork` returns there, each time the process is forked.
///
/// The hook runs on the child's only thread; locks other threads held at that moment are held for ever. It should store
/// to a few atomics and nothing else. Hooks run in the order of registration, and a function that is registered already
/// is not registered again. A child made by the bare system call, or by `vfork`, is not noticed.
///
/// # Errors
///
/// As [`at_exit`].
pub fn at_fork_child(hook: fn()) -> io::Result<()> {
    AT_FORK_CHILD.add(hook, || {
        // SAFETY: `run_at_fork_child` is a function that lives as long as the program and does not unwind.
        unsafe { libc::pthread_atfork(None, None, Some(run_at_fork_child)) }
    })
}

extern "C" fn run_at_exit() {
    AT_EXIT.hooks.iter().rev().for_each(Hook::run);
}

extern "C" fn run_at_fork_child() {
    AT_FORK_CHILD.hooks.iter().for_each(Hook::run);
}

/// The functions for one occasion, filled from the front.
struct Hooks {
    hooks: [Hook; HOOKS_MAX],
    /// The error number of telling the C library about us, once that was done; 0 is success.
    armed: OnceLock<libc::c_int>,
}

impl Hooks {
    const fn new() -> Self {
        Self {
            hooks: [const { Hook(OnceLock::new()) }; HOOKS_MAX],
            armed: OnceLock::new(),
        }
    }

    fn add(&self, hook: fn(), arm: impl FnOnce() -> libc::c_int) -> io::Result<()> {
        let error = *self.armed.get_or_init(arm);
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        // Of two threads that register the same function the slower finds it in the place it failed to take.
        if self
            .hooks
            .iter()
            .any(|place| place.holds(hook) || place.0.set(hook).is_ok() || place.holds(hook))
        {
            return Ok(());
        }
        let message = "all places for functions called at exit, or in a forked child, are taken";
        Err(io::Error::new(io::ErrorKind::QuotaExceeded, message))
    }
}

struct Hook(OnceLock<fn()>);

impl Hook {
    fn holds(&self, hook: fn()) -> bool {
        self.0.get().is_some_and(|held| ptr::fn_addr_eq(*held, hook))
    }

    fn run(&self) {
        if let Some(hook) = self.0.get() {
            // Unwinding into the C library would abort the host on its way out.
            let _panic = std::panic::catch_unwind(hook);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Functions beyond the limit are refused with an error, and the same function takes one place however often it
    /// comes.
    #[test]
    fn places_are_limited() {
        let hooks = Hooks::new();
        let numbered: [fn(); HOOKS_MAX] = std::array::from_fn(|index| NUMBERED[index]);
        for hook in numbered.into_iter().chain(numbered) {
            hooks.add(hook, || 0).unwrap();
        }
        assert_eq!(
            hooks.add(places_are_limited, || 0).unwrap_err().kind(),
            io::ErrorKind::QuotaExceeded
        );
    }

    /// When the C library refuses, so do we, each time.
    #[test]
    fn refusal_is_reported() {
        let hooks = Hooks::new();
        for _ in 0..2 {
            let error = hooks.add(refusal_is_reported, || libc::ENOMEM).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
        }
    }

    static COUNT: AtomicU32 = AtomicU32::new(0);

    /// Functions that differ in what they do, for the compiler may merge those that do not.
    const NUMBERED: [fn(); HOOKS_MAX] = [
        number::<0>,
        number::<1>,
        number::<2>,
        number::<3>,
        number::<4>,
        number::<5>,
        number::<6>,
        number::<7>,
        number::<8>,
        number::<9>,
        number::<10>,
        number::<11>,
        number::<12>,
        number::<13>,
        number::<14>,
        number::<15>,
    ];

    fn number<const NUMBER: u32>() {
        COUNT.fetch_add(NUMBER, Ordering::Relaxed);
    }
}
