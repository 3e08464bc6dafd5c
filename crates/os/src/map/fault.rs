//! What happens when a file's map is touched where the file has no bytes any more.
//!
//! Somebody has cut a mapped file short, or its device cannot read a page: the kernel sends the thread that touches the
//! page SIGBUS, and by default that is the end of the process. A logger must not be. So the first map of a file
//! installs a handler that puts an empty page in the place of the one that has gone, counts that in the map's own
//! counter, and lets the thread go on: whoever owns the map looks at [`super::Map::faults`] and treats it as damaged.
//!
//! It does so for our maps alone. Every other SIGBUS goes to whoever had the signal before, or, if nobody had, ends the
//! process as it would have. A handler that the host installs later should do the same for ours; if it does not, the
//! host has what it had without us. [`leave_sigbus_alone`] opts out altogether.
//!
//! The handler runs on the thread that was interrupted, anywhere in it: it reads atomics in a table of fixed size,
//! makes one system call, and does nothing else. Maps beyond [`MAPS_MAX`] are not protected.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};

use super::memory::page_bytes;

/// How many maps of files can be protected at a time.
pub(super) const MAPS_MAX: usize = 4096;

static MAPS: [Range; MAPS_MAX] = [const { Range::new() }; MAPS_MAX];
/// The handler of whoever had the signal before: `SIG_DFL`, `SIG_IGN` or a function's address; and its flags.
static BEFORE: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);
static BEFORE_FLAGS: AtomicI32 = AtomicI32::new(0);
static IS_FORBIDDEN: AtomicBool = AtomicBool::new(false);
static INSTALLED: Once = Once::new();

/// No map has this start.
const FREE: usize = 0;
const TAKEN: usize = 1;

/// Leaves SIGBUS as the host has it: a mapped file that somebody cuts short ends the process then.
///
/// Has an effect only before the first file is mapped. Returns whether it had one.
pub fn leave_sigbus_alone() -> bool {
    IS_FORBIDDEN.store(true, Ordering::Relaxed);
    !INSTALLED.is_completed()
}

/// Protects a map; gives the number to ask by, or `None` if it cannot be protected.
pub(super) fn protect(start: usize, bytes: usize, is_writable: bool) -> Option<usize> {
    // Asked for here, so that the handler is never the first to ask.
    let _known = page_bytes();
    INSTALLED.call_once(|| {
        if !IS_FORBIDDEN.load(Ordering::Relaxed) {
            install();
        }
    });
    let take = |range: &Range| {
        let order = Ordering::Relaxed;
        range.start.compare_exchange(FREE, TAKEN, order, order).is_ok()
    };
    let number = MAPS.iter().position(take)?;
    let range = MAPS.get(number)?;
    range.faults.store(0, Ordering::Relaxed);
    range.is_writable.store(is_writable, Ordering::Relaxed);
    range.end.store(start + bytes, Ordering::Relaxed);
    // Pairs with the load in `Range::contains`.
    range.start.store(start, Ordering::Release);
    Some(number)
}

/// Ends a map's protection; it must still be mapped.
pub(super) fn forget(number: usize) {
    if let Some(range) = MAPS.get(number) {
        range.start.store(TAKEN, Ordering::Relaxed);
        range.end.store(0, Ordering::Relaxed);
        range.start.store(FREE, Ordering::Release);
    }
}

/// Returns how many pages of a map have been replaced.
pub(super) fn faults(number: usize) -> u32 {
    // Pairs with the addition in the handler.
    MAPS.get(number).map_or(0, |range| range.faults.load(Ordering::Acquire))
}

/// A map, or a free place for one.
struct Range {
    start: AtomicUsize,
    end: AtomicUsize,
    faults: AtomicU32,
    is_writable: AtomicBool,
}

impl Range {
    const fn new() -> Self {
        Self {
            start: AtomicUsize::new(FREE),
            end: AtomicUsize::new(0),
            faults: AtomicU32::new(0),
            is_writable: AtomicBool::new(false),
        }
    }

    fn contains(&self, address: usize) -> bool {
        // A thread that faults in a map of ours keeps it mapped, so that map's place does not change meanwhile. Another
        // one's may, but not into one that has the address: the two would overlap.
        let start = self.start.load(Ordering::Acquire);
        start > TAKEN && start <= address && address < self.end.load(Ordering::Relaxed)
    }
}

