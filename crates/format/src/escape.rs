//! Text is written so that nothing in it is obeyed, neither by a terminal nor by a parser.
//!
//! A [`Rule`] says which bytes need work and what is written for them; everything else is copied in whole runs, found
//! by [`crate::scan`].

use std::borrow::Cow;
use std::marker::PhantomData;

use hydra_record::TextOut;

use crate::scan::{Block, append, append_clean, find, is_suspicious};

/// What is done about each character that cannot stay.
pub(crate) trait Rule {
    /// Printable ASCII characters that cannot stay.
    const MARKS: &'static [u8];
    /// Control characters that can stay.
    const KEPT: &'static [u8];
    /// For each byte: does it need work, or may it begin a character that does?
    const DIRTY: [bool; 256] = dirty(Self::MARKS, Self::KEPT);

    /// Writes what stands for `symbol`; `rest` is what follows it in the same text.
    fn put(symbol: char, rest: &[u8], out: &mut Vec<u8>);
}

#[expect(clippy::indexing_slicing, reason = "a constant: a wrong index does not compile")]
const fn dirty(marks: &[u8], kept: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = byte < 0x20 || matches!(byte, 0x7F | 0xC2 | 0xD8 | 0xE2);
        byte = byte.wrapping_add(1);
        if byte == 0 {
            break;
        }
    }
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    at = 0;
    while at < kept.len() {
        table[kept[at] as usize] = false;
        at += 1;
    }
    table
}

/// Text for people: line breaks as `\n` and `\r`, other controls as `\xNN`, invisible characters as `\u{N}`; tab stays.
///
/// With `LINES`, LF and CR LF stay too (a CR alone would let a record overwrite its own line on a terminal). With
/// `BACKSLASH`, a backslash is doubled, so that the text can be had back exactly.
pub(crate) struct Shown<const LINES: bool, const BACKSLASH: bool>;

impl<const LINES: bool, const BACKSLASH: bool> Rule for Shown<LINES, BACKSLASH> {
    const MARKS: &'static [u8] = if BACKSLASH { b"\\" } else { b"" };
    const KEPT: &'static [u8] = if LINES { b"\t\n" } else { b"\t" };

    fn put(symbol: char, rest: &[u8], out: &mut Vec<u8>) {
        match symbol {
            '\r' if LINES && rest.first() == Some(&b'\n') => out.push(b'\r'),
            _ => put_shown(symbol, out),
        }
    }
}

/// One line of text for people.
pub(crate) type Line = Shown<false, false>;

/// The inside of a JSON string.
pub(crate) struct JsonText;

impl Rule for JsonText {
    const MARKS: &'static [u8] = b"\"\\";
    const KEPT: &'static [u8] = b"";

