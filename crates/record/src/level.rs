//! How much an event matters.

use std::fmt;
use std::str::FromStr;

/// The severity of a record, ordered: `Trace < Debug < Info < Warning < Error < Critical`.
///
/// The numbers are those of the original system (and of Python's `logging`); `Trace` is there so that the `log` and
/// `tracing` crates lose nothing.
///
/// # Examples
/// ```
/// use hydra_record::Level;
/// assert!(Level::Error > Level::Warning);
/// assert_eq!("warn".parse::<Level>().unwrap(), Level::Warning);
/// assert_eq!(Level::Critical.severity(), 2);
/// assert_eq!((Level::Warning.name(), Level::Warning.number()), ("WARNING", 30));
/// assert_eq!(Level::from_number(40), Some(Level::Error));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Finer than debugging: the path through a function.
    Trace = 5,
    /// For whoever looks for a fault.
    Debug = 10,
    /// Normal operation.
    Info = 20,
    /// Something unexpected that was dealt with.
    Warning = 30,
    /// An operation failed.
    Error = 40,
    /// The program cannot go on as it should.
    Critical = 50,
}

impl Level {
    /// All levels, least first.
    pub const ALL: [Level; 6] = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warning,
        Level::Error,
        Level::Critical,
    ];

    /// Returns the upper-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Trace => "TRACE",
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
            Level::Critical => "CRITICAL",
        }
    }

    /// Returns the level's number, 5 to 50.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the level with that number.
    pub const fn from_number(number: u8) -> Option<Level> {
        match number {
            5 => Some(Level::Trace),
            10 => Some(Level::Debug),
            20 => Some(Level::Info),
            30 => Some(Level::Warning),
            40 => Some(Level::Error),
            50 => Some(Level::Critical),
            _ => None,
        }
    }

    /// Returns the severity of RFC 5424 (and GELF): 7 for debugging, 2 for critical.
    pub const fn severity(self) -> u8 {
        match self {
            Level::Trace | Level::Debug => 7,
            Level::Info => 6,
            Level::Warning => 4,
            Level::Error => 3,
            Level::Critical => 2,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLevel(String);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown level `{}`; the levels are TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL",
            self.0
        )
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Reads a name in any case; `WARN` and `FATAL` are taken as `WARNING` and `CRITICAL`.
    fn from_str(text: &str) -> Result<Level, UnknownLevel> {
        let name = text.trim();
        let aliased = match name {
            _ if name.eq_ignore_ascii_case("warn") => "WARNING",
            _ if name.eq_ignore_ascii_case("fatal") => "CRITICAL",
            other => other,
        };
        Level::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(aliased))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every level survives the trip through its name and through its number.
    #[test]
    fn round_trips() {
        for level in Level::ALL {
            assert_eq!(level.name().to_lowercase().parse(), Ok(level));
            assert_eq!(Level::from_number(level.number()), Some(level));
        }
        assert!("LOUD".parse::<Level>().is_err());
    }
}
