//! One file as the rules see it: its text, its tokens, and which of them belong to tests.

use super::lexer::{Token, lex};

/// A source file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Empty for anything but Rust.
    pub(crate) tokens: Vec<Token>,
    /// For each token: whether it stands in test code.
    in_test: Vec<bool>,
}

impl Source {
    /// Reads `text`; a path ending in `.rs` makes it Rust.
    pub(crate) fn new(path: &str, text: String) -> Self {
        let tokens = if path.ends_with(".rs") { lex(&text) } else { Vec::new() };
        let whole = is_test_path(path);
        let mut in_test = vec![whole; tokens.len()];
        if !whole {
            mark_test_items(&tokens, &mut in_test);
        }
        Self {
            path: path.to_owned(),
            text,
            tokens,
            in_test,
        }
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it lies under one of these folders.
    pub(crate) fn is_under(&self, folders: &[&str]) -> bool {
        folders
            .iter()
            .any(|folder| self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether the token at `index` is test code.
    pub(crate) fn is_test(&self, index: usize) -> bool {
        self.in_test.get(index).copied().unwrap_or(false)
    }

    /// The line the token at `index` begins on.
    pub(crate) fn line_of(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(1, |token| token.line)
    }

    /// The text of a line, counted from 1.
    pub(crate) fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number.saturating_sub(1)).unwrap_or_default()
    }
}

/// Whole files of test code: under a folder `tests`, or a module file named for tests.
fn is_test_path(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let named = file == "tests.rs" || file.ends_with("_tests.rs");
    named || parts.any(|folder| folder == "tests")
}

/// Marks what follows `#[cfg(test)]`, `#[cfg(all(test, ...))]` and `#[test]` up to the end of that item.
fn mark_test_items(tokens: &[Token], in_test: &mut [bool]) {
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = test_attribute(tokens, at) else {
            at += 1;
            continue;
        };
        let last = item_end(tokens, end);
        if let Some(range) = in_test.get_mut(at..last) {
            range.fill(true);
        }
        at = last;
    }
}

/// If an attribute for tests begins at `at`, the index after it.
fn test_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    if !(tokens.get(at)?.is_mark('#') && tokens.get(at + 1)?.is_mark('[')) {
        return None;
    }
    let end = close_of(tokens, at + 1)?;
    let inside: Vec<&str> = tokens.get(at + 2..end)?.iter().filter_map(Token::word).collect();
    let is_test = matches!(
        inside.as_slice(),
        ["test"] | ["cfg", "test", ..] | ["cfg", "all", "test", ..]
    );
    is_test.then_some(end + 1)
}

/// The index after the item that begins at `at`: past its first block outside parentheses, or past its semicolon.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        if token.is_mark(';') {
            return at + 1;
        }
        let opens = token.is_mark('(') || token.is_mark('[') || token.is_mark('{');
        if opens {
            let Some(close) = close_of(tokens, at) else {
                return tokens.len();
            };
            if token.is_mark('{') {
                return close + 1;
            }
            at = close;
        }
        at += 1;
    }
    tokens.len()
}

/// The index of the bracket that closes the one at `open`.
pub(crate) fn close_of(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if ['(', '[', '{'].iter().any(|mark| token.is_mark(*mark)) {
            depth += 1;
        } else if [')', ']', '}'].iter().any(|mark| token.is_mark(*mark)) {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_words(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text.to_owned());
        let tokens = source.tokens.iter().enumerate();
        tokens
            .filter(|(at, _)| source.is_test(*at))
            .filter_map(|(_, t)| t.word().map(str::to_owned))
            .collect()
    }

    /// A test module is test code to its closing brace, and what follows is not.
    #[test]
    fn a_test_module_ends_with_its_brace() {
        let text = "fn a() {} #[cfg(test)] mod tests { fn b() { if x {} } } fn c() {}";
        assert_eq!(
            test_words("crates/x/src/lib.rs", text),
            ["cfg", "test", "mod", "tests", "fn", "b", "if", "x"]
        );
    }

    /// `cfg(not(test))` is no test code, `cfg(all(test, ...))` is.
    #[test]
    fn negations_are_not_tests() {
        assert!(test_words("src/lib.rs", "#[cfg(not(test))] fn a() {}").is_empty());
        assert!(!test_words("src/lib.rs", "#[cfg(all(test, unix))] use a::b;").is_empty());
    }

    /// Everything under a folder `tests` is test code.
    #[test]
    fn integration_tests_are_tests() {
        assert_eq!(test_words("crates/x/tests/a.rs", "fn a() {}"), ["fn", "a"]);
        assert_eq!(test_words("crates/x/src/tests.rs", "fn a() {}"), ["fn", "a"]);
        assert!(test_words("crates/x/src/contests.rs", "fn a() {}").is_empty());
    }
}
