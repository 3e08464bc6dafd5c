//! The keys of a configuration file: one table for each place, from which the reader, the schema and the comments of a
//! printed configuration are made, so that they cannot disagree.

use hydra_format::Color;

use super::choice::Choice;
use super::options::{
    ColorMode, Compress, DestinationType, Format, FormatKey, Fsync, OnTimeout, Overflow, Rotate, ServiceType, Stream,
};
use super::size::ByteSize;
use crate::guarantee::Guarantee;

/// The least a journal may take.
pub(crate) const JOURNAL_SIZE_MIN: ByteSize = ByteSize::kb(64);
/// The least one file of the journal may be.
pub(crate) const SEGMENT_SIZE_MIN: ByteSize = ByteSize::kb(4);
/// The least write buffer.
pub(crate) const BUFFER_SIZE_MIN: ByteSize = ByteSize::new(1);
/// The largest write buffer.
pub(crate) const BUFFER_SIZE_MAX: ByteSize = ByteSize::mb(64);
/// The most rotated files that are kept.
pub(crate) const BACKUP_COUNT_MAX: u32 = 1_000;
/// The largest syslog facility (RFC 5424).
pub(crate) const FACILITY_MAX: u8 = 23;

/// The keys that may stand in one place.
pub(crate) struct Table {
    /// What the place is called in an error.
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [Key],
}

/// A key, and everything there is to say about it.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// One line about what it does.
    pub(crate) about: &'static str,
    /// A value as TOML, for whoever wrote a wrong one.
    pub(crate) example: &'static str,
    /// The types of destination it belongs to; empty: all.
    pub(crate) on: &'static [DestinationType],
    /// Whether a destination that may have it must have it.
    pub(crate) is_required: bool,
}

/// What a value must be.
pub(crate) enum Shape {
    /// A text that is not blank.
    Text,
    /// A text that is never printed.
    Secret,
    /// A level's name.
    Level,
    /// A size, as a number or a text.
    Size,
    /// A size, or `"none"`.
    Limit,
    /// A whole number within bounds.
    Count { min: u64, max: u64 },
    /// A number of seconds within bounds.
    Seconds { min: f64, max: f64 },
    /// True or false.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of some of these words.
    Choices(&'static [&'static str]),
    /// A text, or a list of texts.
    Texts,
    /// A table of these keys.
    Table(&'static Table),
    /// A list of such tables.
    Tables(&'static Table),
    /// A table whose keys are free.
    Map(MapKey, &'static Shape),
}

/// What the keys of a free table are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapKey {
    /// Any text.
    Text,
    /// The names of levels.
    Level,
}

impl Table {
    /// Finds a key by its name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    const fn new(name: &'static str, shape: Shape, example: &'static str, about: &'static str) -> Key {
        Key {
            name,
            shape,
            about,
            example,
            on: &[],
            is_required: false,
        }
    }

    const fn on(mut self, types: &'static [DestinationType]) -> Key {
        self.on = types;
        self
    }

    const fn required(mut self) -> Key {
        self.is_required = true;
        self
    }

    /// Whether a destination of that type may have the key.
    pub(crate) fn belongs_to(&self, destination_type: DestinationType) -> bool {
        self.on.is_empty() || self.on.contains(&destination_type)
    }
}

/// Shows how a key of a destination is written.
pub(crate) fn example(name: &str) -> String {
    match DESTINATION.key(name).or_else(|| EXTRA.key(name)) {
        Some(key) => format!("for example `{} = {}`", key.name, key.example),
        None => String::new(),
    }
}

/// Names the types of destination that a key belongs to.
pub(crate) fn where_it_belongs(name: &str) -> String {
    let on = DESTINATION
        .key(name)
        .or_else(|| EXTRA.key(name))
        .map_or(&[][..], |key| key.on);
    let types: Vec<String> = on.iter().map(|name| format!("`{name}`")).collect();
    format!("it belongs to type {}", types.join(" or "))
}

