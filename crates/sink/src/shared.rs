//! One sink for each file of the process, however many destinations write to it.
//!
//! Two sinks on one file would each keep their own idea of its length, and would rotate it twice. So every destination
//! of one path gets a handle on the one sink, and the handles take turns: from `begin` to `write` the sink belongs to
//! one of them. The turn is a flag and not a held guard, so that a handle may be sent to another thread in between, and
//! so that one that is dropped in the middle gives its turn up.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{PoisonError, Weak};
use std::time::Duration;

use hydra_os::atomic::{Arc, Condvar, Mutex, MutexGuard};
use hydra_os::clock::mono_ns;
use hydra_os::{disk, process};

use crate::error::{Error, ErrorKind};
use crate::file::FileOptions;
use crate::mark::Mark;
use crate::metrics::Metrics;
use crate::resume::Resume;
use crate::sink::{Batch, Begun, Sink};
use crate::writer::Writer;

/// How long a handle waits for its turn.
const TURN_WAIT_MS_MAX: u64 = 5_000;

/// The sinks there are.
static REGISTRY: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    /// The process the sink was made in: a forked child must not use its parent's.
    process: u32,
    hall: Weak<Hall>,
}

/// The sink, and whose turn it is.
#[derive(Debug)]
struct Hall {
    options: FileOptions,
    metrics: Arc<Metrics>,
    is_taken: Mutex<bool>,
    given_up: Condvar,
    room: Mutex<Room>,
}

#[derive(Debug)]
struct Room {
    writer: Writer,
    /// How many handles have yet to compare what stands in the file.
    resuming: usize,
}

/// A handle on the one sink of this process that writes to a file; made by
/// [`FileSink::shared`](crate::FileSink::shared).
///
/// Behaves as a [`FileSink`](crate::FileSink) does, and takes turns with the other handles on the same file: from
/// [`begin`](Sink::begin) to [`write`](Sink::write) the sink belongs to this one. Each handle resumes by its own mark.
/// The file is closed with the last handle.
#[derive(Debug)]
pub struct SharedFileSink {
    hall: Arc<Hall>,
    /// Whether it is this handle's turn.
    holds: bool,
    resume: Option<Resume>,
    /// The failed syncs this handle's user has been told of.
    told: u64,
}

impl SharedFileSink {
    /// `options` must have been checked.
    pub(crate) fn of(mut options: FileOptions) -> Result<Self, Error> {
        let mut writer = Writer::new(options.clone());
        options.path = writer.real_path()?;
        let mut registry = lock(&REGISTRY);
        registry.retain(|entry| entry.hall.strong_count() > 0 && entry.process == process::id());
        let found = registry
            .iter()
            .find(|entry| is_same(&entry.path, &options.path))
            .and_then(|entry| entry.hall.upgrade());
        if let Some(hall) = found {
            return match difference(&hall.options, &options) {
                None => Ok(Self::on(hall)),
                Some(what) => Err(Error::without_source(ErrorKind::Conflict, "share", &options.path, what)),
            };
        }
        writer.ensure_open()?;
        let hall = Arc::new(Hall {
            metrics: Arc::clone(writer.metrics()),
            options,
            is_taken: Mutex::new(false),
            given_up: Condvar::new(),
            room: Mutex::new(Room { writer, resuming: 0 }),
        });
        let path = hall.options.path.clone();
        registry.push(Entry {
            path,
            process: process::id(),
            hall: Arc::downgrade(&hall),
        });
        Ok(Self::on(hall))
    }

