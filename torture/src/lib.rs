//! Kills, starves and tears real processes and real files, and counts what is left.
//!
//! The binary `torture` is two programs in one. As the harness it starts *victims*, kills them at random moments, has
//! their journals recovered and checks the files. As a victim (`torture victim key=value ...`) it logs.
//!
//! # The oracle
//! A record's text is a function of seed, life, thread and number, so any line proves itself. A victim's thread writes
//! *intent n* before and *accepted n* after each call into a [`tape`]: a mapped file that survives SIGKILL as the
//! journal does. After the fault: accepted ⊆ recovered ⊆ intended, nothing doubled, nothing torn, each thread's order
//! kept.
//!
//! A *life* is one run of a victim in a directory; a *round* is a directory with some lives, all but the last of
//! which end badly. Every round has a seed of its own, which is printed when it fails: `--row NAME --seed SEED`
//! begins there.
#![forbid(unsafe_code)]

pub mod args;
pub mod calls;
pub mod faults;
pub mod ledger;
pub mod life;
pub mod load;
pub mod mount;
pub mod oracle;
pub mod payload;
pub mod pipe;
pub mod power;
pub mod random;
pub mod remote;
pub mod round;
pub mod rows;
pub mod snapshot;
pub mod spec;
pub mod stall;
pub mod step;
pub mod table;
pub mod tape;
pub mod tools;
pub mod trace;
pub mod victim;