const CONSOLE: &[DestinationType] = &[DestinationType::Console];
const FILE: &[DestinationType] = &[DestinationType::File];
const HTTP: &[DestinationType] = &[DestinationType::AsyncHttp];
const DATABASE: &[DestinationType] = &[DestinationType::AsyncDatabase];
const QUEUE: &[DestinationType] = &[DestinationType::AsyncQueue];
const CLOUD: &[DestinationType] = &[DestinationType::AsyncCloud];
const REMOTE: &[DestinationType] = &[
    DestinationType::AsyncHttp,
    DestinationType::AsyncDatabase,
    DestinationType::AsyncQueue,
    DestinationType::AsyncCloud,
];

const OVERFLOW: Shape = Shape::Choice(Overflow::NAMES);
const GUARANTEE: Shape = Shape::Choice(Guarantee::NAMES);

/// The root of the file.
pub(crate) static ROOT: Table = Table {
    name: "the configuration",
    keys: &[
        Key::new(
            "extends",
            Shape::Texts,
            "\"base.toml\"",
            "Files to lay this one on, relative to it; later ones win.",
        ),
        Key::new(
            "default_level",
            Shape::Level,
            "\"INFO\"",
            "The level of layers that have none of their own.",
        ),
        Key::new(
            "date_format",
            Shape::Text,
            "\"%Y-%m-%d %H:%M:%S\"",
            "The time in plain text, as for strftime.",
        ),
        Key::new(
            "time_format",
            Shape::Text,
            "\"%H:%M:%S\"",
            "The time of day, if date_format has none.",
        ),
        Key::new(
            "logger_name_format",
            Shape::Text,
            "\"{name}\"",
            "How a name is written in plain text.",
        ),
        Key::new(
            "message_format",
            Shape::Text,
            "\"{level} - {message}\"",
            "How level and message are written in plain text.",
        ),
        Key::new(
            "shutdown_timeout",
            Shape::Seconds {
                min: 0.0,
                max: super::check::SHUTDOWN_TIMEOUT_MAX.as_secs() as f64,
            },
            "30.0",
            "How many seconds shutting down may take.",
        ),
        Key::new(
            "on_timeout",
            Shape::Choice(OnTimeout::NAMES),
            "\"sync_write\"",
            "What happens to what is left when that time has run out.",
        ),
        Key::new(
            "emergency_file",
            Shape::Text,
            "\"logs/emergency.jsonl\"",
            "Where records go that neither journal nor destinations take; by default in the journal's directory.",
        ),
        Key::new(
            "journal",
            Shape::Table(&JOURNAL),
            "{ dir = \"logs/.journal\" }",
            "Where records wait.",
        ),
        Key::new(
            "guarantees",
            Shape::Table(&GUARANTEES),
            "{ levels = { ERROR = \"synced\" } }",
            "What has happened to a record when its call returns; the strongest entry wins.",
        ),
        Key::new(
            "layers",
            Shape::Map(MapKey::Text, &Shape::Table(&LAYER)),
            "{ API = { level = \"INFO\" } }",
            "The named ways for records.",
        ),
        Key::new(
            "targets",
            Shape::Map(MapKey::Text, &Shape::Text),
            "{ hyper = \"HTTP\" }",
            "The layer of log and tracing targets, by prefix; the longest wins.",
        ),
        Key::new(
            "colors",
            Shape::Map(MapKey::Level, &Shape::Choice(Color::NAMES)),
            "{ ERROR = \"red\" }",
            "The colours of levels on a console.",
        ),
    ],
};

static JOURNAL: Table = Table {
    name: "the journal",
    keys: &[
        Key::new(
            "dir",
            Shape::Text,
            "\"logs/.journal\"",
            "The directory; without one, the journal is in memory.",
        ),
        Key::new("max_size", Shape::Size, "\"1GB\"", "The most it may take."),
        Key::new("segment_size", Shape::Size, "\"16MB\"", "The size of one of its files."),
        Key::new(
            "overflow",
            OVERFLOW,
            "\"block\"",
            "What happens when it is full, if a destination does not say it.",
        ),
    ],
};

