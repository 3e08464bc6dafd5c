//! A configuration as the TOML that gives it back.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::keys::{DESTINATION, EXTRA, ROOT, Shape, Table};
use super::node::is_bare;
use super::secret::Secret;
use super::{
    ByteSize, ColorMode, Compress, FileOptions, FormatOptions, Fsync, Kind, LogDestination, LoggingConfig, Rate,
    Remote, Rotate, Stream, Suppression, span_text,
};

impl LoggingConfig {
    /// Prints the configuration as TOML; reading it gives an equal one.
    ///
    /// Secrets are not printed: where one stood, the text asks for it from the environment, by the variable it came
    /// from or by one named after its place (`${HYDRA_SECRET_API_0_TOKEN}`).
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::config::{LoggingConfig, Syntax};
    /// # fn main() -> Result<(), hydra_logger::error::Error> {
    /// let config = LoggingConfig::default();
    /// assert_eq!(LoggingConfig::from_text(&config.to_toml(), Syntax::Toml)?, config);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_toml(&self) -> String {
        Printer {
            out: String::new(),
            told: None,
        }
        .config(self)
    }

    /// Prints the configuration with a line about each key before its first use.
    pub(crate) fn to_commented_toml(&self) -> String {
        Printer {
            out: String::new(),
            told: Some(BTreeSet::new()),
        }
        .config(self)
    }
}

struct Printer {
    out: String,
    /// The keys that have been explained, if keys are.
    told: Option<BTreeSet<&'static str>>,
}

impl Printer {
    fn config(mut self, config: &LoggingConfig) -> String {
        self.line(&ROOT, "default_level", quoted(config.default_level.name()));
        self.offer(&ROOT, "date_format", config.date_format.as_deref().map(quoted));
        self.offer(&ROOT, "time_format", config.time_format.as_deref().map(quoted));
        self.offer(
            &ROOT,
            "logger_name_format",
            config.logger_name_format.as_deref().map(quoted),
        );
        self.offer(&ROOT, "message_format", config.message_format.as_deref().map(quoted));
        self.line(&ROOT, "shutdown_timeout", seconds(config.shutdown_timeout));
        self.line(&ROOT, "on_timeout", quoted(config.on_timeout.name()));
        let emergency = config.emergency_file.as_ref();
        self.offer(
            &ROOT,
            "emergency_file",
            emergency.map(|path| quoted(&path.to_string_lossy())),
        );
        let journal = part(&ROOT, "journal");
        self.header("[journal]", &ROOT, "journal");
        self.offer(
            journal,
            "dir",
            config.journal.dir.as_ref().map(|dir| quoted(&dir.to_string_lossy())),
        );
        self.line(journal, "max_size", size(config.journal.max_size));
        self.offer(journal, "segment_size", config.journal.segment_size.map(size));
        self.line(journal, "allow_network", config.journal.allow_network.to_string());
        self.line(journal, "overflow", quoted(config.journal.overflow.name()));
        let guarantees = part(&ROOT, "guarantees");
        let levels = config
            .guarantees
            .levels
            .iter()
            .map(|(level, word)| (level.name(), word.name()));
        self.map("[guarantees.levels]", guarantees, "levels", levels);
        let layers = config
            .guarantees
            .layers
            .iter()
            .map(|(layer, word)| (layer.as_str(), word.name()));
        self.map("[guarantees.layers]", guarantees, "layers", layers);
        let targets = config
            .targets
            .iter()
            .map(|(prefix, layer)| (prefix.as_str(), layer.as_str()));
        self.map("[targets]", &ROOT, "targets", targets);
        let colors = config.colors.iter().map(|(level, color)| (level.name(), color.name()));
        self.map("[colors]", &ROOT, "colors", colors);
        let layer_table = part(&ROOT, "layers");
        for (name, layer) in &config.layers {
            let place = format!("layers.{}", key(name));
            self.header(&format!("[{place}]"), &ROOT, "layers");
            self.maybe(layer_table, "level", layer.level.map(|level| quoted(level.name())));
            self.suppression(layer_table, &layer.suppression);
            for (index, destination) in layer.destinations.iter().enumerate() {
                let place = format!("{place}.destinations");
                self.header(&format!("[[{place}]]"), layer_table, "destinations");
                self.destination(&place, &format!("{name}_{index}"), destination);
            }
        }
        self.out
    }

