//! The one place atomics, locks and waiting threads come from: the standard library, or loom under `cfg(loom)`.
//!
//! Code written against these names can be model-checked without a change: `RUSTFLAGS="--cfg loom" cargo test`. Loom's
//! types cannot be made in a `const`, so a `static` must use `std` directly and is then outside the model.

#[cfg(loom)]
pub use loom::hint::spin_loop;
#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(loom)]
pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
#[cfg(loom)]
pub use loom::thread::{self, yield_now};
#[cfg(not(loom))]
pub use std::hint::spin_loop;
#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub use std::thread::{self, yield_now};
