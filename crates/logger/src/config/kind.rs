//! What a destination is, and what only such a destination needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::options::{Compress, DestinationType, FormatKey, Fsync, Rotate, ServiceType, Stream};
use super::secret::{Secret, Url};
use super::size::ByteSize;

/// Where a destination leads.
///
/// # Examples
/// ```
/// use hydra_logger::LogDestination;
/// use hydra_logger::config::Kind;
///
/// match LogDestination::file("api.log").kind {
///     Kind::File(file) => assert_eq!(file.path.to_str(), Some("api.log")),
///     other => unreachable!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// A standard stream.
    Console(ConsoleOptions),
    /// A file.
    File(FileOptions),
    /// A kind that can be configured but not yet used: a logger refuses it, by its [`Remote::name`].
    NotBuilt(Remote),
}

/// The options of a console.
///
/// # Examples
/// ```
/// use hydra_logger::config::{ConsoleOptions, Stream};
/// assert_eq!(ConsoleOptions::default().stream, Stream::Stdout);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsoleOptions {
    /// The stream; standard output by default.
    pub stream: Stream,
    /// Where a test's records go instead.
    #[cfg(feature = "testing")]
    pub(crate) capture: Option<crate::testing::Capture>,
}

/// The options of a file.
///
/// # Examples
/// ```
/// use hydra_logger::config::{ByteSize, FileOptions, Rotate};
///
/// let mut file = FileOptions::new("api.log".into());
/// assert_eq!((file.max_size, file.backup_count), (None, FileOptions::BACKUP_COUNT));
/// file.max_size = Some(ByteSize::mb(100));
/// file.rotate = Rotate::Daily;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileOptions {
    /// The path as it was given; relative ones are resolved against the working directory when a logger is made.
    pub path: PathBuf,
    /// The size at which it is rotated; none, the default: never, because rotation removes what is oldest.
    pub max_size: Option<ByteSize>,
    /// How many rotated files are kept; 0: the file is cut to nothing instead. 3 by default.
    pub backup_count: u32,
    /// When it is rotated besides by its size.
    pub rotate: Rotate,
    /// How rotated files are packed.
    pub compress: Compress,
    /// When it is brought to the device.
    pub fsync: Fsync,
    /// Whether a write counts as done only when it is on the device.
    pub force_sync_io: bool,
}

impl FileOptions {
    /// How many rotated files are kept if nothing else is said.
    pub const BACKUP_COUNT: u32 = 3;

    /// Makes the default options of a path.
    pub fn new(path: PathBuf) -> FileOptions {
        FileOptions {
            path,
            max_size: None,
            backup_count: FileOptions::BACKUP_COUNT,
            rotate: Rotate::default(),
            compress: Compress::default(),
            fsync: Fsync::default(),
            force_sync_io: false,
        }
    }
}

/// The options of a remote destination.
///
/// # Examples
/// ```
/// use hydra_logger::LogDestination;
/// use hydra_logger::config::Kind;
///
/// let remote = LogDestination::async_http("https://logs.example.com").credential("token", "hunter2");
/// match remote.kind {
///     Kind::NotBuilt(remote) => assert_eq!((remote.name(), remote.retry_count), ("async_http", 3)),
///     other => unreachable!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remote {
    /// Which kind it is.
    pub destination_type: DestinationType,
    /// The endpoint of `async_http`.
    pub url: Option<Url>,
    /// How `async_database` connects.
    pub connection_string: Option<Secret>,
    /// The queue of `async_queue`.
    pub queue_url: Option<Url>,
    /// The provider of `async_cloud`.
    pub service_type: Option<ServiceType>,
    /// What it authenticates with; never printed.
    pub credentials: BTreeMap<String, Secret>,
    /// How often a failed delivery is repeated.
    pub retry_count: u32,
    /// The wait before the first repetition.
    pub retry_delay: Duration,
    /// The longest a delivery may take.
    pub timeout: Duration,
    /// The most connections at a time.
    pub max_connections: u32,
}

impl Remote {
    /// Makes the default options of a kind.
    pub(crate) fn new(destination_type: DestinationType) -> Remote {
        Remote {
            destination_type,
            url: None,
            connection_string: None,
            queue_url: None,
            service_type: None,
            credentials: BTreeMap::new(),
            retry_count: 3,
            retry_delay: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
            max_connections: 10,
        }
    }

    /// Returns the type as it is written in a configuration, such as `async_http`.
    pub fn name(&self) -> &'static str {
        self.destination_type.name()
    }
}

/// The details of a format; each belongs to the formats named with it.
///
/// # Examples
/// ```
/// use hydra_logger::config::{Format, FormatKey, FormatOptions, LogDestination};
///
/// let mut options = FormatOptions::default();
/// options.keys.insert(FormatKey::Location);
/// assert_eq!(options.structured_data_id, FormatOptions::STRUCTURED_DATA_ID);
/// let file = LogDestination::file("api.jsonl").format(Format::Json).format_options(options);
/// # assert!(file.format_options.keys.contains(&FormatKey::Location));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormatOptions {
    /// Whether fields and context are written; none: as the format is usually read. All formats.
    pub include_extra: Option<bool>,
    /// The keys that are written besides the usual ones. JSON, GELF, logfmt.
    pub keys: BTreeSet<FormatKey>,
    /// Whether line breaks of a message are kept. Plain text.
    pub multiline: bool,
    /// Whether each backslash is doubled, so that an escape cannot be mistaken for text. Plain text.
    pub escape_backslash: bool,
    /// Whether line breaks become the two characters `\n`. CSV.
    pub escape_newlines: bool,
    /// Whether a text that a spreadsheet would take for a formula is disarmed. CSV.
    pub guard_formulas: bool,
    /// Whether control characters are kept. CSV.
    pub keep_controls: bool,
    /// The facility, 0 to 23; 1 (user) by default. Syslog.
    pub facility: u8,
    /// The name of the program; none: the program's own. Syslog.
    pub app_name: Option<String>,
    /// The id of the structured data, with an enterprise number. Syslog.
    pub structured_data_id: String,
    /// Whether a message begins with a byte order mark. Syslog.
    pub bom: bool,
    /// The host; none: this machine's name. GELF.
    pub host: Option<String>,
}

impl FormatOptions {
    /// The id of structured data if nothing else is said; 32473 is the number reserved for documentation.
    pub const STRUCTURED_DATA_ID: &str = "hydra@32473";
}

impl Default for FormatOptions {
    fn default() -> FormatOptions {
        FormatOptions {
            include_extra: None,
            keys: BTreeSet::new(),
            multiline: false,
            escape_backslash: false,
            escape_newlines: false,
            guard_formulas: false,
            keep_controls: false,
            facility: 1,
            app_name: None,
            structured_data_id: FormatOptions::STRUCTURED_DATA_ID.to_owned(),
            bom: false,
            host: None,
        }
    }
}
