//! The keys of a configuration file: one table for each place, from which the reader, the schema and the comments of a
//! printed configuration are made, so that they cannot disagree.

use hydra_format::Color;

use super::choice::Choice;
use super::options::{DestinationType, OnTimeout, Overflow};
use super::size::ByteSize;
use crate::guarantee::Guarantee;

mod destination;

pub(crate) use destination::{DESTINATION, EXTRA};

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
    /// A number from 0 to 1.
    Share,
    /// A number of records in a stretch of time.
    Rate,
    /// A stretch of time, with its unit.
    Span,
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
            "allow_network",
            Shape::Switch,
            "false",
            "Whether it may lie on a network file system.",
        ),
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
            "limit",
            Shape::Rate,
            "\"100/s\"",
            "The most records it takes in a stretch of time; what is over it is counted and told.",
        ),
        Key::new(
            "site_limit",
            Shape::Rate,
            "\"10/s\"",
            "Likewise, for each place in the program that logs to it.",
        ),
        Key::new(
            "sample",
            Shape::Share,
            "0.1",
            "The part of its records that it takes, at random; the rest is counted and told.",
        ),
        Key::new(
            "dedup",
            Shape::Span,
            "\"1s\"",
            "How long after a record the same one is not taken again; repetitions are counted and told.",
        ),
        Key::new(
            "suppress_guaranteed",
            Shape::Switch,
            "true",
            "Whether these also hold back records that are synced or delivered when their call returns.",
        ),
        Key::new(
            "destinations",
            Shape::Tables(&DESTINATION),
            "[{ type = \"console\" }]",
            "Where its records go; none: they are discarded, counted.",
        ),
    ],
};
