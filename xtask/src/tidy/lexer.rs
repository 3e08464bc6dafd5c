//! A small lexer for Rust: enough to tell code from comments and strings, no more.
//!
//! It knows identifiers, punctuation, literals (raw strings, byte strings and characters among them), lifetimes and
//! nested comments. It never fails: what it does not understand becomes punctuation.

/// What a token is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Word(String),
    /// One character of punctuation.
    Mark(char),
    /// A string, character or number.
    Literal,
    /// A lifetime or a loop label.
    Lifetime,
}

/// A token and the line, counted from 1, it begins on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
    /// The line it ends on: a string may span several.
    pub(crate) end_line: usize,
}

impl Token {
    /// Whether it is this word.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    /// Whether it is this mark.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// The word it is, if it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// Reads a whole source text.
pub(crate) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
        tokens: Vec::new(),
    };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Takes one token or one comment; false at the end of the text.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        if first.is_whitespace() {
            self.take(first.len_utf8());
        } else if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take(block_comment(self.rest));
        } else if let Some(length) = string(self.rest) {
            self.push(length, Kind::Literal);
        } else if first == '\'' {
            self.quote();
        } else if first.is_ascii_digit() {
            self.push(number(self.rest), Kind::Literal);
        } else if first == '_' || first.is_alphabetic() {
            let length = word(self.rest);
            let name = self.rest.get(..length).unwrap_or_default().to_owned();
            self.push(length, Kind::Word(name));
        } else {
            self.push(first.len_utf8(), Kind::Mark(first));
        }
        true
    }

    /// A quote begins a character (`'a'`, `'\n'`) or a lifetime (`'a`).
    fn quote(&mut self) {
        let mut chars = self.rest.chars().skip(1);
        let (one, two) = (chars.next(), chars.next());
        if one == Some('\\') || two == Some('\'') {
            self.push(closed_by(self.rest, 1, '\''), Kind::Literal);
        } else {
            let length = 1 + word(self.rest.get(1..).unwrap_or_default());
            self.push(length, Kind::Lifetime);
        }
    }

    fn push(&mut self, length: usize, kind: Kind) {
        let line = self.line;
        self.take(length);
        self.tokens.push(Token {
            kind,
            line,
            end_line: self.line,
        });
    }

    fn take(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of the name at the start, in bytes.
fn word(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric())
        .unwrap_or(text.len())
}

/// The length of the number at the start. A dot belongs to it only before a digit: `0..8` is three tokens.
fn number(text: &str) -> usize {
    let whole = word(text);
    let mut after = text.get(whole..).unwrap_or_default().chars();
    match (after.next(), after.next()) {
        (Some('.'), Some(digit)) if digit.is_ascii_digit() => {
            whole + 1 + word(text.get(whole + 1..).unwrap_or_default())
        }
        _ => whole,
    }
}

/// The length of the string at the start, if there is one: plain, byte, C, or raw with any number of `#`.
fn string(text: &str) -> Option<usize> {
    let prefix = text.len() - text.trim_start_matches(['b', 'c', 'r']).len();
    let (before, after) = text.split_at_checked(prefix)?;
    if !matches!(before, "" | "b" | "c" | "r" | "br" | "cr") {
        return None;
    }
    if before.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let body = after.get(hashes..)?.strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = body.find(&close).map_or(body.len(), |at| at + close.len());
        return Some(prefix + hashes + 1 + end);
    }
    match after.chars().next()? {
        '"' => Some(closed_by(text, prefix + 1, '"')),
        '\'' if before == "b" => Some(closed_by(text, prefix + 1, '\'')),
        _ => None,
    }
}

/// The length up to and with the next `close` that no backslash escapes, looking from `start`.
fn closed_by(text: &str, start: usize, close: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.get(start..).unwrap_or_default().char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == close => return start + at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of the block comment at the start; block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        lex(source)
            .iter()
            .filter_map(|token| token.word().map(str::to_owned))
            .collect()
    }

    /// Nothing inside a comment or a string is code.
    #[test]
    fn comments_and_strings_hold_no_code() {
        let source = "a /* x /* y */ z */ b // x\n c \"x \\\" x\" d r#\"x \" x\"# e b\"x\" f br\"x\" g 'x' h b'x' i";
        assert_eq!(words(source), ["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
    }

    /// A lifetime is not the beginning of a character.
    #[test]
    fn lifetimes_and_characters_differ() {
        let tokens = lex("&'a str '\\'' 'x' '_ 'é'");
        let kinds: Vec<&Kind> = tokens.iter().map(|token| &token.kind).collect();
        let literals = kinds.iter().filter(|kind| ***kind == Kind::Literal).count();
        let lifetimes = kinds.iter().filter(|kind| ***kind == Kind::Lifetime).count();
        assert_eq!((literals, lifetimes), (3, 2));
    }

    /// Lines are counted through strings and comments of several lines.
    #[test]
    fn lines_are_counted() {
        let tokens = lex("a\n/* \n */ b \"\n\n\" c");
        let lines: Vec<(usize, usize)> = tokens.iter().map(|token| (token.line, token.end_line)).collect();
        assert_eq!(lines, [(1, 1), (3, 3), (3, 5), (5, 5)]);
    }

    /// Ranges, floats and method calls on numbers are told apart.
    #[test]
    fn numbers_end_where_they_should() {
        assert_eq!(lex("0..8").len(), 4);
        assert_eq!(lex("1.5").len(), 1);
        assert_eq!(words("1.max(2)"), ["max"]);
        assert_eq!(words("rust r b"), ["rust", "r", "b"]);
    }

    /// An unfinished text of any kind ends the lexer, it does not hang or panic.
    #[test]
    fn unfinished_text_ends() {
        for source in ["\"abc", "r#\"abc\"", "/* /* */", "'", "b'", "'\\", "r#", "1."] {
            lex(source);
        }
    }
}
