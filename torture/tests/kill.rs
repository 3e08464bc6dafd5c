//! The rows of the torture table, in a form short enough for every test run.

use std::path::Path;

use torture::args::Args;
use torture::rows;

/// Runs some rows and asserts that each holds.
fn holds(names: &[&str], kills: u64) {
    let seed = hydra_os::random::u64() % 1_000_000_000;
    let args = Args {
        rows: names.iter().map(|name| (*name).to_owned()).collect(),
        seed,
        kills,
        ..Args::default()
    };
    let mut table = Vec::new();
    let held = rows::run(&args, Path::new(env!("CARGO_BIN_EXE_torture")), &mut table);
    let table = String::from_utf8_lossy(&table).into_owned();
    assert!(held, "{table}");
}

/// Whatever was accepted before a SIGKILL is in the files after the next start: whole, once, in order.
#[test]
fn nothing_accepted_is_lost() {
    holds(&["kill-1", "kill-4", "kill-32"], 30);
}

/// The same for the async handle, for synced records and where segments are recycled.
#[test]
fn nothing_accepted_is_lost_by_any_handle() {
    holds(&["kill-async", "kill-synced", "kill-recycle"], 18);
}

/// The same while files are rotated, and when recoveries are killed.
#[test]
fn nothing_accepted_is_lost_in_rotation_or_recovery() {
    holds(&["kill-rotate", "kill-recovery"], 20);
}

/// One dead process's journal is delivered once, however many start at the same time.
#[test]
fn one_of_eight_adopts() {
    holds(&["adoption-race"], 0);
}

/// A destination that blocks delays no other, and gets everything once it is read.
#[test]
fn a_blocked_destination_delays_nobody() {
    holds(&["blocked"], 0);
}

/// A damaged journal costs what the damage hits, and never a panic.
#[test]
fn damage_is_stepped_over() {
    holds(&["corrupt"], 0);
}
