//! What time it is for a logger: the machine's, or in tests what they say.

/// Where a logger's calls take the time from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Timepiece {
    #[default]
    Machine,
    #[cfg(feature = "testing")]
    Manual(crate::testing::ManualClock),
}

impl Timepiece {
    /// Returns the wall-clock time, for a record's stamp.
    #[inline]
    pub(crate) fn wall_ns(&self) -> i64 {
        match self {
            Timepiece::Machine => hydra_os::clock::wall_ns(),
            #[cfg(feature = "testing")]
            Timepiece::Manual(clock) => clock.wall_ns(),
        }
    }

    /// Returns the milliseconds since some fixed moment, 1 at least; for stretches of time.
    pub(crate) fn mono_ms(&self) -> u64 {
        let ns = match self {
            Timepiece::Machine => hydra_os::clock::mono_ns(),
            #[cfg(feature = "testing")]
            Timepiece::Manual(clock) => clock.elapsed_ns(),
        };
        ns / 1_000_000 + 1
    }

    /// Says whether time goes by itself.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Timepiece::Machine)
    }
}
