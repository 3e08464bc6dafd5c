//! What the simulation promises: the engine holds on the seeds tried here, and the simulation would notice if not.
#![cfg(sim)]
#![allow(clippy::panic, reason = "a test may fail by panicking")]

use std::path::Path;
use std::process::Command;

use simulation::args::Args;
use simulation::farm::{self, Sum};

/// Seeds that have failed once, each with the reason. What a seed does changes with the scene it draws and with every
/// call of the engine to the outside, so that a mended one proves less with time; the reason says what to test for.
const FAILED_ONCE: [(u64, &str); 15] = [
    (228, "after a power cut a cursor stood behind records that no file held"),
    (359, "the same, with a power cut in the first life"),
    (454, "the same, with rotation"),
    (753, "the same, in a file of each format"),
    (
        119,
        "after a failed sync a cursor stayed back: nothing counted as synced, and the journal was full for ever",
    ),
    (3242, "the same, from the first journal on"),
    (
        578,
        "after a power cut the table of cursors did not know two heads, whose records were removed with the journal",
    ),
    (
        398,
        "after a reload a head that may drop read the first part of its segment for ever",
    ),
    (129, "the same, beside a head that went on"),
    (667, "the same, with three files"),
    (
        976,
        "after a reload what the head before had in hand was taken for delivered, guaranteed records too",
    ),
    (
        2334,
        "a destination could not come back while its old head kept the cursors of dead processes' journals",
    ),
    (8742, "the same, with a head in between that had taken over"),
    (7649, "nor while its old head had its file"),
    (
        483_833_959,
        "a head could not open its file, which one held that a reload had started to take its place and given up",
    ),
];

fn run(seed: u64, seeds: u64, lie: Option<&'static str>) -> Sum {
    let args = Args {
        seed,
        seeds,
        lie,
        ..Args::default()
    };
    let exe = Path::new(env!("CARGO_BIN_EXE_simulate"));
    let mut said = Vec::new();
    let sum = farm::run(&args, exe, &mut said);
    assert_eq!(sum.seeds, seeds);
    sum
}

/// The first thousand seeds hold.
#[test]
fn a_thousand_seeds_hold() {
    let sum = run(1, 1_000, None);
    assert!(sum.failed.is_empty(), "{:#?}", sum.failed);
}

/// Seeds that have failed once do not fail again.
#[test]
fn seeds_that_failed_hold() {
    for (seed, reason) in FAILED_ONCE {
        let sum = run(seed, 1, None);
        assert!(sum.failed.is_empty(), "{reason}: {:#?}", sum.failed);
    }
}

/// A seed replays exactly: whatever happened, in whatever order, happens again.
#[test]
fn a_seed_replays_exactly() {
    for seed in 1..=40 {
        let verdict = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_simulate"));
            let output = command.args(["--alone", "0", "--seed", &seed.to_string()]).output();
            String::from_utf8(output.expect("it runs").stdout).expect("it is text")
        };
        let first = verdict();
        assert!(first.contains("trace"), "{first}");
        assert_eq!(first, verdict());
    }
}

/// When the disk lies, seeds fail: each lie is noticed in at least one of fifty.
#[test]
fn a_lying_disk_is_noticed() {
    for lie in ["syncs-do-nothing", "kills-lose-the-cache", "writes-lie"] {
        let noticed = run(1, 50, Some(lie)).failed.len();
        assert!(noticed > 0, "the disk lies ({lie}), and nobody notices");
    }
}
