//! A configured destination becomes what a head needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hydra_format::Formatter;
use hydra_head::{Fallback, Retry, Spec, SyncPolicy};
use hydra_os::disk;
use hydra_record::{Level, Taker};
use hydra_sink as sink;
use hydra_sink::Sink;

use super::formats::formatter;
use super::late::LateFile;
use crate::config::KeyPath;
use crate::config::{
    Compress, ConsoleOptions, FileOptions, Fsync, Kind, LogDestination, LoggingConfig, Overflow, Rotate, Stream,
};
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::layer::Takers;
use crate::outlet::Setup;

/// About how many bytes go into one write, unless `buffer_size` says otherwise. After a crash a write may come twice.
const BATCH_BYTES: usize = 64 << 10;
/// Likewise, for a file, where no write comes twice: a large one costs the system less than several small ones.
const FILE_BATCH_BYTES: usize = 512 << 10;
/// Failures in a row after which a destination's fallback serves.
const FALLBACK_TRIES: u32 = 3;
/// How long after a write `fsync = "interval"` syncs a file at the latest.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// The file for records that a destination will never take, in the journal's directory.
const DEAD_LETTERS: &str = "dead-letters.jsonl";
/// The most bytes of a destination's name; the journal keeps 240, and a number may follow.
const CURSOR_NAME_BYTES: usize = 230;

/// A destination as it is configured, with the name that it has in every run.
#[derive(Debug)]
pub(crate) struct Wish<'c> {
    pub(crate) name: String,
    route: &'c str,
    destination: &'c LogDestination,
    pub(crate) setup: Setup,
    /// Where it stands in the configuration.
    key: KeyPath,
}

/// Returns the destinations that `config` asks for, in its order.
pub(crate) fn wishes(config: &LoggingConfig) -> Result<Vec<Wish<'_>>, Error> {
    let mut wishes: Vec<Wish<'_>> = Vec::new();
    for (route, layer) in &config.layers {
        let key = KeyPath::default().key("layers").key(route).key("destinations");
        for (index, destination) in layer.destinations.iter().enumerate() {
            let place = place_of(destination)?;
            let name = cursor_name(&format!("{route}|{place}"), |name| {
                wishes.iter().any(|wish| wish.name == name)
            });
            wishes.push(Wish {
                name,
                route,
                destination,
                setup: setup(config, route, destination),
                key: key.index(index),
            });
        }
    }
    Ok(wishes)
}

