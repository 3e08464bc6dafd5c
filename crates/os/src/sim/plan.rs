//! What a life is in for.

/// How a life is ended, if it does not end by itself before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Death {
    /// It is not.
    #[default]
    None,
    /// The process is killed after so many steps: its page cache survives.
    Kill(u64),
    /// The power goes after so many steps.
    PowerCut(u64),
}

/// How likely each fault is: one in so many calls, 0 for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A write is refused or takes less than it was given.
    pub write: u64,
    /// Of those, one in so many casts doubt on the device (`EIO`); the others are a full disk.
    pub device: u64,
    /// A sync of data fails; the pages count as clean from then on, and some are not on the device.
    pub sync: u64,
    /// A sync of a directory fails.
    pub sync_dir: u64,
    /// A file is not renamed or removed.
    pub rename: u64,
    /// A file is not opened (`EMFILE`).
    pub open: u64,
    /// Blocks are not to be had.
    pub allocate: u64,
    /// A read fails.
    pub read: u64,
    /// A thread is not started.
    pub spawn: u64,
    /// A call to the disk takes seconds.
    pub slow: u64,
    /// At a switch of threads the wall clock is set by up to a day.
    pub clock: u64,
}

/// How the world behaves during one life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps between two points where the baton is passed on unasked, on average.
    pub switch_every: u64,
    /// Whether threads have priorities that change now and then, instead of all the same chance.
    pub priorities: bool,
    /// One in so many switches wakes a waiting thread for no reason; 0 for never.
    pub spurious: u64,
    /// One in so many switches the system writes some page back by itself; 0 for never.
    pub write_back: u64,
    /// The end.
    pub death: Death,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Plan {
    /// A world in which nothing goes wrong.
    fn default() -> Self {
        Self {
            switch_every: 1_000,
            priorities: false,
            spurious: 0,
            write_back: 0,
            death: Death::None,
            faults: Faults::default(),
        }
    }
}
