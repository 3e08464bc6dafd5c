//! The segments of a living journal: which are in the log, which are spare, and how the tail moves from one to the
//! next.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

#[cfg(not(loom))]
use hydra_os::atomic::AtomicBool;
use hydra_os::atomic::{Arc, AtomicU64, Condvar, Mutex, MutexGuard, Ordering};

use crate::bell::{Bell, Hot};
use crate::copies;
use crate::error::{Error, ErrorKind};
use crate::frame::{FRAME_ALIGN, Kind, frame_bytes};
use crate::metrics::Metrics;
use crate::position::Position;
use crate::segment::{FRAMES_START, Mapping, Segment, TRAILER_BYTES, frames_end};

/// Past every segment's end: a tail there says that the next segment must be begun first.
const SEALED: u64 = 1 << 31;
/// The last segment there can be: the number behind it is still one.
const NUMBER_MAX: u32 = u32::MAX - 1;

/// The log itself: the tail, the segments, and the room left.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) hot: Hot,
    pub(crate) bell: Bell,
    /// Tells this journal's note stamps from those of other journals in the process.
    pub(crate) stamp: u32,
    /// Offset behind the last byte that frames of an ordinary segment may take.
    pub(crate) segment_end: usize,
    /// Pages of an ordinary segment for copies of its notes.
    pub(crate) copies_pages: usize,
    /// The largest payload of an ordinary frame.
    pub(crate) frame_max: usize,
    /// The most bytes all segments may take.
    quota_bytes: u64,
    /// See [`crate::fork`].
    #[cfg(not(loom))]
    forks: u32,
    /// The first frame of every segment: a note that a reader of any segment needs.
    preamble: Vec<u8>,
    pub(crate) metrics: Metrics,
    store: Mutex<Store>,
    /// Told when a spare arrived or hope for one is gone.
    room: Condvar,
    /// Told when the keeper has something to do.
    work: Condvar,
    /// The keeper sleeps until it is called: whoever reads a record calls it.
    #[cfg(not(loom))]
    dozing: AtomicBool,
}

/// What the lock protects.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) segments: BTreeMap<u32, Arc<Segment>>,
    pub(crate) spares: VecDeque<Spare>,
    /// Bytes of all segments and spares.
    pub(crate) bytes: u64,
    /// Why there is no spare and none can be made now.
    pub(crate) full: Option<Error>,
    /// What the last large record that found no room needs; 0 once there is that much.
    large_bytes: u64,
    /// Where the data ended when the log was closed.
    end: Position,
    /// The keeper has been asked to look.
    pub(crate) asked: bool,
    pub(crate) closed: bool,
}

/// A cleared segment with its generation, ready to take a number.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) generation: u64,
}

