//! The process-wide state of the library, all of it.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU32;

use hydra_os::atomic::Mutex;

use crate::config::magic::Registry;
use crate::shutdown::Registered;

/// The loggers that are drained when the process exits.
pub(crate) static LOGGERS: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// SIGTERM and SIGINT drain the loggers: whether they do, or why they cannot.
#[cfg(all(feature = "signals", not(sim)))]
pub(crate) static SIGNALS: std::sync::OnceLock<Result<(), crate::error::Error>> = std::sync::OnceLock::new();

/// The magic configurations of the process.
pub(crate) static MAGIC: LazyLock<Registry> = LazyLock::new(Registry::with_built_ins);

/// The number for the next call site that is passed for the first time.
pub(crate) static NEXT_SITE: AtomicU32 = AtomicU32::new(1);

/// What each configuration of each logger is told apart by: see [`crate::bridge::Bridges`].
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) static NEXT_EPOCH: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// The places in the program where the macros of other crates have logged.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) static PLACES: Mutex<crate::bridge::Places> = Mutex::new(crate::bridge::Places::new());

/// What is logged before there is a logger.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) static EARLY: crate::bridge::Early = crate::bridge::Early::new();

thread_local! {
    /// Whether the thread is inside a call. It has nothing to drop, so that it can be read at any moment.
    pub(crate) static PHASE: std::cell::Cell<crate::local::Phase> = const {
        std::cell::Cell::new(crate::local::Phase::Outside)
    };
    /// How many calls are made by values of other calls, within one another.
    pub(crate) static NESTED: std::cell::Cell<u8> = const { std::cell::Cell::new(0) };
    /// What the thread keeps between its calls.
    pub(crate) static LOCAL: crate::local::Slot = const { std::cell::Cell::new(None) };
    /// The context of what the thread does now.
    pub(crate) static CONTEXT: crate::context::Slot = const { std::cell::RefCell::new(None) };
    /// Whether there is one: a word that can be read without ado.
    pub(crate) static HAS_CONTEXT: crate::context::Flag = const { std::cell::Cell::new(false) };
    /// The places that the thread has found last.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) static SEEN: crate::bridge::Seen = const { crate::bridge::Seen::new() };
}
