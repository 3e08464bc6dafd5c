//! The inner loops of escaping: where is the first byte that needs work, and how are short runs copied?
//!
//! Eight bytes are looked at at a time: a word without a control, a byte above 126 or one of the rule's marks needs no
//! closer look.

use hydra_record::bare;

use crate::escape::Rule;

/// Appends bytes that are mostly few; as they are.
#[inline]
pub(crate) fn append(bytes: &[u8], out: &mut Vec<u8>) {
    match Block::load(bytes) {
        Some(block) if block.fits(out) => block.append(out),
        _ => append_slowly(bytes, out),
    }
}

#[inline(never)]
fn append_slowly(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
}

/// Appends a short text that the rule lets stand as it is; `false` for any other.
#[inline]
pub(crate) fn append_clean<R: Rule>(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    match Block::load(bytes) {
        Some(block) if block.fits(out) && block.is_clean::<R>() => {
            block.append(out);
            true
        }
        _ => false,
    }
}

/// Up to 16 bytes, loaded and appended by moves of fixed size: most pieces of a record are that short, and a call of
/// the general copy would cost as much as all the rest that is done with them.
pub(crate) struct Block {
    bytes: u128,
    len: usize,
    /// Words that hold each of the bytes at least once, and besides them only spaces.
    first: u64,
    last: u64,
}

impl Block {
    pub(crate) const BYTES: usize = 16;

    #[inline]
    pub(crate) fn load(bytes: &[u8]) -> Option<Block> {
        let len = bytes.len();
        if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            if len > Block::BYTES {
                return None;
            }
            // Where the two overlap they hold the same bytes.
            let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
            let bytes = u128::from(first) | u128::from(last) << (8 * (len - 8));
            return Some(Block {
                bytes,
                len,
                first,
                last,
            });
        }
        let (bytes, all) = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let (first, last) = (
                    u64::from(u32::from_le_bytes(*first)),
                    u64::from(u32::from_le_bytes(*last)),
                );
                (first | last << (8 * (len - 4)), first | last << 32)
            }
            _ => match *bytes {
                [] => (0, SPACES),
                [a] => (u64::from(a), SPACES << 8 | u64::from(a)),
                [a, b] => (
                    u64::from(u16::from_le_bytes([a, b])),
                    SPACES << 16 | u64::from(u16::from_le_bytes([a, b])),
                ),
                [a, b, c, ..] => {
                    let word = u64::from(u32::from_le_bytes([a, b, c, 0]));
                    (word, SPACES << 24 | word)
                }
            },
        };
        Some(Block {
            bytes: bytes.into(),
            len,
            first: all,
            last: all,
        })
    }

    /// Says whether the rule lets the bytes stand as they are; `false` for any above 126.
    #[inline]
    pub(crate) fn is_clean<R: Rule>(&self) -> bool {
        !is_suspicious::<R>(self.first) && !is_suspicious::<R>(self.last)
    }

    #[inline]
    fn fits(&self, out: &Vec<u8>) -> bool {
        out.capacity() - out.len() >= Block::BYTES
    }

    #[inline]
    fn append(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.truncate(end);
    }
}

/// Finds the first character that cannot stay; the first `clean` bytes are known to hold none.
pub(crate) fn find<R: Rule>(bytes: &[u8], clean: usize) -> Option<(usize, char)> {
    let mut at = clean;
    loop {
        let rest = bytes.get(at..)?;
        at += clean_len::<R>(rest);
        match active(bytes.get(at..)?) {
            Some(symbol) => return Some((at, symbol)),
            None if at >= bytes.len() => return None,
            // The first byte of some harmless character.
            None => at += 1,
        }
    }
}

/// Returns the character at the front, if it is ASCII or one of those that are never let through.
#[inline]
fn active(bytes: &[u8]) -> Option<char> {
    match *bytes {
        [ascii, ..] if ascii.is_ascii() => Some(ascii.into()),
        [0xC2, low @ 0x80..=0x9F, ..] => Some(low.into()),
        [0xD8, 0x9C, ..] => Some('\u{61C}'),
        [0xE2, 0x80, low @ (0x8E | 0x8F | 0xA8..=0xAE), ..] => char::from_u32(0x2000 + u32::from(low - 0x80)),
        [0xE2, 0x81, low @ 0xA6..=0xA9, ..] => char::from_u32(0x2040 + u32::from(low - 0x80)),
        _ => None,
    }
}

/// Counts the bytes before the first that the rule's table marks.
#[inline]
pub(crate) fn clean_len<R: Rule>(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        if is_suspicious::<R>(u64::from_le_bytes(*word))
            && let Some(at) = word.iter().position(|&byte| is_dirty::<R>(byte))
        {
            return bytes.len() - rest.len() + at;
        }
        rest = after;
    }
    let tail = rest.iter().position(|&byte| is_dirty::<R>(byte)).unwrap_or(rest.len());
    bytes.len() - rest.len() + tail
}

#[inline]
fn is_dirty<R: Rule>(byte: u8) -> bool {
    R::DIRTY.get(usize::from(byte)).copied().unwrap_or(true)
}

const SPACES: u64 = 0x2020_2020_2020_2020;

/// Says whether any byte of the word is a control, above 126, or one of the rule's marks.
#[inline(always)]
pub(crate) fn is_suspicious<R: Rule>(word: u64) -> bool {
    bare::is_suspicious(word, R::MARKS)
}
