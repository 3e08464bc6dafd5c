//! The segments of a living journal: which are in the log, which are spare, and how the tail moves from one to the
//! next.

mod large;
mod room;

use std::collections::{BTreeMap, VecDeque};

#[cfg(not(loom))]
use hydra_os::atomic::AtomicBool;
use hydra_os::atomic::{Arc, AtomicU64, Condvar, Mutex, MutexGuard, Ordering};

use crate::bell::{Bell, Hot};
use crate::copies;
use crate::error::{Error, ErrorKind};
use crate::frame::{FRAME_ALIGN, Kind, frame_bytes};
use crate::metrics::Metrics;
use crate::position::Position;
use crate::segment::{FRAMES_START, Mapping, Segment, frames_end};

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
mod tests;
