//! What can go wrong, said to the person who must mend it.
//!
//! An [`Error`] is opaque: match on its [`kind`](Error::kind), print it for people, and follow
//! [`source`](std::error::Error::source) for the cause. Its text names what was being done, to what, why it failed and
//! what to do. A configuration error carries every [`Finding`] at once, so that one run mends one file.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::config::{At, KeyPath};

/// Any failure of the logger.
///
/// # Examples
/// ```
/// use hydra_logger::error::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Journal, "open the journal")
///     .at("logs/.journal")
///     .because("process 4711 owns it")
///     .advise("stop that process, or choose another journal.dir");
/// assert_eq!(
///     error.to_string(),
///     "cannot open the journal `logs/.journal`: process 4711 owns it; \
///      stop that process, or choose another journal.dir"
/// );
/// assert_eq!(error.kind(), ErrorKind::Journal);
/// ```
///
/// Example: what is wrong with a configuration, one by one; and an error of another crate's as the cause.
/// ```
/// use hydra_logger::{Error, ErrorKind, LogDestination, LogLayer, LoggingConfig};
///
/// let console = LogDestination::console().backup_count(3);
/// let error = LoggingConfig::builder().layer("API", LogLayer::default().destination(console)).build().unwrap_err();
/// assert_eq!((error.kind(), error.report().len()), (ErrorKind::Configuration, 1));
/// assert!(error.report()[0].key.starts_with("layers.API.destinations"));
///
/// let error = Error::new(ErrorKind::Journal, "open the journal").from_source(std::fmt::Error);
/// assert!(std::error::Error::source(&error).is_some() && error.ended_at().is_none());
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Box<Inner>,
}

/// What an [`Error`] is about.
///
/// # Examples
/// ```
/// use hydra_logger::{ErrorKind, HydraLogger, LoggingConfig};
/// use std::time::Duration;
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// log.shutdown(Duration::from_secs(5))?;
/// match log.info("API", "too late").wait() {
///     Err(error) if error.kind() == ErrorKind::Closed => {}
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration is wrong; see [`Error::report`].
    Configuration,
    /// The journal cannot do its part.
    Journal,
    /// A destination cannot do its part.
    Destination,
    /// The logger is shut down.
    Closed,
    /// The time allowed ran out.
    Timeout,
    /// A record is past the limit of its size.
    TooLarge,
    /// What was asked for is not built.
    Unsupported,
    /// The call came from within another call of the same thread: from a signal's handler that interrupted it, or from
    /// a value that logs while it is rendered, more than eight deep.
    Nested,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ErrorKind::Configuration => "the configuration is wrong",
            ErrorKind::Journal => "the journal cannot do its part",
            ErrorKind::Destination => "a destination cannot do its part",
            ErrorKind::Closed => "the logger is shut down",
            ErrorKind::Timeout => "the time allowed ran out",
            ErrorKind::TooLarge => "the record is too large",
            ErrorKind::Unsupported => "what was asked for is not built",
            ErrorKind::Nested => "the call was made within another call",
        })
    }
}

/// Where a record is that the journal did not take: the steps of the fallback chain, in order.
///
/// # Examples
/// ```
/// use hydra_logger::{FallbackStep, HydraLogger, LoggingConfig};
/// use std::time::Duration;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("emergency.jsonl");
/// let log = HydraLogger::new(LoggingConfig::builder().emergency_file(&path).build()?)?;
/// log.shutdown(Duration::from_secs(5))?;
/// let error = log.info("API", "too late").wait().unwrap_err();
/// assert_eq!(error.ended_at(), Some(FallbackStep::EmergencyFile));
/// assert!(std::fs::read_to_string(&path)?.contains("too late"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FallbackStep {
    /// Every destination that wants it has it: the call wrote it there itself.
    Direct,
    /// A destination's configured `fallback` has it.
    Fallback,
    /// The emergency file has it.
    EmergencyFile,
    /// It was written to standard error.
    StandardError,
    /// Nothing took it, not even standard error. It is counted.
    Lost,
}

impl fmt::Display for FallbackStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.told())
    }
}

impl FallbackStep {
    fn told(self) -> &'static str {
        match self {
            FallbackStep::Direct => "it was written to its destinations directly",
            FallbackStep::Fallback => "a fallback has it",
            FallbackStep::EmergencyFile => "the emergency file has it",
            FallbackStep::StandardError => "it was written to standard error",
            FallbackStep::Lost => "it is lost: standard error did not take it either",
        }
    }
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    doing: Cow<'static, str>,
    subject: Option<String>,
    cause: Option<String>,
    advice: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    findings: Vec<Finding>,
    /// Where in the configuration the cause stands.
    key: Option<KeyPath>,
    /// Where the record is that it is about.
    step: Option<FallbackStep>,
}

impl Error {
    /// Begins an error; `doing` completes the sentence "cannot …", such as `"open the journal"`.
    pub fn new(kind: ErrorKind, doing: impl Into<Cow<'static, str>>) -> Error {
        let inner = Inner {
            kind,
            doing: doing.into(),
            subject: None,
            cause: None,
            advice: None,
            source: None,
            findings: Vec::new(),
            key: None,
            step: None,
        };
        Error { inner: Box::new(inner) }
    }

    /// Makes the error of a configuration that has these findings; `subject` is the file, if there is one.
    pub(crate) fn configuration(subject: Option<String>, findings: Vec<Finding>) -> Error {
        let mut error = Error::new(ErrorKind::Configuration, "use the configuration");
        error.inner.subject = subject;
        error.inner.findings = findings;
        error
    }

    /// Names the key of the configuration that it is about.
    pub(crate) fn about(mut self, key: &KeyPath) -> Error {
        self.inner.key = Some(key.clone());
        self.at(key)
    }

