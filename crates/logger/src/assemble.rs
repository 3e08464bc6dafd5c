//! A configuration becomes a running logger.

use std::sync::Arc;

use hydra_head::Head;
use hydra_journal::{Journal, Options};
use hydra_os::atomic::Mutex;
use hydra_os::{clock, process, random};
use hydra_record::{Origin, Taker};

use crate::config::{CENTRALIZED, Kind, LogDestination, LogLayer, LoggingConfig, Stream};
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::layer::DEFAULT;
use crate::outlet::Outlet;
use crate::suppress::watch;
use crate::timepiece::Timepiece;

/// A large journal has about so many files, as long as they are not larger than [`SEGMENT_BYTES_MAX`].
const SEGMENTS_MAX: u64 = 1024;
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

pub(crate) mod adopt;
mod formats;
mod late;
pub(crate) mod plan;

/// Builds the journal and a head for every destination, and takes over what dead processes left.
pub(crate) fn assemble(config: LoggingConfig) -> Result<Arc<Core>, Error> {
    assemble_with(config, Timepiece::Machine)
}

/// Likewise, with the time from `timepiece`.
pub(crate) fn assemble_with(config: LoggingConfig, timepiece: Timepiece) -> Result<Arc<Core>, Error> {
    let config = checked(config)?;
    clock::calibrate();
    let problems = Arc::new(Mutex::new(Vec::new()));
    // Destinations first: a path that cannot be written is found before anything is made.
    let wishes = plan::wishes(&config)?;
    let specs = wishes.iter().enumerate();
    let specs = specs.map(|(number, wish)| plan::spec(&config, wish, number as u32, &[]));
    let mut specs = specs.collect::<Result<Vec<_>, _>>()?;
    let adopted = adopt::adopt(&config, &problems)?;
    adopt::announce_resumes(specs.iter_mut(), &adopted);
    let journal = open_journal(&config)?;
    let mut outlets = Vec::new();
    for (wish, spec) in wishes.iter().zip(specs) {
        let number = spec.number;
        let head = Head::start(spec, &journal, &adopted).map_err(not_started)?;
        outlets.push(outlet(wish, number, head));
    }
    let takers = plan::takers(&wishes);
    drop(wishes);
    let core = Arc::new(Core::new(
        config, takers, journal, outlets, adopted, problems, timepiece,
    ));
    adopt::finish_recovery(&core)?;
    watch::start(&core, &core.config())?;
    crate::shutdown::register(&core)?;
    Ok(core)
}

/// Returns the configuration as a logger uses it, if it can.
pub(crate) fn checked(config: LoggingConfig) -> Result<LoggingConfig, Error> {
    let config = config.with_env()?;
    config.validate()?;
    refuse_what_is_not_built(&config)?;
    Ok(with_default_layer(config))
}

pub(crate) fn outlet(wish: &plan::Wish<'_>, number: u32, head: Head) -> Arc<Outlet> {
    Arc::new(Outlet {
        key: Taker::key_of(&wish.name),
        number,
        setup: wish.setup.clone(),
        head,
        rescued: Default::default(),
    })
}

pub(crate) fn not_started(error: hydra_head::Error) -> Error {
    Error::new(ErrorKind::Destination, "start a destination").from_source(error)
}

/// A call may name any layer: what no configured one takes goes to `DEFAULT`, which is made if there is none. The last
/// resort is standard error.
fn with_default_layer(mut config: LoggingConfig) -> LoggingConfig {
    if !config.layers.contains_key(DEFAULT) && !config.layers.contains_key(CENTRALIZED) {
        let destination = LogDestination::console().stream(Stream::Stderr);
        config
            .layers
            .insert(DEFAULT.to_owned(), LogLayer::default().destination(destination));
    }
    config
}

fn refuse_what_is_not_built(config: &LoggingConfig) -> Result<(), Error> {
    let refuse = |layer: &str, what: String| {
        let cause = format!("{what} is not built yet");
        Err(Error::new(ErrorKind::Unsupported, "build a logger with layer")
            .at(layer)
            .because(cause))
    };
    for (name, layer) in &config.layers {
        for destination in &layer.destinations {
            if let Kind::NotBuilt(remote) = &destination.kind {
                return refuse(name, format!("the destination type `{}`", remote.name()));
            }
            let fallback = destination.fallback.as_deref().map(|fallback| &fallback.kind);
            if let Some(Kind::NotBuilt(remote)) = fallback {
                return refuse(name, format!("the destination type `{}` of a fallback", remote.name()));
            }
        }
    }
    Ok(())
}

fn open_journal(config: &LoggingConfig) -> Result<Journal, Error> {
    let mut preamble = Vec::new();
    let origin = Origin {
        process: process::id(),
        program: process::name(),
        host: process::host(),
        instance: random::bytes16(),
    };
    origin.put(&mut preamble);
    let defaults = Options::default();
    let quota_bytes = config.journal.max_size.bytes();
    let segment_bytes = match config.journal.segment_size {
        Some(size) => size.bytes() as usize,
        // A small quota still has to hold several segments, a large one not too many files.
        None => {
            let few = (quota_bytes / SEGMENTS_MAX).clamp(defaults.segment_bytes as u64, SEGMENT_BYTES_MAX);
            (few.min(quota_bytes / 8) as usize).max(hydra_journal::SEGMENT_BYTES_MIN)
        }
    };
    let options = Options {
        dir: config.journal.dir.clone(),
        segment_bytes,
        quota_bytes,
        preamble,
        allow_network: config.journal.allow_network,
    };
    Journal::create(options).map_err(no_journal)
}

/// The directory is not one in which there can be a journal. None in memory takes its place: that would promise less
/// than was asked for.
fn no_journal(error: hydra_journal::Error) -> Error {
    let advice = "name a directory that this process may write to in `journal.dir`, or leave it out to log without a \
                  journal on disk; `journal.allow_network` is for one on a network file system";
    Error::new(ErrorKind::Journal, "open the journal")
        .from_source(error)
        .advise(advice)
}