    fn put(symbol: char, _rest: &[u8], out: &mut Vec<u8>) {
        let short = match symbol {
            '"' | '\\' => symbol as u8,
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            '\u{8}' => b'b',
            '\u{c}' => b'f',
            other => return put_unicode(other, out),
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

/// A whole JSON document that is known to be valid: its line breaks can only stand between tokens, and the invisible
/// characters only inside its strings.
pub(crate) struct JsonDocument;

impl Rule for JsonDocument {
    const MARKS: &'static [u8] = b"";
    const KEPT: &'static [u8] = b"";

    fn put(symbol: char, _rest: &[u8], out: &mut Vec<u8>) {
        match symbol {
            '\n' | '\r' | '\t' => out.push(b' '),
            other => put_unicode(other, out),
        }
    }
}

/// The inside of a value of RFC 5424's structured data: the text for people, with `"`, `\` and `]` escaped.
pub(crate) struct Param;

impl Rule for Param {
    const MARKS: &'static [u8] = b"\"\\]";
    const KEPT: &'static [u8] = b"\t";

    fn put(symbol: char, _rest: &[u8], out: &mut Vec<u8>) {
        out.push(b'\\');
        match symbol {
            '"' | '\\' | ']' => out.push(symbol as u8),
            other => put_shown(other, out),
        }
    }
}

/// A cell of CSV: quotes doubled; line breaks stay unless `ESCAPED`, the other controls only with `RAW`.
pub(crate) struct Cell<const ESCAPED: bool, const RAW: bool>;

impl<const ESCAPED: bool, const RAW: bool> Rule for Cell<ESCAPED, RAW> {
    const MARKS: &'static [u8] = b"\"";
    const KEPT: &'static [u8] = if ESCAPED { b"\t" } else { b"\t\r\n" };

    fn put(symbol: char, _rest: &[u8], out: &mut Vec<u8>) {
        match symbol {
            '"' => out.extend_from_slice(b"\"\""),
            '\n' | '\r' => put_shown(symbol, out),
            raw if RAW => out.extend_from_slice(raw.encode_utf8(&mut [0; 4]).as_bytes()),
            other => put_shown(other, out),
        }
    }
}

/// A word of logfmt. Values that are none are quoted instead, names are written with `_`.
pub(crate) struct Unquoted;

impl Rule for Unquoted {
    const MARKS: &'static [u8] = b" \"=\\";
    const KEPT: &'static [u8] = b"";

    fn put(_symbol: char, _rest: &[u8], out: &mut Vec<u8>) {
        out.push(b'_');
    }
}

/// A word of syslog's header.
pub(crate) struct Word;

impl Rule for Word {
    const MARKS: &'static [u8] = b" ";
    const KEPT: &'static [u8] = b"";

    fn put(_symbol: char, _rest: &[u8], out: &mut Vec<u8>) {
        out.push(b'_');
    }
}

/// Appends `text` with everything replaced that `R` does not let stand.
#[inline]
pub(crate) fn escape<R: Rule>(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if bytes.len() > Block::BYTES {
        return escape_long::<R>(bytes, out);
    }
    // All that is uncommon is left to a last call, so that the common case needs neither stack nor saved registers.
    if !append_clean::<R>(bytes, out) {
        escape_slowly::<R>(bytes, out);
    }
}

#[inline(never)]
fn escape_long<R: Rule>(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        if is_suspicious::<R>(u64::from_le_bytes(*word)) {
            return escape_from::<R>(bytes, bytes.len() - rest.len(), out);
        }
        rest = after;
    }
    match bytes.last_chunk::<8>() {
        Some(word) if !is_suspicious::<R>(u64::from_le_bytes(*word)) => out.extend_from_slice(bytes),
        _ => escape_from::<R>(bytes, bytes.len() - rest.len(), out),
    }
}

#[inline(never)]
fn escape_slowly<R: Rule>(bytes: &[u8], out: &mut Vec<u8>) {
    escape_from::<R>(bytes, 0, out);
}

/// Says whether `text` can stand as it is.
#[inline]
pub(crate) fn is_clean<R: Rule>(text: &str) -> bool {
    let bytes = text.as_bytes();
    Block::load(bytes).is_some_and(|block| block.is_clean::<R>()) || find::<R>(bytes, 0).is_none()
}

/// Returns `text` with everything replaced that `R` does not let stand, if there is any.
pub(crate) fn escaped<R: Rule>(text: &str) -> Option<Cow<'_, str>> {
    if is_clean::<R>(text) {
        return None;
    }
    let mut out = Vec::new();
    escape::<R>(text, &mut out);
    Some(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
}

/// Lets a message or a value be escaped while it is rendered. Bare text, such as a number, is only copied.
pub(crate) struct Escaped<'o, R> {
    out: &'o mut Vec<u8>,
    rule: PhantomData<R>,
}

impl<'o, R: Rule> Escaped<'o, R> {
    #[inline]
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Escaped<'o, R> {
        Escaped { out, rule: PhantomData }
    }
}

