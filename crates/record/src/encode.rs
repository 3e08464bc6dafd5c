//! An event becomes the bytes of one journal frame.
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0 | 8 | time: i64 nanoseconds since 1970-01-01 UTC |
//! | 8 | 4 | site: number of the call site's note, 0 = none |
//! | 12 | 4 | thread: number of the thread's note |
//! | 16 | 2 | layer: number of the layer's note |
//! | 18 | 1 | level |
//! | 19 | 1 | flags: bit 0 = message inline, bit 1 = source location inline |
//! | 20 | 2 | arguments: values named by the site's note |
//! | 22 | 2 | fields: values that bring their names |
//! | 24 | 2 | context: likewise, from the context around the call |
//! | 26 | | [location: line u32, file text, module text] [message text] arguments, fields, context |
//!
//! All integers are little endian; a text is its length (u32) and its UTF-8 bytes; a value is as in [`crate::value`];
//! a field is a text (its name) and a value.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::level::Level;
use crate::list::FieldList;
use crate::value::{Value, put_str, tag};

/// Bytes before the body.
pub(crate) const HEAD_BYTES: usize = 26;
/// Where the three counts stand.
const COUNTS_AT: usize = 20;
pub(crate) const FLAG_MESSAGE: u8 = 1;
pub(crate) const FLAG_LOCATION: u8 = 2;

/// The most fields a record carries besides those its message names; the number of those left out is told in a field
/// [`FIELDS_CUT`].
pub const FIELDS_MAX: u16 = 4096;
/// The name of the field that counts what went over [`FIELDS_MAX`].
pub const FIELDS_CUT: &str = "fields_cut";

/// What every record has.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Nanoseconds since 1970-01-01 UTC.
    pub time_ns: i64,
    /// Number of the call site's note; 0 when the message stands in the record.
    pub site: u32,
    /// Number of the thread's note.
    pub thread: u32,
    /// Number of the layer's note.
    pub layer: u16,
    /// The level.
    pub level: Level,
}

/// Gives an encoded record to another layer.
pub fn set_layer(record: &mut [u8], layer: u16) {
    if let Some(place) = record.get_mut(16..18) {
        place.copy_from_slice(&layer.to_le_bytes());
    }
}

/// Writes one record's bytes; made by [`Encoder::site`] or [`Encoder::message`].
///
/// Call, in this order: [`Encoder::argument`] (once for each name of the site), [`Encoder::field`],
/// [`Encoder::context`]. The counts in the head are kept true after each call.
#[derive(Debug)]
pub struct Encoder<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    counts: Counts,
    fields_cut: u64,
}

/// How many arguments, fields and fields of the context there are, as they stand in the head: 16 bits each.
///
/// One word, because what is stored in pieces and loaded as a whole a moment later waits for the stores.
#[derive(Clone, Copy, Debug, Default)]
struct Counts(u64);

impl Counts {
    const ARGUMENT: u64 = 1;
    const FIELD: u64 = 1 << 16;
    const CONTEXT: u64 = 1 << 32;

    #[inline]
    fn fields(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline]
    fn context(self) -> u16 {
        (self.0 >> 32) as u16
    }
}

impl<'b> Encoder<'b> {
    /// Begins a record whose message is the template of a call site.
    #[inline]
    pub fn site(out: &'b mut Vec<u8>, head: Head) -> Encoder<'b> {
        Encoder::begin(out, head, 0)
    }

    /// Begins a record whose message stands in it, with the place in the source if known.
    #[inline]
    pub fn message(
        out: &'b mut Vec<u8>,
        head: Head,
        message: &str,
        location: Option<crate::record::Location<'_>>,
    ) -> Encoder<'b> {
        let flags = FLAG_MESSAGE | if location.is_some() { FLAG_LOCATION } else { 0 };
        let encoder = Encoder::begin(out, head, flags);
        if let Some(location) = location {
            encoder.out.extend_from_slice(&location.line.to_le_bytes());
            put_str(encoder.out, location.file);
            put_str(encoder.out, location.module);
        }
        put_str(encoder.out, message);
        encoder
    }

