//! Checks that no single key can make: what belongs together, what excludes each other, what is out of bounds.
//!
//! It works on the finished model, so that a configuration made in code is held to the same rules as one from a file.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use hydra_format::{Pattern, Plain, PlainOptions};

use super::node::{KeyPath, Node};
use super::{CENTRALIZED, FormatOptions, Kind, LogDestination, LoggingConfig, OnTimeout};
use crate::error::{Error, Finding};
use crate::guarantee::Guarantee;

mod destination;

/// The most layers of a configuration.
const LAYERS_MAX: usize = 1_000;
/// The most destinations of a layer.
const DESTINATIONS_MAX: usize = 64;
/// The most bytes of a layer's name.
const LAYER_NAME_BYTES_MAX: usize = 255;
/// The longest that shutting down may be allowed to take.
pub(crate) const SHUTDOWN_TIMEOUT_MAX: Duration = Duration::from_secs(86_400);

/// Something wrong, by the key where it shows.
pub(crate) struct Problem {
    path: KeyPath,
    message: String,
    /// What to do; blank if the message says it.
    suggestion: String,
}

impl Problem {
    /// Makes a finding, with its place if the configuration was read from a tree.
    pub(crate) fn into_finding(self, tree: Option<&Node>) -> Finding {
        let finding = match tree {
            Some(tree) => tree.locate(&self.path).finding(&self.path, self.message),
            None => Finding::new(&self.path, self.message),
        };
        match self.suggestion.as_str() {
            "" => finding,
            _ => finding.suggest(self.suggestion),
        }
    }
}

impl LoggingConfig {
    /// Checks the whole again: for whoever changed fields by hand. A logger does so when it is made.
    ///
    /// # Errors
    /// Names everything that is wrong; see [`Error::report`].
    pub fn validate(&self) -> Result<(), Error> {
        let findings = self.findings();
        match findings.is_empty() {
            true => Ok(()),
            false => Err(Error::configuration(None, findings)),
        }
    }

    /// Returns everything that is wrong, without places.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.problems()
            .into_iter()
            .map(|problem| problem.into_finding(None))
            .collect()
    }

    /// Returns everything that is wrong.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut checker = Checker {
            config: self,
            problems: Vec::new(),
            files: BTreeMap::new(),
        };
        checker.journal();
        checker.guarantees();
        checker.templates();
        checker.names();
        for (name, layer) in &self.layers {
            let path = KeyPath::default().key("layers").key(name);
            for (key, message, suggestion) in layer.suppression.problems(&path) {
                checker.report(&key, message, suggestion);
            }
            let path = path.key("destinations");
            if layer.destinations.len() > DESTINATIONS_MAX {
                let message = format!(
                    "{} destinations; a layer has at most {DESTINATIONS_MAX}",
                    layer.destinations.len()
                );
                checker.report(&path, message, "spread them over several layers");
            }
            for (index, destination) in layer.destinations.iter().enumerate() {
                checker.destination(&path.index(index), destination, 0);
            }
        }
        checker.problems
    }
}

