//! One typed value and its byte form.
//!
//! | tag | value | bytes that follow, little endian |
//! |----:|-------|----------------------------------|
//! | 0 | null | |
//! | 1, 2 | false, true | |
//! | 3 | i64 | 8 |
//! | 4 | u64 | 8 |
//! | 5 | f64 | 8 |
//! | 6 | f32 | 4 |
//! | 7 | char | 4 |
//! | 8 | i128 | 16 |
//! | 9 | u128 | 16 |
//! | 10 | text | length u32, UTF-8 |
//! | 11 | rendered text | length u32, UTF-8 |
//! | 12 | JSON document | length u32, UTF-8 |
//! | 13 | a `Display` that panicked | |

use crate::bare::is_bare;
use crate::scratch::Put;

/// A field's value, borrowed from the program's arguments or from a journal frame.
///
/// # Examples
/// ```
/// use hydra_record::Value;
///
/// assert_eq!(Value::from(200u16), Value::U64(200));
/// assert_eq!(Value::from(None::<&str>), Value::Null);
/// assert_eq!(Value::from("acme").to_string(), "acme");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing: `None`, JSON's `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed whole number.
    I64(i64),
    /// An unsigned whole number.
    U64(u64),
    /// A floating-point number; it may be NaN or infinite.
    F64(f64),
    /// A floating-point number of single precision.
    F32(f32),
    /// One character.
    Char(char),
    /// A signed number that may not fit 64 bits.
    I128(i128),
    /// An unsigned number that may not fit 64 bits.
    U128(u128),
    /// Text that is the value itself.
    Str(&'a str),
    /// Text that some other value was rendered to, by its `Display` or `Debug`, with its own format specification.
    Rendered(&'a str),
    /// A whole JSON document on one line, for what no other kind can hold.
    Json(&'a str),
    /// The value's `Display` or `Debug` panicked while the record was taken.
    Panicked,
}

/// A value as a format takes it from a frame: what needs no work is told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stored<'a> {
    /// A [`Value::Str`] or [`Value::Rendered`] of [bare](crate::bare) text.
    Bare(&'a [u8]),
    /// Anything else.
    Value(Value<'a>),
}

/// Tag bytes of the byte form.
pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const I64: u8 = 3;
    pub(crate) const U64: u8 = 4;
    pub(crate) const F64: u8 = 5;
    pub(crate) const F32: u8 = 6;
    pub(crate) const CHAR: u8 = 7;
    pub(crate) const I128: u8 = 8;
    pub(crate) const U128: u8 = 9;
    pub(crate) const STR: u8 = 10;
    pub(crate) const RENDERED: u8 = 11;
    pub(crate) const JSON: u8 = 12;
    pub(crate) const PANICKED: u8 = 13;
}

/// The text that stands for a value whose `Display` panicked.
pub const PANICKED_TEXT: &str = "<panicked while rendering>";

impl<'a> Value<'a> {
    /// Appends the byte form.
    pub fn put(self, out: &mut Vec<u8>) {
        self.put_into(out);
    }

    // Always inlined: callers mostly know the kind, and then this is a few stores.
    #[inline(always)]
    pub(crate) fn put_into(self, out: &mut impl Put) {
        match self {
            Value::Null => out.piece([tag::NULL]),
            Value::Bool(false) => out.piece([tag::FALSE]),
            Value::Bool(true) => out.piece([tag::TRUE]),
            Value::I64(number) => out.tagged(tag::I64, number.to_le_bytes()),
            Value::U64(number) => out.tagged(tag::U64, number.to_le_bytes()),
            Value::F64(number) => out.tagged(tag::F64, number.to_bits().to_le_bytes()),
            Value::F32(number) => out.tagged(tag::F32, number.to_bits().to_le_bytes()),
            Value::Char(letter) => out.tagged(tag::CHAR, (letter as u32).to_le_bytes()),
            Value::I128(number) => out.tagged(tag::I128, number.to_le_bytes()),
            Value::U128(number) => out.tagged(tag::U128, number.to_le_bytes()),
            Value::Str(text) => put_text(out, tag::STR, text),
            Value::Rendered(text) => put_text(out, tag::RENDERED, text),
            Value::Json(text) => put_text(out, tag::JSON, text),
            Value::Panicked => out.piece([tag::PANICKED]),
        }
    }

    /// Takes one value from the front of `bytes`; `None` where the bytes are not a value.
    #[inline(always)]
    pub fn take(bytes: &mut &'a [u8]) -> Option<Value<'a>> {
        let (&kind, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(match kind {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::I64 => Value::I64(i64::from_le_bytes(take_array(bytes)?)),
            tag::U64 => Value::U64(u64::from_le_bytes(take_array(bytes)?)),
            tag::F64 => Value::F64(f64::from_bits(u64::from_le_bytes(take_array(bytes)?))),
            tag::F32 => Value::F32(f32::from_bits(u32::from_le_bytes(take_array(bytes)?))),
            tag::CHAR => Value::Char(char::from_u32(u32::from_le_bytes(take_array(bytes)?))?),
            tag::I128 => Value::I128(i128::from_le_bytes(take_array(bytes)?)),
            tag::U128 => Value::U128(u128::from_le_bytes(take_array(bytes)?)),
            tag::STR => Value::Str(take_str(bytes)?),
            tag::RENDERED => Value::Rendered(take_str(bytes)?),
            tag::JSON => Value::Json(take_str(bytes)?),
            tag::PANICKED => Value::Panicked,
            _ => return None,
        })
    }
}

/// What can be taken from a frame's bytes.
pub(crate) trait Take<'a>: Sized {
    /// Takes one from the front of `bytes`; `None` where the bytes are not a value.
    fn take(bytes: &mut &'a [u8]) -> Option<Self>;
}

impl<'a> Take<'a> for Value<'a> {
    #[inline(always)]
    fn take(bytes: &mut &'a [u8]) -> Option<Value<'a>> {
        Value::take(bytes)
    }
}

impl<'a> Take<'a> for Stored<'a> {
    #[inline(always)]
    fn take(bytes: &mut &'a [u8]) -> Option<Stored<'a>> {
        if let Some((&(tag::STR | tag::RENDERED), mut rest)) = bytes.split_first()
            && let Some(text) = take_text(&mut rest)
            && is_bare(text)
        {
            *bytes = rest;
            return Some(Stored::Bare(text));
        }
        Value::take(bytes).map(Stored::Value)
    }
}

#[inline(always)]
fn put_text(out: &mut impl Put, kind: u8, text: &str) {
    out.tagged(kind, (text.len() as u32).to_le_bytes());
    out.bytes(text.as_bytes());
}

/// Appends a length (u32) and the text. Callers keep texts under 4 GiB: a record's limit is far below.
#[inline]
pub(crate) fn put_str(out: &mut impl Put, text: &str) {
    out.piece((text.len() as u32).to_le_bytes());
    out.bytes(text.as_bytes());
}

#[inline(always)]
pub(crate) fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[inline(always)]
pub(crate) fn take_str<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_text(bytes)?).ok()
}

/// Takes a length and that many bytes.
#[inline(always)]
pub(crate) fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u32::from_le_bytes(take_array(bytes)?) as usize;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of value comes back from its byte form, and a cut at any byte is noticed.
    #[test]
    fn round_trips_and_notices_cuts() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Bool(false),
            Value::I64(i64::MIN),
            Value::U64(u64::MAX),
            Value::F64(f64::NEG_INFINITY),
            Value::F32(1.1),
            Value::Char('\u{10FFFF}'),
            Value::I128(i128::MIN),
            Value::U128(u128::MAX),
            Value::Str("grüß dich"),
            Value::Rendered(""),
            Value::Json("{\"a\":[1]}"),
            Value::Panicked,
        ];
        for value in values {
            let mut bytes = Vec::new();
            value.put(&mut bytes);
            let mut rest = bytes.as_slice();
            assert_eq!(Value::take(&mut rest), Some(value));
            assert!(rest.is_empty());
            for cut in 0..bytes.len() {
                assert_eq!(Value::take(&mut &bytes[..cut]), None, "{value:?} cut at {cut}");
            }
        }
    }

    /// Bytes that are no UTF-8, no scalar value or no tag are refused, not passed on.
    #[test]
    fn refuses_what_is_no_value() {
        assert_eq!(Value::take(&mut [tag::STR, 1, 0, 0, 0, 0xFF].as_slice()), None);
        assert_eq!(Value::take(&mut [tag::CHAR, 0, 0xD8, 0, 0].as_slice()), None);
        assert_eq!(Value::take(&mut [99u8].as_slice()), None);
    }
}
