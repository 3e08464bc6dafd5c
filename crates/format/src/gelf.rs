//! GELF 1.1: each record one flat JSON object on one line.
//!
//! ```text
//! {"version":"1.1","host":"h","short_message":"hi","timestamp":1769860800.000001,"level":6,"_logger":"API","_id_":42}
//! ```
//!
//! Additional fields are `_logger` (the layer), the optional [`Keys`], the record's fields and its context's; their
//! values are numbers or text, as the standard asks. `full_message` is there only when the message has several lines.

use hydra_record::arguments::Kind;
use hydra_record::value::PANICKED_TEXT;
use hydra_record::{Argument, LayerNote, Level, Origin, Record, Stored, TextOut, Value};

use crate::escape::{JsonText, escape};
use crate::format::{Formatter, all_fields};
use crate::json::{put_bare, put_bare_text, put_text, put_value};
use crate::keys::Keys;
use crate::names::{Names, cleaned};
use crate::pen::Pen;
use crate::plates::{Identity, Layout, Setting};
use crate::scan::append;
use crate::time::ClockFace;

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
    identity: Identity,
    options: GelfOptions,
}

impl Gelf {
    /// Makes the format.
    pub fn new(options: GelfOptions) -> Gelf {
        Gelf {
            identity: Identity::new(),
            options,
        }
    }

    /// Writes the keys that are asked for, and all fields of the record and its context.
    #[inline(never)]
    fn put_rest(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let mut names = Names::new().of(record);
        names.reserve(&["logger"]);
        self.put_keys(record, &mut names, out);
        for list in all_fields(record) {
            for (name, value) in list.stored() {
                put_name(&mut names, field_name(name), out);
                put_field_value(value, out);
            }
        }
    }

    fn put_keys(&self, record: &Record<'_>, names: &mut Names<'_>, out: &mut Vec<u8>) {
        self.options.keys.each(record, |name, value| {
            put_name(names, name, out);
            put_additional(&value, out);
        });
    }
}

impl Layout for Gelf {
    const CONTEXT_APART: bool = false;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn front(&self, layer: &LayerNote, origin: &Origin, level: Level) -> [Vec<u8>; 2] {
        let host = self.options.host.as_deref().unwrap_or(&origin.host);
        let mut first = br#"{"version":"1.1","host":"#.to_vec();
        put_text(if host.trim().is_empty() { "-" } else { host }, &mut first);
        first.extend_from_slice(br#","short_message":""#);
        let mut second = format!(r#","level":{},"_logger":"#, level.severity()).into_bytes();
        put_text(&layer.name, &mut second);
        [first, second]
    }

    fn put_literal(&self, text: &str, out: &mut Vec<u8>) {
        escape::<JsonText>(text, out);
    }

    fn put_key(&self, name: &str, _is_first: bool, out: &mut Vec<u8>) {
        put_name(&mut Names::new(), field_name(name), out);
    }

    fn put_end(&self, _out: &mut Vec<u8>) {}

    #[inline(always)]
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
        match argument.kind() {
            Kind::Text | Kind::Word => pen.quoted(argument.place(), argument.len()),
            Kind::Number => pen.block(argument.place(), argument.len()),
            Kind::WholeFloat => {
                pen.block(argument.place(), argument.len());
                pen.put(b".0");
            }
            Kind::LongText | Kind::Other => put_argument(argument, values, pen.vec()),
        }
    }
}

impl Formatter for Gelf {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        let (clock, press) = face.parts();
        let Setting {
            front: [before, after],
            page,
            text,
        } = press.set(self, record, true);
        let mut pen = Pen::new(page, out);
        pen.prepared(before);
        if text.is_line() {
            text.put_message::<JsonText>(record, &mut pen);
            pen.put(b"\"");
        } else {
            put_message(record, pen.vec());
        }
        pen.put(br#","timestamp":"#);
        clock.unix(record.time_ns, &mut pen);
        pen.prepared(after);
        if text.has_fields() {
            if self.options.keys.any() {
                self.put_keys(record, &mut Names::new().of(record), pen.vec());
            }
            text.put_fields::<Gelf>(record, &mut pen);
        } else {
            self.put_rest(record, pen.vec());
        }
        pen.put(b"}\n");
        pen.end();
    }
}

/// `_id` is not allowed.
fn field_name(name: &str) -> &str {
    if name == "id" { "id_" } else { name }
}

#[inline(never)]
fn put_argument(argument: &Argument, values: &[u8], out: &mut Vec<u8>) {
    if let Some(value) = argument.stored(values) {
        put_field_value(value, out);
    }
}

#[inline]
fn put_field_value(value: Stored<'_>, out: &mut Vec<u8>) {
    match value {
        Stored::Bare(text) => put_bare(text, out),
        Stored::Value(value) => put_additional(&value, out),
    }
}

/// Writes the rest of `short_message` and, if there is more than that, `full_message`.
#[inline(never)]
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
