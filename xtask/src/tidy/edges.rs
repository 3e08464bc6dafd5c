//! Who may import whom: the table of ARCHITECTURE.md, held against every `Cargo.toml`.

use super::Finding;
use super::manifest::entries;

/// Package folder, and the rooms it may import. Change it together with ARCHITECTURE.md, in one commit.
///
/// Tests of a room (`[dev-dependencies]`) may look further: they are not part of what is shipped.
const EDGES: [(&str, &[&str]); 16] = [
    ("crates/os", &[]),
    ("crates/record", &[]),
    ("crates/macros", &[]),
    ("crates/journal", &["os"]),
    ("crates/format", &["record"]),
    ("crates/sink", &["os"]),
    ("crates/head", &["format", "journal", "os", "record", "sink"]),
    (
        "crates/logger",
        &["format", "head", "journal", "macros", "os", "record", "sink"],
    ),
    ("tools/hydra", &["format", "head", "journal", "logger", "os", "record"]),
    ("examples", &["logger"]),
    (
        "torture",
        &["format", "head", "journal", "logger", "os", "record", "sink"],
    ),
    ("simulation", &["logger", "os"]),
    ("benches", &["logger", "os"]),
    ("benches/instructions", &["format", "logger", "record"]),
    ("fuzz", &["format", "journal", "logger", "os", "record"]),
    ("xtask", &[]),
];

/// Checks one manifest; `folder` is the folder it lies in, from the root.
pub(crate) fn check(folder: &str, manifest: &str, findings: &mut Vec<Finding>) {
    let path = format!("{folder}/Cargo.toml");
    let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == folder) else {
        findings.push(Finding::new(
            &path,
            1,
            "edges",
            "this package is not in the table in xtask/src/tidy/edges.rs",
        ));
        return;
    };
    for table in ["dependencies", "build-dependencies"] {
        for name in entries(manifest, table) {
            let Some(room) = name.strip_prefix("hydra-") else {
                continue;
            };
            if !allowed.contains(&room) {
                let line = 1 + manifest.lines().position(|line| line.contains(&name)).unwrap_or(0);
                let rooms = if allowed.is_empty() {
                    "nothing of ours".to_owned()
                } else {
                    allowed.join(", ")
                };
                let what = format!("{folder} may not import {room}; it may import {rooms} (ARCHITECTURE.md)");
                findings.push(Finding::new(&path, line, "edges", &what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(folder: &str, manifest: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check(folder, manifest, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    /// An edge that is not in the table is reported with its line and with what would be allowed.
    #[test]
    fn a_wrong_edge_is_named() {
        let found = findings(
            "crates/journal",
            "[dependencies]\nhydra-os.workspace = true\nhydra-record.workspace = true\n",
        );
        assert_eq!(
            found,
            [
                "crates/journal/Cargo.toml:3: edges: crates/journal may not import record; \
              it may import os (ARCHITECTURE.md)"
            ]
        );
    }

    /// The edges of the table, dependencies of others, and what only tests import are fine.
    #[test]
    fn a_right_edge_is_fine() {
        let manifest =
            "[dependencies]\nhydra-os.workspace = true\nlibc = \"0.2\"\n[dev-dependencies]\nhydra-sink = \"1\"\n";
        assert!(findings("crates/journal", manifest).is_empty());
        assert_eq!(findings("crates/newcomer", "[dependencies]\n").len(), 1);
    }
}
