//! The simulated outside world, under `cfg(sim)`: one seed decides what every thread, clock, disk and die roll does.
//!
//! Everything above this room runs unchanged on it. Threads are real ones, but exactly one of them holds the baton at
//! any moment; every blocking call, every access to mapped memory and every atomic of `hydra_os::atomic` is a point
//! where the seed may pass the baton on, cut the power or kill the process. Time is a number that moves when somebody
//! does something, and jumps to the next deadline when nobody can. The disk is in memory and knows what a real one
//! knows: what the page cache holds, what the device holds, and which of them survives what.
//!
//! Why our own: the schedulers that exist for Rust (loom, shuttle) have no timed waits, on which heads, keeper and
//! shutdown stand, and neither has a disk or ends a process in the middle.
//!
//! # Processes
//! A *life* ([`live`]) is a process: it ends when its `main` returns, when the seed kills it, or when the power goes.
//! Its threads never run again; they stay where they are until the real process ends. What the page cache holds
//! survives a kill; of what was not synced a power cut leaves any mixture of old and new 512-byte sectors, and of the
//! names changed since the last [`crate::disk::sync_dir`] the first few changes.
//!
//! # Limits
//! A life is the only one at its time. Standard streams, pipes and forks are not simulated. Memory is sequentially
//! consistent: weaker orders are for loom.

mod atomics;
pub(crate) mod disk;
pub(crate) mod file;
pub(crate) mod locks;
pub(crate) mod memory;
mod plan;
pub(crate) mod threads;
pub(crate) mod tree;
mod world;

pub use self::atomics::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, fence};
pub use self::disk::{Mutation, mutate, power_off};
pub use self::locks::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult};
pub use self::plan::{Death, Faults, Plan};
pub use self::threads::{JoinHandle, Thread, ThreadId, current, park, park_timeout, spawn_thread, yield_now};
pub use self::world::{End, live, now_ns, seed, stay_on, tell_calls, trace};
pub(crate) use self::world::{at_exit, boot, draw, io, life, me, roll, step, wall_ns};
