//! A record's arguments, taken from its bytes and made into text once, however often a format writes them.
//!
//! Most texts are short and [bare](crate::bare), and numbers are always both. They are kept in places of fixed size,
//! because copying a whole place is a few moves, and copying as many bytes as there are is a call.

use crate::bare::{is_bare, is_bare_block};
use crate::digits::{self, PLACE_BYTES, Place};
use crate::value::{Stored, Value, tag, take_array, take_text};

/// The most arguments that are kept.
pub const ARGUMENTS_MAX: usize = 16;

/// What an argument's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Short bare text that was text before.
    Text,
    /// An integer, or a float that shows decimals.
    Number,
    /// A float that shows none.
    WholeFloat,
    /// `true`, `false` or `null`.
    Word,
    /// Longer bare text.
    LongText,
    /// Anything else: it has to be looked at as a value.
    Other,
}

/// One argument.
// As large as a power of two: then finding one by its number is a shift.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Argument {
    text: Place,
    len: usize,
    kind: Kind,
    /// Where its bytes begin.
    start: usize,
}

impl Argument {
    const EMPTY: Argument = Argument {
        text: [PAD; PLACE_BYTES],
        len: 0,
        kind: Kind::Other,
        start: 0,
    };

    /// Returns what its text is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns its text, which ends at [`Argument::len`]; after it comes anything. Short texts are followed by letters.
    #[inline]
    pub fn place(&self) -> &Place {
        &self.text
    }

    /// Returns the text's length.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Says whether the text is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Says whether its whole text stands in its place.
    #[inline]
    pub fn is_short(&self) -> bool {
        (self.kind as u8) < Kind::LongText as u8
    }

    /// Returns the value, given the values it was read from.
    #[inline]
    pub fn value<'v>(&self, values: &'v [u8]) -> Option<Value<'v>> {
        Value::take(&mut values.get(self.start..)?)
    }

    /// Likewise, in the form that formats need.
    #[inline]
    pub fn stored<'v>(&self, values: &'v [u8]) -> Option<Stored<'v>> {
        match self.kind {
            Kind::LongText => take_text(&mut values.get(self.start + 1..)?).map(Stored::Bare),
            _ => self.value(values).map(Stored::Value),
        }
    }

    /// Reads the value at the front of `rest`, which is the end of something `bytes_all` long; returns what follows.
    #[inline(always)]
    fn read<'v>(&mut self, bytes_all: usize, rest: &'v [u8]) -> Option<&'v [u8]> {
        self.start = bytes_all - rest.len();
        let (&kind, mut after) = rest.split_first()?;
        match kind {
            tag::U64 => {
                self.kind = Kind::Number;
                self.len = digits::unsigned(u64::from_le_bytes(take_array(&mut after)?), &mut self.text);
            }
            tag::STR | tag::RENDERED => {
                let text = take_text(&mut after)?;
                self.len = text.len();
                self.kind = match put_bare(text, rest.get(5..).unwrap_or_default(), &mut self.text) {
                    true => Kind::Text,
                    false => kind_of_other(text)?,
                };
            }
            tag::I64 => {
                self.kind = Kind::Number;
                self.len = digits::signed(i64::from_le_bytes(take_array(&mut after)?), &mut self.text);
            }
            tag::F64 => {
                let number = f64::from_bits(u64::from_le_bytes(take_array(&mut after)?));
                (self.len, self.kind) = match digits::float(number, &mut self.text) {
                    Some((len, true)) => (len, Kind::Number),
                    Some((len, false)) => (len, Kind::WholeFloat),
                    None => (0, Kind::Other),
                };
            }
            _ => return self.read_uncommon(rest),
        }
        Some(after)
    }

    #[inline(never)]
    fn read_uncommon<'v>(&mut self, mut rest: &'v [u8]) -> Option<&'v [u8]> {
        let word: &[u8] = match Value::take(&mut rest)? {
            Value::Bool(true) => b"true",
            Value::Bool(false) => b"false",
            Value::Null => b"null",
            _ => {
                self.kind = Kind::Other;
                return Some(rest);
            }
        };
        self.kind = Kind::Word;
        self.len = word.len();
        self.text.iter_mut().zip(word).for_each(|(to, from)| *to = *from);
        Some(rest)
    }
}

