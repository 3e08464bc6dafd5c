//! Calls that are banned, each with what to use instead.

use super::Finding;
use super::lexer::Token;
use super::source::Source;

/// Where the outside world may be reached directly. An example is a user's program.
const OUTSIDE: [&str; 9] = [
    "crates/os",
    "crates/logger/examples",
    "examples",
    "tools",
    "xtask",
    "benches",
    "torture",
    "simulation",
    "fuzz",
];

/// Paths that may not be used in a room, and the replacement.
const IN_ROOMS: [(&[&str], &str); 8] = [
    (&["std", "time", "SystemTime", "now"], "use hydra_os::clock::wall_ns"),
    (&["std", "time", "Instant", "now"], "use hydra_os::clock::mono_ns"),
    (&["std", "fs"], "use hydra_os::disk"),
    (&["std", "net"], "reach the network through hydra_os"),
    (&["std", "process", "id"], "use hydra_os::process::id"),
    (
        &["std", "thread", "spawn"],
        "use hydra_os::thread::spawn, which names it and blocks its signals",
    ),
    (
        &["std", "thread", "Builder"],
        "use hydra_os::thread::spawn, which names it and blocks its signals",
    ),
    (
        &["std", "thread", "sleep"],
        "wait on a condition with a timeout, so that shutdown can interrupt it",
    ),
];

/// What may not be used in tests either.
const IN_TESTS: [(&[&str], &str); 1] = [(
    &["std", "thread", "sleep"],
    "wait for the condition itself (a channel, a receipt, a flush): a sleep is slow and flaky",
)];

/// Reports banned calls and ignored tests.
pub(crate) fn check(source: &Source, findings: &mut Vec<Finding>) {
    let outside = source.is_under(&OUTSIDE);
    let (imports, uses) = paths(&source.tokens);
    for path in imports.iter().chain(&uses) {
        let banned: &[(&[&str], &str)] = match (source.is_test(path.at), outside) {
            (true, _) => &IN_TESTS,
            (false, true) => &[],
            (false, false) => &IN_ROOMS,
        };
        let import = imports.iter().find(|import| path.begins_with_name_of(import));
        let full = import.map_or_else(|| path.segments.clone(), |import| path.behind(import));
        for (ban, instead) in banned {
            // What is wrong about an import is said once, at the import.
            let is_said = import.is_some_and(|import| import.segments.starts_with(ban));
            if full.starts_with(ban) && !is_said {
                let what = format!("`{}` is banned here: {instead}", ban.join("::"));
                findings.push(Finding::new(&source.path, source.line_of(path.at), "banned", &what));
            }
        }
    }
    if source.is_under(&["crates/journal/src"]) {
        unmodelled(source, &imports, findings);
    }
    ignored(source, findings);
}

/// The journal runs under loom: its atomics come from the shim. Those that must stay outside the model say so by name.
fn unmodelled(source: &Source, imports: &[Path<'_>], findings: &mut Vec<Finding>) {
    let what = "import atomics from hydra_os::atomic, so that loom sees them; \
                one that must stay outside the model is imported `as Std...`";
    for import in imports.iter().filter(|import| !source.is_test(import.at)) {
        let is_atomic =
            matches!(import.segments.as_slice(), ["std", "sync", "atomic", name] if name.starts_with("Atomic"));
        let is_renamed = source.tokens.get(import.end).is_some_and(|next| next.is_word("as"));
        if is_atomic && !is_renamed {
            findings.push(Finding::new(&source.path, source.line_of(import.at), "banned", what));
        }
    }
}

/// A test that does not run is not a test.
fn ignored(source: &Source, findings: &mut Vec<Finding>) {
    let instead = "assert the behaviour as it is, with a note";
    for (at, window) in source.tokens.windows(3).enumerate() {
        if let [hash, open, word] = window
            && hash.is_mark('#')
            && open.is_mark('[')
            && word.is_word("ignore")
        {
            let line = source.tokens.get(at).map_or(0, |token| token.line);
            findings.push(Finding::new(
                &source.path,
                line,
                "banned",
                &format!("`#[ignore]` is banned: {instead}"),
            ));
        }
    }
    for (number, line) in source.text.lines().enumerate().filter(|_| source.is_rust()) {
        let comment = line.trim_start();
        if comment.starts_with("//") && comment.contains("```ignore") {
            let what = "an example that does not run is banned: use `no_run`, or `text` for what is no Rust";
            findings.push(Finding::new(&source.path, number + 1, "banned", what));
        }
    }
}

/// A path as it stands in the source.
struct Path<'a> {
    segments: Vec<&'a str>,
    /// The index of its first token; in a `use` tree, of the first one of the leaf.
    at: usize,
    /// The index after its last token.
    end: usize,
}

impl<'a> Path<'a> {
    /// Whether it begins with the name that `import` brings in.
    fn begins_with_name_of(&self, import: &Path<'_>) -> bool {
        let name = match import.segments.as_slice() {
            [.., name, "self"] | [.., name] => name,
            [] => return false,
        };
        self.at != import.at && import.segments.len() > 1 && self.segments.first() == Some(name)
    }

