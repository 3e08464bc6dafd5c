//! Words that belong to one machine only: absolute paths of a developer's home or build place.

use super::Finding;
use super::source::Source;

/// Put together from halves, so that this file does not find itself.
const PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp", "/hl"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Reports each such path, in code, comments and documents alike.
pub(crate) fn check(source: &Source, findings: &mut Vec<Finding>) {
    for (number, line) in source.text.lines().enumerate() {
        for path in PATHS.iter().filter(|path| names(line, path)) {
            let what = format!("`{path}` is a path of one machine: use a relative path or a temporary folder");
            findings.push(Finding::new(&source.path, number + 1, "words", &what));
        }
    }
}

/// Whether the line holds the path as an absolute one: `https://host/home/` and `a/work/` are something else.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~' | '}' | ')'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An absolute path of a machine is found wherever it stands; parts of other paths are not.
    #[test]
    fn absolute_paths_are_found() {
        let found = |line: &str| PATHS.iter().filter(|path| names(line, path)).count();
        assert_eq!(found(concat!("// see /wo", "rk/main")), 1);
        assert_eq!(found(concat!("\"/ro", "ot/.cargo\"")), 1);
        assert_eq!(found("path/work/x https://a.b/home/c ../root/x"), 0);
    }
}