static GUARANTEES: Table = Table {
    name: "the guarantees",
    keys: &[
        Key::new(
            "levels",
            Shape::Map(MapKey::Level, &GUARANTEE),
            "{ ERROR = \"synced\" }",
            "By level: for this one and above.",
        ),
        Key::new(
            "layers",
            Shape::Map(MapKey::Text, &GUARANTEE),
            "{ AUDIT = \"delivered\" }",
            "By layer.",
        ),
    ],
};

static LAYER: Table = Table {
    name: "a layer",
    keys: &[
        Key::new(
            "level",
            Shape::Level,
            "\"INFO\"",
            "The least level it takes; left out: default_level.",
        ),
        Key::new(
            "destinations",
            Shape::Tables(&DESTINATION),
            "[{ type = \"console\" }]",
            "Where its records go; none: they are discarded, counted.",
        ),
    ],
};

const STREAM: Key = Key::new(
    "stream",
    Shape::Choice(Stream::NAMES),
    "\"stderr\"",
    "The standard stream.",
)
.on(CONSOLE);
const ROTATE: Key = Key::new(
    "rotate",
    Shape::Choice(Rotate::NAMES),
    "\"daily\"",
    "When the file is rotated besides by size.",
)
.on(FILE);
const COMPRESS: Key = Key::new(
    "compress",
    Shape::Choice(Compress::NAMES),
    "\"gzip\"",
    "How rotated files are packed.",
)
.on(FILE);
const REPLAY: Key = Key::new(
    "replay",
    Shape::Switch,
    "true",
    "Whether it is given what a dead process left.",
);
const INCLUDE_EXTRA: Key = Key::new(
    "include_extra",
    Shape::Switch,
    "true",
    "Whether fields and context are written.",
);

/// A destination. The last five may stand in `extra` as well.
pub(crate) static DESTINATION: Table = Table {
    name: "a destination",
    keys: &[
        Key::new(
            "type",
            Shape::Choice(DestinationType::NAMES),
            "\"file\"",
            "Where it leads.",
        )
        .required(),
        Key::new(
            "level",
            Shape::Level,
            "\"WARNING\"",
            "The least level that passes; left out: all of the layer.",
        ),
        Key::new(
            "path",
            Shape::Text,
            "\"logs/app.log\"",
            "The file; its directories are made.",
        )
        .on(FILE)
        .required(),
        Key::new(
            "format",
            Shape::Choice(Format::NAMES),
            "\"json\"",
            "How a record is written.",
        ),
        Key::new(
            "color_mode",
            Shape::Choice(ColorMode::NAMES),
            "\"auto\"",
            "When a console is coloured.",
        ),
        Key::new(
            "max_size",
            Shape::Limit,
            "\"none\"",
            "The size at which the file is rotated; \"none\": never.",
        )
        .on(FILE),
        Key::new(
            "backup_count",
            Shape::Count {
                min: 0,
                max: BACKUP_COUNT_MAX as u64,
            },
            "3",
            "How many rotated files are kept.",
        )
        .on(FILE),
        Key::new("url", Shape::Secret, "\"https://logs.example.com\"", "The endpoint.")
            .on(HTTP)
            .required(),
        Key::new(
            "connection_string",
            Shape::Secret,
            "\"${DATABASE_URL}\"",
            "How to connect.",
        )
        .on(DATABASE)
        .required(),
        Key::new("queue_url", Shape::Secret, "\"${QUEUE_URL}\"", "The queue.")
            .on(QUEUE)
            .required(),
        Key::new(
            "service_type",
            Shape::Choice(ServiceType::NAMES),
            "\"aws\"",
            "The provider.",
        )
        .on(CLOUD)
        .required(),
        Key::new(
            "credentials",
            Shape::Map(MapKey::Text, &Shape::Secret),
            "{ token = \"${TOKEN}\" }",
            "What it authenticates with; never printed.",
        )
        .on(REMOTE),
        Key::new(
            "retry_count",
            Shape::Count { min: 0, max: 20 },
            "3",
            "How often a delivery is repeated.",
        )
        .on(REMOTE),
        Key::new(
            "retry_delay",
            Shape::Seconds { min: 0.0, max: 300.0 },
            "1.0",
            "Seconds before the first repetition.",
        )
        .on(REMOTE),
        Key::new(
            "timeout",
            Shape::Seconds { min: 0.001, max: 300.0 },
            "30.0",
            "Seconds a delivery may take.",
        )
        .on(REMOTE),
        Key::new(
            "max_connections",
            Shape::Count { min: 1, max: 1_000 },
            "10",
            "The most connections at a time.",
        )
        .on(REMOTE),
        Key::new(
            "overflow",
            OVERFLOW,
            "\"block\"",
            "What happens when the journal is full because of it.",
        ),
        Key::new(
            "guarantee",
            GUARANTEE,
            "\"delivered\"",
            "The least guarantee of records that it takes.",
        ),
        Key::new(
            "fallback",
            Shape::Table(&DESTINATION),
            "{ type = \"file\", path = \"logs/undelivered.jsonl\" }",
            "Where records go that it does not take.",
        ),
        Key::new(
            "extra",
            Shape::Table(&EXTRA),
            "{ force_flush = true }",
            "The finer options.",
        ),
        STREAM,
        ROTATE,
        COMPRESS,
        REPLAY,
        INCLUDE_EXTRA,
    ],
};

