//! The peers: one file each, and the list of all.

mod facade;
mod fern;
mod flexi;
#[cfg(feature = "hydra")]
mod hydra;
#[cfg(feature = "hydra")]
mod hydra_macros;
mod log4rs;
mod logforth;
mod slog;
mod spdlog;
mod tracing;

use crate::child::{self, Job, Measured};
use crate::peer::Error;

/// A peer in the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The name for `--only` and in the tables.
    pub(crate) name: &'static str,
    /// How it was set up, for the report.
    pub(crate) setup: &'static str,
    /// What is run for it.
    pub(crate) runner: Runner,
    /// Whether it brings back records after a crash when it is started again.
    pub(crate) recovers: bool,
}

/// How a peer is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    /// This program, started again as a child.
    Own(fn(&Job) -> Result<Measured, Error>),
    /// The program compiled from `cpp/spdlog.cpp`.
    Cpp,
}

const fn peer(name: &'static str, setup: &'static str, run: fn(&Job) -> Result<Measured, Error>) -> Entry {
    Entry {
        name,
        setup,
        runner: Runner::Own(run),
        recovers: false,
    }
}

#[cfg(feature = "hydra")]
const fn ours(name: &'static str, setup: &'static str, run: fn(&Job) -> Result<Measured, Error>) -> Entry {
    Entry {
        name,
        setup,
        runner: Runner::Own(run),
        recovers: true,
    }
}

/// Every peer, ours first.
pub(crate) const ALL: &[Entry] = &[
    #[cfg(feature = "hydra")]
    ours(
        "hydra",
        "sync handle, file-backed journal",
        child::drive::<hydra::Journaled>,
    ),
    #[cfg(feature = "hydra")]
    ours(
        "hydra-async",
        "async handle, file-backed journal, each call awaited",
        child::drive::<hydra::Awaited>,
    ),
    #[cfg(feature = "hydra")]
    peer(
        "hydra-memory",
        "sync handle, in-memory journal",
        child::drive::<hydra::Queued>,
    ),
    #[cfg(feature = "hydra")]
    ours(
        "hydra-tracing",
        "behind the macros of tracing, file-backed journal",
        child::drive::<hydra_macros::Tracing>,
    ),
    #[cfg(feature = "hydra")]
    ours(
        "hydra-log",
        "behind the macros of log, file-backed journal",
        child::drive::<hydra_macros::Log>,
    ),
    Entry {
        name: "spdlog-cpp",
        setup: "C++, synchronous file sink",
        runner: Runner::Cpp,
        recovers: false,
    },
    peer(
        "tracing-buffered",
        "buffered writer behind a lock",
        child::drive::<tracing::Buffered>,
    ),
    peer(
        "tracing-appender",
        "non-blocking writer, not lossy",
        child::drive::<tracing::NonBlocking>,
    ),
    peer("flexi_logger", "asynchronous write mode", child::drive::<flexi::Flexi>),
    peer(
        "spdlog-rs",
        "asynchronous pool sink, blocking when full",
        child::drive::<spdlog::Spdlog>,
    ),
    peer(
        "slog-async",
        "asynchronous drain, blocking when full",
        child::drive::<slog::SlogAsync>,
    ),
    peer("log4rs", "file appender", child::drive::<log4rs::Log4rs>),
    peer("fern", "file output", child::drive::<fern::Fern>),
    peer(
        "logforth",
        "asynchronous appender to a file",
        child::drive::<logforth::Logforth>,
    ),
];
