//! Documents name the tests that prove what they promise: each of those must exist.
//!
//! A test is named as `path/of/file.rs::function`, a row of the torture table as `torture --row NAME`, both between
//! backticks.

use super::Finding;
use super::source::Source;

/// Where the torture table's rows are named.
const ROWS: &str = "torture/src/rows.rs";
/// What comes before a row's name.
const ROW: &str = "torture --row ";

/// Reports every proof in a document that is not there; `read` gives a file's text by its path from the root.
pub(crate) fn check(source: &Source, read: impl Fn(&str) -> Option<String>, findings: &mut Vec<Finding>) {
    if !source.path.ends_with(".md") {
        return;
    }
    for (number, line) in source.text.lines().enumerate() {
        // Every second piece stands between backticks.
        for quoted in line.split('`').skip(1).step_by(2) {
            if let Some(missing) = missing(quoted, &read) {
                findings.push(Finding::new(&source.path, number + 1, "proofs", &missing));
            }
        }
    }
}

/// Says what is missing, if the quoted text names a proof.
fn missing(quoted: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (path, text) = match (quoted.split_once(".rs::"), quoted.strip_prefix(ROW)) {
        (Some((stem, function)), _) => (format!("{stem}.rs"), format!("fn {function}")),
        (None, Some(row)) => (ROWS.to_owned(), format!("\"{row}\"")),
        (None, None) => return None,
    };
    let found = read(&path).is_some_and(|file| {
        file.match_indices(&text)
            .any(|(at, _)| !continues(file.get(at + text.len()..).unwrap_or_default()))
    });
    (!found).then(|| format!("`{quoted}` is not there: name the test that proves this"))
}

/// Whether a name goes on at the front of `text`.
fn continues(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test or a row that exists is accepted, one that does not, or whose name goes on, is reported with its line.
    #[test]
    fn proofs_must_exist() {
        let read = |path: &str| match path {
            "a/b.rs" => Some("fn kept() {} fn kept_too() {}".to_owned()),
            ROWS => Some("kills(\"kill-1\", ..)".to_owned()),
            _ => None,
        };
        let text = "`a/b.rs::kept` and `torture --row kill-1`\n`a/b.rs::kep` `torture --row kill` `a/c.rs::kept`\n";
        let mut findings = Vec::new();
        check(&Source::new("docs/x.md", text.to_owned()), read, &mut findings);
        let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 2, 2]);
    }
}
