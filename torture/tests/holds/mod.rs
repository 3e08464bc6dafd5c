//! Rows of the torture table, in a form short enough for every test run.

use std::path::Path;

use torture::args::Args;
use torture::rows;

/// Runs some rows and asserts that each holds.
pub(crate) fn holds(names: &[&str], kills: u64) {
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
