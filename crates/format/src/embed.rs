//! Is a text a JSON document? Only then may it stand unquoted in ours.

/// The most brackets and braces that may be open at once. Readers give up somewhere above a hundred.
const DEPTH_MAX: u32 = 100;

/// Says whether `text` is one JSON document (RFC 8259) that any parser takes: nested [`DEPTH_MAX`] deep at most, and
/// with every surrogate of its escapes paired and every number within the range of an `f64`.
pub(crate) fn is_document(text: &str) -> bool {
    let mut reader = Reader {
        rest: text.as_bytes(),
        depth: 0,
        objects: 0,
    };
    reader.document().is_some() && reader.rest.is_empty()
}

struct Reader<'t> {
    rest: &'t [u8],
    depth: u32,
    /// One bit for each open bracket, innermost lowest: 1 for an object.
    objects: u128,
}

impl Reader<'_> {
    fn document(&mut self) -> Option<()> {
        self.space();
        loop {
            // Here a value begins.
            match *self.rest.first()? {
                b'{' => {
                    self.open(true)?;
                    if !self.closes(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.open(false)?;
                    if !self.closes(b']') {
                        continue;
                    }
                }
                b'"' => self.string()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            if !self.after_value()? {
                return Some(());
            }
        }
    }

    /// Reads what follows a value; says whether another must come.
    fn after_value(&mut self) -> Option<bool> {
        loop {
            self.space();
            if self.depth == 0 {
                return Some(false);
            }
            let in_object = self.objects & 1 == 1;
            if self.takes(b',') {
                self.space();
                if in_object {
                    self.key()?;
                }
                return Some(true);
            }
            if !self.closes(if in_object { b'}' } else { b']' }) {
                return None;
            }
        }
    }

    fn open(&mut self, object: bool) -> Option<()> {
        self.skip(1);
        self.space();
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        (self.depth <= DEPTH_MAX).then_some(())
    }

    fn closes(&mut self, bracket: u8) -> bool {
        let closes = self.takes(bracket);
        if closes {
            self.depth -= 1;
            self.objects >>= 1;
        }
        closes
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.space();
        self.takes(b':').then_some(())?;
        self.space();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.takes(b'"').then_some(())?;
        loop {
            let byte = self.next()?;
            match byte {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => self.unicode()?,
                    _ => return None,
                },
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn unicode(&mut self) -> Option<()> {
        match self.hex()? {
            0xD800..0xDC00 => {
                self.word(b"\\u")?;
                (0xDC00..0xE000).contains(&self.hex()?).then_some(())
            }
            0xDC00..0xE000 => None,
            _ => Some(()),
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = code << 4 | char::from(self.next()?).to_digit(16)?;
        }
        Some(code)
    }

    fn number(&mut self) -> Option<()> {
        let text = self.rest;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        // 1e999 is a number by the grammar, but there are parsers that refuse the whole document for it.
        let text = text.get(..text.len() - self.rest.len())?;
        std::str::from_utf8(text)
            .ok()?
            .parse::<f64>()
            .ok()?
            .is_finite()
            .then_some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(count);
        (count > 0).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.rest.first() == Some(&byte);
        self.skip(usize::from(takes));
        takes
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn space(&mut self) {
        let count = self
            .rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        self.skip(count);
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What RFC 8259 allows is taken, what it does not is refused.
    #[test]
    fn knows_documents() {
        for text in [
            " {} ",
            "[1,-2.5e+3,true,null]",
            r#"{"a":{"b":[{}]},"c":"\ud83d\ude00"}"#,
            "0",
            "[[],[[ ]]]",
            r#""\u0000""#,
        ] {
            assert!(is_document(text), "{text}");
        }
        let odd = [
            "", "{", "}", "[1,]", "01", "1.", ".5", "{\"a\"}", "{a:1}", "[1]]", "[1}", "nul", "1 2", "+1", "-",
        ];
        let texts = [
            "\"\n\"",
            r#""\ud83d""#,
            r#""\udc00""#,
            r#""\x""#,
            "\"",
            "{\"a\":}",
            "[,]",
            "{,}",
            "{\"a\":1,}",
        ];
        for text in odd.iter().chain(&texts) {
            assert!(!is_document(text), "{text}");
        }
        assert!(is_document(&("[".repeat(100) + &"]".repeat(100))));
        assert!(!is_document(&("[".repeat(101) + &"]".repeat(101))));
    }

    proptest! {
        /// An independent parser takes exactly the same texts.
        #[test]
        fn agrees_with_another_parser(text in r#"([\[\]{},:"0-9eE+. \n\\u]|true|null|"a"|"\\u00e9"|[-]1|"k":){0,12}"#) {
            prop_assert_eq!(is_document(&text), serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
