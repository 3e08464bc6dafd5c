//! Format specifications, as in `std::fmt`, applied to typed values when a record is read.
//!
//! `[[fill]align][sign]['#']['0'][width]['.' precision][type]`, without the forms that take width or precision from
//! another argument: a record with those is rendered by its caller.

use std::fmt::Write as _;

use crate::digits::{self, PLACE_BYTES};
use crate::float;
use crate::record::TextOut;
use crate::value::{PANICKED_TEXT, Value};

/// Where a padded value stands in its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Center,
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Display,
    Debug,
    LowerHex,
    UpperHex,
    Octal,
    Binary,
    LowerExp,
    UpperExp,
}

/// How an argument is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    fill: char,
    align: Option<Align>,
    plus: bool,
    alternate: bool,
    zero: bool,
    width: u16,
    precision: Option<u16>,
    kind: Kind,
}

impl Spec {
    /// The empty specification: `{}`.
    pub const PLAIN: Spec = Spec {
        fill: ' ',
        align: None,
        plus: false,
        alternate: false,
        zero: false,
        width: 0,
        precision: None,
        kind: Kind::Display,
    };

    /// Reads what follows the colon in a placeholder; `None` for a form that is not supported here.
    pub fn parse(text: &str) -> Option<Spec> {
        let mut spec = Spec::PLAIN;
        let mut rest = text.trim_end();
        let mut letters = rest.chars();
        let align = |letter| match letter {
            '<' => Some(Align::Left),
            '^' => Some(Align::Center),
            '>' => Some(Align::Right),
            _ => None,
        };
        let (first, second) = (letters.next(), letters.next());
        if let (Some(fill), Some(place)) = (first, second.and_then(align)) {
            (spec.fill, spec.align) = (fill, Some(place));
            rest = letters.as_str();
        } else if let Some(place) = first.and_then(align) {
            spec.align = Some(place);
            rest = rest.get(1..)?;
        }
        (spec.plus, rest) = strip(rest, "+");
        (spec.alternate, rest) = strip(rest, "#");
        (spec.zero, rest) = strip(rest, "0");
        (spec.width, rest) = number(rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after_number) = number(after)?;
            (spec.precision, rest) = (Some(precision), after_number);
        }
        spec.kind = match rest {
            "" => Kind::Display,
            "?" => Kind::Debug,
            "x" => Kind::LowerHex,
            "X" => Kind::UpperHex,
            "o" => Kind::Octal,
            "b" => Kind::Binary,
            "e" => Kind::LowerExp,
            "E" => Kind::UpperExp,
            _ => return None,
        };
        Some(spec)
    }

    /// Writes `value` in this form. Text that was rendered by its own type is written as it is.
    #[inline(always)]
    pub fn write<W: TextOut + ?Sized>(&self, value: Value<'_>, out: &mut W) {
        if *self == Spec::PLAIN {
            return write_plain(value, out);
        }
        match value {
            Value::Rendered(text) => out.text(text),
            Value::F64(number)
                if *self
                    == (Spec {
                        precision: self.precision,
                        ..Spec::PLAIN
                    }) =>
            {
                float::fixed(number, usize::from(self.precision.unwrap_or_default()), out);
            }
            other => self.write_slow(other, out),
        }
    }

    fn write_slow<W: TextOut + ?Sized>(&self, value: Value<'_>, out: &mut W) {
        match value {
            Value::I64(number) => self.integer(number.unsigned_abs().into(), number < 0, number as u64 as u128, out),
            Value::I128(number) => self.integer(number.unsigned_abs(), number < 0, number as u128, out),
            Value::U64(number) => self.integer(number.into(), false, number.into(), out),
            Value::U128(number) => self.integer(number, false, number, out),
            Value::F64(number) => self.float(number, number, out),
            Value::F32(number) => self.float(number, f64::from(number), out),
            Value::Str(text) if self.kind == Kind::Debug => out.text(&format!("{text:?}")),
            Value::Char(letter) if self.kind == Kind::Debug => out.text(&format!("{letter:?}")),
            Value::Str(text) => self.padded_text(text, out),
            Value::Char(letter) => self.padded_text(letter.encode_utf8(&mut [0; 4]), out),
            Value::Bool(truth) => self.padded_text(if truth { "true" } else { "false" }, out),
            other => write_plain(other, out),
        }
    }

    fn integer<W: TextOut + ?Sized>(&self, size: u128, negative: bool, bits: u128, out: &mut W) {
        let (prefix, digits, negative) = match self.kind {
            Kind::LowerHex => ("0x", format!("{bits:x}"), false),
            Kind::UpperHex => ("0x", format!("{bits:X}"), false),
            Kind::Octal => ("0o", format!("{bits:o}"), false),
            Kind::Binary => ("0b", format!("{bits:b}"), false),
            Kind::LowerExp => ("", format!("{size:e}"), negative),
            Kind::UpperExp => ("", format!("{size:E}"), negative),
            Kind::Display | Kind::Debug => ("", size.to_string(), negative),
        };
        let prefix = if self.alternate { prefix } else { "" };
        self.number(negative, prefix, &digits, out);
    }

    fn float<W: TextOut + ?Sized, F>(&self, number: F, wide: f64, out: &mut W)
    where
        F: std::fmt::Display + std::fmt::Debug + std::fmt::LowerExp + std::fmt::UpperExp,
    {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = match (self.kind, self.precision.map(usize::from)) {
            (Kind::LowerExp, None) => write!(text, "{number:e}"),
            (Kind::LowerExp, Some(precision)) => write!(text, "{number:.precision$e}"),
            (Kind::UpperExp, None) => write!(text, "{number:E}"),
            (Kind::UpperExp, Some(precision)) => write!(text, "{number:.precision$E}"),
            (Kind::Debug, None) => write!(text, "{number:?}"),
            (_, Some(precision)) => write!(text, "{number:.precision$}"),
            (_, None) => write!(text, "{number}"),
        };
        let digits = text.strip_prefix('-').unwrap_or(&text);
        if wide.is_nan() {
            return Spec { plus: false, ..*self }.number(false, "", digits, out);
        }
        self.number(wide.is_sign_negative(), "", digits, out);
    }

    /// Writes sign, prefix and digits in the width; zeros go between prefix and digits.
    fn number<W: TextOut + ?Sized>(&self, negative: bool, prefix: &str, digits: &str, out: &mut W) {
        let sign = match (negative, self.plus) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let missing = usize::from(self.width).saturating_sub(sign.len() + prefix.len() + digits.len());
        if self.zero {
            out.bare(sign.as_bytes());
            out.bare(prefix.as_bytes());
            repeat('0', missing, out);
            out.bare(digits.as_bytes());
        } else {
            let (before, after) = self.split(missing, Align::Right);
            repeat(self.fill, before, out);
            out.bare(sign.as_bytes());
            out.bare(prefix.as_bytes());
            out.bare(digits.as_bytes());
            repeat(self.fill, after, out);
        }
    }

    fn padded_text<W: TextOut + ?Sized>(&self, text: &str, out: &mut W) {
        let text = match self.precision {
            Some(most) => match text.char_indices().nth(usize::from(most)) {
                Some((end, _)) => text.get(..end).unwrap_or(text),
                None => text,
            },
            None => text,
        };
        let missing = usize::from(self.width).saturating_sub(text.chars().count());
        let (before, after) = self.split(missing, Align::Left);
        repeat(self.fill, before, out);
        out.text(text);
        repeat(self.fill, after, out);
    }

    fn split(&self, missing: usize, default: Align) -> (usize, usize) {
        match self.align.unwrap_or(default) {
            Align::Left => (0, missing),
            Align::Center => (missing / 2, missing - missing / 2),
            Align::Right => (missing, 0),
        }
    }
}

