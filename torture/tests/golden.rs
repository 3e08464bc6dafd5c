//! What earlier versions left is delivered: `golden/v1` is never written again.

use std::path::Path;

use torture::rows::versions;

const EXE: &str = env!("CARGO_BIN_EXE_torture");

/// Writes the files that are committed, when `HYDRA_GOLDEN` names where to.
#[test]
fn write() {
    if let Some(to) = std::env::var_os("HYDRA_GOLDEN") {
        versions::write_golden(Path::new(EXE), Path::new(&to)).expect("a journal");
    }
}

/// Version 1: every record comes out of the committed bytes, whole and once, in plain text and in JSON.
#[test]
fn version_1_is_delivered() {
    if let Some(why) = versions::cannot_deliver() {
        println!("skipped: {why}");
        return;
    }
    let found = versions::deliver_version_1(Path::new(EXE)).expect("a round");
    assert!(found.is_right() && found.accepted > 100, "{found:?}");
}
