//! A kit for tests of programs that log: records are captured and asked for by name and type; no test sleeps.
//!
//! Each [`TestLog`] is a logger of its own, so tests run side by side. What is logged takes the way it takes in
//! production: through the journal, by a head, to a destination, which keeps it in memory. Reading waits until
//! everything logged before has arrived, so there is nothing to wait for in a test.
//!
//! ```
//! use hydra_logger::testing::TestLog;
//! use hydra_logger::{HydraLogger, Level, Value, info};
//!
//! fn charge(log: &HydraLogger, cents: u64) {
//!     info!(log, layer: "BILLING", "charged {cents} cents"; currency = "EUR");
//! }
//!
//! let test = TestLog::new();
//! charge(&test, 250);
//! let record = test.one();
//! assert_eq!((record.layer(), record.level()), ("BILLING", Level::Info));
//! assert_eq!(record.message(), "charged 250 cents");
//! assert_eq!(record.field("cents"), Some(Value::U64(250)));
//! ```
//!
//! Handles go to threads and tasks as always (`test.clone()` is one; `test.handle()` an async one). A program that logs
//! through `tracing` is run under `tracing::subscriber::with_default`, with `test.tracing_layer()` as a layer.
//!
//! # Example: the disk is full
//! A [`Capture`] can be told to fail, so that a test sees what the program, or the configuration's fallback, does then.
//! ```
//! use hydra_logger::testing::{Capture, TestLog};
//! use hydra_logger::{Level, LogLayer, LoggingConfig, warning};
//! use std::io::ErrorKind;
//!
//! let (first, second) = (Capture::new(), Capture::new());
//! let config = LoggingConfig::builder()
//!     .layer("DEFAULT", LogLayer::new(Level::Info).destination(first.destination().fallback(second.destination())))
//!     .build()?;
//! let test = TestLog::with_config(config);
//! first.fail_writes(1000, ErrorKind::StorageFull);
//! warning!(test, "goes the second way");
//! test.settle();
//! assert_eq!((first.records().len(), second.records().len()), (0, 1));
//! # Ok::<(), hydra_logger::Error>(())
//! ```

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use hydra_format::{ClockFace, Formatter};
use hydra_record::{Level, Location, Record, Value};
use hydra_sink::{Memory, Sink};

use crate::config::{Kind, LogDestination, LogLayer, LoggingConfig};
use crate::sync::HydraLogger;

/// How long a test waits for records to arrive before it fails: only a bound on a test that hangs.
const SETTLE: Duration = Duration::from_secs(60);

/// A destination that keeps records in memory, and can be told to fail; clones are the same one.
#[derive(Clone, Default)]
pub struct Capture {
    memory: Arc<Memory>,
}

impl Capture {
    /// Makes an empty one.
    pub fn new() -> Capture {
        Capture::default()
    }

    /// Returns a destination, for a configuration, whose records are kept here.
    pub fn destination(&self) -> LogDestination {
        let mut destination = LogDestination::console().level(Level::Trace);
        if let Kind::Console(console) = &mut destination.kind {
            console.capture = Some(self.clone());
        }
        destination
    }

    /// Returns what has arrived, in order. [`TestLog::records`] waits for it first.
    pub fn records(&self) -> Vec<TestRecord> {
        self.memory
            .records()
            .into_iter()
            .map(|bytes| TestRecord { bytes })
            .collect()
    }

    /// Lets the next `count` writes fail, with nothing written.
    pub fn fail_writes(&self, count: u64, kind: io::ErrorKind) {
        self.memory.fail(count, kind);
    }

    /// Lets every write wait until [`Capture::unblock`]: a destination that hangs.
    pub fn block(&self) {
        self.memory.block();
    }

    /// Lets writes go on.
    pub fn unblock(&self) {
        self.memory.unblock();
    }

    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        Box::new(self.memory.sink())
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.records()).finish()
    }
}

/// The same one, not one with the same records: a configuration that names another destination is another.
impl PartialEq for Capture {
    fn eq(&self, other: &Capture) -> bool {
        Arc::ptr_eq(&self.memory, &other.memory)
    }
}

impl Eq for Capture {}

