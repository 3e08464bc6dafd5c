//! TOML, YAML and JSON say the same.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use hydra_logger::config::{
    ByteSize, Color, ColorMode, Compress, Format, Fsync, Kind, LogDestination, LogLayer, LoggingConfig, OnTimeout,
    Overflow, Rotate, Stream, Syntax,
};
use hydra_logger::guarantee::Guarantee;
use hydra_record::Level;

const TOML: &str = r##"
default_level = "debug"
shutdown_timeout = 2.5
on_timeout = "leave_in_journal"
emergency_file = "logs/emergency.jsonl"
date_format = "%d.%m.%Y"
targets = { hyper = "HTTP", "a::b" = "API" }
colors = { ERROR = "bright_red" }

[journal]
dir = "logs/.journal"
max_size = "1.5GiB"
overflow = "drop_oldest"

[guarantees]
levels = { ERROR = "synced" }
layers = { AUDIT = "delivered" }

[layers."with space"]

[layers.API]
level = "WARN"

[[layers.API.destinations]]
type = "console"
format = "logfmt"
color_mode = "NEVER"
stream = "stderr"
replay = false

[[layers.API.destinations]]
type = "File"
path = "logs/api.jsonl"
format = "JSON"
level = "critical"
max_size = 1024
backup_count = 0
compress = "gzip"
overflow = "block"
guarantee = "delivered"
extra = { force_flush = true, force_sync_io = true, fsync = "every", rotate = "daily", encoding = "UTF-8",
  keys = ["thread"] }
fallback = { type = "file", path = "logs/undelivered.log", max_size = "none" }
"##;

const YAML: &str = r##"
# The same.
default_level: debug
shutdown_timeout: 2.5
on_timeout: leave_in_journal
emergency_file: logs/emergency.jsonl
date_format: "%d.%m.%Y"
targets: {hyper: HTTP, "a::b": API}
colors:
  ERROR: bright_red
journal: &journal
  dir: logs/.journal
  max_size: 1.5GiB
  overflow: drop_oldest
guarantees:
  levels: {ERROR: synced}
  layers: {AUDIT: delivered}
layers:
  with space:
  API:
    level: WARN
    destinations:
      - type: console
        format: logfmt
        color_mode: NEVER
        stream: stderr
        replay: false
        path: ~
      - type: File
        path: logs/api.jsonl
        format: JSON
        level: critical
        max_size: 1024
        backup_count: 0
        compress: gzip
        overflow: block
        guarantee: delivered
        extra:
          force_flush: true
          force_sync_io: true
          fsync: every
          rotate: daily
          encoding: UTF-8
          keys: [thread]
        fallback:
          type: file
          path: logs/undelivered.log
          max_size: null
"##;

const JSON: &str = r##"{
    "default_level": "debug", "shutdown_timeout": 2.5, "on_timeout": "leave_in_journal",
    "emergency_file": "logs/emergency.jsonl", "date_format": "%d.%m.%Y",
    "targets": {"hyper": "HTTP", "a::b": "API"},
    "colors": {"ERROR": "bright_red"},
    "journal": {"dir": "logs\/.journal", "max_size": "1.5GiB", "overflow": "drop_oldest"},
    "guarantees": {"levels": {"ERROR": "synced"}, "layers": {"AUDIT": "delivered"}},
    "layers": {
        "with space": {},
        "API": {
            "level": "WARN",
            "destinations": [
                {"type": "console", "format": "logfmt", "color_mode": "NEVER", "stream": "stderr", "replay": false},
                {
                    "type": "File", "path": "logs/api.jsonl", "format": "JSON", "level": "critical", "max_size": 1024,
                    "backup_count": 0, "compress": "gzip", "overflow": "block", "guarantee": "delivered",
                    "extra": {"force_flush": true, "force_sync_io": true, "fsync": "every", "rotate": "daily",
                        "encoding": "UTF-8", "keys": ["thread"]},
                    "fallback": {"type": "file", "path": "logs/undelivered.log", "max_size": null}
                }
            ]
        }
    }
}"##;

