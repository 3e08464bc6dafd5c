//! What every format is, and what several of them need.

use hydra_record::{Fields, Level, Record};

use crate::time::ClockFace;

/// Makes a record's text.
///
/// Implementations are immutable, so one may serve several threads, each with its own [`ClockFace`] and buffer.
///
/// What a format makes once for many records is kept in the face and seen by its speed alone. A face may serve several
/// formats, but not by turns: each begins anew.
///
/// # Examples
/// ```
/// use hydra_format::{ClockFace, Formatter, Plain, PlainOptions};
/// use hydra_record::*;
///
/// let (mut note, mut bytes, mut notes) = (Vec::new(), Scratch::new(), Dictionary::new());
/// LayerNote::put(1, "API", "API", &mut note);
/// notes.learn(&note);
/// let head = Head { time_ns: 1_000_000_000, site: 0, thread: 1, layer: 1, level: Level::Info };
/// Encoder::message(&mut bytes, head, "two\nlines", None).finish();
/// let record = notes.decode(&bytes, 1)?;
///
/// let plain = Plain::new(PlainOptions::default())?;
/// let mut out = Vec::new();
/// plain.write(&record, &mut ClockFace::utc(), &mut out);
/// assert_eq!(out, b"1970-01-01 00:00:01 - API - INFO - two\\nlines\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Formatter: Send + Sync {
    /// Appends exactly one record's text to `out`, with its line end. Nothing before it in `out` is touched.
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>);

    /// Returns what stands before the first record of a file, with its line end; `None` for most formats.
    fn header(&self) -> Option<Vec<u8>> {
        None
    }
}

/// Another format, without the records' fields and context: the message is all that is written of them.
///
/// # Examples
/// ```
/// use hydra_format::{ClockFace, Formatter, Json, JsonOptions, WithoutFields};
/// # use hydra_record::*;
/// # let (mut note, mut bytes, mut notes) = (Vec::new(), Scratch::new(), Dictionary::new());
/// # LayerNote::put(1, "API", "API", &mut note);
/// # notes.learn(&note);
/// # let head = Head { time_ns: 0, site: 0, thread: 1, layer: 1, level: Level::Info };
/// # let mut encoder = Encoder::message(&mut bytes, head, "hello", None);
/// # encoder.field("id", Value::U64(42));
/// # encoder.finish();
/// # let record = notes.decode(&bytes, 1)?;
/// let format = WithoutFields(Json::new(JsonOptions::default()));
/// let mut out = Vec::new();
/// format.write(&record, &mut ClockFace::utc(), &mut out);
/// assert!(out.ends_with(b"\"message\":\"hello\"}\n"));
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WithoutFields<F>(pub F);

impl<F: Formatter> Formatter for WithoutFields<F> {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        self.0.write(&record.without_fields(), face, out);
    }

    fn header(&self) -> Option<Vec<u8>> {
        self.0.header()
    }
}

/// Bytes that differ from level to level, made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerLevel([Box<[u8]>; Level::ALL.len()]);

impl PerLevel {
    pub(crate) fn new(text: impl Fn(Level) -> String) -> PerLevel {
        PerLevel(Level::ALL.map(|level| text(level).into_bytes().into()))
    }

    #[inline]
    pub(crate) fn of(&self, level: Level) -> &[u8] {
        of_level::<Box<[u8]>>(&self.0, level)
    }
}

/// Returns what a table has for a level.
#[inline]
pub(crate) fn of_level<T>(table: &[T; Level::ALL.len()], level: Level) -> &T {
    table
        .get(place_of(level))
        .expect("the table has a place for each level")
}

/// As [`of_level`], to be changed.
#[inline]
pub(crate) fn of_level_mut<T>(table: &mut [T; Level::ALL.len()], level: Level) -> &mut T {
    table
        .get_mut(place_of(level))
        .expect("the table has a place for each level")
}

#[inline]
fn place_of(level: Level) -> usize {
    // The numbers are 5, 10, 20, and so on.
    usize::from(level.number() / 10).min(Level::ALL.len() - 1)
}

/// All fields of a record, those of the call before those of the context around it: where both use a name, the call's
/// is the nearer one and keeps it.
#[inline]
pub(crate) fn all_fields<'a>(record: &Record<'a>) -> [Fields<'a>; 2] {
    [record.fields(), record.context()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each level has a place of its own.
    #[test]
    fn finds_each_level() {
        assert_eq!(Level::ALL.map(|level| *of_level(&Level::ALL, level)), Level::ALL);
    }
}
