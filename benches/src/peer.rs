//! What a logger has to offer to be compared, and how a scenario is run with it.

use std::path::PathBuf;

use crate::workload::Event;

/// Any error: the harness only reports it.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Where a peer writes, and in which format.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The folder of this run; it is empty at the start.
    pub(crate) dir: PathBuf,
    pub(crate) format: Format,
    pub(crate) destinations: Destinations,
}

impl Setup {
    /// The file of the only, or the first, destination.
    pub(crate) fn first(&self) -> PathBuf {
        self.dir.join("first.log")
    }

    /// The file of the second destination, if there is one.
    pub(crate) fn second(&self) -> Option<PathBuf> {
        (self.destinations == Destinations::Two).then(|| self.dir.join("second.log"))
    }

    /// All files that have to hold every record.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        [Some(self.first()), self.second()].into_iter().flatten().collect()
    }
}

/// The format of the output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// The peer's own usual line with time, level and message.
    Plain,
    /// The peer's own JSON with time, level, message and the five fields.
    Json,
}

/// How many files get every record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Destinations {
    One,
    Two,
}

/// A logger under comparison. It is started in a process of its own, so it may set globals.
pub(crate) trait Peer: Sync + Sized {
    /// Starts it as its documentation advises for writing to a file, losing nothing when the queue is full.
    fn start(setup: &Setup) -> Result<Self, Error>;

    /// Logs the message with its three arguments at INFO.
    fn message(&self, event: &Event);

    /// Logs the message, and its three arguments and two more as fields, at INFO.
    fn fields(&self, event: &Event);

    /// Logs at a level that is switched off.
    fn disabled(&self, event: &Event);

    /// Shuts down in the clean way: afterwards everything has been handed to the system.
    fn finish(self) -> Result<(), Error>;
}
