//! The one place atomics, locks and waiting threads come from: the standard library, loom under `cfg(loom)`, or the
//! simulation under `cfg(sim)`.
//!
//! Code written against these names can be model-checked without a change: `RUSTFLAGS="--cfg loom" cargo test`. Loom's
//! types cannot be made in a `const`, so a `static` must use `std` directly and is then outside the model.

#[cfg(sim)]
pub use crate::sim::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard,
    RwLockWriteGuard, fence, yield_now, yield_now as spin_loop,
};
#[cfg(loom)]
pub use loom::hint::spin_loop;
#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(loom)]
pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(loom)]
pub use loom::thread::{self, yield_now};
#[cfg(not(any(loom, sim)))]
pub use std::hint::spin_loop;
#[cfg(not(loom))]
pub use std::sync::Arc;
#[cfg(sim)]
pub use std::sync::atomic::Ordering;
#[cfg(not(any(loom, sim)))]
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(not(any(loom, sim)))]
pub use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(any(loom, sim)))]
pub use std::thread::{self, yield_now};

/// Threads that wait, simulated.
#[cfg(sim)]
pub mod thread {
    pub use crate::sim::{Thread, ThreadId, current, park, park_timeout, yield_now};
}
