//! One log event, as a reader sees it.

use std::sync::Arc;

use crate::decode::Dictionary;
use crate::level::Level;
use crate::note::{LayerNote, Origin, Piece, SiteNote};
use crate::spec::{Spec, write_plain};
use crate::value::{Stored, Take, Value, take_str};

/// Takes text: what a message or a value is written to.
pub trait TextOut {
    /// Takes any text.
    fn text(&mut self, text: &str);

    /// Takes [bare](crate::bare) text.
    fn bare(&mut self, text: &[u8]);
}

impl TextOut for Vec<u8> {
    #[inline]
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn bare(&mut self, text: &[u8]) {
        self.extend_from_slice(text);
    }
}

impl TextOut for String {
    #[inline]
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }

    fn bare(&mut self, text: &[u8]) {
        self.extend(text.iter().map(|&byte| char::from(byte)));
    }
}

/// A place in a program's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// Line, from 1.
    pub line: u32,
    /// File, as the compiler names it.
    pub file: &'a str,
    /// Module path; empty if unknown.
    pub module: &'a str,
}

/// One log event, borrowed from its frame and from the notes of its journal.
///
/// Made by [`Dictionary::decode`]. Nothing is rendered or copied until it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its number: greater than that of every earlier record of the same journal, but not consecutive.
    pub sequence: u64,
    /// Nanoseconds since 1970-01-01 UTC, taken in the call.
    pub time_ns: i64,
    /// The level.
    pub level: Level,
    pub(crate) thread: u32,
    pub(crate) layer: &'a Arc<LayerNote>,
    pub(crate) site: Option<&'a Arc<SiteNote>>,
    pub(crate) location: Option<Location<'a>>,
    pub(crate) message: &'a str,
    pub(crate) arguments: u16,
    pub(crate) fields: u16,
    pub(crate) context: u16,
    pub(crate) values: &'a [u8],
    pub(crate) dictionary: &'a Dictionary,
}

impl<'a> Record<'a> {
    /// Returns the layer's name as the caller gave it.
    pub fn layer(&self) -> &'a str {
        &self.layer.name
    }

    /// Returns the configured layer that takes the record; differs from [`Record::layer`] for an unknown name.
    pub fn route(&self) -> &'a str {
        &self.layer.route
    }

    /// Returns the system's id of the thread that made the call.
    pub fn thread_id(&self) -> u32 {
        self.thread
    }

    /// Returns the name of that thread; empty if it has none.
    pub fn thread_name(&self) -> &'a str {
        self.dictionary.thread_name(self.thread)
    }

    /// Returns the process that the record comes from.
    pub fn origin(&self) -> &'a Arc<Origin> {
        &self.dictionary.origin
    }

    /// Returns the note of its layer.
    #[inline]
    pub fn layer_note(&self) -> &'a Arc<LayerNote> {
        self.layer
    }

    /// Returns the note of its call site; `None` for a message that was given as text.
    #[inline]
    pub fn site_note(&self) -> Option<&'a Arc<SiteNote>> {
        self.site
    }

    /// Returns the bytes of its values: first those of its arguments, which [`Arguments`](crate::Arguments) can read.
    #[inline]
    pub fn values(&self) -> &'a [u8] {
        self.values
    }

    /// Returns how many of its values are arguments, named by its call site.
    #[inline]
    pub fn arguments(&self) -> usize {
        self.arguments.into()
    }

    /// Says whether it has fields that its call site does not name.
    #[inline]
    pub fn has_own_names(&self) -> bool {
        self.fields > 0
    }

    /// Returns the place of the call in the source, if known.
    pub fn location(&self) -> Option<Location<'a>> {
        match self.site {
            Some(site) => Some(Location {
                line: site.line,
                file: &site.file,
                module: &site.module,
            }),
            None => self.location,
        }
    }

    /// Returns the message template with its placeholders; `None` for a message that was given as text.
    pub fn template(&self) -> Option<&'a str> {
        self.site.map(|site| site.template.as_str())
    }

    /// Writes the message: the template with its arguments filled in.
    #[inline]
    pub fn write_message<W: TextOut + ?Sized>(&self, out: &mut W) {
        let Some(site) = self.site else {
            return out.text(self.message);
        };
        let (mut next, mut rest) = (0, self.values);
        for piece in &site.pieces {
            let (index, spec) = match piece {
                Piece::Bare(text) => {
                    out.bare(text.as_bytes());
                    continue;
                }
                Piece::Literal(text) => {
                    out.text(text);
                    continue;
                }
                Piece::Plain(index) => (*index, None),
                Piece::Argument(index, spec) => (*index, Some(spec)),
            };
            // Arguments are captured in order of first use, so going back is the exception.
            if index < next {
                (next, rest) = (0, self.values);
            }
            while next < index {
                if Value::take(&mut rest).is_none() {
                    return;
                }
                next += 1;
            }
            next += 1;
            if put_argument(&mut rest, spec, out).is_none() {
                return;
            }
        }
    }

    /// Returns the message as a new text.
    ///
    /// # Examples
    /// See [`Dictionary::decode`].
    pub fn message(&self) -> String {
        let mut text = String::new();
        self.write_message(&mut text);
        text
    }

    /// Returns the record with its message, and no fields besides.
    pub fn without_fields(&self) -> Record<'a> {
        Record {
            arguments: 0,
            fields: 0,
            context: 0,
            ..*self
        }
    }

    /// Iterates over the record's fields: first those its message names, then the others, in the order given.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        let names = self.site.map(|site| site.names.as_slice()).unwrap_or_default();
        Fields {
            names: names.iter(),
            arguments: self.arguments,
            named: self.fields,
            rest: self.values,
        }
    }

    /// Says whether every field has a name that every format can write as it is (see [`SiteNote::simple_names`]).
    #[inline]
    pub fn has_simple_names(&self) -> bool {
        self.fields == 0 && self.context == 0 && self.site.is_some_and(|site| site.simple_names)
    }

    /// Says whether the record has fields of its own.
    #[inline]
    pub fn has_fields(&self) -> bool {
        self.arguments > 0 || self.fields > 0
    }

    /// Iterates over the fields of the context around the call.
    pub fn context(&self) -> Fields<'a> {
        if self.context == 0 {
            return Fields {
                names: [].iter(),
                arguments: 0,
                named: 0,
                rest: &[],
            };
        }
        let mut skipped = self.fields();
        while skipped.take_field::<Value<'_>>().is_some() {}
        Fields {
            names: [].iter(),
            arguments: 0,
            named: self.context,
            rest: skipped.rest,
        }
    }

    /// Says whether the record has context fields.
    #[inline]
    pub fn has_context(&self) -> bool {
        self.context > 0
    }
}

