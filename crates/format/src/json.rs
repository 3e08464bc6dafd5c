//! JSON Lines: each record one object on one line.
//!
//! ```text
//! {"timestamp":"2026-01-31T12:00:00.000001Z","level":"INFO","logger":"API","message":"user 42","extra":{"id":42}}
//! ```
//!
//! Then come the optional [`Keys`], `context` and `extra`, the last two only when they have fields. Fields keep their
//! types: numbers are numbers (a float always with a point or more digits than an integer needs, so that a column does
//! not change its type), non-finite floats and nothing are null, integers that need more than 64 bits are text.

use hydra_record::arguments::Kind;
use hydra_record::value::PANICKED_TEXT;
use hydra_record::{Argument, Fields, LayerNote, Level, Origin, Record, Stored, Value};

use crate::embed;
use crate::escape::{Escaped, JsonDocument, JsonText, escape, escaped};
use crate::format::Formatter;
use crate::keys::Keys;
use crate::names::Names;
use crate::pen::Pen;
use crate::plates::{Identity, Layout, Setting};
use crate::scan::append;
use crate::time::ClockFace;

/// Options of [`Json`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonOptions {
    /// The optional keys.
    pub keys: Keys,
}

/// Writes one JSON object a line.
#[derive(Clone, Debug)]
pub struct Json {
    identity: Identity,
    keys: Keys,
}

impl Json {
    /// Makes the format.
    pub fn new(options: JsonOptions) -> Json {
        Json {
            identity: Identity::new(),
            keys: options.keys,
        }
    }
}

impl Layout for Json {
    const CONTEXT_APART: bool = true;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn front(&self, layer: &LayerNote, _origin: &Origin, level: Level) -> [Vec<u8>; 2] {
        let mut second = format!(r#"","level":"{level}","logger":""#).into_bytes();
        escape::<JsonText>(&layer.name, &mut second);
        second.extend_from_slice(br#"","message":""#);
        [Vec::new(), second]
    }

    fn put_literal(&self, text: &str, out: &mut Vec<u8>) {
        escape::<JsonText>(text, out);
    }

    fn put_key(&self, name: &str, is_first: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if is_first { br#","extra":{""# } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        out.push(b'}');
    }

    #[inline(always)]
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
        match argument.kind() {
            Kind::Text => pen.quoted(argument.place(), argument.len()),
            Kind::Number | Kind::Word => pen.block(argument.place(), argument.len()),
            Kind::WholeFloat => {
                pen.block(argument.place(), argument.len());
                pen.put(b".0");
            }
            Kind::LongText | Kind::Other => put_argument(argument, values, pen.vec()),
        }
    }
}

impl Formatter for Json {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        let (clock, press) = face.parts();
        let Setting {
            front: [_, after],
            page,
            text,
        } = press.set(self, record, true);
        let mut pen = Pen::new(page, out);
        pen.put(br#"{"timestamp":""#);
        clock.rfc3339(record.time_ns, &mut pen);
        pen.prepared(after);
        text.put_message::<JsonText>(record, &mut pen);
        pen.put(b"\"");
        if self.keys.any() {
            self.put_keys(record, pen.vec());
        }
        if record.has_context() {
            put_member(br#","context":"#, record.context(), Names::new(), pen.vec());
        }
        if text.has_fields() {
            text.put_fields::<Json>(record, &mut pen);
        } else if record.has_fields() {
            put_member(br#","extra":"#, record.fields(), Names::new().of(record), pen.vec());
        }
        pen.put(b"}\n");
        pen.end();
    }
}

impl Json {
    #[inline(never)]
    fn put_keys(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.keys.each(record, |name, value| {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            put_value(&value, out);
        });
    }
}

/// Writes an argument that is not short.
#[inline(never)]
fn put_argument(argument: &Argument, values: &[u8], out: &mut Vec<u8>) {
    if let Some(value) = argument.stored(values) {
        put_stored(value, out);
    }
}

/// Writes a member whose value is an object, unless it has no fields.
#[inline(never)]
fn put_member<'a>(key: &[u8], fields: Fields<'a>, names: Names<'a>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(key);
    if !put_object([fields], names, out) {
        out.truncate(start);
    }
}

/// Writes fields as an object without doubled names; says whether there are any.
#[inline]
pub(crate) fn put_object<'a, const N: usize>(lists: [Fields<'a>; N], mut names: Names<'a>, out: &mut Vec<u8>) -> bool {
    let mut before = b"{\"";
    for fields in lists {
        before = put_fields(fields, &mut names, before, out);
    }
    let any = before != b"{\"";
    out.extend_from_slice(if any { b"}" } else { b"{}" });
    any
}

/// Writes fields, `before` standing before the first; returns what stands before the next.
fn put_fields<'a>(
    fields: Fields<'a>,
    names: &mut Names<'a>,
    mut before: &'static [u8; 2],
    out: &mut Vec<u8>,
) -> &'static [u8; 2] {
    for (name, value) in fields.stored() {
        out.extend_from_slice(before);
        names.put(name, escaped::<JsonText>, out);
        out.extend_from_slice(b"\":");
        put_stored(value, out);
        before = b",\"";
    }
    before
}

/// Writes a value in the JSON type nearest to its own.
#[inline(always)]
pub(crate) fn put_stored(value: Stored<'_>, out: &mut Vec<u8>) {
    match value {
        Stored::Bare(text) => put_bare(text, out),
        Stored::Value(value) => put_value(&value, out),
    }
}

/// Writes bare text with its quotes.
#[inline]
pub(crate) fn put_bare(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    append(text, out);
    out.push(b'"');
}

/// Likewise, a value whose text has not been looked at.
#[inline]
pub(crate) fn put_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match *value {
        Value::Str(text) | Value::Rendered(text) => put_text(text, out),
        Value::U64(_) | Value::I64(_) => value.write_text(&mut Escaped::<JsonText>::new(out)),
        Value::Bool(truth) => append(if truth { b"true" } else { b"false" }, out),
        Value::F64(number) if number.is_finite() => put_float(*value, number, out),
        Value::F32(number) if number.is_finite() => put_float(*value, number.into(), out),
        Value::Json(text) if embed::is_document(text) => escape::<JsonDocument>(text, out),
        Value::I128(number) if i64::try_from(number).is_ok() || u64::try_from(number).is_ok() => value.write_text(out),
        Value::U128(number) if u64::try_from(number).is_ok() => value.write_text(out),
        Value::Json(text) => put_text(text, out),
        Value::Char(letter) => put_text(letter.encode_utf8(&mut [0; 4]), out),
        Value::I128(_) | Value::U128(_) => put_bare_text(value, out),
        Value::Panicked => put_text(PANICKED_TEXT, out),
        // Nothing, NaN, infinities, and kinds of value that later versions may add.
        _ => append(b"null", out),
    }
}

/// Appends a text to `out` as JSON, with its quotes.
#[inline]
pub fn put_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape::<JsonText>(text, out);
    out.push(b'"');
}

/// Writes a number as text.
pub(crate) fn put_bare_text(value: &Value<'_>, out: &mut Vec<u8>) {
    out.push(b'"');
    value.write_text(&mut Escaped::<JsonText>::new(out));
    out.push(b'"');
}

fn put_float(value: Value<'_>, size: f64, out: &mut Vec<u8>) {
    value.write_text(&mut Escaped::<JsonText>::new(out));
    // Whatever is larger has no decimals.
    if size as i64 as f64 == size || size.abs() > i64::MAX as f64 {
        out.extend_from_slice(b".0");
    }
}
