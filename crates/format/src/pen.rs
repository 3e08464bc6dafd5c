//! What a format writes with: a small page that is filled by moves of fixed size and turned into the buffer when full.
//!
//! A record is some twenty short pieces. Appended to a vector, each would wait for the one before to have stored the
//! vector's new length; on a page of known size the place of the next piece is a number in a register.

use hydra_record::digits::{PLACE_BYTES, Place};

/// As much as most records need.
const PAGE_BYTES: usize = 1024;

/// Where a [`Pen`] writes before the buffer has it.
pub(crate) type Page = [u8; PAGE_BYTES];

pub(crate) const EMPTY_PAGE: Page = [0; PAGE_BYTES];

/// Writes to a page and, when that is full or [`Pen::end`] is called, to the buffer behind it.
pub(crate) struct Pen<'p> {
    page: &'p mut Page,
    at: usize,
    out: &'p mut Vec<u8>,
}

impl<'p> Pen<'p> {
    #[inline(always)]
    pub(crate) fn new(page: &'p mut Page, out: &'p mut Vec<u8>) -> Pen<'p> {
        Pen { page, at: 0, out }
    }

    /// Puts a constant.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, bytes: &[u8; N]) {
        if let Some(place) = self.place() {
            *place = *bytes;
            self.at += N;
        }
    }

    /// Puts the first `len` bytes of a block.
    #[inline(always)]
    pub(crate) fn block(&mut self, block: &Place, len: usize) {
        if let Some(place) = self.place() {
            *place = *block;
            self.at += len;
        }
    }

    /// Likewise, with a quotation mark before and after them.
    #[inline(always)]
    pub(crate) fn quoted(&mut self, block: &Place, len: usize) {
        let Some([before, rest @ ..]) = self.place::<{ PLACE_BYTES + 2 }>() else {
            return;
        };
        *before = b'"';
        if let Some(place) = rest.first_chunk_mut() {
            *place = *block;
        }
        if let Some(after) = rest.get_mut(len) {
            *after = b'"';
            self.at += len + 2;
        }
    }

    /// Puts the first `len` bytes of a word, lowest first.
    #[inline(always)]
    pub(crate) fn word(&mut self, word: u64, len: usize) {
        if let Some(place) = self.place() {
            *place = word.to_le_bytes();
            self.at += len;
        }
    }

    /// Puts a text that was prepared.
    #[inline(always)]
    pub(crate) fn prepared(&mut self, text: &Prepared) {
        self.block(&text.first, text.len_first);
        for (block, len) in &text.others {
            self.block(block, *len);
        }
    }

    /// Gives the buffer, with all that has been written so far in it.
    #[inline(always)]
    pub(crate) fn vec(&mut self) -> &mut Vec<u8> {
        turn(self.page, self.at, self.out);
        self.at = 0;
        self.out
    }

    /// Returns the length that the buffer has, or will have.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.out.len() + self.at
    }

    /// Returns what was written from `position` on, filled up with letters; `None` if it is not all on the page.
    #[inline(always)]
    pub(crate) fn since(&mut self, position: usize) -> Option<&[Place]> {
        *self.place()? = [b'a'; PLACE_BYTES];
        let start = position.checked_sub(self.out.len())?;
        let blocks = (self.at - start).div_ceil(PLACE_BYTES);
        let (all, _) = self.page.get(start..)?.as_chunks();
        all.get(..blocks)
    }

    /// Says whether `byte` is the last on the page.
    #[inline(always)]
    pub(crate) fn ends_with(&self, byte: u8) -> bool {
        self.page
            .get(..self.at)
            .is_some_and(|written| written.last() == Some(&byte))
    }

    /// Hands everything over.
    #[inline(always)]
    pub(crate) fn end(self) {
        self.out.extend_from_slice(self.page.get(..self.at).unwrap_or_default());
    }

    #[inline(always)]
    fn place<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        if self.at > PAGE_BYTES - N {
            self.vec();
        }
        self.page.get_mut(self.at..)?.first_chunk_mut()
    }
}

#[inline(never)]
fn turn(page: &Page, len: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(page.get(..len).unwrap_or_default());
}

/// A text made once, in blocks. Most are one.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    first: Place,
    len_first: usize,
    others: Box<[(Place, usize)]>,
}

impl Prepared {
    pub(crate) fn new(text: &[u8]) -> Prepared {
        let mut blocks = text.chunks(PLACE_BYTES).map(|chunk| {
            let mut block = [0; PLACE_BYTES];
            block.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            (block, chunk.len())
        });
        let (first, len_first) = blocks.next().unwrap_or(([0; PLACE_BYTES], 0));
        Prepared {
            first,
            len_first,
            others: blocks.collect(),
        }
    }
}

impl Default for Prepared {
    fn default() -> Prepared {
        Prepared::new(b"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of every length come out whole and in order, wherever the page's end falls.
    #[test]
    fn everything_comes_out() {
        let text: Vec<u8> = (b'a'..=b'z').cycle().take(3000).collect();
        for step in 1..150 {
            let (mut page, mut out) = (EMPTY_PAGE, b"before".to_vec());
            let mut pen = Pen::new(&mut page, &mut out);
            let mut expected = b"before".to_vec();
            for (number, chunk) in text.chunks(step).enumerate() {
                let mut block = [0; PLACE_BYTES];
                let len = chunk.len().min(PLACE_BYTES);
                block[..len].copy_from_slice(&chunk[..len]);
                match number % 5 {
                    0 => {
                        pen.quoted(&block, len);
                        expected.extend([b"\"", &chunk[..len], b"\""].concat());
                    }
                    1 => {
                        pen.block(&block, len);
                        expected.extend(&chunk[..len]);
                    }
                    2 => {
                        pen.vec().extend(chunk);
                        expected.extend(chunk);
                    }
                    3 => {
                        pen.put(b"constant");
                        expected.extend(b"constant");
                    }
                    _ => {
                        pen.prepared(&Prepared::new(chunk));
                        expected.extend(chunk);
                    }
                }
                assert_eq!(pen.position(), expected.len());
            }
            pen.end();
            assert_eq!(out, expected);
        }
    }
}