struct Checker<'a> {
    config: &'a LoggingConfig,
    problems: Vec<Problem>,
    /// The first destination of each path.
    files: BTreeMap<PathBuf, (KeyPath, &'a LogDestination)>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, path: &KeyPath, message: impl Into<String>, suggestion: impl Into<String>) {
        let problem = Problem {
            path: path.clone(),
            message: message.into(),
            suggestion: suggestion.into(),
        };
        self.problems.push(problem);
    }

    fn journal(&mut self) {
        let journal = &self.config.journal;
        let path = KeyPath::default().key("journal");
        if journal.dir.as_ref().is_some_and(|dir| dir.as_os_str().is_empty()) {
            self.report(
                &path.key("dir"),
                "the directory is blank",
                "name one, or leave the key out for memory",
            );
        }
        let limit = super::keys::JOURNAL_SIZE_MIN;
        if journal.max_size < limit {
            let message = format!("{} is too small for a journal", journal.max_size);
            self.report(&path.key("max_size"), message, format!("write at least {limit}"));
        }
        if let Some(segment) = journal.segment_size {
            let limit = super::keys::SEGMENT_SIZE_MIN;
            let half = journal.max_size.bytes() / 2;
            if segment < limit {
                let message = format!("{segment} is too small for a segment");
                self.report(&path.key("segment_size"), message, format!("write at least {limit}"));
            } else if segment.bytes() > half {
                let message = format!(
                    "a segment of {segment} does not fit twice into max_size {}",
                    journal.max_size
                );
                self.report(&path.key("segment_size"), message, "write at most half of max_size");
            }
        }
        let path = KeyPath::default();
        if self.config.on_timeout == OnTimeout::LeaveInJournal && journal.dir.is_none() {
            let message = "`leave_in_journal` without a journal directory would lose what is left";
            self.report(
                &path.key("on_timeout"),
                message,
                "set `journal.dir`, or write `sync_write`",
            );
        }
        if self.config.shutdown_timeout > SHUTDOWN_TIMEOUT_MAX {
            let message = format!("more than {} seconds", SHUTDOWN_TIMEOUT_MAX.as_secs());
            self.report(
                &path.key("shutdown_timeout"),
                message,
                "write fewer seconds, such as 30",
            );
        }
    }

    fn guarantees(&mut self) {
        let path = KeyPath::default().key("guarantees");
        let asked = &self.config.guarantees;
        for (level, guarantee) in &asked.levels {
            self.guarantee(&path.key("levels").key(level.name()), Some(*guarantee));
        }
        for (layer, guarantee) in &asked.layers {
            self.guarantee(&path.key("layers").key(layer), Some(*guarantee));
        }
    }

    fn guarantee(&mut self, path: &KeyPath, guarantee: Option<Guarantee>) {
        if let Some(guarantee) = guarantee
            && guarantee.needs_directory()
            && self.config.journal.dir.is_none()
        {
            let message = format!("`{guarantee}` cannot be kept without a journal directory");
            self.report(path, message, "set `journal.dir`, or ask for `queued` or `delivered`");
        }
        if guarantee == Some(Guarantee::Synced) && self.config.journal.is_in_memory() {
            let dir = self.config.journal.dir.as_deref().unwrap_or(Path::new("")).display();
            let message =
                format!("`synced` cannot be kept in {dir}: the file system is in memory, and gone without power");
            let suggestion = "name a directory on a disk in `journal.dir`, or ask for `journaled` or `delivered`";
            self.report(path, message, suggestion);
        }
    }

    /// Asks the formats themselves: what they read is what is right.
    fn templates(&mut self) {
        let config = self.config;
        let root = KeyPath::default();
        for (key, pattern) in [
            ("date_format", &config.date_format),
            ("time_format", &config.time_format),
        ] {
            if let Some(Err(error)) = pattern.as_deref().map(Pattern::parse) {
                self.report(&root.key(key), error.to_string(), "");
            }
        }
        let usual = PlainOptions::default;
        let name = config.logger_name_format.clone().map(|name| PlainOptions {
            logger_name_format: name,
            ..usual()
        });
        let message = config.message_format.clone().map(|text| PlainOptions {
            message_format: text,
            ..usual()
        });
        for (key, options) in [("logger_name_format", name), ("message_format", message)] {
            if let Some(Err(error)) = options.map(Plain::new) {
                self.report(&root.key(key), error.to_string(), "");
            }
        }
    }

    fn names(&mut self) {
        let root = KeyPath::default();
        let config = self.config;
        if config.layers.len() > LAYERS_MAX {
            let message = format!(
                "{} layers; a configuration has at most {LAYERS_MAX}",
                config.layers.len()
            );
            self.report(
                &root.key("layers"),
                message,
                "use fewer layers, and fields to tell records apart",
            );
        }
        for name in config.layers.keys() {
            self.layer_name(&root.key("layers").key(name), name);
        }
        for name in config.guarantees.layers.keys() {
            self.layer_name(&root.key("guarantees").key("layers").key(name), name);
        }
        for (prefix, layer) in &config.targets {
            let path = root.key("targets").key(prefix);
            if prefix.is_empty() {
                self.report(
                    &path,
                    "the prefix is blank",
                    "write the beginning of a target, such as `hyper`",
                );
            }
            self.layer_name(&path, layer);
        }
    }

    fn layer_name(&mut self, path: &KeyPath, name: &str) {
        if name.starts_with("__") && name.ends_with("__") && name != CENTRALIZED {
            let message = format!("the layer name `{name}` is reserved");
            self.report(path, message, "use a name without two underscores at both ends");
        } else if name.trim().is_empty() || name.chars().any(char::is_control) {
            let message = format!("the layer name {name:?} is blank or has control characters");
            self.report(path, message, "use printable text, such as `API`");
        } else if name.len() > LAYER_NAME_BYTES_MAX {
            let message = format!("the layer name is {} bytes long", name.len());
            self.report(path, message, format!("use at most {LAYER_NAME_BYTES_MAX} bytes"));
        }
    }
}

/// Brings a path into one form, without asking the disk: `a/../b`, `./b` and `b` are the same file.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
