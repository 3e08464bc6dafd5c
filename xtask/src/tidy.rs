//! `cargo xtask tidy`: the rules of the house that no compiler holds.
//!
//! Imports between rooms, `unsafe`, banned calls, lengths, white space, words that belong to one machine only, and
//! proofs that documents name. Each finding is one line `path:line: rule: what, and what to do instead`.

mod banned;
mod edges;
mod lexer;
pub(crate) mod manifest;
mod proofs;
mod ratchet;
mod shape;
mod source;
mod unsafety;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use source::Source;

/// Something to mend.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, what: &str) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            what: what.to_owned(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

/// A length for the ratchet to judge.
#[derive(Debug)]
pub(crate) struct Measure {
    /// As it stands in the list of exceptions.
    key: String,
    path: String,
    line: usize,
    value: usize,
}

impl Measure {
    fn function(path: &str, name: &str, line: usize, value: usize) -> Self {
        Self {
            key: format!("function {path}::{name}"),
            path: path.to_owned(),
            line,
            value,
        }
    }

    fn file(path: &str, value: usize) -> Self {
        Self {
            key: format!("file {path}"),
            path: path.to_owned(),
            line: 1,
            value,
        }
    }
}

/// Runs all rules as a command.
pub(crate) fn run(root: &Path) -> ExitCode {
    if check(root) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs all rules over the repository and prints what they find; true if that is nothing.
pub(crate) fn check(root: &Path) -> bool {
    let paths = files(root);
    let (mut findings, mut measures) = (Vec::new(), Vec::new());
    for path in &paths {
        let Ok(text) = fs::read_to_string(root.join(path)) else {
            continue;
        };
        let source = Source::new(path, text);
        words::check(&source, &mut findings);
        shape::check(&source, &mut findings, &mut measures);
        proofs::check(&source, |path| fs::read_to_string(root.join(path)).ok(), &mut findings);
        if source.is_rust() {
            banned::check(&source, &mut findings);
            unsafety::check(&source, &mut findings);
        }
        if let Some(folder) = path.strip_suffix("/Cargo.toml") {
            edges::check(folder, &source.text, &mut findings);
        }
    }
    let list = fs::read_to_string(root.join(ratchet::LIST)).unwrap_or_default();
    ratchet::check(&measures, &list, &mut findings);
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", paths.len(), findings.len());
    findings.is_empty()
}

/// Endings of files that people write. Golden files and captured output keep whatever bytes they have.
const WRITTEN: [&str; 9] = [".rs", ".toml", ".md", ".sh", ".yml", ".yaml", ".cpp", ".txt", ".ci/run"];
/// Folders that hold what machines make, and golden files.
const MADE: [&str; 6] = [".git", "target", "corpus", "artifacts", "golden", "node_modules"];

/// The files to look at, from the root, in order.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let path = folder.join(&name);
            let is_made = MADE.iter().any(|made| name == *made);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_made => folders.push(path),
                Ok(kind) if kind.is_file() => found.push(path.to_string_lossy().replace('\\', "/")),
                _ => {}
            }
        }
    }
    found.retain(|path| WRITTEN.iter().any(|ending| path.ends_with(ending)));
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every source file is looked at, and nothing that a build has made.
    #[test]
    fn the_walk_finds_this_file_and_nothing_built() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let found = files(&root);
        assert!(found.iter().any(|path| path == "xtask/src/tidy.rs"));
        assert!(!found.iter().any(|path| path.contains("target/")));
    }
}