/// One configuration, written in three languages and in code, is one configuration.
#[test]
fn all_ways_to_write_it_are_equal() {
    let mut file = LogDestination::file("logs/api.jsonl")
        .format(Format::Json)
        .level(Level::Critical)
        .max_size(1024)
        .backup_count(0)
        .gzip(true)
        .overflow(Overflow::Block)
        .guarantee(Guarantee::Delivered)
        .force_flush(true)
        .force_sync_io(true)
        .fsync(Fsync::Every)
        .rotate(Rotate::Daily)
        .fallback(LogDestination::file("logs/undelivered.log").max_size(0));
    file.format_options.keys.insert("thread".parse().unwrap());
    let console = LogDestination::console()
        .format(Format::Logfmt)
        .color_mode(ColorMode::Never)
        .stream(Stream::Stderr)
        .replay(false);
    let expected = LoggingConfig::builder()
        .default_level(Level::Debug)
        .shutdown_timeout(Duration::from_millis(2500))
        .on_timeout(OnTimeout::LeaveInJournal)
        .emergency_file("logs/emergency.jsonl")
        .date_format("%d.%m.%Y")
        .target("hyper", "HTTP")
        .target("a::b", "API")
        .color(Level::Error, Color::BrightRed)
        .journal_dir("logs/.journal")
        .journal_max_size(ByteSize::mb(1536))
        .overflow(Overflow::DropOldest)
        .guarantee(Level::Error, Guarantee::Synced)
        .layer_guarantee("AUDIT", Guarantee::Delivered)
        .layer("with space", LogLayer::default())
        .layer(
            "API",
            LogLayer::new(Level::Warning).destination(console).destination(file),
        )
        .build()
        .unwrap();
    assert_eq!(LoggingConfig::from_text(TOML, Syntax::Toml).unwrap(), expected);
    assert_eq!(LoggingConfig::from_text(YAML, Syntax::Yaml).unwrap(), expected);
    assert_eq!(LoggingConfig::from_text(JSON, Syntax::Json).unwrap(), expected);
    assert_eq!(expected.level_of("with space"), Some(Level::Debug));
}

/// The suffix of a file decides its language, in any case; a byte order mark does not matter.
#[test]
fn the_suffix_decides() {
    let folder = tempfile::tempdir().unwrap();
    let expected = LoggingConfig::from_text(TOML, Syntax::Toml).unwrap();
    for (name, text) in [("a.TOML", TOML), ("a.Yaml", YAML), ("a.yml", YAML), ("a.json", JSON)] {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
        assert_eq!(LoggingConfig::from_file(&path).unwrap(), expected, "{name}");
    }
}

/// The example of the documentation is read as it stands.
#[test]
fn the_documented_example() {
    let config = LoggingConfig::from_text(
        r#"
default_level = "INFO"

[journal]
dir = "logs/.journal"        # absent: in memory
max_size = "1GiB"            # quota; when reached: each destination's `overflow`
[guarantees]
levels = { ERROR = "synced" }            # this level and above
layers = { AUDIT = "delivered" }         # a layer's own; the stronger one wins

[layers.API]
level = "INFO"
destinations = [
  { type = "console", format = "plain-text", color_mode = "auto" },
  { type = "file", path = "logs/api.jsonl", format = "json", level = "WARNING",
    max_size = "5MB", backup_count = 3, extra = { force_flush = true, force_sync_io = false } },
  { type = "async_http", url = "https://logs.example.com", retry_count = 3, retry_delay = 1.0, timeout = 30.0,
    overflow = "drop_oldest", fallback = { type = "file", path = "logs/api.undelivered.jsonl", format = "json" } },
]

[targets]
"hyper" = "HTTP"
"#,
        Syntax::Toml,
    )
    .unwrap();
    let destinations = &config.layers["API"].destinations;
    let Kind::File(file) = &destinations[1].kind else {
        panic!("{:?}", destinations[1])
    };
    assert_eq!(
        (file.max_size, file.backup_count, file.compress),
        (Some(ByteSize::mb(5)), 3, Compress::None)
    );
    let Kind::NotBuilt(remote) = &destinations[2].kind else {
        panic!("{:?}", destinations[2])
    };
    assert_eq!((remote.name(), remote.retry_count), ("async_http", 3));
    assert_eq!(destinations[2].overflow, Some(Overflow::DropOldest));
    assert_eq!(destinations[2].fallback.as_ref().unwrap().format, Format::Json);
}

/// Tabs indent JSON as well as spaces do.
#[test]
fn json_with_tabs() {
    let expected = LoggingConfig::from_text(JSON, Syntax::Json).unwrap();
    assert_eq!(
        LoggingConfig::from_text(&JSON.replace("    ", "\t"), Syntax::Json).unwrap(),
        expected
    );
}

/// JSON's way to write characters beyond the first plane is read.
#[test]
fn json_surrogates() {
    let config = LoggingConfig::from_text(r#"{"targets": {"\ud83d\ude00": "A\u00e9"}}"#, Syntax::Json).unwrap();
    assert_eq!(config.targets["😀"], "Aé");
}

/// Without layers there is the layer of the zero configuration, with the default level.
#[test]
fn no_layers() {
    let config = LoggingConfig::from_text("default_level: WARNING", Syntax::Yaml).unwrap();
    assert_eq!(config.level_of("__CENTRALIZED__"), Some(Level::Warning));
    let zero = LoggingConfig::default();
    assert_eq!(zero.level_of("__CENTRALIZED__"), Some(Level::Info));
    assert_eq!(zero.layers["__CENTRALIZED__"].destinations, [LogDestination::console()]);
    assert_eq!(zero, LoggingConfig::builder().build().unwrap());
}
