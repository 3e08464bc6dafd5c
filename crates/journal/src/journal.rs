//! A journal as its users hold it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;

use hydra_os::atomic::{Arc as OsArc, Mutex};
use hydra_os::disk::FileSystem;
use hydra_os::random;
use hydra_os::thread::{self, JoinHandle};

use crate::append::{Note, Writer, retired};
use crate::audit;
use crate::copies;
use crate::cursor::{CursorState, Cursors, Live};
use crate::error::{Error, ErrorKind};
use crate::lock::Home;
use crate::metrics::Metrics;
use crate::patience::Patience;
use crate::place::{Place, file_system_of, is_refused};
use crate::position::Position;
use crate::progress::Progress;
use crate::read::{Reader, Source};
use crate::reclaim::SPARES_WANTED;
use crate::recover::Dead;
use crate::segment::BYTES_MAX;
use crate::store::Log;
use crate::sync::Sync;
use crate::{reclaim, sync};

/// Bytes of an ordinary segment, unless told otherwise.
pub const SEGMENT_BYTES_DEFAULT: usize = 2 << 20;
/// The smallest segment.
pub const SEGMENT_BYTES_MIN: usize = 64 << 10;
/// The largest ordinary segment.
pub const SEGMENT_BYTES_MAX: usize = 256 << 20;
/// The largest record, in bytes of its payload.
pub const RECORD_BYTES_MAX: usize = 128 << 20;
/// The fewest segments a quota must allow.
pub const SEGMENTS_MIN: u64 = 4;

/// How a journal is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory under which the journal gets a subdirectory; `None` keeps it in memory.
    pub dir: Option<PathBuf>,
    /// Bytes of a segment; rounded up to a multiple of 4096.
    pub segment_bytes: usize,
    /// The most bytes all segments may take.
    pub quota_bytes: u64,
    /// A note that every segment begins with; empty for none.
    pub preamble: Vec<u8>,
    /// Whether it may lie on a network file system. Nothing promises then that it survives anything.
    pub allow_network: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dir: None,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            quota_bytes: 1 << 30,
            preamble: Vec::new(),
            allow_network: false,
        }
    }
}

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
        Ok(Cursor {
            of: Of::Live(Arc::clone(&self.owner.shared)),
            live,
        })
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

fn check(options: &Options, segment_bytes: usize) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::new(ErrorKind::Option, text));
    if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes) {
        return refuse(format!(
            "creating a journal with segments of {segment_bytes} bytes: \
             they may have {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}"
        ));
    }
    if options.preamble.len() > segment_bytes / 4 {
        return refuse(format!(
            "creating a journal with a preamble of {} bytes: it may have a quarter of a segment, {}",
            options.preamble.len(),
            segment_bytes / 4
        ));
    }
    let least = SEGMENTS_MIN * segment_bytes as u64;
    if options.quota_bytes < least {
        return refuse(format!(
            "creating a journal with a quota of {} bytes: \
             with segments of {segment_bytes} bytes it needs at least {least}",
            options.quota_bytes
        ));
    }
    match options.dir.as_deref() {
        Some(dir) if is_refused(file_system_of(dir), options.allow_network) => {
            let text = "creating a journal on a network file system, where neither locks nor maps can be relied on; \
                        use a local directory, or allow the network";
            Err(Error::at(ErrorKind::Option, text, dir))
        }
        _ => Ok(()),
    }
}

/// One head's place in a journal: this process's own, or a dead one's.
#[derive(Clone, Debug)]
pub struct Cursor {
    of: Of,
    live: Arc<Live>,
}

#[derive(Clone, Debug)]
enum Of {
    Live(Arc<Shared>),
    Dead(Arc<Dead>),
}

impl Cursor {
    fn cursors(&self) -> &Cursors {
        match &self.of {
            Of::Live(shared) => &shared.cursors,
            Of::Dead(dead) => &dead.cursors,
        }
    }

    /// Returns position and mark as last saved.
    pub fn state(&self) -> CursorState {
        self.cursors().state_of(&self.live)
    }

    /// Saves position and mark. When it returns, they survive the death of the process, and what lies before the
    /// position may be reclaimed. A position before the one saved last does not bring anything back.
    ///
    /// A segment is kept for as long as a cursor stands in it: at the end of a batch save [`Reader::position`], which
    /// is in the next segment as soon as there is one, rather than the end of the last record.
    pub fn save(&self, state: &CursorState) {
        if let Of::Live(shared) = &self.of
            && shared.log.is_foreign()
        {
            // The table belongs to the parent process.
            return;
        }
        let before = self.live.delivered.reached();
        self.cursors().save(&self.live, state);
        if let Of::Live(shared) = &self.of
            && before.segment() != state.position.segment()
        {
            shared.log.ask(&mut shared.log.store());
        }
    }

    /// Returns how far the head has delivered, to wait on.
    pub fn delivered(&self) -> &Progress {
        &self.live.delivered
    }

    /// Begins to read where the cursor stands.
    pub fn reader(&self) -> Reader {
        self.reader_from(self.state().position)
    }