    #[inline]
    fn begin(out: &'b mut Vec<u8>, head: Head, flags: u8) -> Encoder<'b> {
        let mut bytes = [0u8; HEAD_BYTES];
        bytes[0..8].copy_from_slice(&head.time_ns.to_le_bytes());
        bytes[8..12].copy_from_slice(&head.site.to_le_bytes());
        bytes[12..16].copy_from_slice(&head.thread.to_le_bytes());
        bytes[16..18].copy_from_slice(&head.layer.to_le_bytes());
        bytes[18] = head.level.number();
        bytes[19] = flags;
        let start = out.len();
        out.extend_from_slice(&bytes);
        Encoder {
            out,
            start,
            counts: Counts::default(),
            fields_cut: 0,
        }
    }

    /// Appends the value of the site's next name.
    #[inline]
    pub fn argument(&mut self, value: Value<'_>) {
        value.put(self.out);
        self.counts.0 += Counts::ARGUMENT;
    }

    /// Appends the value of the site's next name as text that `text` renders.
    ///
    /// A panic inside (a `Display` of the user's) is caught and the value marked [`Value::Panicked`].
    pub fn rendered(&mut self, text: fmt::Arguments<'_>) {
        put_rendered(self.out, text);
        self.counts.0 += Counts::ARGUMENT;
    }

    /// Appends a field under its name.
    pub fn field(&mut self, name: &str, value: Value<'_>) {
        if self.counts.fields() >= FIELDS_MAX {
            self.fields_cut += 1;
            return;
        }
        put_str(self.out, name);
        value.put(self.out);
        self.counts.0 += Counts::FIELD;
    }

    /// Appends a field whose value is text that `text` renders; panics are caught as in [`Encoder::rendered`].
    pub fn field_rendered(&mut self, name: &str, text: fmt::Arguments<'_>) {
        if self.counts.fields() >= FIELDS_MAX {
            self.fields_cut += 1;
            return;
        }
        put_str(self.out, name);
        put_rendered(self.out, text);
        self.counts.0 += Counts::FIELD;
    }

    /// Appends a field of the context around the call. Past [`FIELDS_MAX`] it is left out.
    pub fn context(&mut self, name: &str, value: Value<'_>) {
        self.end_fields();
        if self.counts.context() < FIELDS_MAX {
            put_str(self.out, name);
            value.put(self.out);
            self.counts.0 += Counts::CONTEXT;
        }
    }

    /// Appends a whole list of fields of the context. If that would go past [`FIELDS_MAX`] it is left out.
    #[inline]
    pub fn context_list(&mut self, list: &FieldList) {
        self.end_fields();
        let fits = usize::from(FIELDS_MAX - self.counts.context()) >= list.len();
        if fits {
            self.out.extend_from_slice(list.bytes());
            self.counts.0 += list.len() as u64 * Counts::CONTEXT;
        }
    }

    /// Ends the record and writes the counts into its head.
    ///
    /// By reference: moving what was stored a moment ago, in larger pieces, would wait for the stores.
    #[inline(always)]
    pub fn finish(&mut self) {
        self.end_fields();
        let record = self.out.get_mut(self.start..).unwrap_or_default();
        if let Some(counts) = record.get_mut(COUNTS_AT..).and_then(|rest| rest.first_chunk_mut::<6>()) {
            let [a, b, c, d, e, f, ..] = self.counts.0.to_le_bytes();
            *counts = [a, b, c, d, e, f];
        }
    }

    #[inline]
    fn end_fields(&mut self) {
        if self.fields_cut > 0 {
            self.tell_cut_fields();
        }
    }

    #[cold]
    fn tell_cut_fields(&mut self) {
        put_str(self.out, FIELDS_CUT);
        Value::U64(std::mem::take(&mut self.fields_cut)).put(self.out);
        self.counts.0 += Counts::FIELD;
    }
}

pub(crate) fn put_rendered(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let start = out.len();
    out.push(tag::RENDERED);
    out.extend_from_slice(&[0; 4]);
    let rendered = match text.as_str() {
        Some(constant) => {
            out.extend_from_slice(constant.as_bytes());
            Ok(Ok(()))
        }
        None => catch_unwind(AssertUnwindSafe(|| Text(out).write_fmt(text))),
    };
    if !matches!(rendered, Ok(Ok(()))) {
        // Half a text would look like a whole one: the mark takes its place.
        out.truncate(start);
        out.push(tag::PANICKED);
        return;
    }
    let len = (out.len() - start - 5) as u32;
    if let Some(place) = out.get_mut(start + 1..start + 5) {
        place.copy_from_slice(&len.to_le_bytes());
    }
}

/// Lets `fmt` write into bytes.
struct Text<'b>(&'b mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