    fn suppression(&mut self, table: &'static Table, held_back: &Suppression) {
        let rate = |rate: Option<Rate>| rate.map(|rate| quoted(&rate.to_string()));
        self.maybe(table, "limit", rate(held_back.limit));
        self.maybe(table, "site_limit", rate(held_back.site_limit));
        self.maybe(table, "sample", held_back.sample.map(|part| format!("{part:?}")));
        self.maybe(table, "dedup", held_back.dedup.map(|span| quoted(&span_text(span))));
        let guaranteed = held_back.guaranteed.then(|| "true".to_owned());
        self.maybe(table, "suppress_guaranteed", guaranteed);
    }

    /// Prints a destination whose header stands; `secret` names it in the variables of its secrets.
    fn destination(&mut self, place: &str, secret: &str, destination: &LogDestination) {
        let table = &DESTINATION;
        let word = |word: &'static str| Some(quoted(word));
        self.line(table, "type", quoted(destination.destination_type().name()));
        if let Kind::File(file) = &destination.kind {
            self.line(table, "path", quoted(&file.path.to_string_lossy()));
        }
        self.maybe(table, "level", destination.level.map(|level| quoted(level.name())));
        self.line(table, "format", quoted(destination.format.name()));
        let usual_color = match &destination.kind {
            Kind::Console(_) => None,
            _ => Some(ColorMode::Never),
        };
        let color = Some(destination.color_mode).filter(|mode| Some(*mode) != usual_color);
        self.maybe(table, "color_mode", color.and_then(|mode| word(mode.name())));
        self.maybe(
            table,
            "overflow",
            destination.overflow.and_then(|overflow| word(overflow.name())),
        );
        self.maybe(
            table,
            "guarantee",
            destination.guarantee.and_then(|guarantee| word(guarantee.name())),
        );
        self.maybe(table, "replay", destination.replay.map(|replay| replay.to_string()));
        let include = destination.format_options.include_extra;
        self.maybe(table, "include_extra", include.map(|include| include.to_string()));
        match &destination.kind {
            Kind::Console(console) => {
                self.maybe(
                    table,
                    "stream",
                    unusual(console.stream, Stream::default(), Stream::name),
                );
            }
            Kind::File(file) => self.file(file),
            Kind::NotBuilt(remote) => self.remote(place, secret, remote),
        }
        self.extra(place, destination);
        if let Some(fallback) = &destination.fallback {
            let place = format!("{place}.fallback");
            self.header(&format!("[{place}]"), table, "fallback");
            self.destination(&place, &format!("{secret}_fallback"), fallback);
        }
    }

    fn file(&mut self, file: &FileOptions) {
        let table = &DESTINATION;
        self.line(table, "max_size", file.max_size.map_or_else(|| quoted("none"), size));
        self.line(table, "backup_count", file.backup_count.to_string());
        self.maybe(table, "rotate", unusual(file.rotate, Rotate::default(), Rotate::name));
        self.maybe(
            table,
            "compress",
            unusual(file.compress, Compress::default(), Compress::name),
        );
    }

    fn remote(&mut self, place: &str, secret: &str, remote: &Remote) {
        let table = &DESTINATION;
        for (name, url) in [("url", &remote.url), ("queue_url", &remote.queue_url)] {
            let text = url.as_ref().map(|url| match url.as_secret() {
                Some(hidden) => variable(hidden, secret, name),
                None => quoted(url.reveal()),
            });
            self.maybe(table, name, text);
        }
        let name = "connection_string";
        self.maybe(
            table,
            name,
            remote
                .connection_string
                .as_ref()
                .map(|hidden| variable(hidden, secret, name)),
        );
        self.maybe(
            table,
            "service_type",
            remote.service_type.map(|service| quoted(service.name())),
        );
        self.line(table, "retry_count", remote.retry_count.to_string());
        self.line(table, "retry_delay", seconds(remote.retry_delay));
        self.line(table, "timeout", seconds(remote.timeout));
        self.line(table, "max_connections", remote.max_connections.to_string());
        if !remote.credentials.is_empty() {
            self.header(&format!("[{place}.credentials]"), table, "credentials");
            for (name, hidden) in &remote.credentials {
                let _ = writeln!(self.out, "{} = {}", key(name), variable(hidden, secret, name));
            }
        }
    }