impl<R: Rule> TextOut for Escaped<'_, R> {
    #[inline]
    fn text(&mut self, text: &str) {
        escape::<R>(text, self.out);
    }

    #[inline]
    fn bare(&mut self, text: &[u8]) {
        append(text, self.out);
    }
}

fn escape_from<R: Rule>(bytes: &[u8], clean: usize, out: &mut Vec<u8>) {
    let (mut rest, mut clean) = (bytes, clean);
    while let Some((at, symbol)) = find::<R>(rest, clean) {
        let (run, tail) = rest.split_at_checked(at).unwrap_or_default();
        out.extend_from_slice(run);
        rest = tail.get(symbol.len_utf8()..).unwrap_or_default();
        R::put(symbol, rest, out);
        clean = 0;
    }
    out.extend_from_slice(rest);
}

fn put_shown(symbol: char, out: &mut Vec<u8>) {
    match symbol {
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\\' => out.extend_from_slice(b"\\\\"),
        ascii if ascii.is_ascii() => {
            out.extend_from_slice(b"\\x");
            put_hex(ascii as u32, 2, out);
        }
        other => {
            let code = other as u32;
            out.extend_from_slice(b"\\u{");
            put_hex(code, if code > 0xFF { 4 } else { 2 }, out);
            out.push(b'}');
        }
    }
}

/// All that is escaped lies in the basic plane: one `\uXXXX` each.
fn put_unicode(symbol: char, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    put_hex(symbol as u32, 4, out);
}

fn put_hex(code: u32, digits: u32, out: &mut Vec<u8>) {
    for place in (0..digits).rev() {
        let digit = char::from_digit(code >> (4 * place) & 0xF, 16).unwrap_or('0');
        out.push(digit as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<R: Rule>(text: &str) -> String {
        let mut out = Vec::new();
        escape::<R>(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// A character that cannot stay is found wherever it stands in a text of any length; its neighbours stay.
    #[test]
    fn finds_it_at_every_place() {
        for symbol in ['\n', '\u{7f}', '"', '\\', '\u{85}', '\u{202e}', '\u{61c}', '\u{2069}'] {
            for before in 0..40 {
                for after in [0, 1, 7, 8, 9, 20] {
                    let (a, b) = ("ü~a".repeat(before), "é z".repeat(after));
                    let mut one = Vec::new();
                    JsonText::put(symbol, &[], &mut one);
                    let expected = format!("{a}{}{b}", String::from_utf8(one).unwrap());
                    assert_eq!(shown::<JsonText>(&format!("{a}{symbol}{b}")), expected);
                }
            }
        }
    }

    /// The neighbours of the invisible characters, which share their first bytes, stay as they are.
    #[test]
    fn leaves_neighbours_alone() {
        let text = "\u{a0}©\u{61b}\u{61d}ا\u{200d}\u{2010}\u{2027}\u{202f}\u{2065}\u{206a}…€";
        assert_eq!(shown::<JsonText>(text), text);
        assert_eq!(shown::<Line>(text), text);
        assert!(is_clean::<Unquoted>(text));
        assert!(!is_clean::<Unquoted>("\u{200f}"));
    }

    /// Texts for people show controls; a CR survives in multi-line text only as part of a line break.
    #[test]
    fn shows_controls() {
        assert_eq!(
            shown::<Line>("a\r\n\t\x1b[0m\u{9b}\\n\u{2028}"),
            "a\\r\\n\t\\x1b[0m\\u{9b}\\n\\u{2028}"
        );
        assert_eq!(shown::<Shown<true, false>>("a\r\nb\rc\n"), "a\r\nb\\rc\n");
        assert_eq!(shown::<Shown<false, true>>("\\n\n"), "\\\\n\\n");
        assert_eq!(shown::<Param>("\"]\\\n"), "\\\"\\]\\\\\\\\n");
        assert_eq!(shown::<Cell<false, false>>("\"\n\0"), "\"\"\n\\x00");
        assert_eq!(shown::<Cell<true, true>>("\"\n\0"), "\"\"\\n\0");
    }
}
