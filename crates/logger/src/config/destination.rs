//! One output of a layer: where it leads, what passes, and how it is written.

use std::path::{Path, PathBuf};

use hydra_record::Level;

use super::kind::{ConsoleOptions, FileOptions, FormatOptions, Kind, Remote};
use super::options::{ColorMode, Compress, DestinationType, Format, Fsync, Overflow, Rotate, ServiceType, Stream};
use super::secret::{Secret, Url};
use super::size::ByteSize;
use crate::guarantee::Guarantee;

/// A destination: a console, a file, or something remote.
///
/// The fields are the resolved model and may be changed; the methods are the way to write one down. A method that makes
/// no sense for the kind (`max_size` of a console) is reported when the configuration is built.
///
/// # Examples
/// ```
/// use hydra_logger::config::{ByteSize, Format, LogDestination};
/// use hydra_logger::Level;
/// let file = LogDestination::file("logs/api.jsonl")
///     .format(Format::Json)
///     .level(Level::Warning)
///     .max_size(ByteSize::mb(10))
///     .backup_count(5)
///     .fallback(LogDestination::console());
/// assert_eq!(file.level, Some(Level::Warning));
/// ```
///
/// Example: a console, and a file with everything that a file can have.
/// ```
/// use hydra_logger::config::{ByteSize, FormatOptions, Fsync, Stream};
/// use hydra_logger::{ColorMode, Format, Guarantee, LogDestination, Overflow, Rotate};
///
/// let console = LogDestination::console().stream(Stream::Stderr).color_mode(ColorMode::Never).replay(false);
/// let file = LogDestination::file("logs/api.csv")
///     .format(Format::Csv)
///     .format_options(FormatOptions::default())
///     .include_extra(true)
///     .rotate(Rotate::Daily)
///     .gzip(true)
///     .buffer_size(ByteSize::kb(256))
///     .force_flush(false)
///     .fsync(Fsync::Interval)
///     .force_sync_io(false)
///     .guarantee(Guarantee::Delivered)
///     .overflow(Overflow::DropOldest)
///     .fallback(console);
/// assert_eq!(file.path().and_then(|path| path.to_str()), Some("logs/api.csv"));
/// ```
///
/// Example: what can be configured, but not yet used.
/// ```
/// use hydra_logger::config::{DestinationType, LogDestination, ServiceType};
///
/// let remote = [
///     LogDestination::async_http("https://logs.example.com").credential("token", "hunter2"),
///     LogDestination::async_database("postgres://logs.example.com/logs"),
///     LogDestination::async_queue("amqp://queue.example.com"),
///     LogDestination::async_cloud(ServiceType::Aws),
/// ];
/// assert_eq!(remote[0].destination_type(), DestinationType::AsyncHttp);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogDestination {
    /// Where it leads, with what only such a place needs.
    pub kind: Kind,
    /// The least level that passes; none: whatever the layer lets through.
    pub level: Option<Level>,
    /// How a record is written.
    pub format: Format,
    /// The details of the format.
    pub format_options: FormatOptions,
    /// When it is coloured; consoles only.
    pub color_mode: ColorMode,
    /// What happens when the journal is full because of it; none: what the journal says.
    pub overflow: Option<Overflow>,
    /// The least guarantee of records that it takes.
    pub guarantee: Option<Guarantee>,
    /// Where records go that it does not take.
    pub fallback: Option<Box<LogDestination>>,
    /// Whether it is given what a dead process left; none: yes, but not if it is a terminal.
    pub replay: Option<bool>,
    /// Whether every record is handed to the system at once.
    pub force_flush: bool,
    /// The bytes to gather before a write; none: as many as suit.
    pub buffer_size: Option<ByteSize>,
    /// Options that were set but do not belong to the kind; reported when the configuration is built.
    pub(crate) misplaced: Vec<&'static str>,
}

impl LogDestination {
    fn new(kind: Kind, color_mode: ColorMode) -> LogDestination {
        LogDestination {
            kind,
            level: None,
            format: Format::default(),
            format_options: FormatOptions::default(),
            color_mode,
            overflow: None,
            guarantee: None,
            fallback: None,
            replay: None,
            force_flush: false,
            buffer_size: None,
            misplaced: Vec::new(),
        }
    }

    /// Leads to standard output, in plain text, coloured on a terminal.
    pub fn console() -> LogDestination {
        LogDestination::new(Kind::Console(ConsoleOptions::default()), ColorMode::Auto)
    }

    /// Leads to a file, in plain text, that is not rotated. The path is resolved against the working
    /// directory when a logger is made; parent directories are made then, too.
    pub fn file(path: impl Into<PathBuf>) -> LogDestination {
        LogDestination::new(Kind::File(FileOptions::new(path.into())), ColorMode::Never)
    }

    /// Leads to an HTTP endpoint. Not built yet: a logger refuses it.
    pub fn async_http(url: impl Into<String>) -> LogDestination {
        let mut remote = Remote::new(DestinationType::AsyncHttp);
        remote.url = Some(Url::new(url));
        LogDestination::new(Kind::NotBuilt(remote), ColorMode::Never)
    }

    /// Leads to a database. Not built yet: a logger refuses it.
    pub fn async_database(connection_string: impl Into<Secret>) -> LogDestination {
        let mut remote = Remote::new(DestinationType::AsyncDatabase);
        remote.connection_string = Some(connection_string.into());
        LogDestination::new(Kind::NotBuilt(remote), ColorMode::Never)
    }

    /// Leads to a message queue. Not built yet: a logger refuses it.
    pub fn async_queue(queue_url: impl Into<String>) -> LogDestination {
        let mut remote = Remote::new(DestinationType::AsyncQueue);
        remote.queue_url = Some(Url::new(queue_url));
        LogDestination::new(Kind::NotBuilt(remote), ColorMode::Never)
    }

