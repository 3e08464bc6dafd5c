//! From a file, or its text, to a configuration.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::expand::{self, Environment};
use super::extends::Chain;
use super::node::{At, KeyPath, Node};
use super::{LoggingConfig, parse, read};
use crate::error::{Error, Finding};

/// The most bytes of a configuration file.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;

/// The language of a configuration file.
///
/// # Examples
/// ```
/// use hydra_logger::config::Syntax;
///
/// assert_eq!(Syntax::of("hydra.yml"), Some(Syntax::Yaml));
/// assert_eq!(Syntax::of("hydra.txt"), None);
/// assert_eq!(Syntax::Json.name(), "JSON");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Syntax {
    /// TOML; files named `.toml`.
    Toml,
    /// YAML 1.2, core schema; files named `.yaml` or `.yml`.
    Yaml,
    /// JSON; files named `.json`.
    Json,
}

impl Syntax {
    /// Returns the syntax of a file by its suffix, in any case.
    pub fn of(path: impl AsRef<Path>) -> Option<Syntax> {
        let suffix = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match suffix.as_str() {
            "toml" => Some(Syntax::Toml),
            "yaml" | "yml" => Some(Syntax::Yaml),
            "json" => Some(Syntax::Json),
            _ => None,
        }
    }

    /// Returns what it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Syntax::Toml => "TOML",
            Syntax::Yaml => "YAML",
            Syntax::Json => "JSON",
        }
    }
}

impl LoggingConfig {
    /// Reads a configuration file; its suffix (`.toml`, `.yaml`, `.yml`, `.json`) says in which language it is.
    ///
    /// # Errors
    /// Names everything that is wrong, with file, line, column, key and what to write instead; see [`Error::report`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<LoggingConfig, Error> {
        Loader::new().file(path)
    }

    /// Reads a configuration from text. It cannot extend a file.
    ///
    /// # Errors
    /// As [`from_file`](LoggingConfig::from_file).
    pub fn from_text(text: &str, syntax: Syntax) -> Result<LoggingConfig, Error> {
        Loader::new().text(text, syntax)
    }
}

/// Looks an environment variable up.
type Lookup = dyn Fn(&str) -> Option<String>;

/// Reads configurations with an environment of one's own; [`LoggingConfig::from_file`] uses that of the process.
///
/// # Examples
/// ```
/// use hydra_logger::config::{Loader, Syntax};
/// # fn main() -> Result<(), hydra_logger::error::Error> {
/// let loader = Loader::new().environment(|name| (name == "LEVEL").then(|| "DEBUG".to_owned()));
/// let config = loader.text("default_level = \"${LEVEL}\"", Syntax::Toml)?;
/// assert_eq!(config.default_level, hydra_logger::Level::Debug);
/// # Ok(())
/// # }
/// ```
///
/// Example: what a program has set goes first, then the environment.
/// ```
/// use hydra_logger::config::{Loader, LoggingConfig};
///
/// let loader = Loader::new().environment(|name| (name == "HYDRA_LOG_DATE_FORMAT").then(|| "%d.%m.%Y".to_owned()));
/// let config = loader.fill(LoggingConfig::default())?;
/// let alone = loader.env()?;
/// assert!(config.date_format.as_deref() == Some("%d.%m.%Y") && config.date_format == alone.date_format);
/// assert!(loader.file("no such file.toml").is_err());
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub struct Loader {
    environment: Box<Lookup>,
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").finish_non_exhaustive()
    }
}

impl Default for Loader {
    fn default() -> Loader {
        Loader {
            environment: Box::new(|name| std::env::var(name).ok()),
        }
    }
}

impl Loader {
    /// Reads with the environment of the process.
    pub fn new() -> Loader {
        Loader::default()
    }

    /// Reads with another environment.
    #[must_use]
    pub fn environment(mut self, lookup: impl Fn(&str) -> Option<String> + 'static) -> Loader {
        self.environment = Box::new(lookup);
        self
    }

    /// Reads a file, and those that it extends.
    ///
    /// # Errors
    /// Names everything that is wrong; see [`Error::report`].
    pub fn file(&self, path: impl AsRef<Path>) -> Result<LoggingConfig, Error> {
        let path = path.as_ref();
        let mut chain = Chain::new(&*self.environment);
        let tree = chain.load(path);
        finish(Some(path.display().to_string()), tree, chain.findings)
    }

    /// Returns the place of a key, or of the nearest thing around it that is written.
    pub(crate) fn locate(&self, path: &Path, key: &KeyPath) -> Option<At> {
        let tree = Chain::new(&*self.environment).load(path)?;
        Some(tree.locate(key))
    }

    /// Reads a text. It cannot extend a file.
    ///
    /// # Errors
    /// Names everything that is wrong; see [`Error::report`].
    pub fn text(&self, text: &str, syntax: Syntax) -> Result<LoggingConfig, Error> {
        let mut findings = Vec::new();
        let tree = document(text, syntax, &Arc::from("<text>"), &*self.environment, &mut findings);
        if let Some(entry) = tree.as_ref().and_then(|tree| tree.entry("extends")) {
            let finding = entry
                .at
                .finding("extends", "a text has no place from which to find other files");
            findings.push(finding.suggest("write it to a file"));
        }
        finish(None, tree, findings)
    }

    /// The environment, for what is read besides files.
    pub(crate) fn lookup(&self) -> Environment<'_> {
        &*self.environment
    }
}

fn finish(subject: Option<String>, tree: Option<Node>, findings: Vec<Finding>) -> Result<LoggingConfig, Error> {
    let read = match tree {
        Some(tree) => read::config(&tree, findings),
        None => Err(findings),
    };
    read.map_err(|mut findings| {
        findings.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
        Error::configuration(subject, findings)
    })
}

/// Parses a document and puts the environment into it.
pub(crate) fn document(
    text: &str,
    syntax: Syntax,
    file: &Arc<str>,
    environment: Environment<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Node> {
    match parse::document(text, syntax, file) {
        Ok(mut tree) => {
            expand::tree(&mut tree, &KeyPath::default(), environment, findings);
            Some(tree)
        }
        Err(more) => {
            findings.extend(more);
            None
        }
    }
}
