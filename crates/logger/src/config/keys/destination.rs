//! The keys of a destination, and of its finer options.

use super::{BACKUP_COUNT_MAX, FACILITY_MAX, GUARANTEE, Key, MapKey, OVERFLOW, Shape, Table};
use crate::config::choice::Choice;
use crate::config::options::{
    ColorMode, Compress, DestinationType, Format, FormatKey, Fsync, Rotate, ServiceType, Stream,
};

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
