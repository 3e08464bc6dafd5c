//! CSV after RFC 4180: `timestamp,level,logger,message[,extra]`, CR LF at the end of each record.
//!
//! A cell is quoted when it holds a comma, a quote or a line break, or has a space at either end. Line breaks stay
//! inside the quotes, as the RFC allows, unless [`CsvOptions::escape_newlines`] is on. Other control characters, which
//! the RFC does not allow, become visible text (`\x1b`), unless [`CsvOptions::keep_controls`] is on. Whatever a reader
//! needs exactly stands, in any case, in the column `extra`: it is JSON.

use hydra_record::arguments::Kind;
use hydra_record::digits::{PLACE_BYTES, Place};
use hydra_record::{Argument, LayerNote, Level, Origin, Record};

use crate::escape::{Cell, Rule, escape};
use crate::format::{Formatter, all_fields};
use crate::json::{put_object, put_stored};
use crate::names::Names;
use crate::pen::Pen;
use crate::plates::{Identity, Layout, Setting, Text};
use crate::time::ClockFace;

/// Options of [`Csv`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Adds the column `extra`: the record's fields and its context as one JSON object, empty if there are none.
    pub extra: bool,
    /// Writes line breaks as the two characters `\n` and `\r`, so that one record is one line.
    pub escape_newlines: bool,
    /// Puts `'` before a cell that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, tab or CR in front).
    pub guard_formulas: bool,
    /// Leaves controls and invisible characters as they are: every text comes back exactly, but a terminal that shows
    /// the file obeys it, and some parsers refuse NUL.
    pub keep_controls: bool,
}

/// Writes RFC 4180 records.
#[derive(Clone, Debug)]
pub struct Csv {
    identity: Identity,
    options: CsvOptions,
}

impl Csv {
    /// Makes the format.
    pub fn new(options: CsvOptions) -> Csv {
        Csv {
            identity: Identity::new(),
            options,
        }
    }

    /// Writes the message's cell.
    #[inline(always)]
    fn put_message<R: Rule>(&self, record: &Record<'_>, text: &Text<'_>, pen: &mut Pen<'_>) {
        let start = pen.position();
        text.put_message::<R>(record, pen);
        let is_plain = !self.options.guard_formulas && pen.since(start).is_some_and(is_plain_cell);
        if !is_plain || pen.ends_with(b' ') {
            self.seal(start, pen.vec());
        }
    }

    /// Quotes and guards the cell from `start` on, where needed.
    #[inline(never)]
    fn seal(&self, start: usize, out: &mut Vec<u8>) {
        let cell = out.get(start..).unwrap_or_default();
        let formula = matches!(cell.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
        let quoted = cell
            .iter()
            .fold(false, |any, byte| any | matches!(byte, b',' | b'"' | b'\r' | b'\n'))
            || cell.first() == Some(&b' ')
            || cell.last() == Some(&b' ');
        if formula && self.options.guard_formulas {
            out.insert(start, b'\'');
        }
        if quoted {
            out.insert(start, b'"');
            out.push(b'"');
        }
    }

    #[inline(never)]
    fn write_extra(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        if !record.has_fields() && !record.has_context() {
            return;
        }
        let start = out.len();
        if put_object(all_fields(record), Names::new().of(record), out) {
            quote_json(start, out);
        } else {
            out.truncate(start);
        }
    }
}

impl Layout for Csv {
    const CONTEXT_APART: bool = false;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn front(&self, layer: &LayerNote, _origin: &Origin, level: Level) -> [Vec<u8>; 2] {
        let mut second = format!(",{level},").into_bytes();
        let start = second.len();
        self.put_literal(&layer.name, &mut second);
        self.seal(start, &mut second);
        second.push(b',');
        [Vec::new(), second]
    }

