//! A configuration becomes a running logger.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hydra_format as format;
use hydra_format::Formatter;
use hydra_head::{Fallback, Head, Retry, Spec, SyncPolicy};
use hydra_journal::{Adopted, Journal, Options};
use hydra_os::atomic::Mutex;
use hydra_os::{clock, disk, process, random};
use hydra_record::{Level, Origin};
use hydra_sink as sink;
use hydra_sink::Sink;

use crate::config::{
    CENTRALIZED, ColorMode, Compress, ConsoleOptions, FileOptions, Format, FormatKey, FormatOptions, Fsync, Kind,
    LogDestination, LogLayer, LoggingConfig, Overflow, Rotate, Stream,
};
use crate::core::{Core, Outlet};
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::layer::DEFAULT;

/// About how many bytes go into one write, unless `buffer_size` says otherwise.
const BATCH_BYTES: usize = 64 << 10;
/// Failures in a row after which a destination's fallback serves.
const FALLBACK_TRIES: u32 = 3;
/// How long after a write `fsync = "interval"` syncs a file at the latest.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes of a destination's name; the journal keeps 240, and a number may follow.
const CURSOR_NAME_BYTES: usize = 230;
/// How long the thread that waits for dead processes' journals sleeps between looks.
const RECOVERY_LOOK: Duration = Duration::from_secs(3600);

/// Builds the journal and a head for every destination, and takes over what dead processes left.
pub(crate) fn assemble(config: LoggingConfig) -> Result<Arc<Core>, Error> {
    let config = config.with_env()?;
    config.validate()?;
    refuse_what_is_not_built(&config)?;
    let config = with_default_layer(config);
    clock::calibrate();
    let problems = Arc::new(Mutex::new(Vec::new()));
    // Destinations first: a path that cannot be written is found before anything is made.
    let mut planned = plan(&config)?;
    let adopted = adopt(&config, &problems)?;
    announce_resumes(&mut planned, &adopted);
    let journal = open_journal(&config)?;
    let mut outlets = Vec::new();
    for spec in planned {
        let (route, level) = (spec.route.clone(), spec.level);
        let head = Head::start(spec, &journal, &adopted);
        let head =
            head.map_err(|error| Error::new(ErrorKind::Destination, "start a destination").from_source(error))?;
        outlets.push(Outlet { route, level, head });
    }
    let core = Arc::new(Core::new(config, journal, outlets, problems));
    finish_recovery(&core, adopted)?;
    crate::shutdown::register(&core)?;
    Ok(core)
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
    if let Some((target, layer)) = config.targets.iter().next() {
        return refuse(layer, format!("the front end that `targets` (`{target}`) is for"));
    }
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
        // A small quota still has to hold several segments.
        None => ((quota_bytes / 8) as usize).clamp(hydra_journal::SEGMENT_BYTES_MIN, defaults.segment_bytes),
    };
    let options = Options {
        dir: config.journal.dir.clone(),
        segment_bytes,
        quota_bytes,
        preamble,
    };
    Journal::create(options).map_err(|error| {
        let advice = "name a directory that this process may write to in `journal.dir`, or leave it out to log \
                      without a journal on disk";
        Error::new(ErrorKind::Journal, "open the journal")
            .from_source(error)
            .advise(advice)
    })
}

fn adopt(config: &LoggingConfig, problems: &Mutex<Vec<String>>) -> Result<Vec<Adopted>, Error> {
    let Some(dir) = &config.journal.dir else {
        return Ok(Vec::new());
    };
    let all = Adopted::all(dir);
    let all =
        all.map_err(|error| Error::new(ErrorKind::Journal, "take over dead processes' journals").from_source(error))?;
    let mut adopted = Vec::new();
    for one in all {
        match one {
            Ok(journal) => {
                for (path, reason) in journal.unreadable() {
                    tell(
                        problems,
                        format!(
                            "the segment {} of a dead process cannot be read: {reason}",
                            path.display()
                        ),
                    );
                }
                adopted.push(journal);
            }
            // It stays where it is; this process logs all the same.
            Err(error) => tell(problems, error.to_string()),
        }
    }
    // The oldest first, so that a destination's records stay in order, and so that what the first of several dead
    // processes was in the middle of writing is mended before anything is written behind it.
    adopted.sort_by_key(|journal| {
        disk::info_of(journal.dir())
            .ok()
            .flatten()
            .map_or(0, |info| info.born_ns)
    });
    Ok(adopted)
}

/// Tells every file which heads are about to compare what stands in it, before the first head writes to any: a record
/// that one of them left torn at the end must be mended by it, and not be written behind by another.
fn announce_resumes(planned: &mut [Spec], adopted: &[Adopted]) {
    for spec in planned.iter_mut().filter(|spec| spec.replay) {
        let cursors = adopted.iter().filter_map(|journal| journal.cursor(&spec.name));
        let mark = cursors
            .map(|cursor| sink::Mark::from_bytes(&cursor.state().mark))
            .find(|mark| !mark.is_nowhere());
        if let Some(mark) = mark {
            // The head does so again, and tries until it succeeds.
            let _ = spec.sink.resume(mark);
        }
    }
}

fn tell(problems: &Mutex<Vec<String>>, problem: String) {
    problems
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .push(problem);
}

