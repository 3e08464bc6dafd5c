//! Lines of `key=value` pairs.

use std::borrow::Cow;

use hydra_logger::Value;

use super::line::{Datum, Parsed, number};

/// Takes a line apart; `None` if it has no pair at all, or a quote that does not end.
///
/// A key without `=` is true. A value in double quotes is text, with `\"`, `\\`, `\n`, `\r` and `\t`; one without is
/// typed.
pub(crate) fn parse(line: &str) -> Option<Parsed<'_>> {
    let (mut parsed, mut rest, mut pairs) = (Parsed::default(), line.trim_start(), 0);
    while !rest.is_empty() {
        let end = rest
            .find(|letter: char| letter == '=' || letter.is_whitespace())
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let (datum, after) = match after.strip_prefix('=') {
            Some(after) => {
                pairs += 1;
                value(after)?
            }
            None => (Datum::Other(Value::Bool(true)), after),
        };
        if key.is_empty() || key.contains('"') {
            return None;
        }
        parsed.put(Cow::Borrowed(key), datum);
        rest = after.trim_start();
    }
    (pairs > 0).then_some(parsed)
}

/// Takes a value from the front; returns it and what comes after.
fn value(text: &str) -> Option<(Datum<'_>, &str)> {
    if let Some(inside) = text.strip_prefix('"') {
        let (quoted, after) = quoted(inside)?;
        let is_end = after.is_empty() || after.starts_with(char::is_whitespace);
        return is_end.then_some((Datum::Text(quoted), after));
    }
    let (word, after) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    Some((typed(word), after))
}

/// Takes what stands before the closing quote.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut unescaped = String::new();
    let mut from = 0;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                let (inside, after) = (text.get(from..at)?, text.get(at + 1..)?);
                if unescaped.is_empty() && from == 0 {
                    return Some((Cow::Borrowed(inside), after));
                }
                unescaped.push_str(inside);
                return Some((Cow::Owned(unescaped), after));
            }
            '\\' => {
                unescaped.push_str(text.get(from..at)?);
                let (next, escaped) = letters.next()?;
                unescaped.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                from = next + escaped.len_utf8();
            }
            _ => {}
        }
    }
    None
}

fn typed(word: &str) -> Datum<'_> {
    let is_number = word.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    // Leading zeros mean something: a number would lose them.
    let digits = word.trim_start_matches('-');
    let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    match word {
        "true" => Datum::Other(Value::Bool(true)),
        "false" => Datum::Other(Value::Bool(false)),
        "null" => Datum::Other(Value::Null),
        _ if is_number && !is_code => number(word).map_or(Datum::Text(Cow::Borrowed(word)), Datum::Other),
        _ => Datum::Text(Cow::Borrowed(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let Some(parsed) = parse(line) else {
            return "none".to_owned();
        };
        let fields = parsed
            .fields
            .iter()
            .map(|(name, datum)| format!(" {name}={:?}", datum.value()));
        let message = parsed.message.unwrap_or_default();
        format!(
            "{:?} {:?} {message}{}",
            parsed.level,
            parsed.layer,
            fields.collect::<String>()
        )
    }

    /// Pairs keep their order and types, quotes and escapes are undone, a bare key is true.
    #[test]
    fn takes_pairs_apart() {
        let line = r#"  level=error logger=DB msg="a \"b\" é\n" n=1 x=-1.5 zip=007 t=12s ok u="v w" e= d=false"#;
        assert_eq!(
            shown(line),
            "Some(Error) Some(\"DB\") a \"b\" é\n n=I64(1) x=F64(-1.5) zip=Str(\"007\") t=Str(\"12s\") ok=Bool(true) \
             u=Str(\"v w\") e=Str(\"\") d=Bool(false)"
        );
        assert_eq!(shown("msg=\"\\\\\""), "None None \\");
    }

    /// Lines without pairs and with broken quotes are not taken apart.
    #[test]
    fn refuses_what_it_is_not() {
        for line in ["", "just some words", "a=\"b", "a=\"b\"c", "=1", "say \"x=1\""] {
            assert_eq!(shown(line), "none", "{line}");
        }
    }
}
