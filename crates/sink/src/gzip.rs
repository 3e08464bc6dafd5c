//! Rotated files are compressed, on a thread of their own.
//!
//! `f.1` becomes `f.1.gz` in steps that lose and double nothing, wherever a crash comes between them: the compressed
//! form is written under a name of its own (`f.<inode>.gz.tmp`) and synced; then, under the lock of `f`, so that no
//! rotation moves anything meanwhile, it gets its name, and the plain file is removed. Whichever of the two names a
//! rotation finds, it moves both. When a crash has left both, the next start verifies the compressed file and removes
//! the plain one.
//!
//! The compressed file's header says which file it was made from (device, inode, time of making), for that check and
//! for [`crate::resume`]. A failure leaves the plain file as it is, is counted, and is tried again after the next
//! rotation.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use hydra_os::atomic::{Arc, Condvar, Mutex, MutexGuard};
use hydra_os::disk::{self, File, FileId, Info, Mode};
use hydra_os::thread::JoinHandle;

use crate::error::passes;
use crate::lock::{self, Lock};
use crate::mark::Identity;
use crate::metrics::Metrics;
use crate::names::{self, Dated};
use crate::writer::Writer;

/// How long closing a sink waits for files to be compressed; what is left is done at the next start.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// How long the lock of the log file is waited for.
const LOCK_WAIT_MS_MAX: u64 = 10_000;
/// How often that is begun anew because the log file was replaced meanwhile.
const LOCK_TRIES_MAX: u32 = 16;
/// How many bytes are compressed between two looks at whether to stop.
const PIECE_BYTES: usize = 128 * 1024;
/// The two letters of our part of a gzip header's extra field, and how many bytes follow.
const EXTRA: [u8; 4] = [b'H', b'L', 24, 0];

/// The thread that compresses, while there is something to compress.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    job: Option<(Arc<Job>, JoinHandle<()>)>,
    has_begun: bool,
}

#[derive(Debug)]
struct Job {
    path: PathBuf,
    is_dated: bool,
    metrics: Arc<Metrics>,
    flags: Mutex<Flags>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Flags {
    /// Something was rotated since the thread last looked.
    again: bool,
    stop: bool,
    done: bool,
}

impl Writer {
    /// Compresses what is there to be compressed, when the sink is first used: a crash may have left something.
    pub(crate) fn pack_once(&mut self) {
        if !self.packer.has_begun {
            self.pack();
        }
    }

    /// Compresses what was rotated.
    pub(crate) fn pack(&mut self) {
        if !self.options.gzip || self.options.backup_count == 0 {
            return;
        }
        self.packer.has_begun = true;
        if let Some((job, _)) = &self.packer.job {
            let mut flags = job.flags();
            if !flags.done {
                flags.again = true;
                return;
            }
        }
        let job = Arc::new(Job {
            path: self.path.clone(),
            is_dated: self.options.rotate.is_some(),
            metrics: Arc::clone(&self.metrics),
            flags: Mutex::default(),
            changed: Condvar::new(),
        });
        let on_thread = Arc::clone(&job);
        match hydra_os::thread::spawn("hydra-gzip", move || on_thread.run()) {
            Ok(thread) => self.packer.job = Some((job, thread)),
            Err(_) => self.metrics.compressions_failed.count(),
        }
    }
}

impl Packer {
    /// Waits for a while for what is under way, and then ends it.
    pub(crate) fn close(&mut self) {
        let Some((job, thread)) = self.job.take() else { return };
        let mut flags = job.wait_until_done(job.flags());
        if !flags.done {
            flags.stop = true;
            flags = job.wait_until_done(flags);
        }
        // A thread that hangs in the system is left to itself.
        if flags.done {
            drop(flags);
            let _ = thread.join();
        }
    }

    /// Forgets a thread that did not come along into a forked child.
    pub(crate) fn forget(&mut self) {
        std::mem::forget(std::mem::take(self));
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        self.close();
    }
}

impl Job {
    fn run(&self) {
        loop {
            self.remove_orphans();
            for plain in self.plain_files() {
                if self.is_stopped() {
                    break;
                }
                match self.pack(&plain) {
                    Ok(true) => self.metrics.files_compressed.count(),
                    Ok(false) => {}
                    Err(_) => self.metrics.compressions_failed.count(),
                }
            }
            let mut flags = self.flags();
            if flags.stop || !std::mem::take(&mut flags.again) {
                flags.done = true;
                self.changed.notify_all();
                return;
            }
        }
    }

