//! logfmt: `timestamp=… level=… logger=… message="…" key=value …`, one record a line.
//!
//! A value is quoted when it is empty or holds a space, a quote, `=`, a backslash or anything that is escaped; inside
//! quotes the escapes are JSON's, so every text comes back exactly. Types do not: logfmt has none.

use std::borrow::Cow;

use hydra_record::arguments::Kind;
use hydra_record::digits::PLACE_BYTES;
use hydra_record::value::PANICKED_TEXT;
use hydra_record::{Argument, LayerNote, Level, Origin, Record, Stored, Value};

use crate::escape::{Escaped, JsonText, Unquoted, escape, escaped, is_clean};
use crate::format::{Formatter, all_fields};
use crate::json;
use crate::keys::Keys;
use crate::names::Names;
use crate::pen::Pen;
use crate::plates::{Identity, Layout, Setting};
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
    identity: Identity,
    keys: Keys,
}

impl Logfmt {
    /// Makes the format.
    pub fn new(options: LogfmtOptions) -> Logfmt {
        Logfmt {
            identity: Identity::new(),
            keys: options.keys,
        }
    }

    /// Writes the keys that are asked for, and all fields of the record and its context.
    #[inline(never)]
    fn put_rest(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let mut names = Names::new().of(record);
        names.reserve(&["timestamp", "level", "logger", "message"]);
        self.put_keys(record, &mut names, out);
        put_pairs(record, &mut names, out);
    }

    fn put_keys(&self, record: &Record<'_>, names: &mut Names<'_>, out: &mut Vec<u8>) {
        self.keys
            .each(record, |name, value| put_pair(names, name, Stored::Value(value), out));
    }
}

impl Layout for Logfmt {
    const CONTEXT_APART: bool = false;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn front(&self, layer: &LayerNote, _origin: &Origin, level: Level) -> [Vec<u8>; 2] {
        let mut second = format!(" level={level} logger=").into_bytes();
        put_text(&layer.name, &mut second);
        second.extend_from_slice(b" message=\"");
        [Vec::new(), second]
    }

    fn put_literal(&self, text: &str, out: &mut Vec<u8>) {
        escape::<JsonText>(text, out);
    }

    fn put_key(&self, name: &str, _is_first: bool, out: &mut Vec<u8>) {
        put_key(&mut Names::new(), name, out);
    }

    fn put_end(&self, _out: &mut Vec<u8>) {}

    #[inline(always)]
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
        put_argument(argument, values, pen);
    }
}

impl Formatter for Logfmt {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        let (clock, press) = face.parts();
        let Setting {
            front: [_, after],
            page,
            text,
        } = press.set(self, record, true);
        let mut pen = Pen::new(page, out);
        pen.put(b"timestamp=");
        clock.rfc3339(record.time_ns, &mut pen);
        pen.prepared(after);
        text.put_message::<JsonText>(record, &mut pen);
        pen.put(b"\"");
        if text.has_fields() {
            if self.keys.any() {
                self.put_keys(record, &mut Names::new().of(record), pen.vec());
            }
            text.put_fields::<Logfmt>(record, &mut pen);
        } else {
            self.put_rest(record, pen.vec());
        }
        pen.put(b"\n");
        pen.end();
    }
}

/// Writes an argument as a field's value.
#[inline(always)]
pub(crate) fn put_argument(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
    match argument.kind() {
        Kind::Text => {
            // Without a branch, or it is done byte by byte.
            let is_mark = |byte: u8| u8::from(byte == b' ') | u8::from(byte == b'=');
            let mut marks = [0; PLACE_BYTES];
            marks
                .iter_mut()
                .zip(argument.place())
                .for_each(|(mark, &byte)| *mark = is_mark(byte));
            let is_word = marks.iter().fold(0, |any, mark| any | mark) == 0;
            if is_word && !argument.is_empty() {
                pen.block(argument.place(), argument.len());
            } else {
                pen.quoted(argument.place(), argument.len());
            }
        }
        Kind::Number | Kind::WholeFloat | Kind::Word => pen.block(argument.place(), argument.len()),
        Kind::LongText | Kind::Other => put_long_argument(argument, values, pen.vec()),
    }
}

#[inline(never)]
fn put_long_argument(argument: &Argument, values: &[u8], out: &mut Vec<u8>) {
    if let Some(value) = argument.stored(values) {
        put_value(value, out);
    }
}

/// Writes a space and `key=value` for each field of the record and its context.
#[inline(never)]
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
    put_key(names, name, out);
    put_value(value, out);
}

/// Writes what stands before a field's value.
#[inline]
pub(crate) fn put_key<'a>(names: &mut Names<'a>, name: &'a str, out: &mut Vec<u8>) {
    out.push(b' ');
    names.put(name, key, out);
    out.push(b'=');
}

#[inline]
fn put_value(value: Stored<'_>, out: &mut Vec<u8>) {
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
