//! The outside world for Hydra-Logger: disk, memory map, clock, randomness, threads.
//!
//! Every other room reaches the operating system through this one, and this is the only room that may contain `unsafe`.
//! Each `unsafe` block does one operation and says beside it which invariant makes it sound and who upholds that.
//!
//! What is deliberately absent: this room knows nothing of records, frames, journals or destinations, and no function
//! here retries, waits for or reacts to anything by itself beyond what its documentation says.
//!
//! Under `cfg(loom)` the [`atomic`] types are loom's, and a [`map::Map`] is a plain vector of them, so that whatever is
//! built on the two can be model-checked; `disk` and the file-backed maps are absent then. Under `cfg(sim)` everything
//! here is simulated, from one seed.

#![cfg_attr(
    sim,
    allow(dead_code, unused_imports, reason = "the real world stands beside the simulated one")
)]

pub mod atomic;
pub mod clock;
#[cfg(not(loom))]
pub mod disk;
pub mod exit;
#[cfg(feature = "hazards")]
pub mod hazard;
pub mod map;
pub mod process;
pub mod random;
#[cfg(all(feature = "signals", not(sim)))]
pub mod signals;
#[cfg(sim)]
pub mod sim;
pub mod thread;