/// Removes the adopted journals once every head has what they held.
fn finish_recovery(core: &Arc<Core>, adopted: Vec<Adopted>) -> Result<(), Error> {
    if adopted.is_empty() {
        return Ok(());
    }
    let (outlets, problems) = (Arc::clone(&core.outlets), Arc::clone(&core.problems));
    let started = hydra_os::thread::spawn("hydra-recovery", move || {
        for outlet in outlets.iter() {
            while !outlet.head.wait_recovered(RECOVERY_LOOK) {}
        }
        // Told to stop before everything was delivered and synced: the next start goes on with it.
        if !outlets.iter().all(|outlet| outlet.head.is_recovered()) {
            return;
        }
        for journal in adopted {
            match journal.remove_if_done() {
                Ok(true) => {}
                Ok(false) => tell(&problems, kept(&journal, &outlets)),
                Err(error) => tell(&problems, error.to_string()),
            }
        }
    });
    let started =
        started.map_err(|error| Error::new(ErrorKind::Journal, "start the recovery's thread").from_source(error))?;
    *core.recovery.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(started);
    Ok(())
}

/// Says why a dead process's journal stays.
fn kept(journal: &Adopted, outlets: &[Outlet]) -> String {
    let is_known = |name: &str| outlets.iter().any(|outlet| outlet.head.name() == name);
    let cursors = journal.cursors();
    let gone: Vec<_> = cursors
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !is_known(name))
        .collect();
    let dir = journal.dir().display();
    match gone.as_slice() {
        [] => format!("the journal {dir} of a dead process stays: not everything in it could be read or delivered"),
        gone => format!(
            "the journal {dir} of a dead process stays: it may hold records for {}, which this configuration does not \
             have",
            gone.join(", ")
        ),
    }
}

/// Makes what each destination's head needs. Files are opened, so that a wrong path is an error now.
fn plan(config: &LoggingConfig) -> Result<Vec<Spec>, Error> {
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

fn is_terminal(destination: &LogDestination) -> bool {
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

fn formatter(config: &LoggingConfig, destination: &LogDestination) -> Result<Arc<dyn Formatter>, Error> {
    let options = &destination.format_options;
    let keys = keys(&options.keys);
    let wrong = |error: format::Error| Error::new(ErrorKind::Configuration, "use a format").from_source(error);
    let bare = options.include_extra == Some(false);
    Ok(match destination.format {
        Format::PlainText => Arc::new(format::Plain::new(plain_options(config, destination)).map_err(wrong)?),
        Format::Json => with_fields_or_bare(format::Json::new(format::JsonOptions { keys }), bare),
        Format::Csv => Arc::new(format::Csv::new(format::CsvOptions {
            extra: options.include_extra.unwrap_or(false),
            escape_newlines: options.escape_newlines,
            guard_formulas: options.guard_formulas,
            keep_controls: options.keep_controls,
        })),
        Format::Syslog => with_fields_or_bare(format::Syslog::new(syslog_options(options)).map_err(wrong)?, bare),
        Format::Gelf => with_fields_or_bare(
            format::Gelf::new(format::GelfOptions {
                host: options.host.clone(),
                keys,
            }),
            bare,
        ),
        Format::Logfmt => with_fields_or_bare(format::Logfmt::new(format::LogfmtOptions { keys }), bare),
    })
}

fn with_fields_or_bare(formatter: impl Formatter + 'static, bare: bool) -> Arc<dyn Formatter> {
    if bare {
        Arc::new(format::WithoutFields(formatter))
    } else {
        Arc::new(formatter)
    }
}

fn syslog_options(options: &FormatOptions) -> format::SyslogOptions {
    format::SyslogOptions {
        facility: options.facility,
        app_name: options.app_name.clone(),
        structured_data_id: options.structured_data_id.clone(),
        bom: options.bom,
    }
}

fn keys(wanted: &BTreeSet<FormatKey>) -> format::Keys {
    let has = |key| wanted.contains(&key);
    format::Keys {
        level_no: has(FormatKey::LevelNo),
        layer: has(FormatKey::Layer),
        location: has(FormatKey::Location),
        thread: has(FormatKey::Thread),
        process: has(FormatKey::Process),
        sequence: has(FormatKey::Sequence),
    }
}

fn plain_options(config: &LoggingConfig, destination: &LogDestination) -> format::PlainOptions {
    let mut plain = format::PlainOptions {
        color: is_colored(destination),
        include_extra: destination.format_options.include_extra.unwrap_or(false),
        multiline: destination.format_options.multiline,
        escape_backslash: destination.format_options.escape_backslash,
        ..format::PlainOptions::default()
    };
    let set = |place: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            place.clone_from(value);
        }
    };
    set(&mut plain.date_format, &config.date_format);
    set(&mut plain.time_format, &config.time_format);
    set(&mut plain.logger_name_format, &config.logger_name_format);
    set(&mut plain.message_format, &config.message_format);
    for (level, color) in &config.colors {
        let place = match level {
            Level::Trace => &mut plain.colors.trace,
            Level::Debug => &mut plain.colors.debug,
            Level::Info => &mut plain.colors.info,
            Level::Warning => &mut plain.colors.warning,
            Level::Error => &mut plain.colors.error,
            Level::Critical => &mut plain.colors.critical,
        };
        // Both rooms name the same colours; a test holds them together.
        *place = format::Color::ALL
            .into_iter()
            .find(|known| known.name() == color.name())
            .unwrap_or(*place);
    }
    plain
}

/// Colour on `auto`: when the stream is a terminal that wants it.
fn is_colored(destination: &LogDestination) -> bool {
    let asked_not_to = || {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb")
    };
    match destination.color_mode {
        ColorMode::Never => false,
        ColorMode::Always => matches!(destination.kind, Kind::Console(_)),
        ColorMode::Auto => is_terminal(destination) && !asked_not_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Color;

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

    /// Every colour that a configuration can name is one that the format can paint.
    #[test]
    fn colours_have_the_same_names() {
        let painted: Vec<_> = format::Color::ALL.iter().map(|color| color.name()).collect();
        assert_eq!(Color::ALL.iter().map(|color| color.name()).collect::<Vec<_>>(), painted);
    }
}