/// Returns who takes the records of each layer.
pub(crate) fn takers(wishes: &[Wish<'_>]) -> Takers {
    let mut takers = Takers::new();
    for wish in wishes {
        let level = wish.destination.level.map_or(0, Level::number);
        let taker = Taker {
            key: Taker::key_of(&wish.name),
            level,
        };
        takers.entry(wish.route.to_owned()).or_default().push(taker);
    }
    takers
}

/// Makes what a destination's head needs. Files are opened, so that a wrong path is an error now; but those in `late`
/// only when there is something to write, for they are still open with other options.
pub(crate) fn spec(config: &LoggingConfig, wish: &Wish<'_>, number: u32, late: &[PathBuf]) -> Result<Spec, Error> {
    let destination = wish.destination;
    let formatter = formatter(config, destination)?;
    let sink = open_sink(destination, &*formatter, late).map_err(|error| error.about(&wish.key))?;
    let fallback = fallback(config, destination, late).map_err(|error| error.about(&wish.key.key("fallback")))?;
    Ok(Spec {
        name: wish.name.clone(),
        number,
        route: wish.route.to_owned(),
        level: destination.level.unwrap_or(Level::Trace),
        formatter,
        sink,
        fallback,
        batch_bytes: batch_bytes(destination),
        one_by_one: destination.force_flush,
        sync: file_options(destination).map(sync_policy).unwrap_or_default(),
        overflow: wish.setup.overflow,
        guaranteed: wish.setup.guaranteed,
        dead_letter: config.journal.dir.as_ref().map(|dir| dir.join(DEAD_LETTERS)),
        replay: destination.replay.unwrap_or_else(|| !is_terminal(destination)),
        retry: Retry::default(),
    })
}

fn batch_bytes(destination: &LogDestination) -> usize {
    match destination.buffer_size {
        Some(size) => size.bytes() as usize,
        None if file_options(destination).is_some() => FILE_BATCH_BYTES,
        None => BATCH_BYTES,
    }
}

fn setup(config: &LoggingConfig, route: &str, destination: &LogDestination) -> Setup {
    let texts = [
        &config.date_format,
        &config.time_format,
        &config.logger_name_format,
        &config.message_format,
    ];
    Setup {
        destination: LogDestination {
            level: None,
            guarantee: None,
            ..destination.clone()
        },
        overflow: overflow(config, destination),
        guaranteed: Level::ALL
            .into_iter()
            .find(|level| config.wanted(route, *level).guarantee >= Guarantee::Synced),
        texts: texts.map(Clone::clone),
        colors: config.colors.clone(),
    }
}

/// Names a head's cursor: the same in every run, another one for each head, and no longer than the journal keeps.
fn cursor_name(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut base = base.to_owned();
    if base.len() > CURSOR_NAME_BYTES {
        // What the end of the name does not tell apart, this does.
        let hash = Taker::key_of(&base);
        let from = base.ceil_char_boundary(base.len() - CURSOR_NAME_BYTES + 17);
        base = format!("{hash:016x}|{}", base.get(from..).unwrap_or_default());
    }
    let mut name = base.clone();
    for number in 2.. {
        if !is_taken(&name) {
            break;
        }
        name = format!("{base}#{number}");
    }
    name
}

fn overflow(config: &LoggingConfig, destination: &LogDestination) -> hydra_head::Overflow {
    match destination.overflow.unwrap_or(config.journal.overflow) {
        Overflow::Block => hydra_head::Overflow::Block,
        Overflow::DropOldest => hydra_head::Overflow::DropOldest,
        Overflow::DropNewest => hydra_head::Overflow::DropNewest,
    }
}

/// Opens a destination itself a second time, for a record that does not come by way of its head.
pub(crate) fn direct(config: &LoggingConfig, destination: &LogDestination) -> Option<Fallback> {
    let formatter = formatter(config, destination).ok()?;
    let sink = open_sink(destination, &*formatter, &[]).ok()?;
    Some(Fallback::new(formatter, sink, FALLBACK_TRIES))
}

/// Opens the fallback of a destination, if it has one.
pub(crate) fn fallback(
    config: &LoggingConfig,
    destination: &LogDestination,
    late: &[PathBuf],
) -> Result<Option<Fallback>, Error> {
    let Some(second) = destination.fallback.as_deref() else {
        return Ok(None);
    };
    let formatter = formatter(config, second)?;
    let sink = open_sink(second, &*formatter, late)?;
    Ok(Some(Fallback::new(formatter, sink, FALLBACK_TRIES)))
}

fn sync_policy(file: &FileOptions) -> SyncPolicy {
    match file.fsync {
        _ if file.force_sync_io => SyncPolicy::EveryWrite,
        Fsync::Every => SyncPolicy::EveryWrite,
        Fsync::Interval => SyncPolicy::Within(SYNC_INTERVAL),
        Fsync::Never => SyncPolicy::Never,
    }
}

fn file_options(destination: &LogDestination) -> Option<&FileOptions> {
    match &destination.kind {
        Kind::File(file) => Some(file),
        _ => None,
    }
}

/// Names a destination's place: the same in every run, however the configuration spells it.
fn place_of(destination: &LogDestination) -> Result<String, Error> {
    match &destination.kind {
        Kind::File(file) => Ok(format!("file|{}", absolute(&file.path)?.display())),
        Kind::Console(console) => Ok(format!("console|{}", console.stream)),
        Kind::NotBuilt(remote) => Ok(remote.name().to_owned()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| {
        Error::new(ErrorKind::Destination, "resolve")
            .at(path.display())
            .from_source(error)
    })
}

pub(super) fn is_terminal(destination: &LogDestination) -> bool {
    #[cfg(feature = "testing")]
    if matches!(&destination.kind, Kind::Console(console) if console.capture.is_some()) {
        return false;
    }
    matches!(&destination.kind, Kind::Console(console) if stream(console).is_terminal())
}

fn stream(console: &ConsoleOptions) -> disk::Stream {
    match console.stream {
        Stream::Stdout => disk::Stream::Output,
        Stream::Stderr => disk::Stream::Error,
    }
}

/// Returns the files that a destination and its fallbacks write to.
pub(crate) fn files(destination: &LogDestination) -> Vec<PathBuf> {
    let chain = std::iter::successors(Some(destination), |one| one.fallback.as_deref());
    chain
        .filter_map(file_options)
        .filter_map(|file| absolute(&file.path).ok())
        .collect()
}

fn open_sink(
    destination: &LogDestination,
    formatter: &dyn Formatter,
    late: &[PathBuf],
) -> Result<Box<dyn Sink>, Error> {
    match &destination.kind {
        #[cfg(feature = "testing")]
        Kind::Console(ConsoleOptions {
            capture: Some(capture), ..
        }) => Ok(capture.sink()),
        Kind::Console(console) => Ok(Box::new(sink::ConsoleSink::new(stream(console)))),
        Kind::File(file) => {
            let options = sink_options(file, formatter)?;
            // Opens the file, so that a path that cannot be written is told now. Nothing is begun: what a dead process
            // left at the file's end is looked at when there is a record to write behind it.
            match sink::FileSink::shared(options.clone()) {
                Ok(sink) => Ok(Box::new(sink)),
                Err(error) if error.kind() == sink::ErrorKind::Conflict && late.contains(&options.path) => {
                    Ok(Box::new(LateFile::new(options)))
                }
                Err(error) => Err(refused(error)),
            }
        }
        Kind::NotBuilt(remote) => Err(Error::new(ErrorKind::Unsupported, "open").at(remote.name())),
    }
}

fn refused(error: sink::Error) -> Error {
    Error::new(ErrorKind::Destination, "open a destination").from_source(error)
}

fn sink_options(file: &FileOptions, formatter: &dyn Formatter) -> Result<sink::FileOptions, Error> {
    Ok(sink::FileOptions {
        path: absolute(&file.path)?,
        max_size: file.max_size.map(|size| size.bytes()),
        backup_count: file.backup_count,
        rotate: match file.rotate {
            Rotate::Size => None,
            Rotate::Hourly => Some(sink::Every::Hour),
            Rotate::Daily => Some(sink::Every::Day),
        },
        gzip: file.compress == Compress::Gzip,
        preamble: formatter.header(),
        sync_every_write: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two heads share a cursor: neither two on one place, nor one whose path looks numbered, nor two long paths
    /// with one end.
    #[test]
    fn every_head_has_a_name_of_its_own() {
        let long = "d".repeat(400);
        let mut names: Vec<String> = Vec::new();
        for base in [
            "L|file|/a#2",
            "L|file|/a",
            "L|file|/a",
            "L|file|/a",
            &format!("L|{long}"),
            &format!("M|{long}"),
        ] {
            let name = cursor_name(base, |name| names.iter().any(|other| other == name));
            assert!(name.len() <= CURSOR_NAME_BYTES && !names.contains(&name), "{name}");
            names.push(name);
        }
        assert_eq!(
            names.get(1).map(String::as_str),
            Some("L|file|/a"),
            "a place that is there once bears its own name"
        );
    }
}