/// Iterates over names and values; made by [`Record::fields`] and [`Record::context`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    names: std::slice::Iter<'a, String>,
    arguments: u16,
    named: u16,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Iterates over the same fields in the form that formats need.
    #[inline(always)]
    pub fn stored(mut self) -> impl Iterator<Item = (&'a str, Stored<'a>)> {
        std::iter::from_fn(move || self.next_field())
    }

    #[inline(always)]
    fn next_field<T: Take<'a>>(&mut self) -> Option<(&'a str, T)> {
        // An argument without a name is a second form of one that has been seen.
        loop {
            let hidden = self.arguments > 0;
            match self.take_field() {
                Some(("", _)) if hidden => continue,
                other => return other,
            }
        }
    }

    #[inline(always)]
    fn take_field<T: Take<'a>>(&mut self) -> Option<(&'a str, T)> {
        if self.arguments > 0 {
            self.arguments -= 1;
            let name = self.names.next().map(String::as_str).unwrap_or_default();
            return Some((name, T::take(&mut self.rest)?));
        }
        self.named = self.named.checked_sub(1)?;
        Some((take_str(&mut self.rest)?, T::take(&mut self.rest)?))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Value<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<(&'a str, Value<'a>)> {
        self.next_field()
    }
}

impl Value<'_> {
    /// Writes the value as `{}` shows it.
    #[inline]
    pub fn write_text<W: TextOut + ?Sized>(self, out: &mut W) {
        write_plain(self, out);
    }
}

impl Stored<'_> {
    /// Writes the value as `{}` shows it.
    #[inline(always)]
    pub fn write_text<W: TextOut + ?Sized>(self, out: &mut W) {
        match self {
            Stored::Bare(text) => out.bare(text),
            Stored::Value(value) => write_plain(value, out),
        }
    }
}

/// Takes one value and writes it; `None` where the bytes are not a value.
#[inline(always)]
fn put_argument<W: TextOut + ?Sized>(values: &mut &[u8], spec: Option<&Spec>, out: &mut W) -> Option<()> {
    match spec {
        None => Stored::take(values)?.write_text(out),
        Some(spec) => spec.write(Value::take(values)?, out),
    }
    Some(())
}
