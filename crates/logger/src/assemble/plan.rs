//! A configured destination becomes what a head needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hydra_format::Formatter;
use hydra_head::{Fallback, Retry, Spec, SyncPolicy};
use hydra_os::disk;
use hydra_record::Level;
use hydra_sink as sink;
use hydra_sink::Sink;

use super::formats::formatter;
use crate::config::{
    Compress, ConsoleOptions, FileOptions, Fsync, Kind, LogDestination, LoggingConfig, Overflow, Rotate, Stream,
};
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;

/// About how many bytes go into one write, unless `buffer_size` says otherwise.
const BATCH_BYTES: usize = 64 << 10;
/// Failures in a row after which a destination's fallback serves.
const FALLBACK_TRIES: u32 = 3;
/// How long after a write `fsync = "interval"` syncs a file at the latest.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes of a destination's name; the journal keeps 240, and a number may follow.
const CURSOR_NAME_BYTES: usize = 230;

/// Makes what each destination's head needs. Files are opened, so that a wrong path is an error now.
pub(super) fn plan(config: &LoggingConfig) -> Result<Vec<Spec>, Error> {
    let mut specs: Vec<Spec> = Vec::new();
    for (route, layer) in &config.layers {
        for destination in &layer.destinations {
            let place = place_of(destination)?;
            let name = cursor_name(&format!("{route}|{place}"), |name| {
                specs.iter().any(|spec| spec.name == name)
            });
            let formatter = formatter(config, destination)?;
            let sink = open_sink(destination, &*formatter)?;
            let file = file_options(destination);
            specs.push(Spec {
                name,
                number: specs.len() as u32,
                route: route.clone(),
                level: destination.level.unwrap_or(Level::Trace),
                formatter,
                sink,
                fallback: fallback(config, destination)?,
                batch_bytes: destination
                    .buffer_size
                    .map_or(BATCH_BYTES, |size| size.bytes() as usize),
                one_by_one: destination.force_flush,
                sync: file.map(sync_policy).unwrap_or_default(),
                overflow: overflow(config, destination),
                guaranteed: Level::ALL
                    .into_iter()
                    .find(|level| config.wanted(route, *level).guarantee >= Guarantee::Synced),
                dead_letter: None,
                replay: destination.replay.unwrap_or_else(|| !is_terminal(destination)),
                retry: Retry::default(),
            });
        }
    }
    Ok(specs)
}

/// Names a head's cursor: the same in every run, another one for each head, and no longer than the journal keeps.
fn cursor_name(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut base = base.to_owned();
    if base.len() > CURSOR_NAME_BYTES {
        // FNV-1a: what the end of the name does not tell apart, this does.
        let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = base.bytes().fold(0xcbf2_9ce4_8422_2325, step);
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

fn fallback(config: &LoggingConfig, destination: &LogDestination) -> Result<Option<Fallback>, Error> {
    let Some(second) = destination.fallback.as_deref() else {
        return Ok(None);
    };
    let formatter = formatter(config, second)?;
    let sink = open_sink(second, &*formatter)?;
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
    matches!(&destination.kind, Kind::Console(console) if stream(console).is_terminal())
}

fn stream(console: &ConsoleOptions) -> disk::Stream {
    match console.stream {
        Stream::Stdout => disk::Stream::Output,
        Stream::Stderr => disk::Stream::Error,
    }
}

fn open_sink(destination: &LogDestination, formatter: &dyn Formatter) -> Result<Box<dyn Sink>, Error> {
    match &destination.kind {
        Kind::Console(console) => Ok(Box::new(sink::ConsoleSink::new(stream(console)))),
        Kind::File(file) => {
            // Opens the file, so that a path that cannot be written is told now. Nothing is begun: what a dead process
            // left at the file's end is looked at when there is a record to write behind it.
            Ok(Box::new(
                sink::FileSink::shared(sink_options(file, formatter)?).map_err(refused)?,
            ))
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
