//! The envelope around every run of bytes in a segment.
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0 | 4 | length of the payload in bytes |
//! | 4 | 1 | kind: 1 data, 2 note, 3 padding |
//! | 5 | 3 | tag: mixes the segment's generation, the frame's offset, its length and kind |
//! | 8 | 8 | sum of the payload, seeded with the generation, the offset and the first word; 0 for padding |
//! | 16 | | the payload, zero padded to a multiple of 16 |
//!
//! The first eight bytes are one word, stored last and with release: a frame exists from that store on, whole. A frame
//! starts at a multiple of 16, so that padding of any multiple of 16 can be written down. The generation is a random
//! number of one life of a segment, so neither the frames of an earlier life nor bytes that somebody logs can pass for
//! a frame.
//!
//! The sum is a chain of folded multiplications over the padded payload, a pair of words at a time ([`Folding`]), made
//! while it is copied. Segments without a flag in their header come from before there was one: theirs is XXH3-64.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes before the payload.
pub(crate) const FRAME_HEAD_BYTES: usize = 16;
/// Frames start at multiples of this.
pub(crate) const FRAME_ALIGN: usize = 16;

const KIND_SHIFT: u32 = 32;
const TAG_SHIFT: u32 = 40;

const _: () = assert!(
    FRAME_HEAD_BYTES.is_multiple_of(FRAME_ALIGN),
    "padding must be able to fill any gap"
);

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A record's bytes.
    Data,
    /// What several records of the segment share.
    Note,
    /// Nothing: space that was given up.
    Padding,
}

impl Kind {
    const fn number(self) -> u64 {
        match self {
            Kind::Data => 1,
            Kind::Note => 2,
            Kind::Padding => 3,
        }
    }
}

/// The first word of a frame, taken apart and found to be genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) kind: Kind,
    pub(crate) len: usize,
}

impl Envelope {
    /// Bytes from this frame's start to the next one's.
    #[inline]
    pub(crate) const fn total(self) -> usize {
        frame_bytes(self.len)
    }

    /// Packs the first word of a frame.
    #[inline]
    pub(crate) const fn word(self, generation: u64, offset: usize) -> u64 {
        let plain = self.len as u64 | self.kind.number() << KIND_SHIFT;
        plain | tag(generation, offset, plain) << TAG_SHIFT
    }

    /// Reads a frame's first word; `None` if no frame of this generation stands at `offset`.
    #[inline]
    pub(crate) const fn read(word: u64, generation: u64, offset: usize) -> Option<Envelope> {
        let plain = word & ((1 << TAG_SHIFT) - 1);
        let kind = match plain >> KIND_SHIFT {
            1 => Kind::Data,
            2 => Kind::Note,
            3 => Kind::Padding,
            _ => return None,
        };
        if word >> TAG_SHIFT != tag(generation, offset, plain) {
            return None;
        }
        Some(Envelope {
            kind,
            len: (plain & 0xFFFF_FFFF) as usize,
        })
    }
}

/// Bytes that a payload of `len` bytes takes in a segment.
#[inline]
pub(crate) const fn frame_bytes(len: usize) -> usize {
    FRAME_HEAD_BYTES + len.next_multiple_of(FRAME_ALIGN)
}

/// How the payloads of a segment are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// As all segments are that are made now.
    Folded,
    /// As segments were before.
    Xxh3,
}

impl Sum {
    /// Returns the sum of a payload under its place and envelope.
    pub(crate) fn of(self, payload: &[u8], generation: u64, offset: usize, word: u64) -> u64 {
        if self == Sum::Xxh3 {
            return xxh3_64_with_seed(payload, seed(generation, offset, word));
        }
        let mut folding = Folding::begin(generation, offset, word);
        let (pairs, tail) = payload.as_chunks::<FRAME_ALIGN>();
        let mut last = [0; FRAME_ALIGN];
        last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
        let last = Some(&last).filter(|_| !tail.is_empty());
        for pair in pairs.iter().chain(last) {
            let both = u128::from_le_bytes(*pair);
            folding.add(both as u64, (both >> 64) as u64);
        }
        folding.end()
    }
}

/// A sum on its way.
///
/// Each pair is multiplied with what came before and with a secret of the segment's, and the product's halves are
/// folded into one. Neither factor can be made zero by whoever does not know the generation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folding {
    sum: u64,
    key: u64,
}

impl Folding {
    #[inline(always)]
    pub(crate) fn begin(generation: u64, offset: usize, word: u64) -> Folding {
        Folding {
            sum: seed(generation, offset, word),
            key: generation.wrapping_mul(MIX).rotate_left(32) ^ MIX,
        }
    }

    /// Goes on with the next pair of words.
    #[inline(always)]
    pub(crate) fn add(&mut self, first: u64, second: u64) {
        self.sum = fold(first ^ self.sum, second ^ self.key);
    }

    #[inline(always)]
    pub(crate) fn end(self) -> u64 {
        fold(self.sum ^ MIX, self.key)
    }
}

#[inline(always)]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[inline(always)]
fn seed(generation: u64, offset: usize, word: u64) -> u64 {
    generation ^ word.rotate_left(24) ^ (offset as u64).wrapping_mul(MIX)
}

const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// 24 bits that only this place, length and kind have in this life of the segment.
#[inline]
const fn tag(generation: u64, offset: usize, plain: u64) -> u64 {
    let mixed = (generation ^ plain)
        .wrapping_add((offset as u64).rotate_left(32))
        .wrapping_mul(MIX);
    (mixed ^ (mixed >> 29)).wrapping_mul(MIX) >> TAG_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A first word is recognised at its own place and generation, and nowhere else.
    #[test]
    fn a_word_passes_only_where_it_was_written() {
        let envelope = Envelope {
            kind: Kind::Data,
            len: 77,
        };
        let word = envelope.word(42, 4096);
        assert_eq!(Envelope::read(word, 42, 4096), Some(envelope));
        assert_eq!(Envelope::read(word, 43, 4096), None);
        assert_eq!(Envelope::read(word, 42, 4112), None);
        for bit in 0..64 {
            assert_eq!(Envelope::read(word ^ 1 << bit, 42, 4096), None, "bit {bit}");
        }
        assert_eq!(Envelope::read(0, 42, 4096), None);
    }

    /// The sizes on disk are what the header of this module says.
    #[test]
    fn sizes_are_pinned() {
        assert_eq!([0, 1, 16, 17].map(frame_bytes), [16, 32, 32, 48]);
    }
}
