//! Text that every format lets stand as it is: bare text.
//!
//! It is printable ASCII without `"`, `\` and `]`. Most texts in logs are bare, and who knows it of one copies its
//! bytes instead of looking at each of them for each destination.

/// Says whether `text` is bare.
///
/// # Examples
/// ```
/// use hydra_record::bare::is_bare;
/// assert!(is_bare(b"user 42 (from 10.0.0.7)"));
/// assert!(!is_bare(b"two\nlines") && !is_bare("gr\u{fc}n".as_bytes()) && !is_bare(b"a\\b"));
/// ```
#[inline]
pub fn is_bare(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<8>() else {
        return text.iter().all(|&byte| is_bare_byte(byte));
    };
    let mut rest = text;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        if is_suspicious(u64::from_le_bytes(*word), MARKS) {
            return false;
        }
        rest = after;
    }
    // Where it overlaps with the words before, it finds the same again.
    rest.is_empty() || !is_suspicious(u64::from_le_bytes(*last), MARKS)
}

/// Says whether any byte of the word is a control, above 126, or one of `marks`, which are printable ASCII.
///
/// A carry or borrow can only come from a byte that is one of these, so there is neither a miss nor a false alarm.
#[inline(always)]
pub fn is_suspicious(word: u64, marks: &[u8]) -> bool {
    let mut found = word | word.wrapping_add(ONES) | word.wrapping_sub(SPACES);
    for &mark in marks {
        found |= (word ^ (ONES * u64::from(mark))).wrapping_sub(ONES);
    }
    found & HIGHS != 0
}

/// Likewise, for a block of fixed size: this becomes a few instructions on all bytes at once.
#[inline(always)]
pub(crate) fn is_bare_block<const N: usize>(block: &[u8; N]) -> bool {
    // Without a branch, or it is done byte by byte.
    let is_suspicious =
        |byte: u8| (byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'"') | (byte == b'\\') | (byte == b']');
    !block.iter().fold(false, |any, &byte| any | is_suspicious(byte))
}

#[inline]
fn is_bare_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b']')
}

const MARKS: &[u8] = b"\"\\]";
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
const SPACES: u64 = 0x2020_2020_2020_2020;

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte is judged alike wherever it stands in a text of any length.
    #[test]
    fn judges_each_byte_at_each_place() {
        for byte in 0..=u8::MAX {
            for len in 1..40 {
                for at in 0..len {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    assert_eq!(is_bare(&text), is_bare_byte(byte), "{byte} at {at} of {len}");
                }
            }
        }
        assert!(is_bare(b""));
    }
}