impl Log {
    pub(crate) fn new(
        stamp: u32,
        segment_bytes: usize,
        copies_pages: usize,
        quota_bytes: u64,
        preamble: Vec<u8>,
    ) -> Log {
        let segment_end = frames_end(segment_bytes, copies_pages);
        Log {
            // A model's segments have room for a record or two.
            frame_max: (segment_end - FRAMES_START) / if cfg!(loom) { 1 } else { 4 },
            quota_bytes,
            #[cfg(not(loom))]
            forks: crate::fork::watch(),
            hot: Hot {
                tail: AtomicU64::new(SEALED),
                parked: AtomicU64::new(0),
            },
            bell: Bell::default(),
            stamp,
            segment_end,
            copies_pages,
            preamble,
            metrics: Metrics::default(),
            store: Mutex::new(Store::default()),
            room: Condvar::new(),
            work: Condvar::new(),
            #[cfg(not(loom))]
            dozing: AtomicBool::new(false),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Says whether this process is a forked child of the one that made the journal.
    #[inline]
    pub(crate) fn is_foreign(&self) -> bool {
        #[cfg(not(loom))]
        return self.forks != crate::fork::generation();
        #[cfg(loom)]
        false
    }

    /// The most bytes of frames that fit a segment behind its preamble.
    pub(crate) fn room_bytes(&self) -> usize {
        let preamble = if self.preamble.is_empty() {
            0
        } else {
            frame_bytes(self.preamble.len())
        };
        self.segment_end - FRAMES_START - preamble
    }

    /// The most bytes of copies that fit a segment beside that of its preamble.
    pub(crate) fn copies_room_bytes(&self) -> usize {
        copies::room_bytes(self.copies_pages).saturating_sub(copies::copy_bytes(self.preamble.len()))
    }

    /// Returns the end of what has been reserved. In a sealed segment that is its end.
    pub(crate) fn tail(&self) -> Position {
        let tail = Position::from_u64(self.hot.tail.load(Ordering::SeqCst));
        Position::new(tail.segment(), tail.offset().min(self.segment_end as u32))
    }

    /// Says whether a tail read as `tail` has no room at all.
    #[inline]
    pub(crate) fn is_sealed(&self, tail: Position) -> bool {
        tail.offset() as usize > self.segment_end
    }

    /// Returns the first segment numbered `number` or higher.
    pub(crate) fn segment_from(&self, number: u32) -> Option<Arc<Segment>> {
        self.store()
            .segments
            .range(number..)
            .next()
            .map(|(_, segment)| Arc::clone(segment))
    }

    /// Begins the segment after the sealed one numbered `sealed`, unless another thread already has.
    ///
    /// # Errors
    /// [`ErrorKind::Full`] when there is no room, [`ErrorKind::Closed`] after the end.
    #[cold]
    pub(crate) fn roll(&self, sealed: u32) -> Result<(), Error> {
        let mut store = self.store();
        loop {
            let tail = Position::from_u64(self.hot.tail.load(Ordering::SeqCst));
            if tail.segment() != sealed || !self.is_sealed(tail) {
                return Ok(());
            }
            if store.closed {
                return Err(closed());
            }
            if sealed >= NUMBER_MAX {
                return Err(used_up());
            }
            let next = sealed + 1;
            if let Some(spare) = store.spares.pop_front() {
                self.begin(&mut store, spare, next);
                return Ok(());
            }
            if let Some(error) = &store.full {
                self.metrics.full.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                return Err(error.clone());
            }
            store = self.wait_for_room(store);
        }
    }

    /// Puts `spare` into the log under `number` and moves the tail to it.
    fn begin(&self, store: &mut Store, spare: Spare, number: u32) {
        let segment = Segment::begin(spare.mapping, spare.generation, number, self.copies_pages);
        let start = self.write_preamble(&segment);
        store.segments.insert(number, Arc::new(segment));
        self.metrics
            .segments_begun
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Not a plain store: all changes of the tail are read-modify-writes, so that they are in one order for
        // everybody (and loom knows that they are).
        self.hot
            .tail
            .swap(Position::new(number, start as u32).to_u64(), Ordering::SeqCst);
        self.ask(store);
    }

    fn write_preamble(&self, segment: &Segment) -> usize {
        segment.begin_copies();
        if self.preamble.is_empty() {
            return FRAMES_START;
        }
        write_note(segment, FRAMES_START, &self.preamble)
    }

    /// Takes `bytes` of the quota for a large record's segment.
    ///
    /// # Errors
    /// [`ErrorKind::Full`] when so much is not left: [`Log::wait_until_room`] then waits for that much.
    pub(crate) fn reserve_large(&self, bytes: usize) -> Result<(), Error> {
        let mut store = self.store();
        if store.closed {
            return Err(closed());
        }
        if store.bytes + bytes as u64 > self.quota_bytes {
            store.large_bytes = bytes as u64;
            self.metrics.full.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.ask(&mut store);
            return Err(self.full());
        }
        store.bytes += bytes as u64;
        Ok(())
    }

    /// Adds a cleared segment: there is room again.
    pub(crate) fn put_spare(&self, spare: Spare) {
        let mut store = self.store();
        store.spares.push_back(spare);
        store.full = None;
        drop(store);
        self.announce_room();
    }

    /// Returns how many spares there are, and how many segments in the log.
    pub(crate) fn spares_and_used(&self) -> (usize, usize) {
        let store = self.store();
        (store.spares.len(), store.segments.len())
    }

    /// Takes the spares past the first `kept`, if a large record waits for room.
    pub(crate) fn take_surplus(&self, kept: usize) -> VecDeque<Spare> {
        let mut store = self.store();
        if store.large_bytes == 0 || store.spares.len() <= kept {
            return VecDeque::new();
        }
        store.spares.split_off(kept)
    }

    /// Gives bytes of the quota back.
    pub(crate) fn give_back_bytes(&self, bytes: usize) {
        self.store().bytes -= bytes as u64;
        self.announce_room();
    }

    /// The error of a journal whose quota is used up.
    pub(crate) fn full(&self) -> Error {
        let text = format!(
            "the journal's quota of {} bytes is used up and a destination is behind",
            self.quota_bytes
        );
        Error::new(ErrorKind::Full, text)
    }

    /// Puts a segment that holds nothing but `payload` into the log, after everything appended so far.
    ///
    /// Its bytes have been taken by [`Log::reserve_large`].
    ///
    /// # Errors
    /// [`ErrorKind::Full`] when there is no spare for what comes after it; [`ErrorKind::Closed`]; what `check`, called
    /// while no other segment can be begun, says.
    pub(crate) fn insert_large(
        &self,
        mapping: &Arc<Mapping>,
        generation: u64,
        payload: &[u8],
        notes: &[&[u8]],
        copies_pages: usize,
        check: impl Fn() -> Result<(), Error>,
    ) -> Result<Position, Error> {
        let mut store = self.store();
        let spare = loop {
            if store.closed {
                return Err(closed());
            }
            check()?;
            if let Some(spare) = store.spares.pop_front() {
                break spare;
            }
            if let Some(error) = &store.full {
                self.metrics.full.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                return Err(error.clone());
            }
            self.ask(&mut store);
            store = self.wait_for_room(store);
        };
        let last = self.tail().segment();
        if last > NUMBER_MAX - 2 {
            store.spares.push_front(spare);
            return Err(used_up());
        }
        self.seal_tail(&store);
        let number = last + 1;
        let segment = Segment::begin(Arc::clone(mapping), generation, number, copies_pages);
        let start = self.write_preamble(&segment);
        let start = notes.iter().fold(start, |at, note| write_note(&segment, at, note));
        let end = segment.write(start, Kind::Data, payload);
        segment.seal(end);
        self.metrics
            .appended_large
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        store.segments.insert(number, Arc::new(segment));
        self.begin(&mut store, spare, number + 1);
        Ok(Position::new(number, end as u32))
    }

    /// Lets nobody reserve in the tail's segment any more. Returns where its frames end.
    ///
    /// From the addition on everybody else finds it sealed, and waits for the lock that the caller holds.
    fn seal_tail(&self, store: &Store) -> Position {
        let seen = Position::from_u64(self.hot.tail.load(Ordering::SeqCst));
        if self.is_sealed(seen) {
            // Only holders of the lock unseal it.
            return Position::new(seen.segment(), self.segment_end as u32);
        }
        let tail = Position::from_u64(self.hot.tail.fetch_add(SEALED, Ordering::SeqCst));
        if let Some(segment) = store.segments.get(&tail.segment()) {
            segment.seal(tail.offset() as usize);
        }
        Position::new(tail.segment(), tail.offset().min(self.segment_end as u32))
    }

    /// Ends the tail's segment, and begins the next one if there is room for it now. Returns the position that all
    /// that has been appended is before, and all that will be is behind.
    #[cfg(not(loom))]
    pub(crate) fn turn(&self) -> Position {
        let mut store = self.store();
        if store.closed {
            return store.end;
        }
        let next = self.seal_tail(&store).segment().saturating_add(1);
        if next <= NUMBER_MAX
            && let Some(spare) = store.spares.pop_front()
        {
            self.begin(&mut store, spare, next);
        }
        Position::new(next, 0)
    }

    /// The size of a segment for one payload that does not fit an ordinary one, and how many of its pages are for
    /// copies of its notes.
    pub(crate) fn large_bytes(&self, payload: usize, notes: &[&[u8]]) -> (usize, usize) {
        let sum = |bytes: fn(usize) -> usize| -> usize {
            let notes = notes.iter().map(|note| bytes(note.len()));
            notes.sum::<usize>() + bytes(self.preamble.len())
        };
        let frames = FRAMES_START + sum(frame_bytes) + frame_bytes(payload);
        if self.copies_pages == 0 {
            return ((frames + TRAILER_BYTES).next_multiple_of(copies::PAGE_BYTES), 0);
        }
        let pages = copies::pages_for(sum(copies::copy_bytes));
        (
            frames.next_multiple_of(copies::PAGE_BYTES) + pages * copies::PAGE_BYTES,
            pages,
        )
    }

    /// Starts the next frame on a fresh page, and returns the position everything so far stands before.
    ///
    /// A page that is being synced must not be stored to: the store would wait for the disk.
    pub(crate) fn fence(&self, page: usize) -> Position {
        loop {
            let tail = Position::from_u64(self.hot.tail.load(Ordering::SeqCst));
            let offset = tail.offset() as usize;
            if offset >= self.segment_end || offset.is_multiple_of(page) {
                return self.tail();
            }
            let Some(segment) = self
                .segment_from(tail.segment())
                .filter(|found| found.number == tail.segment())
            else {
                continue;
            };
            let fresh = offset.next_multiple_of(page).min(self.segment_end);
            let moved = Position::new(tail.segment(), fresh as u32);
            let swap =
                self.hot
                    .tail
                    .compare_exchange(tail.to_u64(), moved.to_u64(), Ordering::SeqCst, Ordering::SeqCst);
            if swap.is_ok() {
                segment.write_padding(offset, fresh - offset);
                return moved;
            }
        }
    }

    /// Asks the keeper to look for something to recycle or to make.
    pub(crate) fn ask(&self, store: &mut Store) {
        if !store.asked {
            store.asked = true;
            self.work.notify_one();
        }
    }

    /// Tells everyone who waits that spares or hope have changed.
    pub(crate) fn announce_room(&self) {
        self.room.notify_all();
    }

    #[cfg(not(loom))]
    fn wait_for_room<'s>(&self, store: MutexGuard<'s, Store>) -> MutexGuard<'s, Store> {
        self.room.wait(store).unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A model has no keeper that works by itself: no spare means full.
    #[cfg(loom)]
    fn wait_for_room<'s>(&self, mut store: MutexGuard<'s, Store>) -> MutexGuard<'s, Store> {
        store.full = Some(Error::new(ErrorKind::Full, "no spare in the model"));
        store
    }

    /// Waits, at most `timeout`, for a journal that was full to have room.
    #[cfg(not(loom))]
    pub(crate) fn wait_until_room(&self, timeout: Duration) -> bool {
        let mut store = self.store();
        self.ask(&mut store);
        let full = |store: &mut Store| {
            if store.bytes + store.large_bytes <= self.quota_bytes {
                store.large_bytes = 0;
            }
            let is_full = store.full.is_some() && store.spares.is_empty();
            (is_full || store.large_bytes > 0) && !store.closed
        };
        let waited = self.room.wait_timeout_while(store, timeout, full);
        !waited.unwrap_or_else(|poisoned| poisoned.into_inner()).1.timed_out()
    }

    /// Notes whether the keeper is about to sleep until somebody calls it. It must look for records after that.
    #[cfg(not(loom))]
    pub(crate) fn set_dozing(&self, dozing: bool) {
        // Pairs with the load in `stir`: who has read a record that the keeper did not see sees that it dozes.
        self.dozing.store(dozing, Ordering::SeqCst);
    }

    /// Tells a keeper that sleeps that there are records, so that it looks after their files.
    #[cfg(not(loom))]
    pub(crate) fn stir(&self) {
        if self.dozing.load(Ordering::SeqCst) {
            self.ask(&mut self.store());
        }
    }

    /// The keeper waits here until it is asked, at most `timeout`.
    #[cfg(not(loom))]
    pub(crate) fn wait_for_work(&self, timeout: Duration) {
        let store = self.store();
        let idle = |store: &mut Store| !store.asked && !store.closed;
        let waited = self.work.wait_timeout_while(store, timeout, idle);
        waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0.asked = false;
    }

    /// Refuses everything from now on, and returns the end of all that was accepted: it will not move again. Readers go
    /// on.
    #[cfg(not(loom))]
    pub(crate) fn seal(&self) -> Position {
        if self.is_foreign() {
            // The tail is a forked child's copy, the segments are its parent's.
            return self.tail();
        }
        let end = self.close();
        self.bell.ring_all();
        end
    }

    /// Takes the segments before `number` out of the log that no producer will ever store into again.
    ///
    /// The caller may clear them: a reader that is still in one notices ([`Segment::is_retired`]).
    pub(crate) fn retire_before(&self, number: u32) -> Vec<Arc<Segment>> {
        let finished: Vec<_> = {
            let store = self.store();
            store
                .segments
                .range(..number)
                .map(|(_, segment)| Arc::clone(segment))
                .collect()
        };
        // Looked at without the lock: it may take a walk over all frames.
        let settled: Vec<_> = finished.into_iter().filter(|segment| segment.is_settled()).collect();
        let mut store = self.store();
        let is_there = |segment: &Arc<Segment>| {
            let found = store.segments.get(&segment.number);
            // A copy may have taken its place meanwhile.
            let is_there = found.is_some_and(|found| Arc::ptr_eq(found, segment));
            if is_there {
                store.segments.remove(&segment.number);
            }
            is_there
        };
        let retired: Vec<_> = settled.into_iter().filter(is_there).collect();
        drop(store);
        retired.iter().for_each(|segment| segment.retire());
        retired
    }

    /// Lets nobody reserve in the segment `number` any more.
    pub(crate) fn turn_away_from(&self, number: u32) {
        {
            let store = self.store();
            if self.tail().segment() == number {
                self.seal_tail(&store);
            }
        }
        // The tail has moved. Those that sleep would look behind, and the keeper would go on making its rounds for
        // them, until the next record.
        self.bell.ring(&self.hot);
    }

    /// Puts `copy` in the place of `old`; false if that is not in the log any more.
    #[cfg(not(loom))]
    pub(crate) fn replace(&self, old: &Arc<Segment>, copy: Segment) -> bool {
        let mut store = self.store();
        let place = store.segments.get_mut(&old.number);
        let Some(place) = place.filter(|place| Arc::ptr_eq(place, old)) else {
            return false;
        };
        *place = Arc::new(copy);
        old.set_replaced();
        true
    }

    /// Goes on behind the segment `number`, as if all before it had been used.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn skip_to(&self, number: u32) {
        let store = self.store();
        self.seal_tail(&store);
        let tail = Position::new(number, SEALED as u32);
        self.hot.tail.swap(tail.to_u64(), Ordering::SeqCst);
    }

    /// Ends the log: nothing is reserved and no segment is begun any more. Returns where the data ends.
    pub(crate) fn close(&self) -> Position {
        let mut store = self.store();
        if !store.closed {
            store.closed = true;
            store.end = self.seal_tail(&store);
        }
        self.room.notify_all();
        self.work.notify_all();
        store.end
    }
}

