//! Faults of the list that no row of the table makes, so that none is missing from it: where each is tried, or why not.

use std::io::{self, Write};

/// A fault, and where to look.
const FAULTS: &[(&str, &str)] = &[
    (
        "every failing call of a destination's file",
        "crates/head/tests/files_on_a_broken_device.rs",
    ),
    (
        "stale frames in a recycled segment",
        "row power-cut (small quotas); crates/journal/tests/model.rs",
    ),
    (
        "ENOSPC behind a mapped store",
        "row quota (btrfs); crates/os/tests/a_file_cut_short.rs",
    ),
    ("other version of the journal", "crates/journal/tests/golden.rs"),
    ("numbers of segments used up", "crates/journal/src/store.rs, its tests"),
    (
        "network file system",
        "refused unless allowed: crates/journal/src/place.rs, its tests; never tried, no client in this kernel; \
         FUSE, which is not refused, has no row yet",
    ),
    ("records at the limits of size", "crates/journal/tests/limits.rs"),
    ("hostile bytes in records", "crates/format/tests/*_reads_back.rs"),
    (
        "reload in mid-traffic, and of what is broken",
        "crates/logger/tests/conformance/reload.rs",
    ),
    (
        "same destination twice",
        "crates/sink/tests/file_is_shared.rs, file_is_shared_between_processes.rs",
    ),
    (
        "shutdown under load, twice, in threads",
        "crates/logger/tests/conformance/ending.rs",
    ),
    (
        "upgrade and downgrade in place",
        "not tried: there is no earlier release to take turns with",
    ),
    (
        "all of it on a simulated machine",
        "package simulation, by `cargo xtask` as well",
    ),
];

/// Prints the list.
///
/// # Errors
/// Whatever `out` says.
pub fn tell(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nwithout a row here:")?;
    FAULTS
        .iter()
        .try_for_each(|(fault, place)| writeln!(out, "{fault:46} {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The files that the list names are there.
    #[test]
    fn places_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let names = FAULTS.iter().flat_map(|(_, place)| place.split([' ', ',', ';']));
        for name in names.filter(|name| name.starts_with("crates/") && !name.contains('*')) {
            assert!(root.join(name).exists(), "{name}");
        }
    }
}
