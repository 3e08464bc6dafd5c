//! Calls that are banned, each with what to use instead.

use super::Finding;
use super::lexer::Token;
use super::source::Source;

/// Where the outside world may be reached directly.
const OUTSIDE: [&str; 6] = ["crates/os", "tools", "xtask", "benches", "torture", "fuzz"];

/// The last parts of a path that may not be used in a room, and the replacement.
const IN_ROOMS: [(&[&str], &str); 9] = [
    (&["SystemTime", "now"], "use hydra_os::clock::wall_ns"),
    (&["Instant", "now"], "use hydra_os::clock::mono_ns"),
    (&["std", "fs"], "use hydra_os::disk"),
    (&["std", "net"], "reach the network through hydra_os"),
    (&["std", "process", "id"], "use hydra_os::process::id"),
    (
        &["thread", "spawn"],
        "use hydra_os::thread::spawn, which names the thread and blocks its signals",
    ),
    (
        &["thread", "Builder"],
        "use hydra_os::thread::spawn, which names the thread and blocks its signals",
    ),
    (
        &["thread", "sleep"],
        "wait on a condition with a timeout, so that shutdown can interrupt it",
    ),
    (
        &["std", "sync", "atomic"],
        "use hydra_os::atomic, so that the code runs under loom",
    ),
];

/// What may not be used in tests either.
const IN_TESTS: [(&[&str], &str); 1] = [(
    &["thread", "sleep"],
    "wait for the condition itself (a channel, a receipt, a flush): a sleep is slow and flaky",
)];

/// Reports banned calls and ignored tests.
pub(crate) fn check(source: &Source, findings: &mut Vec<Finding>) {
    let outside = source.is_under(&OUTSIDE);
    for (segments, at) in paths(&source.tokens) {
        let Some(token) = source.tokens.get(at) else { continue };
        let banned: &[(&[&str], &str)] = match (source.is_test(at), outside) {
            (true, _) => &IN_TESTS,
            (false, true) => &[],
            (false, false) => &IN_ROOMS,
        };
        for (path, instead) in banned {
            if segments.windows(path.len()).any(|window| window == *path) {
                let what = format!("`{}` is banned here: {instead}", path.join("::"));
                findings.push(Finding::new(&source.path, token.line, "banned", &what));
            }
        }
    }
    ignored(source, findings);
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

/// Every path of the file with the index of its first token; a `use` tree gives one path for each of its leaves.
fn paths(tokens: &[Token]) -> Vec<(Vec<&str>, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let word = tokens.get(at).and_then(Token::word);
        at = match word {
            Some(_) => tree(tokens, at, &[], &mut found),
            None => at + 1,
        };
    }
    found
}

/// Reads the path that begins at `at`, with `prefix` before it; returns the index after it.
fn tree<'a>(tokens: &'a [Token], mut at: usize, prefix: &[&'a str], found: &mut Vec<(Vec<&'a str>, usize)>) -> usize {
    let begun = at;
    let mut path = prefix.to_vec();
    while let Some(word) = tokens.get(at).and_then(Token::word) {
        path.push(word);
        at += 1;
        if !is_separator(tokens, at) {
            break;
        }
        at += 2;
    }
    let is_group = is_separator(tokens, at.saturating_sub(2)) && tokens.get(at).is_some_and(|token| token.is_mark('{'));
    if !is_group {
        found.push((path, begun));
        return at.max(begun + 1);
    }
    at += 1;
    while let Some(token) = tokens.get(at).filter(|token| !token.is_mark('}')) {
        at = match token.word() {
            Some(_) => tree(tokens, at, &path, found),
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
            ["crates/head/src/retry.rs:2: banned: `Instant::now` is banned here: use hydra_os::clock::mono_ns"]
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
        assert!(findings("crates/head/tests/a.rs", "use std::fs;").is_empty());
        assert!(findings("crates/head/src/a.rs", "#[cfg(test)] mod tests { use std::fs; }").is_empty());
        assert!(findings("crates/head/src/a.rs", "// std::fs\nconst A: &str = \"std::fs\";").is_empty());
        assert!(findings("crates/head/src/a.rs", "use std::fmt; fn fs() { my::fs(); }").is_empty());
    }

    /// Tests neither sleep nor stand idle.
    #[test]
    fn tests_do_not_sleep_and_are_not_ignored() {
        let sleep = "fn a() { std::thread::sleep(b); }";
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