    /// The whole path, with what `import` stands for in place of its first segment.
    fn behind(&self, import: &Path<'a>) -> Vec<&'a str> {
        let full = import.segments.iter().filter(|segment| **segment != "self");
        full.chain(self.segments.iter().skip(1)).copied().collect()
    }
}

/// The paths of all imports, one for each leaf of a `use` tree, and all other paths.
fn paths(tokens: &[Token]) -> (Vec<Path<'_>>, Vec<Path<'_>>) {
    let (mut imports, mut uses) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at = match token.word() {
            Some("use") => tree(tokens, at + 1, &[], &mut imports),
            Some(_) => tree(tokens, at, &[], &mut uses),
            None => at + 1,
        };
    }
    (imports, uses)
}

/// Reads the path that begins at `at`, with `prefix` before it; returns the index after it.
fn tree<'a>(tokens: &'a [Token], mut at: usize, prefix: &[&'a str], found: &mut Vec<Path<'a>>) -> usize {
    let begun = at;
    let mut segments = prefix.to_vec();
    while let Some(word) = tokens.get(at).and_then(Token::word) {
        segments.push(word);
        at += 1;
        if !is_separator(tokens, at) {
            break;
        }
        at += 2;
    }
    let is_group = is_separator(tokens, at.saturating_sub(2)) && tokens.get(at).is_some_and(|token| token.is_mark('{'));
    if !is_group {
        found.push(Path {
            segments,
            at: begun,
            end: at,
        });
        return at.max(begun + 1);
    }
    at += 1;
    while let Some(token) = tokens.get(at).filter(|token| !token.is_mark('}')) {
        at = match token.word() {
            // `as Name` renames the leaf before it; the new name is no path of its own.
            Some("as") => at + 2,
            Some(_) => tree(tokens, at, &segments, found),
            None => at + 1,
        };
    }
    at + 1
}

fn is_separator(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at..at + 2), Some([one, two]) if one.is_mark(':') && two.is_mark(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check(&Source::new(path, text.to_owned()), &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    /// A banned call is reported with its line and its replacement, however it is written.
    #[test]
    fn a_banned_call_names_its_replacement() {
        let found = findings(
            "crates/head/src/retry.rs",
            "fn a() {\n    let now = std::time::Instant::now();\n}\n",
        );
        assert_eq!(
            found,
            [
                "crates/head/src/retry.rs:2: banned: `std::time::Instant::now` is banned here: \
                 use hydra_os::clock::mono_ns"
            ]
        );
        assert_eq!(
            findings("crates/sink/src/file.rs", "use std::{fmt, fs::{self, File}, io};").len(),
            2
        );
        assert_eq!(findings("crates/sink/src/file.rs", "use std::fs;").len(), 1);
        assert_eq!(
            findings(
                "crates/sink/src/file.rs",
                "use std::thread; fn a() { thread::spawn(b); }"
            )
            .len(),
            1
        );
    }

    /// The room that wraps the world, tests, comments and strings may say it.
    #[test]
    fn a_banned_call_is_fine_where_it_belongs() {
        assert!(findings("crates/os/src/clock.rs", "use std::fs; fn a() { Instant::now(); }").is_empty());
        let ours = "use hydra_os::{disk, thread}; fn a() { thread::spawn(b); }";
        assert!(findings("crates/head/src/a.rs", ours).is_empty());
        assert!(findings("crates/head/tests/a.rs", "use std::fs;").is_empty());
        assert!(findings("crates/head/src/a.rs", "#[cfg(test)] mod tests { use std::fs; }").is_empty());
        assert!(findings("crates/head/src/a.rs", "// std::fs\nconst A: &str = \"std::fs\";").is_empty());
        assert!(findings("crates/head/src/a.rs", "use std::fmt; fn fs() { my::fs(); }").is_empty());
    }

    /// An import that brings in a banned name is followed to where the name is used.
    #[test]
    fn imports_are_followed() {
        let path = "crates/head/src/a.rs";
        assert_eq!(
            findings(path, "use std::time::{Duration, Instant}; fn a() { Instant::now(); }").len(),
            1
        );
        assert_eq!(findings(path, "use std::time::Instant; fn a(now: Instant) {}").len(), 0);
        assert_eq!(
            findings(path, "use std::fs; fn a() { fs::read(b); fs::read(c); }").len(),
            1
        );
    }

    /// In the journal an atomic of the standard library is banned, unless its name says that it is one.
    #[test]
    fn atomics_of_the_journal_come_from_the_shim() {
        let path = "crates/journal/src/a.rs";
        assert_eq!(findings(path, "use std::sync::atomic::{AtomicU64, Ordering};").len(), 1);
        assert_eq!(findings(path, "use std::sync::atomic::AtomicU64;").len(), 1);
        assert_eq!(
            findings(path, "use std::sync::atomic::{AtomicU64 as StdAtomicU64, Ordering};").len(),
            0
        );
        assert_eq!(
            findings("crates/head/src/a.rs", "use std::sync::atomic::AtomicU64;").len(),
            0
        );
    }

    /// Tests neither sleep nor stand idle.
    #[test]
    fn tests_do_not_sleep_and_are_not_ignored() {
        let sleep = "use std::thread; fn a() { thread::sleep(b); }";
        assert_eq!(findings("torture/tests/a.rs", sleep).len(), 1);
        assert!(findings("torture/src/a.rs", sleep).is_empty());
        assert_eq!(
            findings(
                "crates/os/src/a.rs",
                "#[cfg(test)] mod t { #[test] #[ignore] fn a() {} }"
            )
            .len(),
            1
        );
        assert_eq!(
            findings("crates/os/src/a.rs", "/// ```ignore\n/// x\n/// ```\nfn a() {}").len(),
            1
        );
    }
}
