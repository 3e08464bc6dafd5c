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
//!
//! # Example: time passes
//! A [`ManualClock`] stands still until it is moved: it stamps records, and tells when limits and de-duplication begin
//! anew. What is due when it is moved has been logged when [`ManualClock::advance`] returns.
//! ```
//! use hydra_logger::config::{LogLayer, LoggingConfig, Rate};
//! use hydra_logger::testing::{Capture, ManualClock, TestLog};
//! use hydra_logger::{Level, info};
//! use std::time::Duration;
//!
//! let (clock, capture) = (ManualClock::new(), Capture::new());
//! let layer = LogLayer::new(Level::Info).destination(capture.destination()).limit(Rate::per_second(1));
//! let test = TestLog::with_clock(LoggingConfig::builder().layer("DEFAULT", layer).build()?, &clock);
//! for number in 0..3 {
//!     info!(test, "number {number}");
//! }
//! clock.advance(Duration::from_secs(1));
//! info!(test, "number 3");
//! assert_eq!(test.messages(), ["number 0", "2 records suppressed: 2 over the limit", "number 3"]);
//! let times: Vec<_> = test.records().iter().map(|record| record.time_ns() - clock.start_ns()).collect();
//! assert_eq!(times, [0, 1_000_000_000, 1_000_000_000]);
//! # Ok::<(), hydra_logger::Error>(())
//! ```
//!
//! # Example: one step at a time
//! While a [`Capture`] is blocked, nothing is delivered but by [`TestLog::step`], one record each: a test looks at the
//! program between any two of them.
//! ```
//! use hydra_logger::testing::TestLog;
//! use hydra_logger::info;
//!
//! let test = TestLog::new();
//! test.capture().block();
//! info!(test, "first");
//! info!(test, "second");
//! assert!(test.step());
//! assert_eq!(test.capture().records().len(), 1);
//! assert!(test.step() && !test.step());
//! assert_eq!(test.capture().records().len(), 2);
//! ```

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use hydra_os::clock::Deadline;
use hydra_record::Level;
use hydra_sink::{Memory, Sink};

use crate::config::{Kind, LogDestination, LogLayer, LoggingConfig};
use crate::sync::HydraLogger;
use crate::timepiece::Timepiece;

mod clock;
mod record;

pub use clock::ManualClock;
pub(crate) use record::CaptureFormat;
pub use record::TestRecord;

/// How long a test waits for records to arrive before it fails: only a bound on a test that hangs.
const SETTLE: Duration = Duration::from_secs(60);

/// A destination that keeps records in memory, and can be told to fail; clones are the same one.
///
/// # Examples
/// ```
/// use hydra_logger::testing::{Capture, TestLog};
/// use hydra_logger::{Level, LogLayer, LoggingConfig, info};
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let capture = Capture::new();
/// let layer = LogLayer::new(Level::Info).destination(capture.destination());
/// let log = TestLog::with_config(LoggingConfig::builder().layer("DEFAULT", layer).build()?);
/// capture.fail_writes(1, ErrorKind::StorageFull); // it is tried again
/// capture.reject("poison");
/// capture.panic_at("dynamite");
/// capture.block();
/// for message in ["first", "poison", "dynamite", "last"] {
///     info!(log, "{message}");
/// }
/// assert!(capture.records().is_empty());
/// capture.unblock();
/// assert!(capture.wait_for(Duration::from_secs(60), |records| records.len() == 2));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
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

    /// Waits until the records that have arrived are as `until` says; false if they are not within `timeout`.
    ///
    /// For what a program logs by itself, from a thread that the test knows nothing of; it wakes with each write.
    #[must_use]
    pub fn wait_for(&self, timeout: Duration, until: impl Fn(&[TestRecord]) -> bool) -> bool {
        let end = Deadline::after(timeout);
        loop {
            let records = self.records();
            if until(&records) {
                return true;
            }
            if end.is_over() {
                return false;
            }
            // The memory tells whether there is one more; the rest is for the caller to judge.
            let _ = self.memory.wait_for_records(records.len() + 1, end.left());
        }
    }

    /// Lets the next `count` writes fail, with nothing written.
    pub fn fail_writes(&self, count: u64, kind: io::ErrorKind) {
        self.memory.fail(count, kind);
    }

    /// Lets every write fail for good that has a record with `text` in it: the record becomes a dead letter, the others
    /// are delivered.
    pub fn reject(&self, text: &str) {
        self.memory.reject(text);
    }

    /// Lets the destination panic whenever it comes to a record with `text` in it.
    pub fn panic_at(&self, text: &str) {
        self.memory.panic_at(text);
    }

    /// Lets every write wait until [`Capture::unblock`]: a destination that hangs. [`TestLog::step`] lets records
    /// through one by one.
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
///
/// # Examples
/// ```
/// use hydra_logger::testing::{Capture, ManualClock, TestLog};
/// use hydra_logger::{Level, LogLayer, LoggingConfig, info};
///
/// let log = TestLog::new();
/// info!(log, "first");
/// assert_eq!(log.one().message(), "first");
/// info!(log, "second");
/// log.settle(); // as all of these do by themselves
/// assert_eq!(log.messages(), ["first", "second"]);
/// assert_eq!((log.records().len(), log.with_message("second").len()), (2, 1));
/// assert_eq!(log.capture().records().len(), 2);
/// assert!(!log.step()); // nothing is on its way
///
/// // With a configuration of the test's own, and a clock that the test moves.
/// let layer = LogLayer::new(Level::Info).destination(Capture::new().destination());
/// let config = LoggingConfig::builder().layer("DEFAULT", layer).build()?;
/// let log = TestLog::with_config(config.clone());
/// let log = TestLog::with_clock(config, &ManualClock::new());
/// # Ok::<(), hydra_logger::Error>(())
/// ```
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
        TestLog::with_timepiece(config, Timepiece::Machine)
    }

    /// Makes one of a configuration of the test's own, for which it is what `clock` shows.
    ///
    /// It stamps records, and limits, sampling and de-duplication go by it. What waits for the world goes by
    /// the machine's clock as always: tries again after a failure, timeouts, rotation by time.
    ///
    /// # Panics
    /// As [`TestLog::with_config`].
    pub fn with_clock(config: LoggingConfig, clock: &ManualClock) -> TestLog {
        let test = TestLog::with_timepiece(config, Timepiece::Manual(clock.clone()));
        clock.lead(&test.log);
        test
    }

    fn with_timepiece(config: LoggingConfig, timepiece: Timepiece) -> TestLog {
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
            log: match crate::assemble::assemble_with(config, timepiece) {
                Ok(core) => HydraLogger { core },
                Err(error) => panic!("{error}"),
            },
            captures,
        }
    }

    /// Delivers one record to a [`Capture`] that is blocked, and returns when that is done. False if there is nothing
    /// left to deliver.
    ///
    /// A write that the test lets fail is a step as well.
    ///
    /// # Panics
    /// If a record that is to be delivered does not come to a blocked capture within a minute.
    #[track_caller]
    pub fn step(&self) -> bool {
        let end = Deadline::after(SETTLE);
        while !end.is_over() {
            if self.log.flush(Duration::from_millis(1)).is_ok() {
                return false;
            }
            if self.captures.iter().any(|capture| capture.memory.step(SETTLE)) {
                return true;
            }
        }
        panic!("a record is on its way, but none has come to a blocked capture")
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
