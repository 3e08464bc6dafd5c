//! What is measured.

use crate::peer::{Destinations, Format};

/// One thing to measure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scenario {
    /// The name for `--only` and in the raw data.
    pub(crate) name: &'static str,
    /// The head of its column.
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    pub(crate) format: Format,
    pub(crate) destinations: Destinations,
    pub(crate) threads: u64,
}

/// How the calls are made and what is taken down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// As many records as possible; the time from the first call until all lines are in the file.
    Throughput,
    /// The time of each call, one right after the other.
    LatencyFull,
    /// The time of each call, at [`PACE_PER_SECOND`] calls.
    LatencyPaced,
    /// Calls at a level that is off.
    Disabled,
    /// The process ends in mid-burst; how many of the records whose call had returned are missing.
    End(End),
    /// A promise of Hydra-Logger's own: see `alone`.
    Alone,
}

/// How a process ends without a shutdown of its logger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// SIGKILL.
    Kill,
    /// `std::process::exit`.
    Exit,
    /// `std::process::abort`.
    Abort,
}

/// Calls a second in the paced scenario.
pub(crate) const PACE_PER_SECOND: u64 = 100_000;

const fn single(name: &'static str, title: &'static str, kind: Kind) -> Scenario {
    Scenario {
        name,
        title,
        kind,
        format: Format::Plain,
        destinations: Destinations::One,
        threads: 1,
    }
}

/// All scenarios, in the order they run.
pub(crate) const ALL: [Scenario; 22] = [
    single("throughput-1", "plain, 1 thread", Kind::Throughput),
    Scenario {
        threads: 4,
        ..single("throughput-4", "plain, 4 threads", Kind::Throughput)
    },
    Scenario {
        format: Format::Json,
        ..single("throughput-json", "JSON, 5 fields", Kind::Throughput)
    },
    Scenario {
        destinations: Destinations::Two,
        ..single("throughput-two", "two destinations", Kind::Throughput)
    },
    single("latency-full", "full speed", Kind::LatencyFull),
    single("latency-paced", "paced at 100,000/s", Kind::LatencyPaced),
    single("disabled", "disabled level", Kind::Disabled),
    single("lost-kill", "SIGKILL", Kind::End(End::Kill)),
    single("lost-exit", "process::exit", Kind::End(End::Exit)),
    single("lost-abort", "abort", Kind::End(End::Abort)),
    single("alone-floor", "floor", Kind::Alone),
    single("alone-csv", "CSV", Kind::Alone),
    single("alone-syslog", "syslog", Kind::Alone),
    single("alone-gelf", "GELF", Kind::Alone),
    single("alone-logfmt", "logfmt", Kind::Alone),
    single("alone-crowd", "tokio tasks", Kind::Alone),
    single("alone-synced", "synced", Kind::Alone),
    single("alone-layers", "layers", Kind::Alone),
    single("alone-grown", "many records", Kind::Alone),
    single("alone-lanes", "lanes", Kind::Alone),
    single("alone-idle", "idle", Kind::Alone),
    single("alone-pipe", "hydra pipe", Kind::Alone),
];

/// The scenario of this name.
pub(crate) fn named(name: &str) -> Option<Scenario> {
    ALL.into_iter().find(|scenario| scenario.name == name)
}