/// A logger for a test; it is used wherever a [`HydraLogger`] is.
#[derive(Clone, Debug)]
pub struct TestLog {
    log: HydraLogger,
    captures: Vec<Capture>,
}

impl Default for TestLog {
    fn default() -> TestLog {
        TestLog::new()
    }
}

impl Deref for TestLog {
    type Target = HydraLogger;

    fn deref(&self) -> &HydraLogger {
        &self.log
    }
}

impl crate::site::Target for TestLog {
    fn open<'a>(
        &'a self,
        level: Level,
        site: &'static crate::site::Site,
        layer: Option<&str>,
    ) -> Option<crate::pass::Pass<'a>> {
        self.log.open(level, site, layer)
    }
}

#[allow(clippy::panic, reason = "it fails the test that uses it")]
impl TestLog {
    /// Makes one that captures every layer, from `TRACE` on.
    ///
    /// # Panics
    /// If the logger cannot be made.
    pub fn new() -> TestLog {
        let capture = Capture::new();
        let layer = LogLayer::new(Level::Trace).destination(capture.destination());
        let config = LoggingConfig::builder().layer(crate::DEFAULT, layer).build();
        TestLog::with_config(config.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Makes one of a configuration of the test's own, with [`Capture::destination`]s.
    ///
    /// # Panics
    /// If the logger cannot be made, or the configuration captures nothing.
    pub fn with_config(config: LoggingConfig) -> TestLog {
        let mut captures: Vec<Capture> = Vec::new();
        for first in config.layers.values().flat_map(|layer| &layer.destinations) {
            for destination in std::iter::successors(Some(first), |one| one.fallback.as_deref()) {
                if let Kind::Console(console) = &destination.kind
                    && let Some(capture) = &console.capture
                    && !captures.contains(capture)
                {
                    captures.push(capture.clone());
                }
            }
        }
        assert!(
            !captures.is_empty(),
            "the configuration has no destination of a `Capture`"
        );
        TestLog {
            log: HydraLogger::new(config).unwrap_or_else(|error| panic!("{error}")),
            captures,
        }
    }

    /// Waits until everything logged so far has arrived.
    ///
    /// # Panics
    /// If it has not within a minute.
    #[track_caller]
    pub fn settle(&self) {
        if let Err(error) = self.log.flush(SETTLE) {
            panic!("{error}");
        }
    }

    /// Returns everything logged so far, in order; capture after capture, if there are several.
    ///
    /// # Panics
    /// As [`TestLog::settle`].
    #[track_caller]
    pub fn records(&self) -> Vec<TestRecord> {
        self.settle();
        self.captures.iter().flat_map(Capture::records).collect()
    }

    /// Returns the only record there is.
    ///
    /// # Panics
    /// If there is none or more than one, which are shown; as [`TestLog::settle`].
    #[track_caller]
    pub fn one(&self) -> TestRecord {
        let mut records = self.records();
        match records.pop() {
            Some(record) if records.is_empty() => record,
            last => panic!("expected one record, found {records:#?} and {last:#?}"),
        }
    }

    /// Returns the records with that message.
    ///
    /// # Panics
    /// As [`TestLog::settle`].
    #[track_caller]
    pub fn with_message(&self, message: &str) -> Vec<TestRecord> {
        let mut records = self.records();
        records.retain(|record| record.message() == message);
        records
    }

    /// Returns the messages of all records, in order.
    ///
    /// # Panics
    /// As [`TestLog::settle`].
    #[track_caller]
    pub fn messages(&self) -> Vec<String> {
        self.records()
            .iter()
            .map(|record| record.message().to_owned())
            .collect()
    }

    /// Returns the first destination, to let it fail.
    ///
    /// # Panics
    /// Never: there is one.
    pub fn capture(&self) -> &Capture {
        self.captures.first().expect("`with_config` has found one at least")
    }
}

/// A record that has arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct TestRecord {
    /// Values one behind the other, as [`CaptureFormat`] writes them.
    bytes: Vec<u8>,
}

impl TestRecord {
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
        let mut context = self.pairs().skip(self.number(Place::Fields) as usize);
        context.find(|(known, _)| *known == name).map(|(_, value)| value)
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
