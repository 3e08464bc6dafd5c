//! The one place that changes a log file: opens it, locks it, looks at what others did to it, and appends.
//!
//! Everything between `begin` and `write` happens under the file's lock (`flock`), with the path leading to the open
//! file: the lock is taken first and the path looked at then, so that a file that was rotated away by another process
//! while we waited is never written to.

mod append;
mod intent;
mod sync;
mod tail;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hydra_os::clock::wall_ns;
use hydra_os::disk::{self, File, Info, Mode};
use hydra_os::process;

use self::intent::{Cut, seams};
use crate::console::Taken;
use crate::error::{Error, ErrorKind};
use crate::file::FileOptions;
use crate::lock::{self, Lock};
use crate::mark::{Identity, Mark};
use crate::metrics::Metrics;
use crate::names;
use crate::period::{Period, Verdict};
use crate::sink::{Batch, Begun};

/// How long another process may hold the file's lock before a write is put off.
const LOCK_WAIT_MS_MAX: u64 = 2_000;
/// How often one `begin` starts over because the file was replaced, rotated or put aside.
const ATTEMPTS_MAX: u32 = 32;
/// How long after a failed rotation the next is tried.
pub(crate) const ROTATION_PAUSE_NS: u64 = 1_000_000_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) options: FileOptions,
    /// Where the open file is, without links. What is configured may lead elsewhere by now.
    pub(crate) path: PathBuf,
    pub(crate) open: Option<Open>,
    /// Where a begun write will start, and what of it is cut off should we die in the middle.
    begun: Option<(u64, Option<Cut>)>,
    /// What a failed write left behind and could not be removed.
    torn: Option<Torn>,
    /// What a pipe in the place of the file has of the batch that is to come again.
    taken: Taken,
    /// The file of which a write or a sync has failed, until it is put aside.
    poisoned: Option<Identity>,
    /// Files rotated away since the last sync.
    unsynced: VecDeque<(Identity, File)>,
    /// Whether there were too many of them to keep.
    more_unsynced: bool,
    /// Whether a process that has died may have written here without syncing.
    heritage_unsynced: bool,
    /// How many syncs have failed.
    pub(crate) failed_syncs: u64,
    /// Whether names have changed in the directory since the last sync.
    pub(crate) names_unsynced: bool,
    /// Whether it is known that nobody has died in the middle of a rename before us.
    are_names_single: bool,
    /// Held so that there is a descriptor for a rotation when the process has run out of them.
    reserve: Option<File>,
    /// The process that opened all these.
    owner: u32,
    /// Since when a torn record has been left alone.
    waiting_since_ns: Option<u64>,
    pub(crate) rotation_pause_until_ns: u64,
    pub(crate) metrics: Arc<Metrics>,
    #[cfg(feature = "gzip")]
    pub(crate) packer: crate::gzip::Packer,
    /// The wall clock, in unix nanoseconds; tests put another here.
    pub(crate) now: fn() -> i64,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) file: File,
    pub(crate) identity: Identity,
    /// Whether it is a plain file.
    is_regular: bool,
    /// The length at which it was known to end with a whole record.
    pub(crate) end: u64,
    pub(crate) period: Option<Period>,
    /// Whether the lack of locks was counted.
    is_unlockable: bool,
    /// Whether the file takes no attribute.
    is_unmarkable: bool,
}

impl Open {
    pub(crate) fn new(file: File, info: &Info, end: u64, period: Option<Period>) -> Self {
        Self {
            file,
            identity: Identity::of(info),
            is_regular: info.is_regular,
            end,
            period,
            is_unlockable: false,
            is_unmarkable: false,
        }
    }
}

/// Part of a batch: from where to where it stands in a file.
#[derive(Clone, Copy, Debug)]
struct Torn {
    identity: Identity,
    start: u64,
    end: u64,
    /// Whether the file says so. Else its length has to do.
    is_announced: bool,
}

