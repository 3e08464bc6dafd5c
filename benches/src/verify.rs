//! Reads what a run has left in its files, and counts.

use std::path::Path;

use memchr::memmem::Finder;

use crate::peer::Error;

/// What is in a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Content {
    /// Whole lines that hold a record.
    pub(crate) lines: u64,
    /// Records that are there at least once.
    pub(crate) distinct: u64,
    /// Lines without a record of ours, the torn last line among them.
    pub(crate) foreign: u64,
}

/// Counts the records numbered under `records` in a file; a missing file is an empty one.
pub(crate) fn count(path: &Path, records: u64) -> Result<Content, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(count_bytes(&bytes, records))
}

fn count_bytes(bytes: &[u8], records: u64) -> Content {
    let finder = Finder::new(b"user ");
    let mut seen = vec![false; usize::try_from(records).unwrap_or(0)];
    let mut content = Content::default();
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let number = number_in(line, &finder).and_then(|number| usize::try_from(number).ok());
        match number.and_then(|number| seen.get_mut(number)) {
            Some(slot) => {
                content.lines += 1;
                content.distinct += u64::from(!*slot);
                *slot = true;
            }
            None => content.foreign += 1,
        }
    }
    content.foreign += u64::from(!rest.is_empty());
    content
}

/// The number in `user {id} logged in from`.
fn number_in(line: &[u8], finder: &Finder<'_>) -> Option<u64> {
    let after = line.get(finder.find(line)? + 5..)?;
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, tail) = after.split_at_checked(digits)?;
    if !tail.starts_with(b" logged in from ") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Repeated, foreign and torn lines are told from good ones.
    #[test]
    fn every_kind_of_line_is_counted() {
        let text = b"INFO user 0 logged in from a\n{\"m\":\"user 2 logged in from b\"}\nINFO user 2 logged in from b\n\
                     hello\nuser 9 logged in from c\nINFO user 1 logg";
        assert_eq!(
            count_bytes(text, 3),
            Content {
                lines: 3,
                distinct: 2,
                foreign: 3
            }
        );
        assert_eq!(count_bytes(b"", 3), Content::default());
    }
}
