//! Performance modes: speed and memory, and nothing else.

use super::{ByteSize, Kind, LogDestination, LoggingConfig};

/// What a logger's buffers and the files of its journal are sized for.
///
/// A mode changes how many bytes are gathered and how large a file of the journal is, where the configuration does not
/// say it itself. It changes no byte of any record, no guarantee, level or destination, and what becomes of a full
/// journal or a failing destination.
///
/// | mode | gathered before a write | a file of the journal | gives |
/// |---|---|---|---|
/// | `MinimalFeatures` | 16 KB | 1 MB | the least memory |
/// | `BareMetal` | 2 MB | 16 MB | the fewest system calls |
/// | `ThroughputOptimized` | 1 MB | 16 MB | records a second |
/// | `LatencyCritical` | 16 KB | 32 MB | few ends of files for callers to meet; short writes |
///
/// # Examples
/// ```
/// use hydra_logger::config::{LoggingConfig, Performance};
///
/// for mode in Performance::ALL {
///     let config = LoggingConfig::default().performance(mode);
///     assert_eq!(config.layers.len(), 1); // nothing else has changed
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Performance {
    /// The least memory.
    MinimalFeatures,
    /// The fewest system calls.
    BareMetal,
    /// The most records a second.
    ThroughputOptimized,
    /// The least time of a call, and from a call to its destination.
    LatencyCritical,
}

impl Performance {
    /// All modes.
    pub const ALL: [Performance; 4] = [
        Performance::MinimalFeatures,
        Performance::BareMetal,
        Performance::ThroughputOptimized,
        Performance::LatencyCritical,
    ];

    fn buffer_size(self) -> ByteSize {
        match self {
            Performance::MinimalFeatures | Performance::LatencyCritical => ByteSize::kb(16),
            Performance::BareMetal => ByteSize::mb(2),
            Performance::ThroughputOptimized => ByteSize::mb(1),
        }
    }

    fn segment_size(self) -> ByteSize {
        match self {
            Performance::MinimalFeatures => ByteSize::mb(1),
            Performance::BareMetal | Performance::ThroughputOptimized => ByteSize::mb(16),
            Performance::LatencyCritical => ByteSize::mb(32),
        }
    }
}

impl LoggingConfig {
    /// Sizes buffers and the journal's files for `mode`; those that are configured stay as they are.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::config::{ByteSize, LogDestination, LogLayer, LoggingConfig, Performance};
    /// use hydra_logger::Level;
    /// # fn main() -> Result<(), hydra_logger::error::Error> {
    /// let file = LogDestination::file("app.log");
    /// let config = LoggingConfig::builder().layer("APP", LogLayer::new(Level::Info).destination(file)).build()?;
    /// let config = config.performance(Performance::ThroughputOptimized);
    /// assert_eq!(config.layers["APP"].destinations[0].buffer_size, Some(ByteSize::mb(1)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn performance(mut self, mode: Performance) -> LoggingConfig {
        for destination in self.layers.values_mut().flat_map(|layer| &mut layer.destinations) {
            size(destination, mode);
        }
        // A small journal still has to hold several files.
        let segment = ByteSize::new(mode.segment_size().bytes().min(self.journal.max_size.bytes() / 8));
        if segment >= super::keys::SEGMENT_SIZE_MIN {
            self.journal.segment_size.get_or_insert(segment);
        }
        self
    }
}

fn size(destination: &mut LogDestination, mode: Performance) {
    if matches!(destination.kind, Kind::File(_)) {
        destination.buffer_size.get_or_insert(mode.buffer_size());
    }
    if let Some(fallback) = &mut destination.fallback {
        size(fallback, mode);
    }
}