/// Writes a note into a segment that nobody else writes to yet, and its copy first.
fn write_note(segment: &Segment, offset: usize, note: &[u8]) -> usize {
    if segment.keeps_copies()
        && let Some(at) = segment.reserve_copies(copies::copy_bytes(note.len()))
    {
        segment.write_copy(at, offset, note);
    }
    segment.write(offset, Kind::Note, note)
}

/// Waiting for room would be of no use.
fn used_up() -> Error {
    Error::new(ErrorKind::Closed, "appending to a journal whose numbers are used up")
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "appending to a journal that is closed")
}

const _: () = assert!((SEALED as usize).is_multiple_of(FRAME_ALIGN));

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;
    use crate::{Adopted, Batch, Cursor, Journal, Kind, Options, Read};

    fn count(cursor: &Cursor) -> usize {
        let (mut reader, mut batch, mut count) = (cursor.reader(), Batch::default(), 0);
        while reader.read(&mut batch, 1 << 20) == Read::Some {
            count += batch.frames().iter().filter(|frame| frame.kind == Kind::Data).count();
            assert_eq!(batch.damage(), []);
        }
        count
    }

    /// When the last number is used, records are refused, large ones too; everything before is read, synced and found
    /// by the next process, and nothing begins again at the first number.
    #[test]
    fn numbers_are_used_up() {
        let root = tempfile::tempdir().unwrap();
        let options = Options {
            dir: Some(root.path().to_owned()),
            segment_bytes: crate::SEGMENT_BYTES_MIN,
            ..Options::default()
        };
        let journal = Journal::create(options).unwrap();
        journal.shared().log.skip_to(NUMBER_MAX - 4);
        let mut writer = journal.writer();
        let append = |writer: &mut crate::Writer| writer.append(&[7; 1000], &[]);
        append(&mut writer).unwrap();
        // Not before: the segments skipped would look missing.
        let head = journal.cursor("head").unwrap();
        let mut records = 1;
        assert_eq!(journal.tail().segment(), NUMBER_MAX - 3);
        journal.append_large(&[8; 100_000], &[]).unwrap();
        assert_eq!(journal.tail().segment(), NUMBER_MAX - 1);
        let error = journal.append_large(&[8; 100_000], &[]).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Closed && error.to_string().contains("used up"),
            "{error}"
        );
        let mut last = Position::START;
        while let Ok(end) = append(&mut writer) {
            (last, records) = (end, records + 1);
        }
        assert_eq!((last.segment(), journal.tail().segment()), (NUMBER_MAX, NUMBER_MAX));
        assert!(records > 2 * 50);
        for _ in 0..3 {
            assert_eq!(append(&mut writer).unwrap_err().kind(), ErrorKind::Closed);
            journal.turn();
        }
        journal.sync_to(last).unwrap();
        while journal.synced().reached() < last {
            assert!(journal.synced().failure().is_none());
            hydra_os::atomic::yield_now();
        }
        assert_eq!(count(&head), records);
        drop((writer, head));
        assert!(!journal.close());
        drop(journal);
        let adopted = Adopted::all(root.path()).unwrap().remove(0).unwrap();
        assert_eq!(count(&adopted.cursor("head").unwrap().unwrap()), records);
    }
}