fn install() {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the present one to the live local.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), before.as_mut_ptr()) } != 0 {
        return;
    }
    // Before ours is in place: it may be called at once.
    // SAFETY: the call succeeded, so it has filled the structure in; besides, all zeros are a valid one.
    remember(unsafe { before.assume_init_ref() });
    let mut ours = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zeros are a valid structure: no flags, nothing blocked, the default action.
    let ours = unsafe { ours.assume_init_mut() };
    ours.sa_sigaction = on_bus_error as *const () as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: both structures are live locals, and the handler is a function of the right signature that is
    // async-signal-safe.
    if unsafe { libc::sigaction(libc::SIGBUS, &raw const *ours, before.as_mut_ptr()) } == 0 {
        // Somebody may have come between the two calls.
        // SAFETY: as above.
        remember(unsafe { before.assume_init_ref() });
    }
}

fn remember(action: &libc::sigaction) {
    BEFORE_FLAGS.store(action.sa_flags, Ordering::Relaxed);
    BEFORE.store(action.sa_sigaction, Ordering::Relaxed);
}

extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid pointer, as the handler was installed with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    if matches!(code, BUS_ADRERR | BUS_OBJERR | BUS_MCEERR_AR) {
        // SAFETY: for these codes the kernel has filled in the address.
        let address = unsafe { (*info).si_addr() } as usize;
        if replace_page(address) {
            return;
        }
    }
    pass_on(signal, code, info, context);
}

/// `bits/siginfo-consts.h`: no such address; an error of the object behind it; a memory fault that was touched.
const BUS_ADRERR: libc::c_int = 2;
const BUS_OBJERR: libc::c_int = 3;
const BUS_MCEERR_AR: libc::c_int = 4;

/// Puts an empty page where `address` is, if that is in a map of ours.
fn replace_page(address: usize) -> bool {
    let Some(range) = MAPS.iter().find(|range| range.contains(address)) else {
        return false;
    };
    let protection = match range.is_writable.load(Ordering::Relaxed) {
        true => libc::PROT_READ | libc::PROT_WRITE,
        false => libc::PROT_READ,
    };
    // Shared as the file's page was: giving pages back to the system must not empty it.
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    let page = page_bytes();
    let start = ptr::without_provenance_mut(address - address % page);
    // SAFETY: `__errno_location` has no preconditions, and the thread's own number lives as long as the thread.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the page lies within a map of ours, which the faulting thread keeps mapped; replacing it changes memory
    // that could not be accessed before, and all access to it is by atomics.
    let mapped = unsafe { libc::mmap(start, page, protection, flags, -1, 0) };
    // SAFETY: as above; the interrupted code must not see its error number change.
    unsafe { *libc::__errno_location() = errno };
    if mapped == libc::MAP_FAILED {
        return false;
    }
    range.faults.fetch_add(1, Ordering::Release);
    true
}

/// Does what would have been done without us.
fn pass_on(signal: libc::c_int, code: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let is_sent = code <= 0;
    match BEFORE.load(Ordering::Relaxed) {
        libc::SIG_IGN if is_sent => {}
        // An accident cannot be ignored.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: both calls take numbers only. The action takes effect on return: the accident repeats itself, and
            // what was sent is sent once more.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            if is_sent {
                // SAFETY: as above.
                unsafe { libc::raise(signal) };
            }
        }
        handler if BEFORE_FLAGS.load(Ordering::Relaxed) & libc::SA_SIGINFO != 0 => {
            type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
            // SAFETY: somebody installed the address as a handler of this signature (SA_SIGINFO says so).
            let handler = unsafe { std::mem::transmute::<*const (), Handler>(handler as *const ()) };
            handler(signal, info, context);
        }
        handler => {
            type Handler = extern "C" fn(libc::c_int);
            // SAFETY: somebody installed the address as a handler of this signature (without SA_SIGINFO).
            let handler = unsafe { std::mem::transmute::<*const (), Handler>(handler as *const ()) };
            handler(signal);
        }
    }
}