/// Writes `value` as `{}` shows it.
#[inline(always)]
pub fn write_plain<W: TextOut + ?Sized>(value: Value<'_>, out: &mut W) {
    match value {
        Value::Str(text) | Value::Rendered(text) | Value::Json(text) => out.text(text),
        Value::U64(number) => {
            let mut place = [0; PLACE_BYTES];
            let len = digits::unsigned(number, &mut place);
            out.bare(place.get(..len).unwrap_or_default());
        }
        Value::I64(number) => {
            let mut place = [0; PLACE_BYTES];
            let len = digits::signed(number, &mut place);
            out.bare(place.get(..len).unwrap_or_default());
        }
        Value::F64(number) => float::shortest(number, out),
        Value::Bool(truth) => out.bare(if truth { b"true" } else { b"false" }),
        Value::Null => out.bare(b"null"),
        Value::F32(number) => float::slow(format_args!("{number}"), out),
        Value::Char(letter) => out.text(letter.encode_utf8(&mut [0; 4])),
        Value::I128(number) => float::slow(format_args!("{number}"), out),
        Value::U128(number) => float::slow(format_args!("{number}"), out),
        Value::Panicked => out.bare(PANICKED_TEXT.as_bytes()),
    }
}

fn strip<'t>(text: &'t str, mark: &str) -> (bool, &'t str) {
    match text.strip_prefix(mark) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// Takes a decimal number from the front; 0 where there is none. `None` when it is over 65,535 or taken from elsewhere.
fn number(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if rest.starts_with('$') {
        return None;
    }
    if digits.is_empty() {
        Some((0, rest))
    } else {
        Some((digits.parse().ok()?, rest))
    }
}

fn repeat<W: TextOut + ?Sized>(letter: char, count: usize, out: &mut W) {
    let mut bytes = [0; 4];
    let text = letter.encode_utf8(&mut bytes);
    for _ in 0..count {
        out.text(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spec: &str, value: Value<'_>) -> String {
        let mut out = String::new();
        Spec::parse(spec)
            .unwrap_or_else(|| panic!("{spec} refused"))
            .write(value, &mut out);
        out
    }

    macro_rules! same_as_std {
        ($value:expr, $typed:expr, [$($spec:literal),*]) => {
            $(assert_eq!(shown($spec, $typed), format!(concat!("{:", $spec, "}"), $value), $spec);)*
        };
    }

    /// Every form gives exactly the text that `std::fmt` gives for the same value.
    #[test]
    fn same_text_as_std() {
        for n in [0i64, 7, -7, 255, i64::MAX, i64::MIN] {
            same_as_std!(
                n,
                Value::I64(n),
                [
                    "", "5", "<5", "^9", ">9", "*^9", "+", "+06", "06", "x", "#x", "#010x", "X", "o", "#b", "?", "e",
                    "#?"
                ]
            );
        }
        for n in [0u64, 42, u64::MAX] {
            same_as_std!(n, Value::U64(n), ["", "05", "é>5", "x", "#X", "b", "?", "+", "E"]);
        }
        for x in [
            0.0f64,
            -0.0,
            1.25,
            -1.5,
            1e21,
            1e-7,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            123456.789,
        ] {
            same_as_std!(
                x,
                Value::F64(x),
                [
                    "", ".0", ".2", "8.2", "08.2", "+.1", "^12.3", "e", ".2e", "?", ".1?", "E", "-<10"
                ]
            );
        }
        for x in [1.1f32, -2.5, f32::MAX] {
            same_as_std!(x, Value::F32(x), ["", ".2", "?", "+8.1"]);
        }
        for s in ["", "a", "grüße", "quote\"\n"] {
            same_as_std!(s, Value::Str(s), ["", "8", ">8", "^8", ".2", "#>6.3", "?", "-^7"]);
        }
        same_as_std!('ä', Value::Char('ä'), ["", "3", ">3", "?"]);
        same_as_std!(true, Value::Bool(true), ["", "6", ">6", "?"]);
    }

    /// Widths and precisions that come from other arguments are refused, so that the caller renders them.
    #[test]
    fn refuses_what_needs_other_arguments() {
        for spec in ["1$", "width$", ".*", ".prec$", "99999999", "q"] {
            assert_eq!(Spec::parse(spec), None, "{spec}");
        }
    }
}
