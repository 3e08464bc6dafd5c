//! What has happened to a record when the call that logged it returns.

use crate::config::choice::choices;

choices! {
    /// How safe a record is when its call returns (or its future resolves), weakest first.
    ///
    /// Each is named by what it survives. `Journaled` and `Synced` need a journal directory; asking for one of them
    /// without is a configuration error.
    ///
    /// ```
    /// use hydra_logger::Guarantee;
    /// assert!(Guarantee::Synced > Guarantee::Journaled);
    /// assert!(Guarantee::Synced.needs_directory() && !Guarantee::Delivered.needs_directory());
    /// ```
    Guarantee, "guarantee";
    /// The record is in the memory of this process: survives nothing, drained on an orderly exit.
    Queued = "queued",
    /// The record is published in the file-backed journal: survives the death of the process.
    Journaled = "journaled",
    /// The journal is on the device past the record: survives a power loss.
    Synced = "synced",
    /// Every destination that wants the record has acknowledged it: survives the loss of the machine, if one is remote.
    Delivered = "delivered",
}

impl Guarantee {
    /// Whether the guarantee can only be given by a journal that lies in a directory.
    pub const fn needs_directory(self) -> bool {
        matches!(self, Guarantee::Journaled | Guarantee::Synced)
    }
}