#[inline(never)]
fn kind_of_other(text: &[u8]) -> Option<Kind> {
    if text.len() > PLACE_BYTES && is_bare(text) {
        return Some(Kind::LongText);
    }
    std::str::from_utf8(text).ok().map(|_| Kind::Other)
}

/// A record's first arguments. One is kept from record to record.
#[derive(Clone, Debug)]
pub struct Arguments {
    all: [Argument; ARGUMENTS_MAX],
    count: usize,
}

impl Arguments {
    /// Makes one that has read nothing.
    pub fn new() -> Arguments {
        Arguments {
            all: [Argument::EMPTY; ARGUMENTS_MAX],
            count: 0,
        }
    }

    /// Reads the first `count` arguments of a record's values; `false` if they are not that many values, or more than
    /// are kept.
    #[inline(never)]
    pub fn read(&mut self, values: &[u8], count: usize) -> bool {
        let Some(places) = self.all.get_mut(..count) else {
            return false;
        };
        let mut rest = values;
        self.count = count;
        for place in places {
            let Some(after) = place.read(values.len(), rest) else {
                return false;
            };
            rest = after;
        }
        true
    }

    /// Returns the argument with that index, which is below [`ARGUMENTS_MAX`].
    #[inline]
    pub fn of(&self, index: usize) -> Option<&Argument> {
        self.all.get(index % ARGUMENTS_MAX)
    }

    /// Says whether none of those last read is [`Kind::Other`].
    #[inline]
    pub fn are_plain(&self) -> bool {
        self.all
            .iter()
            .take(self.count)
            .all(|argument| argument.kind != Kind::Other)
    }
}

impl Default for Arguments {
    fn default() -> Arguments {
        Arguments::new()
    }
}

/// What fills up a short text.
const PAD: u8 = b'a';

/// Copies a text to the front of `place`, followed by letters; `false` if it is too long or not bare. It stands at the
/// front of `from`.
#[inline(always)]
fn put_bare(text: &[u8], from: &[u8], place: &mut Place) -> bool {
    let ([low, high], []) = place.as_chunks_mut::<16>() else {
        return false;
    };
    // What is read together was not stored in parts a moment ago: that would wait for the stores.
    if let (Some(block), Some(mask)) = (from.first_chunk::<16>(), MASKS.get(text.len())) {
        *low = masked(block, mask);
        *high = [PAD; 16];
        return is_bare_block(low);
    }
    match from.get(16..).and_then(|from| from.first_chunk::<16>()) {
        Some(block) if text.len() <= PLACE_BYTES => {
            *low = from.first_chunk::<16>().copied().unwrap_or_default();
            *high = masked(block, MASKS.get(text.len() - 16).unwrap_or(&[0; 16]));
            is_bare_block(low) && is_bare_block(high)
        }
        _ => put_last(text, place),
    }
}

/// Likewise, where nothing follows the text that could be read with it.
#[inline(never)]
fn put_last(text: &[u8], place: &mut Place) -> bool {
    *place = [PAD; PLACE_BYTES];
    if let Some(to) = place.get_mut(..text.len()) {
        to.copy_from_slice(text);
        return is_bare(text);
    }
    false
}

/// Returns the block with letters wherever the mask is not set.
#[inline(always)]
fn masked(block: &[u8; 16], mask: &[u8; 16]) -> [u8; 16] {
    let mut masked = *block;
    for (byte, mask) in masked.iter_mut().zip(mask) {
        *byte = *byte & mask | PAD & !mask;
    }
    masked
}

/// For each length up to that of a block, which of its bytes count.
const MASKS: [[u8; 16]; 17] = masks();

#[expect(clippy::indexing_slicing, reason = "a constant: a wrong index does not compile")]
const fn masks() -> [[u8; 16]; 17] {
    let mut masks = [[0; 16]; 17];
    let mut len = 0;
    while len < masks.len() {
        let mut at = 0;
        while at < len {
            masks[len][at] = u8::MAX;
            at += 1;
        }
        len += 1;
    }
    masks
}
