//! A named way for records: a level and destinations.

use hydra_record::Level;

use super::destination::LogDestination;

/// A layer: the least level that it takes, and where its records go.
///
/// A layer without destinations discards what it takes, counted.
///
/// # Examples
/// ```
/// use hydra_logger::config::{LogDestination, LogLayer};
/// use hydra_record::Level;
/// let layer = LogLayer::new(Level::Info).destination(LogDestination::console());
/// assert_eq!(layer.destinations.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LogLayer {
    /// The least level; none: the `default_level` of the configuration.
    pub level: Option<Level>,
    /// Where its records go.
    pub destinations: Vec<LogDestination>,
}

impl LogLayer {
    /// Makes a layer of that level; [`LogLayer::default`] makes one that inherits it.
    pub fn new(level: Level) -> LogLayer {
        LogLayer {
            level: Some(level),
            destinations: Vec::new(),
        }
    }

    /// Adds a destination.
    #[must_use]
    pub fn destination(mut self, destination: LogDestination) -> LogLayer {
        self.destinations.push(destination);
        self
    }
}
