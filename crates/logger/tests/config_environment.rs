//! What the environment adds to a configuration.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hydra_logger::config::{Color, Format, Loader, LogDestination, LoggingConfig, Syntax};
use hydra_record::Level;

fn loader(variables: &'static [(&'static str, &'static str)]) -> Loader {
    Loader::new().environment(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn report(error: hydra_logger::error::Error) -> Vec<String> {
    error.report().iter().map(ToString::to_string).collect()
}

/// Variables stand in any text, for numbers and switches too; a default stands in for one that is not set.
#[test]
fn variables_in_a_file() {
    let text = "default_level = \"${LEVEL}\"\n[[layers.A.destinations]]\ntype = \"file\"\n\
                path = \"${DIR:-logs}/$${app}.log\"\nbackup_count = \"${BACKUPS}\"\nmax_size = \"${SIZE:-2MB}\"\n\
                extra = { force_flush = \"${FLUSH}\" }\n";
    let config = loader(&[("LEVEL", "error"), ("BACKUPS", "7"), ("FLUSH", "on")])
        .text(text, Syntax::Toml)
        .unwrap();
    assert_eq!(config.default_level, Level::Error);
    let expected = LogDestination::file("logs/${app}.log")
        .backup_count(7)
        .max_size(2 << 20)
        .force_flush(true);
    assert_eq!(config.layers["A"].destinations, [expected]);
}

/// A variable that is not set is named, once, with its place; its value, which may be secret, never is.
#[test]
fn unset_variable() {
    let text = "default_level: ${LEVEL}\njournal: {dir: \"${DIR}\"}\nguarantees: {levels: {ERROR: synced}}\n";
    assert_eq!(
        report(loader(&[]).text(text, Syntax::Yaml).unwrap_err()),
        [
            "<text>:1:16: default_level: the environment variable `LEVEL` is not set; \
             set it, or write a default: `${LEVEL:-…}`",
            "<text>:2:16: journal.dir: the environment variable `DIR` is not set; \
             set it, or write a default: `${DIR:-…}`",
        ]
    );
    assert_eq!(
        report(
            loader(&[])
                .text("default_level = \"${LEVEL\"", Syntax::Toml)
                .unwrap_err()
        ),
        ["<text>:1:17: default_level: `${` without `}`; close it, or write `$$` for a dollar sign"]
    );
}

/// A configuration of the environment alone is one console, at DEBUG in plain text unless it says otherwise.
#[test]
fn from_the_environment_alone() {
    let config = loader(&[]).env().unwrap();
    assert_eq!(config.level_of("DEFAULT"), Some(Level::Debug));
    assert_eq!(config.layers["DEFAULT"].destinations, [LogDestination::console()]);
    let config = loader(&[("HYDRA_LOG_LEVEL", "warn"), ("HYDRA_LOG_FORMAT", "JSON")])
        .env()
        .unwrap();
    assert_eq!(config.level_of("DEFAULT"), Some(Level::Warning));
    assert_eq!(config.layers["DEFAULT"].destinations[0].format, Format::Json);
}

/// The environment fills only what is not set.
#[test]
fn the_file_comes_first() {
    let variables = loader(&[
        ("HYDRA_LOG_DATE_FORMAT", "%Y"),
        ("HYDRA_LOG_TIME_FORMAT", "%H"),
        ("HYDRA_LOG_COLOR_ERROR", "blue"),
        ("HYDRA_LOG_COLOR_INFO", "Cyan"),
        ("HYDRA_LOG_LEVEL", "CRITICAL"),
        ("HYDRA_LOG_MESSAGE_FORMAT", " "),
        ("HYDRA_LOG_ENABLE_ANALYTICS", "off"),
    ]);
    let config = LoggingConfig::builder()
        .date_format("%d")
        .color(Level::Error, Color::Red)
        .build()
        .unwrap();
    let filled = variables.fill(config).unwrap();
    assert_eq!(filled.date_format.as_deref(), Some("%d"));
    assert_eq!(filled.time_format.as_deref(), Some("%H"));
    assert_eq!(filled.message_format, None);
    assert_eq!(
        (filled.colors[&Level::Error], filled.colors[&Level::Info]),
        (Color::Red, Color::Cyan)
    );
    assert_eq!(filled.default_level, Level::Info);
}

/// Wrong values, and switches for what is not built, are refused by the variable's name.
#[test]
fn wrong_values() {
    let wrong = loader(&[
        ("HYDRA_LOG_LEVEL", "LOUD"),
        ("HYDRA_LOG_FORMAT", "jsn"),
        ("HYDRA_LOG_MESSAGE_FORMAT", "no placeholder"),
        ("HYDRA_LOG_COLOR_INFO", "pink"),
        ("HYDRA_LOG_REDACT_SENSITIVE", "yes"),
        ("HYDRA_LOG_ENABLE_PERFORMANCE", "perhaps"),
    ]);
    assert_eq!(
        report(wrong.env().unwrap_err()),
        [
            "environment: HYDRA_LOG_LEVEL: unknown level `LOUD`; \
             the levels are TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL",
            "environment: HYDRA_LOG_FORMAT: unknown format `jsn`; did you mean `json`? It is one of plain-text, json, \
             csv, syslog, gelf, logfmt (a colour is no format: set `color_mode`)",
            "environment: HYDRA_LOG_COLOR_INFO: unknown colour `pink`; it is one of red, green, yellow, blue, magenta, \
             cyan, white, bright_red, bright_green, bright_yellow, bright_blue, bright_magenta, \
             bright_cyan, bright_white",
            "environment: HYDRA_LOG_ENABLE_PERFORMANCE: `perhaps` is neither on nor off; \
             write 1, true, yes or on; or 0, false, no or off",
            "environment: HYDRA_LOG_REDACT_SENSITIVE: this feature is not built; unset the variable",
            "environment: HYDRA_LOG_MESSAGE_FORMAT: message_format `no placeholder` has no placeholder {message}",
        ]
    );
}