    /// Sleeps until there is more than `seen`, `timeout` is over or somebody wakes the thread. `number` tells the
    /// journal's heads apart.
    pub fn park(&self, number: u32, seen: Position, timeout: Duration) {
        if let Of::Live(shared) = &self.of {
            shared.log.bell.wait(&shared.log.hot, number, seen, timeout);
        }
    }

    /// Returns the position from which on the head needs the journal: behind what it has delivered and given up.
    pub fn needed_from(&self) -> Position {
        self.live.needed_from()
    }

    /// Gives up everything before `position`, so that it can be reclaimed; a reader goes on behind it. What has been
    /// given up must have been counted: it is delivered by nobody any more.
    pub fn abandon(&self, position: Position) {
        self.live.abandon(position);
        if let Of::Live(shared) = &self.of {
            shared.log.ask(&mut shared.log.store());
        }
    }

    /// Begins to read at `position`, whatever the cursor says.
    pub fn reader_from(&self, position: Position) -> Reader {
        let source = match &self.of {
            Of::Live(shared) => Source::Live(OsArc::clone(&shared.log)),
            Of::Dead(dead) => Source::Dead(Arc::clone(dead)),
        };
        Reader::new(source, position)
    }

    /// Says whether the destination should be synced, because synced records wait for it to be reclaimed.
    pub fn checkpoint_wanted(&self) -> bool {
        self.live.checkpoint_wanted()
    }

    /// Notes that the destination has been synced up to the cursor's position.
    pub fn checkpointed(&self) {
        self.live.checkpointed(self.live.delivered.reached());
        if let Of::Live(shared) = &self.of {
            shared.log.ask(&mut shared.log.store());
        }
    }

    /// Ends the cursor: the head needs nothing more, and is forgotten. Its destination must have been synced, if what
    /// it took was.
    pub fn remove(&self) {
        match &self.of {
            Of::Live(shared) if shared.log.is_foreign() => {}
            Of::Live(shared) => {
                shared.cursors.remove(&self.live);
                // Who waits for it waits no longer: it has all that was for it.
                self.live.delivered.advance(Position::END);
                shared.log.ask(&mut shared.log.store());
            }
            Of::Dead(dead) => dead.cursors.remove(&self.live),
        }
    }

    /// Wakes `waker` when the head has delivered everything before `position`: see [`Progress::poll`].
    pub fn poll_delivered(&self, position: Position, waker: &Waker) -> Option<Result<(), Error>> {
        self.live.delivered.poll(position, waker)
    }
}

/// A dead process's journal that this process has taken over.
#[derive(Clone, Debug)]
pub struct Adopted {
    dead: Arc<Dead>,
}

impl Adopted {
    /// Takes over all journals under `root` whose owners are dead. Those that cannot be read come as errors and are
    /// left as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the directory itself cannot be read.
    pub fn all(root: &Path) -> Result<Vec<Result<Adopted, Error>>, Error> {
        let homes = Home::adopt(root)?;
        let open = |home: Result<Home, Error>| {
            let dead = Arc::new(Dead::open(home?)?);
            Ok(Adopted { dead })
        };
        Ok(homes.into_iter().map(open).collect())
    }

    /// Returns its directory.
    pub fn dir(&self) -> &Path {
        self.dead.dir()
    }

    /// Opens the cursor of the head `name`, if the dead process had one.
    ///
    /// If its table of cursors is lost, every head begins at the start: better twice than never.
    ///
    /// # Errors
    /// As [`Journal::cursor`].
    pub fn cursor(&self, name: &str) -> Result<Option<Cursor>, Error> {
        if !self.dead.cursors.knows(name) && !self.dead.cursors.is_lost() {
            return Ok(None);
        }
        let live = self.dead.cursors.join(name, || Position::START)?;
        Ok(Some(Cursor {
            of: Of::Dead(Arc::clone(&self.dead)),
            live,
        }))
    }

    /// Returns names and states of the heads the dead process had.
    pub fn cursors(&self) -> Vec<(String, CursorState)> {
        self.dead.cursors.all()
    }

    /// Returns the position behind everything.
    pub fn end(&self) -> Position {
        self.dead.contents().end
    }

    /// Returns files that look like segments and cannot be read, each with the reason.
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.dead.contents().unreadable
    }

    /// Returns where the damaged files are that were kept when it was removed: a few of them stay, see
    /// [`crate::damaged_files`].
    pub fn kept(&self) -> Vec<PathBuf> {
        self.dead.kept()
    }

    /// Returns the payload of its last record.
    pub fn last_record(&self) -> Option<Vec<u8>> {
        self.dead.last_data()
    }

    /// Removes it from the disk if every head has everything. Returns whether it is gone. Damaged files are kept, see
    /// [`Adopted::kept`].
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when a file cannot be removed or kept.
    pub fn remove_if_done(&self) -> Result<bool, Error> {
        if !self.dead.is_done() {
            return Ok(false);
        }
        self.dead.remove()?;
        Ok(true)
    }
}