    /// Compresses the file: `false` when that was not possible just now.
    fn pack(&self, plain: &Path) -> io::Result<bool> {
        let file = match File::open(plain, Mode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        let info = file.info()?;
        // Another process may be at it, or still be writing to it.
        if matches!(file.try_lock(), Ok(false)) || !info.is_regular {
            return Ok(false);
        }
        if disk::id_of(names::packed(plain))?.is_some() {
            return self.remove_doubled(plain, &info);
        }
        let tmp = names::with(&self.path, &format!(".{:x}.gz.tmp", info.id.ino));
        let result = self.compress(&file, &info, &tmp).and_then(|is_whole| {
            if is_whole {
                self.under_lock(|| self.publish(plain, &file, &info, &tmp))
            } else {
                Ok(false)
            }
        });
        if !matches!(result, Ok(true)) {
            let _ = disk::remove_file(&tmp);
        }
        result
    }

    /// Writes the compressed form of `file` to `tmp` and syncs it; `false` when told to stop.
    fn compress(&self, file: &File, info: &Info, tmp: &Path) -> io::Result<bool> {
        match disk::remove_file(tmp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let out = File::open(tmp, Mode::CreateAppend)?;
        // Tells others that it is not an orphan; where there are no locks they see a file that cannot be locked.
        let _ = out.try_lock();
        let _ = out.set_mode(info.mode);
        let seconds = u32::try_from(info.modified_ns / 1_000_000_000).unwrap_or(0);
        let builder = GzBuilder::new().mtime(seconds).extra(extra_of(info));
        let mut encoder = builder.write(Appending(out), Compression::default());
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        loop {
            let count = file.read_at(&mut piece, at)?;
            encoder.write_all(piece.get(..count).unwrap_or_default())?;
            at += count as u64;
            if count < piece.len() {
                break;
            }
            if self.is_stopped() {
                return Ok(false);
            }
        }
        let out = encoder.finish()?.0;
        out.sync_data()?;
        Ok(at == info.len)
    }

    /// Gives the compressed file its name, and removes the plain one, wherever a rotation has moved it.
    fn publish(&self, plain: &Path, file: &File, info: &Info, tmp: &Path) -> io::Result<bool> {
        let here = |path: &Path| disk::id_of(path).is_ok_and(|id| id == Some(info.id));
        let moved = || self.plain_files().into_iter().find(|path| here(path));
        let Some(plain) = Some(plain.to_owned()).filter(|plain| here(plain)).or_else(moved) else {
            return Ok(false);
        };
        if file.len()? != info.len {
            return Ok(false);
        }
        disk::rename_new(tmp, names::packed(&plain))?;
        disk::sync_dir(names::dir(&plain))?;
        disk::remove_file(&plain)?;
        Ok(true)
    }

    /// After a crash both forms may be there: removes the plain one if the other is truly its compressed form.
    fn remove_doubled(&self, plain: &Path, info: &Info) -> io::Result<bool> {
        let identity = Identity {
            id: info.id,
            born_ns: info.born_ns,
        };
        let packed = names::packed(plain);
        let packed_id = disk::id_of(&packed)?;
        let Some(mut unpacked) = Unpacked::open(&packed, identity, 0)? else {
            return Ok(false);
        };
        if io::copy(&mut unpacked.decoder, &mut io::sink())? != info.len {
            return Ok(false);
        }
        self.under_lock(|| {
            let same = disk::id_of(plain)? == Some(info.id) && disk::id_of(&packed)? == packed_id;
            if same {
                disk::remove_file(plain)?;
            }
            Ok(false)
        })
    }

    /// Does something while no process rotates.
    fn under_lock(&self, act: impl FnOnce() -> io::Result<bool>) -> io::Result<bool> {
        for _ in 0..LOCK_TRIES_MAX {
            let log = match File::open(&self.path, Mode::Append) {
                // A rotation is under way.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    lock::pause();
                    continue;
                }
                other => other?,
            };
            let id = log.id()?;
            let is_current = || disk::id_of(&self.path).is_ok_and(|there| there == Some(id));
            let lock = lock::take(&log, LOCK_WAIT_MS_MAX, || self.is_stopped() || !is_current())?;
            if self.is_stopped() {
                return Ok(false);
            }
            if lock == Lock::Busy {
                break;
            }
            if lock != Lock::Moot && is_current() {
                return act();
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// The rotated files that are there plain.
    fn plain_files(&self) -> Vec<PathBuf> {
        let is_there = |path: &PathBuf| disk::id_of(path).is_ok_and(|id| id.is_some());
        if !self.is_dated {
            let taken = (1..).map(|number| names::slot(&self.path, number));
            return taken
                .take_while(|path| names::is_taken(path).unwrap_or(false))
                .filter(is_there)
                .collect();
        }
        let of = self.path.file_name().unwrap_or_default();
        let all = disk::list(names::dir(&self.path)).unwrap_or_default();
        let dated = all.into_iter().filter(|name| Dated::parse(name, of).is_some());
        dated
            .filter(|name| !name.as_encoded_bytes().ends_with(b".gz"))
            .map(|name| self.path.with_file_name(name))
            .collect()
    }

    /// Removes what threads that are no more have left half done.
    fn remove_orphans(&self) {
        let of = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        for name in disk::list(names::dir(&self.path)).unwrap_or_default() {
            let middle = name
                .as_encoded_bytes()
                .strip_prefix(of)
                .and_then(|tail| tail.strip_suffix(b".gz.tmp"));
            let Some([b'.', inode @ ..]) = middle else { continue };
            if inode.is_empty() || !inode.iter().all(u8::is_ascii_hexdigit) {
                continue;
            }
            let path = self.path.with_file_name(&name);
            if File::open(&path, Mode::Read).is_ok_and(|file| matches!(file.try_lock(), Ok(true))) {
                let _ = disk::remove_file(path);
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.flags().stop
    }

    fn flags(&self) -> MutexGuard<'_, Flags> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until_done<'a>(&self, flags: MutexGuard<'a, Flags>) -> MutexGuard<'a, Flags> {
        let waited = self.changed.wait_timeout_while(flags, CLOSE_WAIT, |flags| !flags.done);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A compressed file, read as what it was made from.
#[derive(Debug)]
pub(crate) struct Unpacked {
    decoder: GzDecoder<Reading>,
}

impl Unpacked {
    /// Opens the file if it was made from the one asked for, at the byte asked for.
    ///
    /// # Errors
    /// When it cannot be opened for the moment; one that cannot be read is not the one.
    pub(crate) fn open(path: &Path, made_from: Identity, offset: u64) -> io::Result<Option<Self>> {
        match names::open_plain(path) {
            Ok(file) => Ok(file.and_then(|file| Self::of(file, made_from, offset))),
            Err(error) if passes(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn of(file: File, made_from: Identity, offset: u64) -> Option<Self> {
        let mut decoder = GzDecoder::new(Reading { file, at: 0 });
        if !source_of(decoder.header()?.extra()?)?.was(made_from) {
            return None;
        }
        let skipped = io::copy(&mut (&mut decoder).take(offset), &mut io::sink()).ok()?;
        (skipped == offset).then_some(Self { decoder })
    }

    /// Reads the next bytes: fewer than asked for only at the end.
    pub(crate) fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.decoder).take(count as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn extra_of(info: &Info) -> Vec<u8> {
    let words = [info.id.dev, info.id.ino, info.born_ns.cast_unsigned()];
    EXTRA
        .into_iter()
        .chain(words.into_iter().flat_map(u64::to_le_bytes))
        .collect()
}

fn source_of(extra: &[u8]) -> Option<Identity> {
    let [dev, ino, born] = extra.strip_prefix(&EXTRA)?.as_chunks().0 else {
        return None;
    };
    Some(Identity {
        id: FileId {
            dev: u64::from_le_bytes(*dev),
            ino: u64::from_le_bytes(*ino),
        },
        born_ns: i64::from_le_bytes(*born),
    })
}

/// Reads a file from its beginning.
#[derive(Debug)]
struct Reading {
    file: File,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Writes to the end of a file.
struct Appending(File);

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
