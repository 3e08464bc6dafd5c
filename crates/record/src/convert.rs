//! What becomes a [`Value`], and a value's text.

use std::fmt;

use crate::value::Value;

macro_rules! from {
    ($($type:ty => $kind:ident;)*) => {$(
        impl From<$type> for Value<'_> {
            #[inline]
            fn from(value: $type) -> Self {
                Value::$kind(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool;
    i8 => I64;
    i16 => I64;
    i32 => I64;
    i64 => I64;
    u8 => U64;
    u16 => U64;
    u32 => U64;
    u64 => U64;
    i128 => I128;
    u128 => U128;
    f32 => F32;
    f64 => F64;
    char => Char;
}

impl From<usize> for Value<'_> {
    #[inline]
    fn from(value: usize) -> Self {
        Value::U64(value as u64)
    }
}

impl From<isize> for Value<'_> {
    #[inline]
    fn from(value: isize) -> Self {
        Value::I64(value as i64)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    #[inline]
    fn from(text: &'a str) -> Value<'a> {
        Value::Str(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    #[inline]
    fn from(text: &'a String) -> Value<'a> {
        Value::Str(text)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    /// `None` is null.
    #[inline]
    fn from(value: Option<T>) -> Value<'a> {
        value.map_or(Value::Null, Into::into)
    }
}

/// Shows the value as messages and plain text do.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_text(&mut text);
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type becomes the kind that macros make of it, and is shown as it was written.
    #[test]
    fn what_it_becomes_and_shows() {
        let text = String::from("owned");
        let values: [(Value<'_>, Value<'_>, &str); 9] = [
            (true.into(), Value::Bool(true), "true"),
            ((-7i8).into(), Value::I64(-7), "-7"),
            (7usize.into(), Value::U64(7), "7"),
            (
                u128::MAX.into(),
                Value::U128(u128::MAX),
                "340282366920938463463374607431768211455",
            ),
            (1.5f64.into(), Value::F64(1.5), "1.5"),
            ('x'.into(), Value::Char('x'), "x"),
            ("text".into(), Value::Str("text"), "text"),
            (Value::from(&text), Value::Str("owned"), "owned"),
            (Some(3u8).into(), Value::U64(3), "3"),
        ];
        for (value, expected, shown) in values {
            assert_eq!((value, value.to_string().as_str()), (expected, shown));
        }
        assert_eq!(Value::from(None::<u8>), Value::Null);
        assert_eq!(format!("{:>4}", Value::U64(7)), "   7");
    }
}
