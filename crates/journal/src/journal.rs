//! A journal as its users hold it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_os::atomic::{Arc as OsArc, Mutex};
use hydra_os::disk::FileSystem;
use hydra_os::random;
use hydra_os::thread::{self, JoinHandle};

use crate::append::{Note, Writer, retired};
use crate::audit;
use crate::copies;
use crate::cursor::{CursorState, Cursors};
use crate::error::{Error, ErrorKind};
use crate::head::Cursor;
use crate::lock::Home;
use crate::metrics::Metrics;
use crate::options::{Options, RECORD_BYTES_MAX, check};
use crate::patience::Patience;
use crate::place::{Place, file_system_of};
use crate::position::Position;
use crate::progress::Progress;
use crate::read::{Reader, Source};
use crate::reclaim::SPARES_WANTED;
use crate::segment::BYTES_MAX;
use crate::store::Log;
use crate::sync::Sync;
use crate::{reclaim, sync};

/// The log: appended to by many, read by each head from its own cursor. Clones are handles on the same one.
///
/// # Examples
/// ```
/// use hydra_journal::{Batch, Journal, Kind, Options, Position};
/// let journal = Journal::create(Options::default())?;
/// let head = journal.cursor("console")?;
/// journal.writer().append(b"a record", &[])?;
///
/// let (mut reader, mut batch) = (head.reader(), Batch::default());
/// reader.read(&mut batch, 65_536);
/// let records: Vec<_> = batch.frames().iter().filter(|frame| frame.kind == Kind::Data).collect();
/// assert_eq!(batch.payload(records[0]), b"a record");
/// # Ok::<(), hydra_journal::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    owner: Arc<Owner>,
}

/// Ends the journal when its last handle goes.
#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the journal's own threads share with its handles.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: OsArc<Log>,
    pub(crate) cursors: Cursors,
    pub(crate) place: Place,
    pub(crate) sync: Sync,
    pub(crate) id: [u8; 16],
    pub(crate) segment_bytes: usize,
    pub(crate) quota_bytes: u64,
    pub(crate) home: Option<Home>,
}

impl Journal {
    /// Makes a new journal: in a fresh subdirectory of `options.dir`, locked for as long as this process lives, or in
    /// memory.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a value out of its limits, [`ErrorKind::Io`] when the directory cannot be made, locked
    /// or written to, [`ErrorKind::Full`] when there is no space for its first segments.
    pub fn create(options: Options) -> Result<Journal, Error> {
        let segment_bytes = options.segment_bytes.next_multiple_of(4096);
        check(&options, segment_bytes)?;
        let home = options.dir.as_deref().map(Home::create).transpose()?;
        let place = home.as_ref().map_or(Place::Memory, |home| Place::Dir(home.dir.clone()));
        let cursors = place.make_cursors().inspect_err(|_| abandon(home.as_ref()))?;
        let stamp = (random::u64() as u32).max(1);
        let copies_pages = place.copies_pages(segment_bytes, options.preamble.len());
        let log = Log::new(
            stamp,
            segment_bytes,
            copies_pages,
            options.quota_bytes,
            options.preamble,
        );
        let shared = Arc::new(Shared {
            log: OsArc::new(log),
            cursors: Cursors::create(cursors),
            place,
            sync: Sync::default(),
            id: random::bytes16(),
            segment_bytes,
            quota_bytes: options.quota_bytes,
            home,
        });
        reclaim::keep(&shared, &mut Patience::none());
        let full = shared.log.store().full.clone();
        full.map_or_else(|| shared.log.roll(0), Err)
            .inspect_err(|_| abandon(shared.home.as_ref()))?;
        let journal = Journal {
            owner: Arc::new(Owner {
                shared,
                threads: Mutex::default(),
            }),
        };
        journal.start("hydra-keeper", reclaim::run)?;
        // Before somebody needs it, who might find no memory for it. If there is none now, who asks first tries again.
        let can_sync = journal
            .dir()
            .is_some_and(|dir| file_system_of(dir) != FileSystem::Memory);
        if can_sync && journal.shared().sync.begin() {
            let _ = journal.start_sync();
        }
        Ok(journal)
    }

    fn start_sync(&self) -> Result<(), Error> {
        self.start("hydra-sync", sync::run)
            .inspect_err(|error| self.shared().sync.not_running(error))
    }

