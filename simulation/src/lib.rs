//! The engine on a simulated machine: one seed decides configuration, workload, interleaving, faults and deaths.
//!
//! A *round* is one seed. Its *scene* is drawn first: the journal, the files, what is logged and what can go wrong.
//! Then come some *lives* on one simulated disk, most of which end badly, and a last one without faults that has to
//! bring everything home. The `oracle` then reads the simulated files.
//!
//! | family | what happens | what must hold |
//! |---|---|---|
//! | kill | the process is killed at any step | each accepted record in each of its files, exactly once |
//! | cut | the power goes, or the process is killed | each synced record in each of its files, at least once |
//! | fault | calls to the disk fail, and kills | each accepted record in each of its files |
//! | chaos | calls to the disk fail, and the power goes | each synced record in each of its files, at least once |
//!
//! A file may have another one that serves while it does not, or drop records when the journal is full: then the
//! `account` must add up instead, and what is guaranteed is never dropped. Reloads may take files away for a while and
//! change how they are written.
//!
//! Only whole lines, each thread's order, and nothing that nobody logged, in all of them; where the power goes, sectors
//! of what nobody had synced may be torn.
//!
//! Each round has a real process of its own, so that nothing in a static of one leaks into the next, and a seed replays
//! exactly: its *trace* is printed, a number that is the same only if everything happened in the same order.
//!
//! Built for the real world there is nothing in here: `cargo xtask simulate` builds it with `--cfg sim`.
#![forbid(unsafe_code)]
#![cfg(sim)]

pub mod account;
pub mod args;
pub mod farm;
pub mod life;
pub mod oracle;
pub mod round;
pub mod scene;
pub mod tape;

// Shared with the harness that kills real processes, which is built for the real world.
#[path = "../../torture/src/payload.rs"]
pub mod payload;
#[path = "../../torture/src/random.rs"]
pub mod random;
