//! Threads that keep out of the host's way.

use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;
#[cfg(not(sim))]
use std::thread::Builder;
#[cfg(not(sim))]
pub use std::thread::JoinHandle;

#[cfg(not(sim))]
use crate::map::Map;
#[cfg(sim)]
pub use crate::sim::JoinHandle;

/// Stack of a thread made here, in bytes: our own code recurses to a fixed depth only.
pub const STACK_BYTES: usize = 512 * 1024;
/// More memory than a new thread asks for, besides its stack, before it comes to what it is to do.
#[cfg(not(sim))]
const BEGIN_BYTES: usize = 256 * 1024;

/// Signals that tell of an accident of the very thread they are sent to; the kernel kills a process that blocks one.
const ACCIDENTS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
];

thread_local! {
    /// This thread's id, 0 while not asked for. Without a destructor, so it can be read while the thread ends.
    static ID: Cell<u32> = const { Cell::new(0) };
    /// Whether it was started by [`spawn`].
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Starts a thread with a small stack that takes none of the signals meant for the host.
///
/// All signals are blocked in it from its first instruction on, so the host's handlers run on the host's threads, and a
/// write to a closed pipe or past a file's limit is an error here and no signal. Only what tells of an accident of the
/// thread itself, such as SIGSEGV or SIGBUS, is left to the host's handlers.
///
/// The system shows the first 15 bytes of `name`. The thread runs on when the handle is dropped.
///
/// # Errors
///
/// What the system says, most likely [`io::ErrorKind::WouldBlock`]: too many threads.
///
/// # Examples
///
/// ```
/// let answer = hydra_os::thread::spawn("hydra-example", || 42)?;
/// assert_eq!(answer.join().ok(), Some(42));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn spawn<T, F>(name: &str, f: F) -> io::Result<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    #[cfg(sim)]
    return crate::sim::spawn_thread(name, STACK_BYTES, f);
    #[cfg(not(sim))]
    let builder = Builder::new().name(name.replace('\0', " ")).stack_size(STACK_BYTES);
    // The stack of a thread that has ended serves the next one even if there is no memory; but the library beneath ends
    // the process when the new thread then finds none for the stack of its signals.
    #[cfg(not(sim))]
    drop(Map::anonymous(BEGIN_BYTES)?);
    // A new thread starts with its maker's mask: this way there is no moment at which a signal could reach it.
    #[cfg(not(sim))]
    let _blocked = Blocked::new()?;
    #[cfg(not(sim))]
    builder.spawn(|| {
        IS_OURS.set(true);
        f()
    })
}

/// Says whether the calling thread was started by [`spawn`], and so takes no signals.
pub(crate) fn takes_no_signals() -> bool {
    IS_OURS.get()
}

/// Returns the system's id of the calling thread; asks once a thread.
///
/// It is unique among the threads that run, and is used again after the thread's end.
#[must_use]
pub fn id() -> u32 {
    #[cfg(sim)]
    return crate::sim::me();
    #[cfg(not(sim))]
    match ID.get() {
        0 => ask_id(),
        id => id,
    }
}

/// Returns the calling thread's name: the one it was given in Rust, else the one the system shows; may be empty.
#[must_use]
pub fn current_name() -> String {
    match std::thread::current().name() {
        Some(name) => name.to_owned(),
        None => system_name(),
    }
}

#[cold]
fn ask_id() -> u32 {
    static FORGETS_AT_FORK: Once = Once::new();
    // The thread that forks goes on in the child under another id.
    FORGETS_AT_FORK.call_once(|| _ = crate::exit::at_fork_child(|| ID.set(0)));
    // SAFETY: the call takes nothing and changes nothing.
    let id = unsafe { libc::gettid() }.cast_unsigned();
    ID.set(id);
    id
}

fn system_name() -> String {
    let mut buffer = [0_u8; 16];
    // SAFETY: the call writes at most 16 bytes, the zero at the end included, to the buffer, which has as many.
    unsafe { libc::prctl(libc::PR_GET_NAME, buffer.as_mut_ptr()) };
    String::from_utf8_lossy(buffer.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// While it lives the calling thread takes no signals; afterwards those it took before.
struct Blocked {
    before: libc::sigset_t,
}

impl Blocked {
    fn new() -> io::Result<Self> {
        let mut signals = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: the call fills in the set it is given, which is a live local.
        unsafe { libc::sigfillset(signals.as_mut_ptr()) };
        // SAFETY: `sigfillset` has filled it in; besides, a set is a plain array of numbers.
        let mut signals = unsafe { signals.assume_init() };
        for signal in ACCIDENTS {
            // SAFETY: the set is a live local, and the signal's number is the system's own.
            unsafe { libc::sigdelset(&raw mut signals, signal) };
        }
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both sets are live locals; the call concerns the calling thread only.
        let error = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const signals, before.as_mut_ptr()) };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        // SAFETY: the call succeeded, so it has filled the set in.
        let before = unsafe { before.assume_init() };
        Ok(Self { before })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: `before` is the mask this thread had; the guard never leaves the function, hence the thread, it was
        // made in.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::fs;

    use super::*;

    /// The mask of blocked signals as the kernel tells it: bit n - 1 stands for signal n.
    fn blocked_signals() -> u64 {
        let status = fs::read_to_string(format!("/proc/self/task/{}/status", id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    }

    /// A spawned thread has every signal blocked that can be, but those of its own accidents; its maker's mask stays.
    #[test]
    fn spawned_thread_blocks_signals() {
        let before = blocked_signals();
        let inside = spawn("hydra-signals", blocked_signals).unwrap().join().unwrap();
        assert_eq!(blocked_signals(), before);
        for signal in 1..=libc::SIGRTMAX() {
            let is_kept_open = ACCIDENTS.contains(&signal)
                || [libc::SIGKILL, libc::SIGSTOP].contains(&signal)
                // The C library keeps these to itself.
                || (32..libc::SIGRTMIN()).contains(&signal);
            assert_eq!(inside >> (signal - 1) & 1 == 0, is_kept_open, "signal {signal}");
        }
    }

    /// Each thread has an id of its own, which stays.
    #[test]
    fn ids_are_the_threads_own() {
        let other = spawn("hydra-id", || (id(), id())).unwrap().join().unwrap();
        assert_eq!(other.0, other.1);
        assert_ne!(id(), other.0);
    }

    /// A thread bears the name it was given, a long one and one with a zero in it too; one without bears the system's.
    #[test]
    fn names_are_told() {
        let name_of = |name: &str| spawn(name, current_name).unwrap().join().unwrap();
        assert_eq!(name_of("hydra-a-name-of-some-length"), "hydra-a-name-of-some-length");
        assert_eq!(name_of("a\0b"), "a b");
        let unnamed = spawn("hydra-maker", || std::thread::spawn(current_name).join().unwrap());
        assert_eq!(unnamed.unwrap().join().unwrap(), "hydra-maker");
    }
}
