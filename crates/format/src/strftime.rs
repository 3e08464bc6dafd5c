//! Date formats: the directives of `strftime` that a log needs, read once and checked when a format is built.
//!
//! Names are English, in any locale: the same record gives the same bytes everywhere.

use std::sync::Arc;

use hydra_record::Value;

use crate::error::{Error, ErrorKind};
use crate::time::{Civil, pair};

const KNOWN: &str = "%a %A %b %B %c %d %D %e %f %F %h %H %I %j %L %m %M %N %p %R %s %S %T %u %w %x %X %y %Y %z %:z %%";
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// An instant, with all that a directive may ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) civil: Civil,
    pub(crate) unix_seconds: i64,
    pub(crate) nanos: u32,
    pub(crate) offset: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Text(String),
    /// A directive, by its letter.
    Field(char),
    /// `%:z`.
    OffsetColon,
}

/// A date format, read and checked.
///
/// It knows `%Y %m %d %H %M %S`, `%y` (two digits), `%e` (day, space padded), `%j` (day of the year), `%I` and `%p`
/// (12 hours), `%f` (microseconds), `%L` (milliseconds), `%N` (nanoseconds), `%a %A %b %B %h` (English names), `%u %w`
/// (day of the week from Monday = 1, from Sunday = 0), `%z %:z` (offset from UTC), `%s` (seconds since 1970), `%%`, and
/// the short forms `%F %T %D %R %c %x %X` of the C locale.
///
/// # Examples
/// ```
/// use hydra_format::{ClockFace, Pattern};
/// let mut out = Vec::new();
/// ClockFace::new(|_| -3600).local(0, &Pattern::parse("%d %b %Y %T %:z")?, &mut out);
/// assert_eq!(out, b"31 Dec 1969 23:00:00 -01:00");
/// assert!(Pattern::parse("%Q").unwrap_err().to_string().contains("%Q"));
/// # Ok::<(), hydra_format::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: Arc<str>,
    items: Vec<Item>,
    has_time: bool,
    has_fraction: bool,
}

impl Pattern {
    /// Reads a date format.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownDirective`] if a directive is not in the list above.
    pub fn parse(source: &str) -> Result<Pattern, Error> {
        let mut pattern = Pattern {
            source: source.into(),
            items: Vec::new(),
            has_time: false,
            has_fraction: false,
        };
        let mut letters = source.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                pattern.put_char(letter);
                continue;
            }
            match letters.next() {
                Some('%') => pattern.put_char('%'),
                Some(':') if letters.as_str().starts_with('z') => {
                    letters.next();
                    pattern.items.push(Item::OffsetColon);
                }
                Some(directive) if pattern.put_directive(directive) => {}
                other => {
                    let shown: String = other.into_iter().collect();
                    let text = format!("unknown directive `%{shown}` in date format `{source}`; known are {KNOWN}");
                    return Err(Error::new(ErrorKind::UnknownDirective, text));
                }
            }
        }
        Ok(pattern)
    }

    /// Says whether the pattern shows a time of day.
    pub fn has_time(&self) -> bool {
        self.has_time
    }

    /// Says whether it shows parts of a second.
    pub(crate) fn has_fraction(&self) -> bool {
        self.has_fraction
    }

    /// The pattern's text; its address tells patterns apart faster than its letters do.
    pub(crate) fn source(&self) -> &Arc<str> {
        &self.source
    }

    fn put_char(&mut self, letter: char) {
        match self.items.last_mut() {
            Some(Item::Text(text)) => text.push(letter),
            _ => self.items.push(Item::Text(letter.into())),
        }
    }

    /// Takes in a directive, a short form as what it stands for; `false` if it is not known.
    fn put_directive(&mut self, directive: char) -> bool {
        let long = match directive {
            'F' => "Y-m-d",
            'T' | 'X' => "H:M:S",
            'R' => "H:M",
            'D' | 'x' => "m/d/y",
            'c' => "a b e H:M:S Y",
            'h' => "b",
            'Y' | 'm' | 'd' | 'H' | 'M' | 'S' | 'y' | 'e' | 'j' | 'I' | 'p' | 'f' | 'L' | 'N' | 'a' | 'A' | 'b'
            | 'B' | 'u' | 'w' | 'z' | 's' => {
                self.put_field(directive);
                return true;
            }
            _ => return false,
        };
        for letter in long.chars() {
            if letter.is_ascii_alphabetic() {
                self.put_field(letter);
            } else {
                self.put_char(letter);
            }
        }
        true
    }

    fn put_field(&mut self, letter: char) {
        self.has_time |= matches!(letter, 'H' | 'I' | 'M' | 'S' | 'p' | 's' | 'f' | 'L' | 'N');
        self.has_fraction |= matches!(letter, 'f' | 'L' | 'N');
        self.items.push(Item::Field(letter));
    }

    pub(crate) fn render(&self, moment: &Moment, out: &mut Vec<u8>) {
        for item in &self.items {
            match item {
                Item::Text(text) => out.extend_from_slice(text.as_bytes()),
                Item::Field(letter) => put_field(*letter, moment, out),
                Item::OffsetColon => put_offset(moment.offset, ":", out),
            }
        }
    }
}

