//! A record as a test reads it, and how it gets there with its types.

use std::fmt;

use hydra_format::{ClockFace, Formatter};
use hydra_record::{Level, Location, Record, Value};

/// A record that has arrived.
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, Value, context, warning};
///
/// let log = TestLog::new();
/// context::with([("request", 7)], || warning!(log, layer: "API", "slow: {ms} ms", ms = 1250));
/// let record = log.one();
/// assert_eq!((record.level(), record.layer(), record.message()), (Level::Warning, "API", "slow: 1250 ms"));
/// assert_eq!(record.field("ms"), Some(Value::I64(1250)));
/// assert_eq!(record.context("request"), Some(Value::I64(7)));
/// assert_eq!((record.fields().count(), record.context_fields().count()), (1, 1));
/// assert!(record.time_ns() > 0 && record.location().is_some());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TestRecord {
    /// Values one behind the other, as [`CaptureFormat`] writes them.
    pub(super) bytes: Vec<u8>,
}

impl TestRecord {
    /// Returns the time of the call, in nanoseconds since 1970 UTC: what a [`ManualClock`](super::ManualClock) showed.
    pub fn time_ns(&self) -> i64 {
        match self.values().nth(Place::Time as usize) {
            Some(Value::I64(ns)) => ns,
            _ => 0,
        }
    }

    /// Returns the level.
    pub fn level(&self) -> Level {
        let number = self.number(Place::Level);
        u8::try_from(number)
            .ok()
            .and_then(Level::from_number)
            .unwrap_or(Level::Trace)
    }

    /// Returns the layer, as the call named it.
    pub fn layer(&self) -> &str {
        self.text(Place::Layer)
    }

    /// Returns the rendered message.
    pub fn message(&self) -> &str {
        self.text(Place::Message)
    }

    /// Returns the place of the call in the source, if it is known.
    pub fn location(&self) -> Option<Location<'_>> {
        let file = self.text(Place::File);
        (!file.is_empty()).then(|| Location {
            line: self.number(Place::Line) as u32,
            file,
            module: self.text(Place::Module),
        })
    }

    /// Returns a field's value.
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        self.fields().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Iterates over the fields, in the order of the call.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.pairs().take(self.number(Place::Fields) as usize)
    }

    /// Returns the value of a field of the context around the call.
    pub fn context(&self, name: &str) -> Option<Value<'_>> {
        self.context_fields()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Iterates over the fields of the context around the call.
    pub fn context_fields(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.pairs().skip(self.number(Place::Fields) as usize)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        let mut values = self.values().skip(Place::Fields as usize + 1);
        std::iter::from_fn(move || match values.next()? {
            Value::Str(name) => Some((name, values.next()?)),
            _ => None,
        })
    }

    fn values(&self) -> impl Iterator<Item = Value<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || Value::take(&mut rest))
    }

    fn text(&self, place: Place) -> &str {
        match self.values().nth(place as usize) {
            Some(Value::Str(text)) => text,
            _ => "",
        }
    }

    fn number(&self, place: Place) -> u64 {
        match self.values().nth(place as usize) {
            Some(Value::U64(number)) => number,
            _ => 0,
        }
    }
}

impl fmt::Debug for TestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.layer(), self.level(), self.message())?;
        self.pairs()
            .try_for_each(|(name, value)| write!(f, " {name}={value:?}"))
    }
}

/// What stands where among a record's values; names and values of fields and context follow.
#[derive(Clone, Copy)]
enum Place {
    Time,
    Level,
    Layer,
    Message,
    File,
    Module,
    Line,
    Fields,
}

/// Writes records so that they can be read back with their types.
#[derive(Debug)]
pub(crate) struct CaptureFormat;

impl Formatter for CaptureFormat {
    fn write(&self, record: &Record<'_>, _: &mut ClockFace, out: &mut Vec<u8>) {
        let location = record.location();
        let place = location.unwrap_or(Location {
            line: 0,
            file: "",
            module: "",
        });
        let head = [
            Value::I64(record.time_ns),
            Value::U64(record.level.number().into()),
            Value::Str(record.layer()),
            Value::Str(&record.message()),
            Value::Str(place.file),
            Value::Str(place.module),
            Value::U64(place.line.into()),
            Value::U64(record.fields().count() as u64),
        ];
        head.iter().for_each(|value| value.put(out));
        for (name, value) in record.fields().chain(record.context()) {
            Value::Str(name).put(out);
            value.put(out);
        }
    }
}
