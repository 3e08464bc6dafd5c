//! The end of the fallback chain: a file of its own, then standard error.
//!
//! A record comes here when the engine cannot take it and neither a destination nor its fallback was there for it. It
//! becomes a line of JSON at the end of the emergency file, which is synced where the record was to be `synced`, and at
//! the end; if it cannot be written there, a plain line on standard error. The file is `emergency_file`; without that,
//! `emergency.jsonl` in the journal's directory, or, where that cannot be written, a file in the system's directory for
//! temporary files that is named after the process. Without a journal directory there is none unless it is configured.
//! It grows to [`EMERGENCY_BYTES_MAX`] and no further.

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use hydra_format::{ClockFace, Formatter, Json, JsonOptions, Plain, PlainOptions};
use hydra_os::atomic::Mutex;
use hydra_os::disk::{self, File, Mode, Stream};
use hydra_os::process;
use hydra_record::Record;

use crate::config::LoggingConfig;
use crate::error::FallbackStep;

/// The most bytes of an emergency file.
pub const EMERGENCY_BYTES_MAX: u64 = 256 << 20;
/// How long a standard error that does not wait may be full.
const READER_WAIT_MS: u32 = 1_000;

/// What the end of the chain has done.
#[derive(Debug, Default)]
pub(crate) struct Emergency {
    /// Records in the emergency file, on standard error, and in neither.
    in_file: AtomicU64,
    on_stderr: AtomicU64,
    lost: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<(PathBuf, File)>,
    /// Why the last record did not get to a file.
    error: Option<String>,
}

impl Emergency {
    /// Writes a record where it can be written, and says where; see [`Emergency::sync`]. What cannot be written even to
    /// standard error is gone, and counted.
    pub(crate) fn write(&self, config: &LoggingConfig, record: &Record<'_>) -> FallbackStep {
        let places = places(config);
        let mut face = ClockFace::new(hydra_os::clock::utc_offset_at);
        let mut line = Vec::new();
        if !places.is_empty() {
            Json::new(JsonOptions::default()).write(record, &mut face, &mut line);
            if self.append(&places, &line) {
                self.in_file.fetch_add(1, Ordering::Relaxed);
                return FallbackStep::EmergencyFile;
            }
            line.clear();
        }
        if let Ok(plain) = Plain::new(PlainOptions::default()) {
            plain.write(record, &mut face, &mut line);
        }
        let (counter, step) = match print(&line) {
            Ok(()) => (&self.on_stderr, FallbackStep::StandardError),
            Err(_) => (&self.lost, FallbackStep::Lost),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        step
    }

    /// Waits until what has been written to the file is on the device: once for many records, for the end has to come
    /// in time.
    pub(crate) fn sync(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((path, file)) = &state.open
            && let Err(error) = file.sync_data()
        {
            state.error = Some(format!("{}: {error}", path.display()));
        }
    }

    /// Returns how many records there have been.
    pub(crate) fn records(&self) -> u64 {
        self.in_file.load(Ordering::Relaxed) + self.on_stderr.load(Ordering::Relaxed)
    }

    /// Returns how many records not even standard error took.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns why the last record did not get to a file, if that is so.
    pub(crate) fn error(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).error.clone()
    }

    fn append(&self, places: &[PathBuf], line: &[u8]) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for path in places {
            let kept = state.open.take().filter(|(open, _)| open == path).map(|(_, file)| file);
            match kept
                .map_or_else(|| open(path), Ok)
                .and_then(|file| append_to(&file, line).map(|()| file))
            {
                Ok(file) => {
                    state.open = Some((path.clone(), file));
                    state.error = None;
                    return true;
                }
                Err(error) => state.error = Some(format!("{}: {error}", path.display())),
            }
        }
        false
    }
}

/// The places to try, in this order.
fn places(config: &LoggingConfig) -> Vec<PathBuf> {
    match (&config.emergency_file, &config.journal.dir) {
        (Some(path), _) => vec![path.clone()],
        (None, Some(dir)) => {
            let name = format!("hydra-emergency-{}.jsonl", process::id());
            vec![dir.join("emergency.jsonl"), std::env::temp_dir().join(name)]
        }
        (None, None) => Vec::new(),
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk::create_dir_all(parent)?;
    }
    File::open(path, Mode::CreateAppend)
}

/// Writes a line to standard error. A reader that takes nothing for so long is none.
fn print(line: &[u8]) -> io::Result<()> {
    let mut rest = line;
    while !rest.is_empty() {
        match disk::write_once(Stream::Error.as_fd(), rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !disk::wait_writable(Stream::Error.as_fd(), READER_WAIT_MS)? {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Appends a line, if there is room for it.
fn append_to(file: &File, line: &[u8]) -> io::Result<()> {
    if file.len()? + line.len() as u64 > EMERGENCY_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut rest = line;
    while !rest.is_empty() {
        let written = file.append(rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}