    fn start(&self, name: &str, run: fn(&Shared)) -> Result<(), Error> {
        let shared = Arc::clone(&self.owner.shared);
        let started = thread::spawn(name, move || run(&shared));
        let handle = started.map_err(|error| Error::io("starting a thread", name.as_ref(), error))?;
        self.owner
            .threads
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .push(handle);
        Ok(())
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.owner.shared
    }

    /// Makes a way in for one thread.
    pub fn writer(&self) -> Writer {
        Writer::new(OsArc::clone(&self.shared().log))
    }

    /// Returns the largest payload that [`Writer::append`] takes: a quarter of a segment.
    pub fn frame_max(&self) -> usize {
        self.shared().log.frame_max
    }

    /// Appends a record of any size up to [`RECORD_BYTES_MAX`], in a segment of its own. Returns the position behind
    /// it.
    ///
    /// The segment is allocated and mapped before anything is reserved, so others are held up only for the time of the
    /// copy. All of `notes` are written into that segment.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] past the limit or the whole quota; [`ErrorKind::Full`] when there is no room now.
    pub fn append_large(&self, payload: &[u8], notes: &[Note<'_>]) -> Result<Position, Error> {
        let shared = self.shared();
        let is_retired = || notes.iter().any(|note| note.slot.is_retired());
        let check = || if is_retired() { Err(retired()) } else { Ok(()) };
        let texts: Vec<Vec<u8>> = notes.iter().map(Note::bytes).collect();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let (bytes, copies_pages) = shared.log.large_bytes(payload.len(), &texts);
        // The tail's segment and the spares always take their part of the quota.
        let least = (SPARES_WANTED as u64 + 1) * shared.segment_bytes as u64;
        let is_too_large = payload.len() > RECORD_BYTES_MAX || bytes > BYTES_MAX || copies_pages > copies::PAGES_MAX;
        if is_too_large || bytes as u64 + least > shared.quota_bytes {
            let text = format!(
                "appending a record of {} bytes: the limit is {RECORD_BYTES_MAX} bytes, \
                 and the journal's quota is {} bytes",
                payload.len(),
                shared.quota_bytes,
            );
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        if shared.log.is_foreign() {
            return Err(Error::new(
                ErrorKind::Closed,
                "appending to the journal of a parent process",
            ));
        }
        shared.log.reserve_large(bytes)?;
        let made = reclaim::make_segment(shared, bytes, copies_pages);
        let (mapping, generation) = made.inspect_err(|_| shared.log.give_back_bytes(bytes))?;
        let mapping = OsArc::new(mapping);
        let inserted = shared
            .log
            .insert_large(&mapping, generation, payload, &texts, copies_pages, check);
        let end = inserted.inspect_err(|_| {
            Place::discard(&mapping);
            shared.log.give_back_bytes(bytes);
        })?;
        shared.log.bell.ring(&shared.log.hot);
        Ok(end)
    }

    /// Opens the cursor of the head `name`. One that the journal does not know begins at the journal's end.
    ///
    /// # Errors
    /// [`ErrorKind::Owned`] while an earlier [`Cursor`] of that name, or a clone of it, is alive;
    /// [`ErrorKind::Option`] when there are [`crate::CURSORS_MAX`] already.
    pub fn cursor(&self, name: &str) -> Result<Cursor, Error> {
        let live = self.shared().cursors.join(name, || self.tail())?;
        Ok(Cursor::of_living(&self.owner.shared, live))
    }

    /// Returns the end of everything appended or being appended.
    pub fn tail(&self) -> Position {
        self.shared().log.tail()
    }

    /// Returns how far the journal is synced to the device, to wait on. Ask for more by [`Journal::sync_to`].
    pub fn synced(&self) -> &Progress {
        &self.shared().sync.done
    }

    /// Asks for everything before `position` to be synced; returns at once. Wait on [`Journal::synced`].
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the thread that syncs cannot be started.
    pub fn sync_to(&self, position: Position) -> Result<(), Error> {
        let shared = self.shared();
        if shared.log.is_foreign() {
            return Err(Error::new(ErrorKind::Closed, "syncing the journal of a parent process"));
        }
        // There is nothing to sync behind the tail, however far somebody would like to get.
        if !shared.sync.ask(position.min(self.tail())) {
            return Ok(());
        }
        self.start_sync()
    }

    /// Asks every head to sync its destination if records were synced: the journal that holds them is about to end.
    pub fn ask_checkpoint(&self) {
        if self.shared().sync.wanted() > Position::START {
            self.shared().cursors.lowest_durable(self.tail());
            self.shared().log.bell.ring_all();
        }
    }

    /// Says whether there is no room now and none can be made.
    pub fn is_full(&self) -> bool {
        let store = self.shared().log.store();
        store.full.is_some() && store.spares.is_empty()
    }

    /// Says whether the journal survives the death of the process.
    pub fn is_file_backed(&self) -> bool {
        self.shared().home.is_some()
    }

    /// Returns the journal's own subdirectory.
    pub fn dir(&self) -> Option<&Path> {
        self.shared().home.as_ref().map(|home| home.dir.as_path())
    }

    /// Waits, at most `timeout`, until a journal that was full has room. Says whether it has.
    pub fn wait_until_room(&self, timeout: Duration) -> bool {
        self.shared().log.wait_until_room(timeout)
    }

    /// Wakes every head that sleeps, so that it looks for something to do.
    pub fn wake_readers(&self) {
        self.shared().log.bell.ring_all();
    }

    /// Returns the counters.
    pub fn metrics(&self) -> &Metrics {
        &self.shared().log.metrics
    }

    /// Returns how many records have been appended.
    pub fn records(&self) -> u64 {
        let metrics = self.metrics();
        metrics.appended.total() + metrics.appended_large.load(Ordering::Relaxed)
    }

    /// Returns the bytes that segments and spares take.
    pub fn bytes(&self) -> u64 {
        self.shared().log.store().bytes
    }

    /// Returns names and states of all heads.
    pub fn cursors(&self) -> Vec<(String, CursorState)> {
        self.shared().cursors.all()
    }

    /// Ends the segment that is being filled. Returns the position that everything appended so far is before, and
    /// everything appended from now on is behind.
    ///
    /// It takes no room and never waits: if there is none for another segment, the next append waits for it.
    pub fn turn(&self) -> Position {
        if self.shared().log.is_foreign() {
            return self.tail();
        }
        let position = self.shared().log.turn();
        // Those that sleep at the end of the old segment would keep it.
        self.wake_readers();
        position
    }

    /// Refuses appends from now on, and returns the end of all that was accepted: it will not move again. Readers go
    /// on.
    pub fn seal(&self) -> Position {
        self.shared().log.seal()
    }

    /// Ends the journal: appends fail from now on, waiting ends. Its directory is removed if every head has everything.
    ///
    /// Returns whether nothing is left.
    pub fn close(&self) -> bool {
        self.owner.close()
    }
}

impl Owner {
    fn close(&self) -> bool {
        let shared = &self.shared;
        if shared.log.is_foreign() {
            // A child has neither the threads nor the right; its parent's locks may be held for ever in this copy.
            return false;
        }
        let end = shared.log.close();
        shared.sync.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        // A waker that drops the last handle makes one of our own threads get here.
        let me = hydra_os::atomic::thread::current().id();
        for handle in threads.into_iter().filter(|handle| handle.thread().id() != me) {
            // A thread of ours that panicked has nothing more to say; the journal is on the disk.
            let _ = handle.join();
        }
        let error = Error::new(ErrorKind::Closed, "waiting on a journal that is closed");
        shared.sync.fail(&error);
        shared.cursors.fail_all(&error);
        let source = || Source::Live(OsArc::clone(&shared.log));
        let is_read = |low| low >= end || Reader::new(source(), low).has_no_more_data();
        let wanted = shared.sync.wanted();
        // Synced records may go only when the destinations that took them are synced as well.
        let durable = wanted == Position::START || shared.cursors.lowest_durable(wanted) >= wanted.min(end);
        let empty = durable && shared.cursors.lowest().is_none_or(is_read);
        match shared.home.as_ref() {
            // If it cannot be removed, the next start finds it empty and does so.
            Some(home) if empty => {
                reclaim::keep_evidence(shared);
                // Whoever finds it half removed misses nothing.
                shared.cursors.note_reached(Position::START);
                let _ = home.remove();
            }
            // What is to stay for the next start must be where that looks for it.
            _ => {
                audit::round(shared);
                shared.cursors.note_reached(end);
            }
        }
        empty
    }
}

/// Leaves nothing behind of a journal that could not be made.
fn abandon(home: Option<&Home>) {
    if let Some(home) = home {
        // If that fails too, the next start adopts an empty journal and removes it.
        let _ = home.remove();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
        if self.shared.log.is_foreign()
            && let Ok(threads) = self.threads.get_mut()
        {
            // They are threads of the parent: there is nothing here to detach from.
            std::mem::take(threads).into_iter().for_each(std::mem::forget);
        }
    }
}
