//! GELF 1.1: each record one flat JSON object on one line.
//!
//! ```text
//! {"version":"1.1","host":"h","short_message":"hi","timestamp":1769860800.000001,"level":6,"_logger":"API","_id_":42}
//! ```
//!
//! Additional fields are `_logger` (the layer), the optional [`Keys`], the record's fields and its context's; their
//! values are numbers or text, as the standard asks. `full_message` is there only when the message has several lines.

use hydra_record::value::PANICKED_TEXT;
use hydra_record::{Record, Stored, TextOut, Value};

use crate::escape::{Escaped, JsonText, escape};
use crate::format::{Formatter, PerLevel, all_fields};
use crate::json::{put_bare, put_bare_text, put_text, put_value};
use crate::keys::Keys;
use crate::names::{Names, cleaned};
use crate::scan::append;
use crate::time::{ClockFace, six_digits};

/// Options of [`Gelf`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GelfOptions {
    /// The host; if absent, the one the record comes from.
    pub host: Option<String>,
    /// The optional keys, written as additional fields.
    pub keys: Keys,
}

/// Writes GELF 1.1 objects.
#[derive(Clone, Debug)]
pub struct Gelf {
    options: GelfOptions,
    after_time: PerLevel,
}

impl Gelf {
    /// Makes the format.
    pub fn new(options: GelfOptions) -> Gelf {
        Gelf {
            options,
            after_time: PerLevel::new(|level| format!(r#","level":{},"_logger":"#, level.severity())),
        }
    }
}

impl Formatter for Gelf {
    fn write(&self, record: &Record<'_>, _face: &mut ClockFace, out: &mut Vec<u8>) {
        let host = self.options.host.as_deref().unwrap_or(&record.origin().host);
        out.extend_from_slice(br#"{"version":"1.1","host":"#);
        put_text(if host.trim().is_empty() { "-" } else { host }, out);
        out.extend_from_slice(br#","short_message":""#);
        put_message(record, out);
        out.extend_from_slice(br#","timestamp":"#);
        put_time(record.time_ns, out);
        append(self.after_time.of(record.level), out);
        put_text(record.layer(), out);
        let mut names = Names::new().of(record);
        names.reserve(&["logger"]);
        self.options.keys.each(record, |name, value| {
            put_name(&mut names, name, out);
            put_additional(&value, out);
        });
        for list in all_fields(record) {
            for (name, value) in list.stored() {
                // `_id` is not allowed.
                put_name(&mut names, if name == "id" { "id_" } else { name }, out);
                match value {
                    Stored::Bare(text) => put_bare(text, out),
                    Stored::Value(value) => put_additional(&value, out),
                }
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Writes the rest of `short_message` and, if there is more than that, `full_message`.
fn put_message(record: &Record<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let mut message = FirstLine {
        out,
        cut: None,
        blank: true,
    };
    record.write_message(&mut message);
    let FirstLine { cut, blank, .. } = message;
    let end = out.len();
    if cut.is_none() && !blank {
        out.push(b'"');
        return;
    }
    // The whole message stands where its first line belongs: it is copied on, and the surplus taken out.
    let line_end = if blank { start } else { cut.unwrap_or(end) };
    let surplus = line_end..end;
    if blank {
        out.push(b'-');
    }
    if end > start {
        out.extend_from_slice(br#"","full_message":""#);
        out.extend_from_within(start..end);
    }
    out.push(b'"');
    out.drain(surplus);
}

/// Escapes a message and notes where its first line ends.
struct FirstLine<'o> {
    out: &'o mut Vec<u8>,
    /// Length of the buffer at the first line break.
    cut: Option<usize>,
    /// No character but white space has come before the first line break.
    blank: bool,
}

impl TextOut for FirstLine<'_> {
    fn text(&mut self, text: &str) {
        let end = match self.cut {
            Some(_) => text.len(),
            None => text
                .bytes()
                .position(|byte| matches!(byte, b'\n' | b'\r'))
                .unwrap_or(text.len()),
        };
        let (line, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        if self.cut.is_none() && self.blank {
            self.blank = line.chars().all(char::is_whitespace);
        }
        escape::<JsonText>(line, self.out);
        if !rest.is_empty() {
            self.cut = Some(self.out.len());
            escape::<JsonText>(rest, self.out);
        }
    }

    #[inline]
    fn bare(&mut self, text: &[u8]) {
        if self.blank && self.cut.is_none() {
            self.blank = text.iter().all(|&byte| byte == b' ');
        }
        append(text, self.out);
    }
}

/// Seconds since 1970 with six decimals (further ones are cut off, towards the past as in the other formats).
fn put_time(time_ns: i64, out: &mut Vec<u8>) {
    let micros = time_ns.div_euclid(1000);
    if micros < 0 {
        out.push(b'-');
    }
    let size = micros.unsigned_abs();
    Value::U64(size / 1_000_000).write_text(&mut Escaped::<JsonText>::new(out));
    let decimals = six_digits(size % 1_000_000) << 8 | u64::from(b'.');
    let end = out.len() + 7;
    out.extend_from_slice(&decimals.to_le_bytes());
    out.truncate(end);
}

#[inline]
fn put_name<'a>(names: &mut Names<'a>, name: &'a str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"_");
    names.put(name, |name| cleaned(name, usize::MAX, is_name_byte), out);
    out.extend_from_slice(b"\":");
}

#[inline]
fn put_additional(value: &Value<'_>, out: &mut Vec<u8>) {
    match *value {
        Value::Bool(_) | Value::Null => put_bare_text(value, out),
        Value::F64(number) if !number.is_finite() => put_bare_text(value, out),
        Value::F32(number) if !number.is_finite() => put_bare_text(value, out),
        Value::Json(text) => put_text(text, out),
        Value::Panicked => put_text(PANICKED_TEXT, out),
        _ => put_value(value, out),
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}
