//! The placeholders of `logger_name_format` and `message_format`.

use crate::error::{Error, ErrorKind};

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Text(String),
    Name,
    Level,
    Message,
}

/// Reads a template with placeholders `{name}` or `%(name)s`; `{{`, `}}` and `%%` are the characters themselves.
pub(crate) fn parse(option: &str, template: &str, known: &[&str]) -> Result<Vec<Word>, Error> {
    let mut words = Vec::new();
    let mut rest = template;
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        let is_doubled = matches!(letter, '{' | '}' | '%') && after.starts_with(letter);
        let opened = match letter {
            '{' => Some((after, "}")),
            '%' => after.strip_prefix('(').map(|inside| (inside, ")s")),
            _ => None,
        };
        rest = match opened {
            Some((inside, close)) if !is_doubled => {
                let (name, after) = inside
                    .split_once(close)
                    .ok_or_else(|| unknown(option, template, inside, known))?;
                words.push(placeholder(name, known).ok_or_else(|| unknown(option, template, name, known))?);
                after
            }
            _ => {
                put_char(&mut words, letter);
                after.get(usize::from(is_doubled)..).unwrap_or_default()
            }
        };
    }
    Ok(words)
}

fn put_char(words: &mut Vec<Word>, letter: char) {
    match words.last_mut() {
        Some(Word::Text(text)) => text.push(letter),
        _ => words.push(Word::Text(letter.into())),
    }
}

fn placeholder(name: &str, known: &[&str]) -> Option<Word> {
    if !known.contains(&name) {
        return None;
    }
    Some(match name {
        "name" => Word::Name,
        "message" => Word::Message,
        _ => Word::Level,
    })
}

fn unknown(option: &str, template: &str, name: &str, known: &[&str]) -> Error {
    let known: Vec<String> = known.iter().map(|name| format!("{{{name}}} %({name})s")).collect();
    let text = format!(
        "unknown placeholder `{name}` in {option} `{template}`; known are {}",
        known.join(", ")
    );
    Error::new(ErrorKind::UnknownPlaceholder, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both styles of placeholder are known, doubled characters are themselves, and what is unclear is refused.
    #[test]
    fn reads_both_styles() {
        let known = ["name", "level"];
        let words = parse("o", "{{{name}}}%%%(level)s 5%}", &known).unwrap();
        let text = |text: &str| Word::Text(text.to_owned());
        assert_eq!(words, [text("{"), Word::Name, text("}%"), Word::Level, text(" 5%}")]);
        for odd in [
            "{",
            "{name",
            "%(name)",
            "%(name)d",
            "{(name}",
            "{}",
            "{message}",
            "%(levelname)s",
            "{name!r}",
        ] {
            assert_eq!(
                parse("o", odd, &known).unwrap_err().kind(),
                ErrorKind::UnknownPlaceholder,
                "{odd}"
            );
        }
    }
}