impl Writer {
    pub(crate) fn new(options: FileOptions) -> Self {
        Self {
            path: options.path.clone(),
            options,
            open: None,
            begun: None,
            torn: None,
            taken: Taken::default(),
            poisoned: None,
            unsynced: VecDeque::new(),
            more_unsynced: false,
            heritage_unsynced: false,
            failed_syncs: 0,
            names_unsynced: false,
            are_names_single: false,
            reserve: None,
            owner: process::id(),
            waiting_since_ns: None,
            rotation_pause_until_ns: 0,
            metrics: Arc::default(),
            #[cfg(feature = "gzip")]
            packer: crate::gzip::Packer::default(),
            now: wall_ns,
        }
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Opens the file unless it is open, and makes the directories it is in.
    pub(crate) fn ensure_open(&mut self) -> Result<(), Error> {
        if self.open.is_some() {
            return Ok(());
        }
        let path = self.real_path()?;
        let failed = |error| Error::new("open", &path, error);
        let file = self.open_spending_reserve(&path, Mode::CreateAppend).map_err(failed)?;
        let info = file.info().map_err(failed)?;
        let period = self.options.rotate.map(|every| {
            let dated_ns = if info.len == 0 { (self.now)() } else { info.modified_ns };
            Period::at(every, dated_ns)
        });
        // Whether the end is that of a whole record is not known: any length but zero is looked at.
        self.open = Some(Open::new(file, &info, 0, period));
        self.names_unsynced = true;
        self.path = path;
        self.refill_reserve();
        Ok(())
    }

    pub(crate) fn refill_reserve(&mut self) {
        if self.reserve.is_none() {
            self.reserve = File::open("/dev/null", Mode::Read).ok();
        }
    }

    /// The configured path without links, after making the directories it leads through.
    pub(crate) fn real_path(&self) -> Result<PathBuf, Error> {
        let path = &self.options.path;
        match disk::canonical(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other.map_err(|error| Error::new("find", path, error)),
        }
        let dir = names::dir(path);
        disk::create_dir_all(dir).map_err(|error| Error::new("make the directory", dir, error))?;
        disk::canonical(path).map_err(|error| Error::new("find", path, error))
    }

    /// Opens a file, with the descriptor held in reserve if there is no other.
    pub(crate) fn open_spending_reserve(&mut self, path: &PathBuf, mode: Mode) -> io::Result<File> {
        match File::open(path, mode) {
            // EMFILE and ENFILE.
            Err(error) if matches!(error.raw_os_error(), Some(23 | 24)) && self.reserve.take().is_some() => {
                File::open(path, mode)
            }
            other => other,
        }
    }

    /// See [`crate::Sink::begin`]. `others_resuming` is how many other users of the file have yet to compare what
    /// stands in it with what they wrote.
    pub(crate) fn begin(&mut self, batch: Batch<'_>, others_resuming: usize) -> Result<Begun, Error> {
        self.abandon();
        self.notice_fork();
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(batch, others_resuming) {
                Ok(Some(begun)) => {
                    #[cfg(feature = "gzip")]
                    if others_resuming == 0 {
                        self.pack_once();
                    }
                    return Ok(begun);
                }
                Ok(None) => {}
                Err(error) => {
                    self.unlock();
                    return Err(error);
                }
            }
        }
        self.unlock();
        let note = "it is replaced again and again while a write begins";
        Err(Error::without_source(ErrorKind::Busy, "write to", &self.path, note))
    }

    /// One try to get ready: `None` when something changed and all of it has to be looked at again.
    fn attempt(&mut self, batch: Batch<'_>, others_resuming: usize) -> Result<Option<Begun>, Error> {
        self.ensure_open()?;
        let Some(info) = self.lock_on_path()? else {
            self.metrics.reopenings.count();
            self.set_aside();
            return Ok(None);
        };
        if !info.is_regular {
            self.begun = Some((0, None));
            return Ok(Some(Begun {
                records: batch.len(),
                mark: Mark::NOWHERE,
            }));
        }
        // Names do not keep records waiting: should this fail it is done the next time.
        self.are_names_single = self.are_names_single || self.drop_second_names().is_ok();
        if self.poisoned.is_some_and(|poisoned| poisoned.is(&info)) {
            self.put_poisoned_aside()?;
            return Ok(None);
        }
        self.poisoned = None;
        let mut len = self.mend_end(&info, batch, others_resuming)?;
        if self.is_period_over(&info, len) && self.try_rotate() {
            return Ok(None);
        }
        if len == 0 {
            len = self.write_preamble()?;
        }
        let Some(records) = self.room(batch, len)? else {
            return Ok(None);
        };
        let (records, cut) = seams(batch.take(records));
        self.begun = Some((len, cut));
        Ok(Some(Begun {
            records,
            mark: Mark::in_file(&info, len),
        }))
    }

