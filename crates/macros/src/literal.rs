//! The text of a string literal.

/// Returns the text that a string literal stands for; `None` if `source` is no string literal.
///
/// `source` is what the compiler's lexer has accepted, so that escapes are known to be well formed.
pub(crate) fn text(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        let quoted = raw.trim_matches('#');
        return Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let mut rest = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut letters = after.chars();
        match letters.next()? {
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            '0' => text.push('\0'),
            'x' => {
                text.push(hexadecimal(after.get(1..3)?)?);
                letters = after.get(3..)?.chars();
            }
            'u' => {
                let (digits, end) = after.get(1..)?.strip_prefix('{')?.split_once('}')?;
                text.push(hexadecimal(&digits.replace('_', ""))?);
                letters = end.chars();
            }
            // A line that ends in a backslash goes on at the next letter that is no white space.
            '\n' | '\r' => letters = after.trim_start_matches([' ', '\t', '\n', '\r']).chars(),
            quote_or_backslash => text.push(quote_or_backslash),
        }
        rest = letters.as_str();
    }
    text.push_str(rest);
    Some(text)
}

fn hexadecimal(digits: &str) -> Option<char> {
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A literal's text is what the compiler makes of it.
    #[test]
    fn same_text_as_the_compiler() {
        macro_rules! same {
            ($($literal:literal)*) => {
                $(assert_eq!(text(stringify!($literal)).as_deref(), Some($literal));)*
            };
        }
        same!("" "plain" "a\n\r\t\0\\\"\'b" "\x41\x7f" "\u{e9}\u{1_F600}" "ü\\n" r"raw\n" r#"a "raw" one"# r##"#"# "##);
        assert_eq!(text("\"one \\\n    two\"").as_deref(), Some("one two"));
    }

    /// Literals of other kinds, and strings with a suffix, are refused.
    #[test]
    fn refuses_other_literals() {
        for source in ["7", "'a'", "b\"bytes\"", "c\"c\"", "\"text\"suffix", "br\"x\"", "1.5"] {
            assert_eq!(text(source), None, "{source}");
        }
    }
}