    fn extra(&mut self, place: &str, destination: &LogDestination) {
        let options = &destination.format_options;
        let usual = FormatOptions::default();
        let on = |switch: bool| switch.then(|| "true".to_owned());
        let keys: Vec<String> = options.keys.iter().map(|key| quoted(key.name())).collect();
        let mut lines = vec![
            ("force_flush", on(destination.force_flush)),
            ("buffer_size", destination.buffer_size.map(size)),
            ("keys", (!keys.is_empty()).then(|| format!("[{}]", keys.join(", ")))),
            ("multiline", on(options.multiline)),
            ("escape_backslash", on(options.escape_backslash)),
            ("escape_newlines", on(options.escape_newlines)),
            ("guard_formulas", on(options.guard_formulas)),
            ("keep_controls", on(options.keep_controls)),
            (
                "facility",
                (options.facility != usual.facility).then(|| options.facility.to_string()),
            ),
            ("app_name", options.app_name.as_deref().map(quoted)),
            ("bom", on(options.bom)),
            ("host", options.host.as_deref().map(quoted)),
        ];
        if options.structured_data_id != usual.structured_data_id {
            lines.push(("structured_data_id", Some(quoted(&options.structured_data_id))));
        }
        if let Kind::File(file) = &destination.kind {
            lines.push(("fsync", unusual(file.fsync, Fsync::default(), Fsync::name)));
            lines.push(("force_sync_io", on(file.force_sync_io)));
        }
        lines.retain(|(_, value)| value.is_some());
        if !lines.is_empty() {
            self.header(&format!("[{place}.extra]"), &DESTINATION, "extra");
        }
        for (name, value) in lines {
            self.maybe(&EXTRA, name, value);
        }
    }

    /// Begins a table, set apart by a blank line.
    fn header(&mut self, header: &str, table: &'static Table, name: &'static str) {
        self.out.push('\n');
        self.tell(table, name);
        self.out.push_str(header);
        self.out.push('\n');
    }

    /// Prints a free table, if there is anything in it.
    fn map<'a>(
        &mut self,
        header: &str,
        table: &'static Table,
        name: &'static str,
        entries: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        for (index, (name_of_entry, text)) in entries.enumerate() {
            if index == 0 {
                self.header(header, table, name);
            }
            let _ = writeln!(self.out, "{} = {}", key(name_of_entry), quoted(text));
        }
    }

    fn maybe(&mut self, table: &'static Table, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.line(table, name, value);
        }
    }

    /// Prints a key that may be left out; where keys are explained, one that is left out is offered.
    fn offer(&mut self, table: &'static Table, name: &'static str, value: Option<String>) {
        let example = table.key(name).filter(|_| self.told.is_some() && value.is_none());
        self.maybe(table, name, value);
        if let Some(key) = example {
            self.tell(table, name);
            let _ = writeln!(self.out, "# {name} = {}", key.example);
        }
    }

    fn line(&mut self, table: &'static Table, name: &'static str, value: String) {
        self.tell(table, name);
        let _ = writeln!(self.out, "{name} = {value}");
    }

    /// Explains a key, the first time.
    fn tell(&mut self, table: &'static Table, name: &'static str) {
        let Some(key) = table.key(name) else {
            debug_assert!(false, "{} lacks `{name}`", table.name);
            return;
        };
        if let Some(told) = &mut self.told
            && told.insert(key.about)
        {
            let _ = writeln!(self.out, "# {}{}", key.about, choices(&key.shape));
        }
    }
}

fn choices(shape: &Shape) -> String {
    match shape {
        Shape::Choice(names) => format!(" One of: {}.", names.join(", ")),
        _ => String::new(),
    }
}

/// Finds the table below a key.
fn part(table: &'static Table, name: &'static str) -> &'static Table {
    match table.key(name).map(|key| &key.shape) {
        Some(Shape::Table(table) | Shape::Map(_, Shape::Table(table))) => table,
        _ => table,
    }
}

fn unusual<T: PartialEq + Copy>(value: T, usual: T, name: fn(T) -> &'static str) -> Option<String> {
    (value != usual).then(|| quoted(name(value)))
}

fn seconds(duration: Duration) -> String {
    format!("{:?}", duration.as_secs_f64())
}

fn size(size: ByteSize) -> String {
    quoted(&size.to_string())
}

/// Asks for a secret from the environment.
fn variable(secret: &Secret, place: &str, name: &str) -> String {
    match secret.variable() {
        Some(variable) => format!("\"${{{variable}}}\""),
        None => {
            let is_name = |letter: char| letter.is_ascii_alphanumeric();
            let text = format!("HYDRA_SECRET_{place}_{name}").to_ascii_uppercase();
            let variable: String = text
                .chars()
                .map(|letter| if is_name(letter) { letter } else { '_' })
                .collect();
            format!("\"${{{variable}}}\"")
        }
    }
}

/// Writes a key, in quotes where it needs them.
fn key(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { escaped(name) }
}

/// Writes a text; a dollar sign is doubled, for it would ask for a variable.
fn quoted(text: &str) -> String {
    escaped(&text.replace('$', "$$"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