    fn on(hall: Arc<Hall>) -> Self {
        let told = lock(&hall.room).writer.failed_syncs;
        Self {
            hall,
            holds: false,
            resume: None,
            told,
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        lock(&self.hall.room)
    }

    fn take_turn(&mut self) -> Result<(), Error> {
        let deadline = mono_ns().saturating_add(TURN_WAIT_MS_MAX * 1_000_000);
        let mut is_taken = lock(&self.hall.is_taken);
        while *is_taken {
            let left = Duration::from_nanos(deadline.saturating_sub(mono_ns()));
            if left.is_zero() {
                self.hall.metrics.lock_timeouts.count();
                let note = "another destination of this process has not finished writing";
                return Err(Error::without_source(
                    ErrorKind::Busy,
                    "write to",
                    &self.hall.options.path,
                    note,
                ));
            }
            is_taken = self
                .hall
                .given_up
                .wait_timeout(is_taken, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *is_taken = true;
        self.holds = true;
        Ok(())
    }

    fn give_turn_up(&mut self) {
        if std::mem::take(&mut self.holds) {
            *lock(&self.hall.is_taken) = false;
            self.hall.given_up.notify_one();
        }
    }

    fn end_resume(&mut self) {
        if self.resume.take().is_some() {
            self.room().resuming -= 1;
        }
    }
}

impl Sink for SharedFileSink {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.end_resume();
        if !self.holds {
            self.take_turn()?;
        }
        let result = {
            let mut room = lock(&self.hall.room);
            let resuming = room.resuming;
            let told = room.writer.tell(&mut self.told);
            told.and_then(|()| room.writer.begin(batch, resuming))
        };
        if result.is_err() {
            self.give_turn_up();
        }
        result
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        if !self.holds {
            let note = "nothing was begun";
            return Err(Error::without_source(
                ErrorKind::Misuse,
                "write to",
                &self.hall.options.path,
                note,
            ));
        }
        let result = self.room().writer.write(batch);
        self.give_turn_up();
        result
    }

    fn abandon(&mut self) {
        if self.holds {
            self.room().writer.abandon();
            self.give_turn_up();
        }
    }

    fn sync(&mut self) -> Result<(), Error> {
        lock(&self.hall.room).writer.sync(&mut self.told)
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        self.end_resume();
        self.room().writer.expect_heritage();
        let path = self.room().writer.real_path()?;
        self.resume = Resume::find(&path, mark)?;
        if self.resume.is_some() {
            self.room().resuming += 1;
        }
        Ok(())
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        let was_pending = self.resume.is_some();
        let result = Resume::already(&mut self.resume, batch, &self.hall.metrics);
        if was_pending && self.resume.is_none() {
            self.room().resuming -= 1;
        }
        result
    }

    fn close(&mut self) -> Result<(), Error> {
        self.abandon();
        self.end_resume();
        // The others, if there are any, still need it.
        if Arc::strong_count(&self.hall) == 1 {
            self.room().writer.close();
        }
        Ok(())
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        Some(Arc::clone(&self.hall.metrics))
    }
}

impl Drop for SharedFileSink {
    fn drop(&mut self) {
        self.abandon();
        self.end_resume();
    }
}

/// Two names of one file are one file.
fn is_same(one: &PathBuf, other: &PathBuf) -> bool {
    one == other
        || match (disk::id_of(one), disk::id_of(other)) {
            (Ok(Some(one)), Ok(Some(other))) => one == other,
            _ => false,
        }
}

/// What keeps two destinations from sharing a sink: named, with both values.
fn difference(one: &FileOptions, other: &FileOptions) -> Option<String> {
    let mut text = String::new();
    macro_rules! compare {
        ($($name:ident),+) => {
            $(if one.$name != other.$name {
                let (one, other) = (&one.$name, &other.$name);
                let _ = write!(text, "; {}: {one:?} and {other:?}", stringify!($name).replace('_', " "));
            })+
        };
    }
    compare!(max_size, backup_count, rotate, gzip, preamble, sync_every_write);
    if text.is_empty() {
        return None;
    }
    let (one, other) = (one.path.display(), other.path.display());
    Some(format!(
        "two destinations, {one} and {other}, are one file but differ in{}",
        text.trim_start_matches(';')
    ))
}

/// A panic in another thread leaves these in order: every change to them is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
