//! A named way for records: a level and destinations.

use std::time::Duration;

use hydra_record::Level;

use super::destination::LogDestination;
use super::suppression::{Rate, Suppression};

/// A layer: the least level that it takes, and where its records go.
///
/// A layer without destinations discards what it takes, counted.
///
/// # Examples
/// ```
/// use hydra_logger::config::{LogDestination, LogLayer};
/// use hydra_logger::Level;
/// let layer = LogLayer::new(Level::Info).destination(LogDestination::console());
/// assert_eq!(layer.destinations.len(), 1);
/// ```
///
/// # Example: a layer that cannot flood
/// ```
/// use hydra_logger::config::{LogDestination, LogLayer, Rate};
/// use hydra_logger::Level;
/// use std::time::Duration;
/// let layer = LogLayer::new(Level::Info)
///     .destination(LogDestination::console())
///     .limit(Rate::per_second(100))
///     .dedup(Duration::from_secs(1));
/// assert_eq!(layer.suppression.limit.map(|limit| limit.to_string()).as_deref(), Some("100/s"));
/// ```
///
/// # Example: a layer that is sampled, errors and all
/// ```
/// use hydra_logger::config::{LogLayer, Rate};
/// let layer = LogLayer::default().sample(0.1).site_limit(Rate::per_second(10)).suppress_guaranteed();
/// assert!(layer.suppression.is_on() && layer.suppression.guaranteed);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LogLayer {
    /// The least level; none: the `default_level` of the configuration.
    pub level: Option<Level>,
    /// Where its records go.
    pub destinations: Vec<LogDestination>,
    /// What it holds back, so that it cannot flood; nothing by default.
    pub suppression: Suppression,
}

impl LogLayer {
    /// Makes a layer of that level; [`LogLayer::default`] makes one that inherits it.
    pub fn new(level: Level) -> LogLayer {
        LogLayer {
            level: Some(level),
            ..LogLayer::default()
        }
    }

    /// Adds a destination.
    #[must_use]
    pub fn destination(mut self, destination: LogDestination) -> LogLayer {
        self.destinations.push(destination);
        self
    }

    /// Takes no more records than this. Those over it are counted, and told in a record when the time is over.
    ///
    /// Records that are synced or delivered when their call returns are always taken and use up nothing, here as in
    /// the following, unless [`LogLayer::suppress_guaranteed`] says otherwise.
    #[must_use]
    pub fn limit(mut self, limit: Rate) -> LogLayer {
        self.suppression.limit = Some(limit);
        self
    }

    /// Takes no more records than this from each place in the program that logs to the layer.
    #[must_use]
    pub fn site_limit(mut self, limit: Rate) -> LogLayer {
        self.suppression.site_limit = Some(limit);
        self
    }

    /// Takes this part of the records, from 0 to 1, at random. The rest is counted, and told about once a minute.
    #[must_use]
    pub fn sample(mut self, part: f64) -> LogLayer {
        self.suppression.sample = Some(part);
        self
    }

    /// Does not take a record again that was taken within `span`: one with the same level, message, fields, context
    /// and place in the program, from whichever thread. Repetitions are counted, and told when the time is over.
    #[must_use]
    pub fn dedup(mut self, span: Duration) -> LogLayer {
        self.suppression.dedup = Some(span);
        self
    }

    /// Lets limits, sampling and de-duplication hold back records as well that are synced or delivered when their call
    /// returns: by default ERROR and above.
    #[must_use]
    pub fn suppress_guaranteed(mut self) -> LogLayer {
        self.suppression.guaranteed = true;
        self
    }
}
