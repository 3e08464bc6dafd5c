//! Sizes as people write them: `500`, `64KB`, `1.5MB`, `1GiB`.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written with a unit where one fits.
///
/// Units are B, KB, MB, GB and TB, also as K, M, G, T and KiB, MiB, GiB, TiB, in any case; all are multiples of 1024. A
/// number without a unit is bytes. A decimal fraction is allowed; what is left of a byte is cut off.
///
/// # Examples
/// ```
/// use hydra_logger::config::ByteSize;
/// assert_eq!("1.5KB".parse(), Ok(ByteSize::new(1536)));
/// assert_eq!(ByteSize::mb(5).to_string(), "5MB");
/// assert!("-1".parse::<ByteSize>().is_err());
/// ```
///
/// ```
/// use hydra_logger::config::ByteSize;
/// assert_eq!(ByteSize::kb(1).bytes(), 1024);
/// assert!(ByteSize::gb(1) > ByteSize::from(1_000_000_000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// The units by their first letter, largest first.
const UNITS: [(char, u64); 5] = [('T', 1 << 40), ('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10), ('B', 1)];

/// More digits after the point than this say nothing about bytes and are refused.
const FRACTION_DIGITS_MAX: usize = 12;

impl ByteSize {
    /// Takes a number of bytes.
    pub const fn new(bytes: u64) -> ByteSize {
        ByteSize(bytes)
    }

    /// Takes a number of units of 1024 bytes; stops at the largest number there is.
    pub const fn kb(count: u64) -> ByteSize {
        ByteSize(count.saturating_mul(1 << 10))
    }

    /// Takes a number of units of 1024² bytes; stops at the largest number there is.
    pub const fn mb(count: u64) -> ByteSize {
        ByteSize(count.saturating_mul(1 << 20))
    }

    /// Takes a number of units of 1024³ bytes; stops at the largest number there is.
    pub const fn gb(count: u64) -> ByteSize {
        ByteSize(count.saturating_mul(1 << 30))
    }

    /// Returns the number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> ByteSize {
        ByteSize(bytes)
    }
}

impl fmt::Display for ByteSize {
    /// Writes the largest unit of which the size is a whole multiple.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(letter, unit): &(char, u64)| *letter == 'B' || (self.0 > 0 && self.0.is_multiple_of(*unit));
        match UNITS.into_iter().find(|unit| fits(unit)) {
            Some((letter, unit)) if unit > 1 => write!(f, "{}{letter}B", self.0 / unit),
            _ => write!(f, "{}", self.0),
        }
    }
}

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSize(String);

impl BadSize {
    /// What to write instead.
    pub(crate) const SUGGESTION: &'static str =
        "write a number with or without a unit, such as 500, 64KB, 1.5MB or 1GB";

    /// Says what is wrong, without what to do.
    pub(crate) fn message(&self) -> String {
        format!("`{}` is not a size", self.0)
    }
}

impl fmt::Display for BadSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message(), BadSize::SUGGESTION)
    }
}

impl std::error::Error for BadSize {}

impl FromStr for ByteSize {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<ByteSize, BadSize> {
        parse(text.trim()).map(ByteSize).ok_or_else(|| BadSize(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = u128::from(unit_of(unit.strip_prefix(' ').unwrap_or(unit))?);
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    if fraction.len() > FRACTION_DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    let whole = u128::from(whole.parse::<u64>().ok()?) * unit;
    let part = match fraction.parse::<u128>() {
        Ok(digits) => digits * unit / 10_u128.pow(u32::try_from(fraction.len()).ok()?),
        Err(_) => 0,
    };
    u64::try_from(whole + part).ok()
}

fn unit_of(text: &str) -> Option<u64> {
    let upper = text.to_ascii_uppercase();
    let mut letters = upper.chars();
    let Some(first) = letters.next() else { return Some(1) };
    let rest = letters.as_str();
    let (_, unit) = UNITS.into_iter().find(|(letter, _)| *letter == first)?;
    match rest {
        "" => Some(unit),
        "B" | "IB" if first != 'B' => Some(unit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Option<u64> {
        text.parse().ok().map(ByteSize::bytes)
    }

    /// Numbers, decimals and all units in any case are read as multiples of 1024.
    #[test]
    fn reads_sizes() {
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes("1.5KB"), Some(1536));
        assert_eq!(bytes(" 5 mb "), Some(5 << 20));
        assert_eq!(bytes("5M"), Some(5 << 20));
        assert_eq!(bytes("1GiB"), Some(1 << 30));
        assert_eq!(bytes("2tib"), Some(2 << 40));
        assert_eq!(bytes("17B"), Some(17));
        assert_eq!(bytes("1.9"), Some(1));
    }

    /// What is no size is refused, with examples of what is.
    #[test]
    fn refuses_other_text() {
        for text in [
            "",
            " ",
            "-5MB",
            "5 parrots",
            "MB",
            "1.",
            ".5",
            "1.2.3",
            "1e3",
            "1,5KB",
            "5BB",
            "5  MB",
            "99999999999TB",
        ] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
        let error = "5 parrots".parse::<ByteSize>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`5 parrots` is not a size; write a number with or without a unit, such as 500, 64KB, 1.5MB or 1GB"
        );
    }

    /// What is printed is read as the same size.
    #[test]
    fn prints_what_it_reads() {
        for size in [0, 1, 1023, 1024, 1536, 5 << 20, 1 << 30, u64::MAX, 3 << 40] {
            assert_eq!(bytes(&ByteSize::new(size).to_string()), Some(size));
        }
    }
}
