//! `unsafe` lives in `crates/os`, and each use says why it is sound.

use super::Finding;
use super::source::Source;

/// The one folder where it may be.
const HOME: &str = "crates/os";

/// Reports `unsafe` outside its home, and inside where no comment says why it is sound.
pub(crate) fn check(source: &Source, findings: &mut Vec<Finding>) {
    let at_home = source.is_under(&[HOME]);
    if !at_home && is_crate_root(&source.path) && !forbids_unsafe(source) {
        let what = "the root of a crate outside crates/os begins with `#![forbid(unsafe_code)]`";
        findings.push(Finding::new(&source.path, 1, "unsafe", what));
    }
    for (at, token) in source
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is_word("unsafe"))
    {
        if !at_home {
            let what = "`unsafe` lives in crates/os alone: offer what is needed there, behind a safe function";
            findings.push(Finding::new(&source.path, token.line, "unsafe", what));
            continue;
        }
        let next = source.tokens.get(at + 1);
        let needs_note = next.is_some_and(|next| next.is_mark('{') || next.is_word("impl"));
        if needs_note && !has_note(source, token.line) {
            let what = "say in a `// SAFETY:` comment right above which invariant makes this sound, and who upholds it";
            findings.push(Finding::new(&source.path, token.line, "unsafe", what));
        }
    }
}

/// `src/lib.rs` and `src/main.rs` of a package.
fn is_crate_root(path: &str) -> bool {
    path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs")
}

fn forbids_unsafe(source: &Source) -> bool {
    let tokens = source.tokens.iter().enumerate();
    tokens.filter(|(_, token)| token.is_word("forbid")).any(|(at, _)| {
        let inside = source
            .tokens
            .iter()
            .skip(at + 1)
            .take_while(|token| !token.is_mark(']'));
        inside.into_iter().any(|token| token.is_word("unsafe_code"))
    })
}

/// Whether a comment with the note stands on the line, or right above the statement that the line belongs to.
fn has_note(source: &Source, line: usize) -> bool {
    if source.line(line).contains("SAFETY:") {
        return true;
    }
    let lines: Vec<&str> = source
        .text
        .lines()
        .take(line.saturating_sub(1))
        .map(str::trim)
        .collect();
    let mut above = lines
        .iter()
        .rev()
        .skip_while(|text| continues(text))
        .take_while(|text| is_aside(text));
    above.any(|text| text.contains("SAFETY:"))
}

/// Whether the statement goes on after this line, so that its comment stands further up.
fn continues(line: &str) -> bool {
    !line.is_empty() && !is_aside(line) && !line.ends_with([';', '{', '}', ','])
}

/// A comment or an attribute: what may stand between the note and its block.
fn is_aside(line: &str) -> bool {
    line.starts_with("//") || line.starts_with("#[")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        let mut findings = Vec::new();
        check(&Source::new(path, text.to_owned()), &mut findings);
        findings.len()
    }

    /// Outside its home every `unsafe` is reported; the word in a string, a comment or a lint name is not.
    #[test]
    fn unsafe_stays_at_home() {
        assert_eq!(count("crates/head/src/a.rs", "fn a() { unsafe { b() } }"), 1);
        assert_eq!(
            count("crates/head/src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";"),
            0
        );
        assert_eq!(
            count("crates/head/src/lib.rs", "//! Doc.\n#![forbid(unsafe_code)]\nmod a;"),
            0
        );
        assert_eq!(
            count("crates/head/src/lib.rs", "//! Doc. forbid(unsafe_code)\nmod a;"),
            1
        );
    }

    /// At home a note is asked for, on the line or above the statement.
    #[test]
    fn every_block_has_its_note() {
        let path = "crates/os/src/map.rs";
        assert_eq!(count(path, "fn a() {\n    unsafe { b() }\n}"), 1);
        assert_eq!(
            count(
                path,
                "fn a() {\n    // SAFETY: b is fine,\n    // always.\n    unsafe { b() }\n}"
            ),
            0
        );
        assert_eq!(
            count(
                path,
                "fn a() {\n    // SAFETY: fine.\n    let x =\n        unsafe { b() };\n}"
            ),
            0
        );
        assert_eq!(
            count(path, "// SAFETY: fine.\n#[cfg(unix)]\nunsafe impl Send for A {}"),
            0
        );
        assert_eq!(count(path, "// SAFETY: fine.\nfn a() {\n    unsafe { b() }\n}"), 1);
        assert_eq!(count(path, "unsafe fn a() {}"), 0);
    }
}