/// The finer options of a destination.
pub(crate) static EXTRA: Table = Table {
    name: "`extra`",
    keys: &[
        Key::new(
            "force_flush",
            Shape::Switch,
            "true",
            "Whether every record is handed to the system at once.",
        ),
        Key::new(
            "force_sync_io",
            Shape::Switch,
            "true",
            "Whether a write is done only when it is on the device.",
        )
        .on(FILE),
        Key::new(
            "encoding",
            Shape::Choice(&["utf-8"]),
            "\"utf-8\"",
            "The encoding; there is only one.",
        )
        .on(FILE),
        Key::new(
            "buffer_size",
            Shape::Size,
            "\"64KB\"",
            "The bytes to gather before a write.",
        ),
        Key::new(
            "fsync",
            Shape::Choice(Fsync::NAMES),
            "\"interval\"",
            "When the file is brought to the device.",
        )
        .on(FILE),
        Key::new(
            "keys",
            Shape::Choices(FormatKey::NAMES),
            "[\"location\", \"thread\"]",
            "json, gelf, logfmt: the keys that are written besides the usual ones.",
        ),
        Key::new(
            "multiline",
            Shape::Switch,
            "true",
            "plain-text: whether line breaks of a message are kept.",
        ),
        Key::new(
            "escape_backslash",
            Shape::Switch,
            "true",
            "plain-text: whether each backslash is doubled.",
        ),
        Key::new(
            "escape_newlines",
            Shape::Switch,
            "true",
            "csv: whether line breaks become \\n.",
        ),
        Key::new(
            "guard_formulas",
            Shape::Switch,
            "true",
            "csv: whether what looks like a formula is disarmed.",
        ),
        Key::new(
            "keep_controls",
            Shape::Switch,
            "true",
            "csv: whether control characters are kept.",
        ),
        Key::new(
            "facility",
            Shape::Count {
                min: 0,
                max: FACILITY_MAX as u64,
            },
            "16",
            "syslog: the facility; 1 is user, 16 is local0.",
        ),
        Key::new("app_name", Shape::Text, "\"shop\"", "syslog: the name of the program."),
        Key::new(
            "structured_data_id",
            Shape::Text,
            "\"hydra@32473\"",
            "syslog: the id of the structured data, with your enterprise number.",
        ),
        Key::new(
            "bom",
            Shape::Switch,
            "true",
            "syslog: whether a message begins with a byte order mark.",
        ),
        Key::new(
            "host",
            Shape::Text,
            "\"web-1\"",
            "gelf: the host; left out: this machine's name.",
        ),
        STREAM,
        ROTATE,
        COMPRESS,
        REPLAY,
        INCLUDE_EXTRA,
    ],
};