    /// Names the place in a file, if it is about a key; `locate` knows where that is.
    pub(crate) fn in_file(mut self, file: &str, locate: impl FnOnce(&KeyPath) -> Option<At>) -> Error {
        let text = self.to_string();
        if let Some(key) = self.inner.key.take()
            && self.inner.findings.is_empty()
            && let Some(at) = locate(&key)
        {
            self.inner.findings.push(at.finding(key, text));
            self.inner.subject = Some(file.to_owned());
        }
        self
    }

    /// Names what it was being done to: a path, a layer, a key.
    #[must_use]
    pub fn at(mut self, subject: impl fmt::Display) -> Error {
        self.inner.subject = Some(subject.to_string());
        self
    }

    /// Says why it failed.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Error {
        self.inner.cause = Some(cause.to_string());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl fmt::Display) -> Error {
        self.inner.advice = Some(advice.to_string());
        self
    }

    /// Keeps the error that caused this one; its text is the cause unless [`because`](Error::because) gives another.
    #[must_use]
    pub fn from_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.inner.source = Some(Arc::new(source));
        self
    }

    /// Says where the record is that it is about.
    pub(crate) fn ended_at_step(mut self, step: FallbackStep) -> Error {
        self.inner.step = Some(step);
        self.advise(step.told())
    }

    /// Returns where the record is that could not be accepted; with more than one destination, the last step that it
    /// came to. `None` when the error is about something else, or the record is nowhere: one that is too large, one of
    /// a forked child, or of a signal's handler that interrupted another call.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::{ErrorKind, FallbackStep, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};
    /// use std::time::Duration;
    /// let dir = tempfile::tempdir()?;
    /// let config = LoggingConfig::builder()
    ///     .layer("APP", LogLayer::new(Level::Info).destination(LogDestination::file(dir.path().join("app.log"))))
    ///     .emergency_file(dir.path().join("emergency.jsonl"))
    ///     .build()?;
    /// let log = HydraLogger::new(config)?;
    /// log.shutdown(Duration::from_secs(5))?;
    /// let error = log.info("APP", "too late").wait().unwrap_err();
    /// assert_eq!((error.kind(), error.ended_at()), (ErrorKind::Closed, Some(FallbackStep::EmergencyFile)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ended_at(&self) -> Option<FallbackStep> {
        self.inner.step
    }

    /// Returns what the error is about.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns everything that is wrong with the configuration, in the order of files and lines; empty for others.
    pub fn report(&self) -> &[Finding] {
        &self.inner.findings
    }

    fn write_findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.inner.findings.len();
        let errors = if count == 1 { "error" } else { "errors" };
        match &self.inner.subject {
            Some(subject) => write!(f, "the configuration `{subject}` has {count} {errors}:")?,
            None => write!(f, "the configuration has {count} {errors}:")?,
        }
        for finding in &self.inner.findings {
            write!(f, "\n  {finding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.inner.findings.is_empty() {
            return self.write_findings(f);
        }
        write!(f, "cannot {}", self.inner.doing)?;
        if let Some(subject) = &self.inner.subject {
            write!(f, " `{subject}`")?;
        }
        match (&self.inner.cause, &self.inner.source) {
            (Some(cause), _) => write!(f, ": {cause}")?,
            (None, Some(source)) => write!(f, ": {source}")?,
            (None, None) => {}
        }
        if let Some(advice) = &self.inner.advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({self})", self.inner.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

/// One thing that is wrong with a configuration, and where.
///
/// Prints as `file:line:column: key: message; suggestion`, leaving out what is not known.
///
/// # Examples
/// ```
/// use hydra_logger::LoggingConfig;
/// use hydra_logger::config::Syntax;
///
/// # #[cfg(feature = "toml")] {
/// let error = LoggingConfig::from_text("default_levle = 1", Syntax::Toml).unwrap_err();
/// let finding = &error.report()[0];
/// assert_eq!((finding.line, finding.column), (Some(1), Some(1)));
/// assert!(finding.to_string().contains("default_level"));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The file, or the environment; none for a configuration made in code.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The path of the key, such as `layers.API.destinations[0].format`; empty if it is about the whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do, such as the nearest valid key.
    pub suggestion: Option<String>,
}

impl Finding {
    /// Makes a finding without a place.
    pub(crate) fn new(key: impl fmt::Display, message: impl Into<String>) -> Finding {
        Finding {
            file: None,
            line: None,
            column: None,
            key: key.to_string(),
            message: message.into(),
            suggestion: None,
        }
    }

    /// Says what to do.
    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Finding {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Says in which file it is, as a whole.
    pub(crate) fn in_file(mut self, file: impl Into<String>) -> Finding {
        self.file = Some(file.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; {suggestion}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    /// The cause is kept, and its text is printed when no other is given.
    #[test]
    fn keeps_its_source() {
        let source = std::io::Error::other("the disk is gone");
        let error = Error::new(ErrorKind::Destination, "write to")
            .at("a.log")
            .from_source(source);
        assert_eq!(error.to_string(), "cannot write to `a.log`: the disk is gone");
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("the disk is gone")
        );
        assert_eq!(error.clone().kind(), ErrorKind::Destination);
    }

    /// A configuration error prints every finding on a line of its own.
    #[test]
    fn prints_every_finding() {
        let one = Finding::new("layers.A", "unknown key").suggest("did you mean `level`?");
        let two = Finding::new("", "the document is empty").in_file("b.toml");
        let error = Error::configuration(Some("b.toml".to_owned()), vec![one, two]);
        assert_eq!(
            error.to_string(),
            "the configuration `b.toml` has 2 errors:\n  layers.A: unknown key; did you mean `level`?\n  \
             b.toml: the document is empty"
        );
        assert_eq!(error.report().len(), 2);
    }
}
