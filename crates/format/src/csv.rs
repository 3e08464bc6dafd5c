//! CSV after RFC 4180: `timestamp,level,logger,message[,extra]`, CR LF at the end of each record.
//!
//! A cell is quoted when it holds a comma, a quote or a line break, or has a space at either end. Line breaks stay
//! inside the quotes, as the RFC allows, unless [`CsvOptions::escape_newlines`] is on. Other control characters, which
//! the RFC does not allow, become visible text (`\x1b`), unless [`CsvOptions::keep_controls`] is on. Whatever a reader
//! needs exactly stands, in any case, in the column `extra`: it is JSON.

use hydra_record::Record;

use crate::escape::{Cell, Escaped, Rule, escape};
use crate::format::{Formatter, PerLevel, all_fields};
use crate::json::put_object;
use crate::names::Names;
use crate::scan::append;
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
    options: CsvOptions,
    after_time: PerLevel,
}

impl Csv {
    /// Makes the format.
    pub fn new(options: CsvOptions) -> Csv {
        Csv {
            options,
            after_time: PerLevel::new(|level| format!(",{level},")),
        }
    }

    fn write_as<R: Rule>(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        escape::<R>(record.layer(), out);
        self.seal(start, out);
        out.push(b',');
        let start = out.len();
        record.write_message(&mut Escaped::<R>::new(out));
        self.seal(start, out);
    }

    /// Quotes and guards the cell from `start` on, where needed.
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

    fn write_extra(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.push(b',');
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

impl Formatter for Csv {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        face.rfc3339(record.time_ns, out);
        append(self.after_time.of(record.level), out);
        match (self.options.escape_newlines, self.options.keep_controls) {
            (false, false) => self.write_as::<Cell<false, false>>(record, out),
            (true, false) => self.write_as::<Cell<true, false>>(record, out),
            (false, true) => self.write_as::<Cell<false, true>>(record, out),
            (true, true) => self.write_as::<Cell<true, true>>(record, out),
        }
        if self.options.extra {
            self.write_extra(record, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn header(&self) -> Option<Vec<u8>> {
        let extra = if self.options.extra { ",extra" } else { "" };
        Some(format!("timestamp,level,logger,message{extra}\r\n").into_bytes())
    }
}

/// Quotes the JSON text from `start` on, which has quotes inside but no line breaks. It is copied behind itself, then
/// the original is taken out: no second buffer is needed.
fn quote_json(start: usize, out: &mut Vec<u8>) {
    let end = out.len();
    let mut from = start;
    out.push(b'"');
    while let Some(to) = out
        .get(from..end)
        .and_then(|rest| rest.iter().position(|&byte| byte == b'"'))
    {
        out.extend_from_within(from..from + to + 1);
        out.push(b'"');
        from += to + 1;
    }
    out.extend_from_within(from..end);
    out.push(b'"');
    out.drain(start..end);
}