    /// Leads to a cloud service. Not built yet: a logger refuses it.
    pub fn async_cloud(service_type: ServiceType) -> LogDestination {
        let mut remote = Remote::new(DestinationType::AsyncCloud);
        remote.service_type = Some(service_type);
        LogDestination::new(Kind::NotBuilt(remote), ColorMode::Never)
    }

    /// Makes the destination that a file begins to describe; what it must have is checked later.
    pub(crate) fn of_type(destination_type: DestinationType) -> LogDestination {
        match destination_type {
            DestinationType::Console => LogDestination::console(),
            DestinationType::File => LogDestination::file(""),
            other => LogDestination::new(Kind::NotBuilt(Remote::new(other)), ColorMode::Never),
        }
    }

    /// Returns its type, as it is written in a configuration.
    pub fn destination_type(&self) -> DestinationType {
        match &self.kind {
            Kind::Console(_) => DestinationType::Console,
            Kind::File(_) => DestinationType::File,
            Kind::NotBuilt(remote) => remote.destination_type,
        }
    }

    /// Returns the path, if it is a file.
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File(file) => Some(&file.path),
            _ => None,
        }
    }

    /// Sets the format.
    #[must_use]
    pub fn format(mut self, format: Format) -> LogDestination {
        self.format = format;
        self
    }

    /// Sets the details of the format.
    #[must_use]
    pub fn format_options(mut self, options: FormatOptions) -> LogDestination {
        self.format_options = options;
        self
    }

    /// Sets the least level that passes.
    #[must_use]
    pub fn level(mut self, level: Level) -> LogDestination {
        self.level = Some(level);
        self
    }

    /// Sets when a console is coloured.
    #[must_use]
    pub fn color_mode(mut self, mode: ColorMode) -> LogDestination {
        self.color_mode = mode;
        self
    }

    /// Sets what happens when the journal is full because of this destination.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> LogDestination {
        self.overflow = Some(overflow);
        self
    }

    /// Sets the least guarantee of records that this destination takes.
    #[must_use]
    pub fn guarantee(mut self, guarantee: Guarantee) -> LogDestination {
        self.guarantee = Some(guarantee);
        self
    }

    /// Sets where records go that this destination does not take.
    #[must_use]
    pub fn fallback(mut self, fallback: LogDestination) -> LogDestination {
        self.fallback = Some(Box::new(fallback));
        self
    }

    /// Sets whether it is given what a dead process left.
    #[must_use]
    pub fn replay(mut self, replay: bool) -> LogDestination {
        self.replay = Some(replay);
        self
    }

    /// Sets whether every record is handed to the system at once.
    #[must_use]
    pub fn force_flush(mut self, force: bool) -> LogDestination {
        self.force_flush = force;
        self
    }

    /// Sets the bytes to gather before a write.
    #[must_use]
    pub fn buffer_size(mut self, size: impl Into<ByteSize>) -> LogDestination {
        self.buffer_size = Some(size.into());
        self
    }

    /// Sets whether fields and context are written where the format leaves the choice.
    #[must_use]
    pub fn include_extra(mut self, include: bool) -> LogDestination {
        self.format_options.include_extra = Some(include);
        self
    }

    /// Sets the size at which the file is rotated; 0: never. Files only.
    #[must_use]
    pub fn max_size(self, size: impl Into<ByteSize>) -> LogDestination {
        let size = size.into();
        self.of_file("max_size", |file| {
            file.max_size = Some(size).filter(|size| size.bytes() > 0)
        })
    }

    /// Sets how many rotated files are kept; 0: the file is cut to nothing instead. Files only.
    #[must_use]
    pub fn backup_count(self, count: u32) -> LogDestination {
        self.of_file("backup_count", |file| file.backup_count = count)
    }

    /// Sets when the file is rotated besides by its size. Files only.
    #[must_use]
    pub fn rotate(self, rotate: Rotate) -> LogDestination {
        self.of_file("rotate", |file| file.rotate = rotate)
    }

    /// Sets whether rotated files are packed with gzip. Files only.
    #[must_use]
    pub fn gzip(self, pack: bool) -> LogDestination {
        self.of_file("compress", |file| {
            file.compress = if pack { Compress::Gzip } else { Compress::None }
        })
    }

    /// Sets when the file is brought to the device. Files only.
    #[must_use]
    pub fn fsync(self, fsync: Fsync) -> LogDestination {
        self.of_file("fsync", |file| file.fsync = fsync)
    }

    /// Sets whether a write counts as done only when it is on the device. Files only.
    #[must_use]
    pub fn force_sync_io(self, force: bool) -> LogDestination {
        self.of_file("force_sync_io", |file| file.force_sync_io = force)
    }

    /// Sets the standard stream. Consoles only.
    #[must_use]
    pub fn stream(mut self, stream: Stream) -> LogDestination {
        match &mut self.kind {
            Kind::Console(console) => console.stream = stream,
            _ => self.misplaced.push("stream"),
        }
        self
    }

    /// Adds a credential. Remote destinations only.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>, secret: impl Into<Secret>) -> LogDestination {
        match &mut self.kind {
            Kind::NotBuilt(remote) => {
                remote.credentials.insert(name.into(), secret.into());
            }
            _ => self.misplaced.push("credentials"),
        }
        self
    }

    fn of_file(mut self, option: &'static str, set: impl FnOnce(&mut FileOptions)) -> LogDestination {
        match &mut self.kind {
            Kind::File(file) => set(file),
            _ => self.misplaced.push(option),
        }
        self
    }
}