fn put_field(letter: char, moment: &Moment, out: &mut Vec<u8>) {
    let civil = &moment.civil;
    let two = |number: u32, out: &mut Vec<u8>| out.extend_from_slice(&pair(number));
    match letter {
        'Y' => put_year(civil.year, out),
        'y' => two(civil.year.rem_euclid(100) as u32, out),
        'm' => two(civil.month.into(), out),
        'd' => two(civil.day.into(), out),
        'e' => put_padded(civil.day.into(), 2, b' ', out),
        'H' => two(civil.hour.into(), out),
        'I' => two(u32::from(civil.hour + 11) % 12 + 1, out),
        'M' => two(civil.minute.into(), out),
        'S' => two(civil.second.into(), out),
        'p' => out.extend_from_slice(if civil.hour < 12 { b"AM" } else { b"PM" }),
        'j' => put_padded(civil.yearday.into(), 3, b'0', out),
        'f' => put_padded((moment.nanos / 1000).into(), 6, b'0', out),
        'L' => put_padded((moment.nanos / 1_000_000).into(), 3, b'0', out),
        'N' => put_padded(moment.nanos.into(), 9, b'0', out),
        'b' => put_name(&MONTHS, civil.month - 1, 3, out),
        'B' => put_name(&MONTHS, civil.month - 1, usize::MAX, out),
        'a' => put_name(&DAYS, civil.weekday, 3, out),
        'A' => put_name(&DAYS, civil.weekday, usize::MAX, out),
        'w' => out.push(b'0' + civil.weekday),
        'u' => out.push(b'0' + (civil.weekday + 6) % 7 + 1),
        's' => Value::I64(moment.unix_seconds).write_text(out),
        _ => put_offset(moment.offset, "", out),
    }
}

/// Four digits at least; a year before 0 with its sign.
fn put_year(year: i64, out: &mut Vec<u8>) {
    if year < 0 {
        out.push(b'-');
    }
    put_padded(year.unsigned_abs(), 4, b'0', out);
}

fn put_padded(number: u64, width: usize, fill: u8, out: &mut Vec<u8>) {
    let start = out.len();
    Value::U64(number).write_text(out);
    for _ in out.len() - start..width {
        out.insert(start, fill);
    }
}

fn put_name(names: &[&str], index: u8, len_max: usize, out: &mut Vec<u8>) {
    let name = names.get(usize::from(index)).copied().unwrap_or_default();
    out.extend(name.bytes().take(len_max));
}

/// Hours and minutes east of UTC; seconds, which no zone has had for a century, are cut off.
fn put_offset(offset: i32, between: &str, out: &mut Vec<u8>) {
    let minutes = offset.unsigned_abs() / 60;
    out.push(if offset < 0 { b'-' } else { b'+' });
    out.extend_from_slice(&pair(minutes / 60));
    out.extend_from_slice(between.as_bytes());
    out.extend_from_slice(&pair(minutes % 60));
}
