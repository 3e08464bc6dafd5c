//! Lengths and white space: what keeps a file readable without scrolling, and a diff free of noise.

use std::collections::BTreeSet;

use super::source::{Source, close_of};
use super::{Finding, Measure};

/// Lines of a function, from `fn` to its closing brace: what fits on a screen.
pub(crate) const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a file that hold code.
pub(crate) const FILE_LINES_MAX: usize = 600;
/// Characters of a line.
pub(crate) const LINE_COLUMNS_MAX: usize = 120;

/// Reports white space and lines that are too long; other lengths go to `measures`, for the ratchet.
pub(crate) fn check(source: &Source, findings: &mut Vec<Finding>, measures: &mut Vec<Measure>) {
    white_space(source, findings);
    columns(source, findings);
    if source.is_rust() {
        functions(source, measures);
        let code: BTreeSet<usize> = source
            .tokens
            .iter()
            .flat_map(|token| token.line..=token.end_line)
            .collect();
        measures.push(Measure::file(&source.path, code.len()));
    }
}

fn white_space(source: &Source, findings: &mut Vec<Finding>) {
    for (number, line) in source.text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::new(
                &source.path,
                number + 1,
                "space",
                "white space at the end of the line",
            ));
        }
        if source.is_rust() && line.starts_with('\t') {
            findings.push(Finding::new(
                &source.path,
                number + 1,
                "space",
                "a tab: indent with spaces",
            ));
        }
    }
    let last = source.text.lines().count();
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        findings.push(Finding::new(
            &source.path,
            last,
            "space",
            "no newline at the end of the file",
        ));
    }
    if source.text.ends_with("\n\n") {
        findings.push(Finding::new(
            &source.path,
            last,
            "space",
            "an empty line at the end of the file",
        ));
    }
}

/// Tables and links of a document cannot be broken, so they are let off.
fn columns(source: &Source, findings: &mut Vec<Finding>) {
    let is_document = source.path.ends_with(".md");
    for (number, line) in source.text.lines().enumerate() {
        let count = line.chars().count();
        let unbreakable = is_document && (line.starts_with('|') || line.contains("://"));
        if count > LINE_COLUMNS_MAX && !unbreakable {
            let what = format!("{count} columns; the limit is {LINE_COLUMNS_MAX}");
            findings.push(Finding::new(&source.path, number + 1, "columns", &what));
        }
    }
}

/// Measures each function that has a body.
fn functions(source: &Source, measures: &mut Vec<Measure>) {
    for (at, token) in source
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is_word("fn"))
    {
        let Some(name) = source.tokens.get(at + 1).and_then(|token| token.word()) else {
            continue;
        };
        let Some(end) = body_end(source, at) else { continue };
        let lines = end - token.line + 1;
        measures.push(Measure::function(&source.path, name, token.line, lines));
    }
}

/// The line of the brace that ends the function whose `fn` stands at `at`; none for a declaration.
fn body_end(source: &Source, mut at: usize) -> Option<usize> {
    loop {
        let token = source.tokens.get(at)?;
        if token.is_mark(';') {
            return None;
        }
        if token.is_mark('{') {
            let close = close_of(&source.tokens, at)?;
            return source.tokens.get(close).map(|token| token.line);
        }
        if token.is_mark('(') || token.is_mark('[') {
            at = close_of(&source.tokens, at)?;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(path: &str, text: &str) -> (Vec<Finding>, Vec<Measure>) {
        let (mut findings, mut measures) = (Vec::new(), Vec::new());
        check(&Source::new(path, text.to_owned()), &mut findings, &mut measures);
        (findings, measures)
    }

    /// A function is measured from `fn` to its own closing brace, a declaration not at all.
    #[test]
    fn functions_are_measured() {
        let text = "trait A {\n    fn a(x: [u8; 4]);\n}\nfn b<T>(f: impl Fn(u8) -> u8)\n\
                    where\n    T: Copy,\n{\n    if x { y }\n}\n";
        let (_, measures) = run("crates/x/src/a.rs", text);
        let shown: Vec<(&str, usize)> = measures
            .iter()
            .map(|measure| (measure.key.as_str(), measure.value))
            .collect();
        assert_eq!(
            shown,
            [("function crates/x/src/a.rs::b", 6), ("file crates/x/src/a.rs", 9)]
        );
    }

    /// Only lines with code count for the length of a file.
    #[test]
    fn comments_and_empty_lines_are_no_code() {
        let (_, measures) = run("crates/x/src/a.rs", "//! Doc.\n\n// Note.\nconst A: &str = \"x\ny\";\n");
        assert_eq!(measures.last().map(|measure| measure.value), Some(2));
    }

    /// White space at ends, missing last newlines and long lines are reported; a wide table of a document is not.
    #[test]
    fn white_space_and_columns() {
        assert_eq!(run("a.md", "a \nb").0.len(), 2);
        assert_eq!(run("a.md", "a\n\n").0.len(), 1);
        let wide = "x".repeat(121);
        assert_eq!(run("a.rs", &format!("// {wide}\n")).0.len(), 1);
        assert_eq!(run("a.md", &format!("| {wide} |\n")).0.len(), 0);
        assert_eq!(run("a.rs", &format!("//{}\n", "é".repeat(118))).0.len(), 0);
    }
}
