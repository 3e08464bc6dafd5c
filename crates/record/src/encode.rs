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
pub use crate::scratch::Scratch;
use crate::scratch::{Pen, Put};
use crate::value::{Value, put_str, tag};

/// Bytes before the body.
pub(crate) const HEAD_BYTES: usize = 26;
/// Where layer, level, flags and the three counts stand.
const KIND_AT: usize = 16;
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
/// [`Encoder::context`], and [`Encoder::finish`], before which the scratch holds nothing.
#[derive(Debug)]
pub struct Encoder<'b> {
    pen: Pen<'b>,
    /// Layer, level and flags, as the head has them.
    kind: u32,
    counts: Counts,
    fields_cut: u64,
}

/// How many arguments, fields and fields of the context there are, as they stand in the head: 16 bits each.
///
/// One word, and the head is stored in words: what is stored in pieces and loaded as a whole a moment later, by the
/// copy to the journal, waits for the stores.
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
    /// Begins a record whose message is the template of a call site, in the place of what the scratch held.
    #[inline(always)]
    pub fn site(scratch: &'b mut Scratch, head: Head) -> Encoder<'b> {
        Encoder::begin(scratch, head, 0)
    }

    /// Begins a record whose message stands in it, with the place in the source if known, in the place of what the
    /// scratch held.
    #[inline]
    pub fn message(
        scratch: &'b mut Scratch,
        head: Head,
        message: &str,
        location: Option<crate::record::Location<'_>>,
    ) -> Encoder<'b> {
        let flags = FLAG_MESSAGE | if location.is_some() { FLAG_LOCATION } else { 0 };
        let mut encoder = Encoder::begin(scratch, head, flags);
        if let Some(location) = location {
            encoder.pen.piece(location.line.to_le_bytes());
            put_str(&mut encoder.pen, location.file);
            put_str(&mut encoder.pen, location.module);
        }
        put_str(&mut encoder.pen, message);
        encoder
    }

    #[inline(always)]
    fn begin(scratch: &'b mut Scratch, head: Head, flags: u8) -> Encoder<'b> {
        scratch.clear();
        let mut pen = Pen { scratch, at: 0 };
        let who = u64::from(head.site) | u64::from(head.thread) << 32;
        pen.head(head.time_ns.to_le_bytes(), who.to_le_bytes());
        Encoder {
            pen,
            kind: u32::from(head.layer) | u32::from(head.level.number()) << 16 | u32::from(flags) << 24,
            counts: Counts::default(),
            fields_cut: 0,
        }
    }

    /// Appends the value of the site's next name.
    #[inline(always)]
    pub fn argument(&mut self, value: Value<'_>) {
        value.put_into(&mut self.pen);
        self.counts.0 += Counts::ARGUMENT;
    }

    /// Appends the value of the site's next name as text that `text` renders.
    ///
    /// A panic inside (a `Display` of the user's) is caught and the value marked [`Value::Panicked`].
    #[inline]
    pub fn rendered(&mut self, text: fmt::Arguments<'_>) {
        self.apart(|encoder| put_rendered(&mut encoder.pen, text));
        self.counts.0 += Counts::ARGUMENT;
    }

    /// Appends a field under its name.
    #[inline]
    pub fn field(&mut self, name: &str, value: Value<'_>) {
        if self.counts.fields() >= FIELDS_MAX {
            self.fields_cut += 1;
            return;
        }
        put_str(&mut self.pen, name);
        value.put_into(&mut self.pen);
        self.counts.0 += Counts::FIELD;
    }

    /// Appends a field whose value is text that `text` renders; panics are caught as in [`Encoder::rendered`].
    #[inline]
    pub fn field_rendered(&mut self, name: &str, text: fmt::Arguments<'_>) {
        if self.counts.fields() >= FIELDS_MAX {
            self.fields_cut += 1;
            return;
        }
        put_str(&mut self.pen, name);
        self.apart(|encoder| put_rendered(&mut encoder.pen, text));
        self.counts.0 += Counts::FIELD;
    }

    /// Appends a field of the context around the call. Past [`FIELDS_MAX`] it is left out.
    pub fn context(&mut self, name: &str, value: Value<'_>) {
        self.end_fields();
        if self.counts.context() < FIELDS_MAX {
            put_str(&mut self.pen, name);
            value.put_into(&mut self.pen);
            self.counts.0 += Counts::CONTEXT;
        }
    }

    /// Appends a whole list of fields of the context. If that would go past [`FIELDS_MAX`] it is left out.
    #[inline]
    pub fn context_list(&mut self, list: &FieldList) {
        self.end_fields();
        let fits = usize::from(FIELDS_MAX - self.counts.context()) >= list.len();
        if fits {
            self.pen.bytes(list.bytes());
            self.counts.0 += list.len() as u64 * Counts::CONTEXT;
        }
    }

    /// Has another encoder go on and comes back to where it got. An encoder whose address nobody is given lives in
    /// registers: this keeps rare work from costing every call.
    #[inline(always)]
    pub fn apart(&mut self, work: impl FnOnce(&mut Encoder<'_>)) {
        let pen = Pen {
            scratch: &mut *self.pen.scratch,
            at: self.pen.at,
        };
        let mut other = Encoder { pen, ..*self };
        work(&mut other);
        let (at, counts, fields_cut) = (other.pen.at, other.counts, other.fields_cut);
        self.pen.at = at;
        (self.counts, self.fields_cut) = (counts, fields_cut);
    }

    /// Ends the record: kind and counts go into its head, and the scratch holds it.
    #[inline(always)]
    pub fn finish(&mut self) {
        self.end_fields();
        let kind = u64::from(self.kind) | self.counts.0 << 32;
        self.pen
            .end_head(kind.to_le_bytes(), self.counts.context().to_le_bytes());
        self.pen.scratch.set_len(self.pen.at);
    }

    #[inline(always)]
    fn end_fields(&mut self) {
        if self.fields_cut > 0 {
            self.apart(|encoder| encoder.tell_cut_fields());
        }
    }

    #[cold]
    fn tell_cut_fields(&mut self) {
        put_str(&mut self.pen, FIELDS_CUT);
        Value::U64(std::mem::take(&mut self.fields_cut)).put_into(&mut self.pen);
        self.counts.0 += Counts::FIELD;
    }
}

pub(crate) fn put_rendered(out: &mut impl Put, text: fmt::Arguments<'_>) {
    let start = out.place();
    out.piece([tag::RENDERED, 0, 0, 0, 0]);
    let rendered = match text.as_str() {
        Some(constant) => {
            out.bytes(constant.as_bytes());
            Ok(Ok(()))
        }
        None => catch_unwind(AssertUnwindSafe(|| Text(out).write_fmt(text))),
    };
    if !matches!(rendered, Ok(Ok(()))) {
        // Half a text would look like a whole one: the mark takes its place.
        out.cut(start);
        out.piece([tag::PANICKED]);
        return;
    }
    let len = (out.place() - start - 5) as u32;
    out.replace(start + 1, len.to_le_bytes());
}

impl Pen<'_> {
    /// Puts down the head, of which kind and counts come in the end.
    #[inline(always)]
    fn head(&mut self, time: [u8; 8], who: [u8; 8]) {
        match self.scratch.place::<HEAD_BYTES>(0) {
            Some(head) => {
                let (first, rest) = head.split_at_mut(time.len());
                first.copy_from_slice(&time);
                rest.iter_mut().zip(who).for_each(|(to, from)| *to = from);
            }
            None => {
                self.piece(time);
                self.piece(who);
                self.piece([0; HEAD_BYTES - KIND_AT]);
            }
        }
        self.at = HEAD_BYTES;
    }

    #[inline(always)]
    fn end_head(&mut self, kind: [u8; 8], context: [u8; 2]) {
        if let Some(place) = self.scratch.place(KIND_AT) {
            *place = kind;
        }
        if let Some(place) = self.scratch.place(KIND_AT + kind.len()) {
            *place = context;
        }
    }
}

/// Lets `fmt` write into bytes.
struct Text<'b, P>(&'b mut P);

impl<P: Put> fmt::Write for Text<'_, P> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.bytes(text.as_bytes());
        Ok(())
    }
}
