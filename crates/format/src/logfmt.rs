//! logfmt: `timestamp=… level=… logger=… message="…" key=value …`, one record a line.
//!
//! A value is quoted when it is empty or holds a space, a quote, `=`, a backslash or anything that is escaped; inside
//! quotes the escapes are JSON's, so every text comes back exactly. Types do not: logfmt has none.

use std::borrow::Cow;

use hydra_record::value::PANICKED_TEXT;
use hydra_record::{Record, Stored, Value};

use crate::escape::{Escaped, JsonText, Unquoted, escaped, is_clean};
use crate::format::{Formatter, PerLevel, all_fields};
use crate::json;
use crate::keys::Keys;
use crate::names::Names;
use crate::scan::{append, append_clean, find};
use crate::time::ClockFace;

/// Options of [`Logfmt`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogfmtOptions {
    /// The optional keys.
    pub keys: Keys,
}

/// Writes lines of `key=value`.
#[derive(Clone, Debug)]
pub struct Logfmt {
    keys: Keys,
    after_time: PerLevel,
}

impl Logfmt {
    /// Makes the format.
    pub fn new(options: LogfmtOptions) -> Logfmt {
        Logfmt {
            keys: options.keys,
            after_time: PerLevel::new(|level| format!(" level={level} logger=")),
        }
    }
}

impl Formatter for Logfmt {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        out.extend_from_slice(b"timestamp=");
        face.rfc3339(record.time_ns, out);
        append(self.after_time.of(record.level), out);
        put_text(record.layer(), out);
        out.extend_from_slice(b" message=\"");
        record.write_message(&mut Escaped::<JsonText>::new(out));
        out.push(b'"');
        let mut names = Names::new().of(record);
        names.reserve(&["timestamp", "level", "logger", "message"]);
        self.keys.each(record, |name, value| {
            put_pair(&mut names, name, Stored::Value(value), out)
        });
        put_pairs(record, &mut names, out);
        out.push(b'\n');
    }
}

/// Writes a space and `key=value` for each field of the record and its context.
pub(crate) fn put_pairs<'a>(record: &Record<'a>, names: &mut Names<'a>, out: &mut Vec<u8>) {
    for list in all_fields(record) {
        for (name, value) in list.stored() {
            put_pair(names, name, value, out);
        }
    }
}

/// Returns what can stand before the `=` instead of a name that cannot.
fn key(name: &str) -> Option<Cow<'_, str>> {
    if name.is_empty() {
        return Some(Cow::Borrowed("_"));
    }
    escaped::<Unquoted>(name)
}

#[inline]
fn put_pair<'a>(names: &mut Names<'a>, name: &'a str, value: Stored<'_>, out: &mut Vec<u8>) {
    out.push(b' ');
    names.put(name, key, out);
    out.push(b'=');
    match value {
        Stored::Bare(text) => put_bare(text, out),
        Stored::Value(Value::Str(text) | Value::Rendered(text) | Value::Json(text)) => put_text(text, out),
        Stored::Value(Value::Char(letter)) => put_text(letter.encode_utf8(&mut [0; 4]), out),
        Stored::Value(Value::Panicked) => put_text(PANICKED_TEXT, out),
        Stored::Value(value) => value.write_text(&mut Escaped::<JsonText>::new(out)),
    }
}

#[inline]
fn put_bare(text: &[u8], out: &mut Vec<u8>) {
    if text.is_empty() || !append_clean::<Unquoted>(text, out) {
        put_bare_slowly(text, out);
    }
}

fn put_bare_slowly(text: &[u8], out: &mut Vec<u8>) {
    if !text.is_empty() && find::<Unquoted>(text, 0).is_none() {
        append(text, out);
    } else {
        json::put_bare(text, out);
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() && is_clean::<Unquoted>(text) {
        append(text.as_bytes(), out);
    } else {
        json::put_text(text, out);
    }
}