    /// Takes the lock of the open file, and makes sure that the path leads to it: `None` when it does not. A link in
    /// the path may have been turned to another file.
    fn lock_on_path(&mut self) -> Result<Option<Info>, Error> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let path = &self.options.path;
        let identity = open.identity;
        let on_path = || disk::info_of(path).map(|info| info.filter(|info| identity.is(info)));
        if open.is_regular {
            let lock = lock::take(&open.file, LOCK_WAIT_MS_MAX, || matches!(on_path(), Ok(None)));
            match lock.map_err(|error| Error::new("lock", path, error))? {
                Lock::Held => {}
                Lock::Moot => return Ok(None),
                Lock::Busy => {
                    self.metrics.lock_timeouts.count();
                    let note = "another process has held its lock for too long";
                    return Err(Error::without_source(ErrorKind::Busy, "lock", path, note));
                }
                Lock::Unsupported if open.is_unlockable => {}
                Lock::Unsupported => {
                    open.is_unlockable = true;
                    self.metrics.locks_unsupported.count();
                }
            }
        }
        on_path().map_err(|error| Error::new("look at", path, error))
    }

    /// Ends renames that were cut short, under the lock that everybody holds who renames. Without locks nobody knows
    /// whether one is under way.
    pub(crate) fn drop_second_names(&self) -> io::Result<()> {
        match &self.open {
            Some(open) if !open.is_unlockable => names::drop_second(&self.path),
            _ => Ok(()),
        }
    }

    /// How many records the file of this length takes; `None` when it was rotated instead.
    fn room(&mut self, batch: Batch<'_>, len: u64) -> Result<Option<usize>, Error> {
        let mut records = batch.len();
        if let Some(max) = self.options.max_size {
            records = batch.fitting(max.saturating_sub(len));
            if records == 0 && !batch.is_empty() {
                if !self.holds_records(len) {
                    records = 1;
                } else if self.try_rotate() {
                    return Ok(None);
                } else {
                    records = batch.len();
                }
            }
        }
        // Of what goes past this limit the system would take a part.
        let allowed = records.min(batch.fitting(disk::file_len_max().saturating_sub(len)));
        if allowed > 0 || batch.is_empty() {
            return Ok(Some(allowed));
        }
        let may_rotate = self.options.max_size.is_some() || self.options.rotate.is_some();
        if may_rotate && self.holds_records(len) && self.try_rotate() {
            return Ok(None);
        }
        let error = io::Error::from(io::ErrorKind::FileTooLarge);
        Err(Error::new("append to", &self.path, error))
    }

    /// Tells whether a file of this length holds more than what every file begins with.
    fn holds_records(&self, len: u64) -> bool {
        len > self.preamble_len()
    }

    fn preamble_len(&self) -> u64 {
        self.options
            .preamble
            .as_ref()
            .map_or(0, |preamble| preamble.len() as u64)
    }

    /// Tells whether the file of this length is of an earlier period. One without records is of that of its first one.
    fn is_period_over(&mut self, info: &Info, len: u64) -> bool {
        let (now, keeps_none) = (self.now, self.options.backup_count == 0);
        let is_empty = !self.holds_records(len);
        let Some(period) = self.open.as_mut().and_then(|open| open.period.as_mut()) else {
            return false;
        };
        let (verdict, current) = period.judge(now());
        // A file that is emptied stays the same file, so another process may have done it already.
        let is_done = keeps_none && current.judge(info.modified_ns).0 == Verdict::Same;
        if verdict != Verdict::Over || is_done || is_empty {
            *period = current;
            return false;
        }
        true
    }

    /// See [`crate::Sink::abandon`].
    pub(crate) fn abandon(&mut self) {
        if self.begun.take().is_some() {
            self.unlock();
        }
    }

    /// Gives up lock, descriptors and background work.
    pub(crate) fn close(&mut self) {
        self.abandon();
        self.open = None;
        self.unsynced.clear();
        self.more_unsynced = false;
        self.reserve = None;
        #[cfg(feature = "gzip")]
        self.packer.close();
    }

    pub(crate) fn unlock(&self) {
        if let Some(open) = &self.open {
            // A lock that cannot be given up goes with the descriptor.
            let _ = open.file.unlock();
        }
    }

    /// A forked child shares its parent's descriptors, and with them the locks: it has to open the file itself.
    fn notice_fork(&mut self) {
        let process = process::id();
        if process != self.owner {
            self.owner = process;
            self.open = None;
            self.begun = None;
            self.unsynced.clear();
            self.more_unsynced = false;
            self.reserve = None;
            #[cfg(feature = "gzip")]
            self.packer.forget();
        }
    }
}