    fn put_literal(&self, text: &str, out: &mut Vec<u8>) {
        match (self.options.escape_newlines, self.options.keep_controls) {
            (false, false) => escape::<Cell<false, false>>(text, out),
            (true, false) => escape::<Cell<true, false>>(text, out),
            (false, true) => escape::<Cell<false, true>>(text, out),
            (true, true) => escape::<Cell<true, true>>(text, out),
        }
    }

    fn put_key(&self, name: &str, is_first: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if is_first { b"\"{\"\"" } else { b",\"\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\"\":");
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"}\"");
    }

    #[inline(always)]
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
        match argument.kind() {
            Kind::Text => {
                pen.put(b"\"\"");
                pen.block(argument.place(), argument.len());
                pen.put(b"\"\"");
            }
            Kind::Number | Kind::Word => pen.block(argument.place(), argument.len()),
            Kind::WholeFloat => {
                pen.block(argument.place(), argument.len());
                pen.put(b".0");
            }
            Kind::LongText | Kind::Other => put_argument(argument, values, pen.vec()),
        }
    }
}

impl Formatter for Csv {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        let (clock, press) = face.parts();
        let Setting {
            front: [_, after],
            page,
            text,
        } = press.set(self, record, self.options.extra);
        let mut pen = Pen::new(page, out);
        clock.rfc3339(record.time_ns, &mut pen);
        pen.prepared(after);
        match (self.options.escape_newlines, self.options.keep_controls) {
            (false, false) => self.put_message::<Cell<false, false>>(record, &text, &mut pen),
            (true, false) => self.put_message::<Cell<true, false>>(record, &text, &mut pen),
            (false, true) => self.put_message::<Cell<false, true>>(record, &text, &mut pen),
            (true, true) => self.put_message::<Cell<true, true>>(record, &text, &mut pen),
        }
        if self.options.extra {
            pen.put(b",");
            if text.has_fields() {
                text.put_fields::<Csv>(record, &mut pen);
            } else {
                self.write_extra(record, pen.vec());
            }
        }
        pen.put(b"\r\n");
        pen.end();
    }

    fn header(&self) -> Option<Vec<u8>> {
        let extra = if self.options.extra { ",extra" } else { "" };
        Some(format!("timestamp,level,logger,message{extra}\r\n").into_bytes())
    }
}

/// Says whether a cell holds nothing for which it would have to be quoted, and does not begin with a space.
#[inline(always)]
fn is_plain_cell(blocks: &[Place]) -> bool {
    // Without a branch, or it is done byte by byte.
    let is_special =
        |byte: u8| u8::from(byte == b',') | u8::from(byte == b'"') | u8::from(byte == b'\r') | u8::from(byte == b'\n');
    let mut found = [0; PLACE_BYTES];
    for block in blocks {
        found
            .iter_mut()
            .zip(block)
            .for_each(|(found, &byte)| *found |= is_special(byte));
    }
    blocks.first().is_some_and(|[first, ..]| *first != b' ') && found.iter().fold(0, |any, one| any | one) == 0
}

/// Writes an argument that is not short as JSON whose quotes are doubled.
#[inline(never)]
fn put_argument(argument: &Argument, values: &[u8], out: &mut Vec<u8>) {
    let Some(value) = argument.stored(values) else {
        return;
    };
    let start = out.len();
    put_stored(value, out);
    double_quotes(start, out);
}

/// Quotes the JSON text from `start` on, which has quotes inside but no line breaks.
fn quote_json(start: usize, out: &mut Vec<u8>) {
    double_quotes(start, out);
    out.insert(start, b'"');
    out.push(b'"');
}

/// Doubles all quotes from `start` on. The text is copied behind itself, then the original is taken out: no second
/// buffer is needed.
fn double_quotes(start: usize, out: &mut Vec<u8>) {
    let end = out.len();
    let mut from = start;
    while let Some(to) = out
        .get(from..end)
        .and_then(|rest| rest.iter().position(|&byte| byte == b'"'))
    {
        out.extend_from_within(from..from + to + 1);
        out.push(b'"');
        from += to + 1;
    }
    out.extend_from_within(from..end);
    out.drain(start..end);
}
