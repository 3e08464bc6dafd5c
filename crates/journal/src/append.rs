//! How a record enters the journal: reserve, copy, publish.
//!
//! All space is handed out by additions to one word, the tail. The thread whose reservation passes the end of the
//! segment pads what is left, and any thread that finds the segment sealed may begin the next one. No user code runs
//! between the addition and the release store that publishes the frame, so only the death of the process can leave a
//! hole.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64 as StdAtomicU64, Ordering as StdOrdering};

use hydra_os::atomic::{Arc, Ordering};

use crate::copies::copy_bytes;
use crate::error::{Error, ErrorKind};
use crate::frame::{Kind, frame_bytes};
use crate::metrics::Tally;
use crate::position::Position;
use crate::segment::Segment;
use crate::store::Log;

/// Remembers in which segment a note stands, so that it is written once in each.
///
/// Belongs to whatever the note is about: a call site's static, a layer, a thread.
#[derive(Debug, Default)]
pub struct NoteSlot(StdAtomicU64);

impl NoteSlot {
    /// Makes the slot of a note that stands nowhere yet.
    pub const fn new() -> NoteSlot {
        NoteSlot(StdAtomicU64::new(0))
    }

    /// Forgets where the note stands, because it has changed.
    pub fn reset(&self) {
        self.stands_now_in(0);
    }

    /// Lets no record that needs the note into any segment that does not hold it yet: such an append is refused with
    /// [`ErrorKind::Retired`]. After [`crate::Journal::turn`] there is no such segment to come.
    pub fn retire(&self) {
        // Before the tail is sealed: who then finds the next segment finds this as well.
        self.0.store(RETIRED, StdOrdering::SeqCst);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.0.load(StdOrdering::SeqCst) == RETIRED
    }

    /// Remembers that the note stands in a segment, unless it has been retired meanwhile.
    fn stands_now_in(&self, stamp: u64) {
        let step = |before| if before == RETIRED { None } else { Some(stamp) };
        let _ = self.0.fetch_update(StdOrdering::Release, StdOrdering::Relaxed, step);
    }

    #[inline]
    fn stands_in(&self, stamp: u64) -> bool {
        // Pairs with the store in `stands_now_in`: who sees the stamp reserves space behind the note.
        self.0.load(StdOrdering::Acquire) == stamp
    }
}

/// A note that must stand in the segment of the record it comes with.
#[derive(Clone, Copy)]
pub struct Note<'a> {
    /// Where it stands so far.
    pub slot: &'a NoteSlot,
    /// Appends its bytes.
    pub write: &'a dyn Fn(&mut Vec<u8>),
}

impl Note<'_> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        (self.write)(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Note<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Note").field("slot", self.slot).finish_non_exhaustive()
    }
}

/// One thread's way into a journal. Cheap to make, cheap to use.
#[derive(Debug)]
pub struct Writer {
    log: Arc<Log>,
    segment: Option<Arc<Segment>>,
    tally: std::sync::Arc<Tally>,
    notes: RefCell<Vec<u8>>,
}

/// What a reservation came to.
enum Reserved {
    At(usize),
    /// The segment is full, or the tail is in another one than the writer thought.
    Moved,
}

impl Writer {
    pub(crate) fn new(log: Arc<Log>) -> Writer {
        let tally = log.metrics.appended.join();
        Writer {
            log,
            segment: None,
            tally,
            notes: RefCell::default(),
        }
    }

    /// Appends a record's bytes if the segment holds the notes in all of `slots` and has room: what can be done at
    /// once, without a word about why not. [`Writer::append`] does the rest.
    ///
    /// # Guarantee
    /// As [`Writer::append`], when it returns a position; nothing was appended otherwise.
    // This is the call that every record makes: one piece of code, from the caller's buffer to the published frame.
    #[inline(always)]
    pub fn append_at_once(&self, payload: &[u8], slots: &[&NoteSlot]) -> Option<Position> {
        let segment = self.segment.as_ref()?;
        let stamp = stamp(self.log.stamp, segment.number);
        let is_known = slots.iter().all(|slot| slot.stands_in(stamp));
        if !is_known || payload.len() > self.log.frame_max || self.log.is_foreign() {
            return None;
        }
        self.put(segment, payload, frame_bytes(payload.len()))
    }

    /// Appends a record's bytes, after any of `notes` that the segment does not hold yet. Returns the position behind
    /// it.
    ///
    /// # Guarantee
    /// When it returns, the record is published: readers see it, and in a file it survives the death of the process.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TooLarge`] when the payload is larger than [`crate::Journal::frame_max`], or does not fit a
    /// segment together with its notes: it is a case for [`crate::Journal::append_large`]. [`crate::ErrorKind::Full`]
    /// when there is no room now; [`crate::ErrorKind::Closed`] after the end, and in a forked child;
    /// [`crate::ErrorKind::Retired`] when one of `notes` was retired. Nothing was appended then.
    #[inline]
    pub fn append(&mut self, payload: &[u8], notes: &[Note<'_>]) -> Result<Position, Error> {
        if payload.len() > self.log.frame_max || self.log.is_foreign() {
            return Err(self.refusal(payload.len()));
        }
        let bytes = frame_bytes(payload.len());
        loop {
            if let Some(segment) = &self.segment {
                let stamp = stamp(self.log.stamp, segment.number);
                if !notes.iter().all(|note| note.slot.stands_in(stamp)) {
                    if let Some(end) = self.append_with_notes(payload, notes)? {
                        return Ok(end);
                    }
                } else if let Some(end) = self.put(segment, payload, bytes) {
                    return Ok(end);
                }
            }
            self.follow_tail()?;
        }
    }

    /// Reserves, copies, publishes, if the tail is in `segment` and a frame of `bytes` fits.
    #[inline(always)]
    fn put(&self, segment: &Segment, payload: &[u8], bytes: usize) -> Option<Position> {
        let Reserved::At(offset) = self.reserve(segment, bytes) else {
            return None;
        };
        let end = segment.write(offset, Kind::Data, payload);
        let end = segment.position(end);
        self.tally.add_one();
        self.wake();
        Some(end)
    }

    /// Reserves `bytes` in `segment`, if the tail is there and they fit.
    #[inline(always)]
    fn reserve(&self, segment: &Segment, bytes: usize) -> Reserved {
        let tail = &self.log.hot.tail;
        // A look first, so that a sealed tail is not pushed on and on by those who wait for the next segment.
        let seen = Position::from_u64(tail.load(Ordering::Relaxed));
        if seen.segment() != segment.number || seen.offset() as usize > segment.end {
            return Reserved::Moved;
        }
        let taken = if bytes <= ADDED_BYTES_MAX {
            Position::from_u64(tail.fetch_add(bytes as u64, Ordering::SeqCst))
        } else {
            match self.take_many(segment, bytes) {
                Some(taken) => taken,
                None => return Reserved::Moved,
            }
        };
        let offset = taken.offset() as usize;
        if taken.segment() == segment.number && offset + bytes <= segment.end {
            return Reserved::At(offset);
        }
        self.give_back(segment, taken, bytes);
        Reserved::Moved
    }

    /// Moves the tail by so many bytes that those of all threads could push it too far, if it is in `segment`.
    #[cold]
    fn take_many(&self, segment: &Segment, bytes: usize) -> Option<Position> {
        let step = |tail| {
            let at = Position::from_u64(tail);
            let is_open = at.segment() == segment.number && at.offset() as usize <= segment.end;
            if is_open { Some(tail + bytes as u64) } else { None }
        };
        let taken = self.log.hot.tail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step);
        taken.ok().map(Position::from_u64)
    }

    /// Why a record is not taken.
    #[cold]
    fn refusal(&self, bytes: usize) -> Error {
        if self.log.is_foreign() {
            return Error::new(ErrorKind::Closed, "appending to the journal of a parent process");
        }
        let text = format!(
            "appending a record of {bytes} bytes, notes included, as an ordinary one: they may have {}",
            self.log.frame_max
        );
        Error::new(ErrorKind::TooLarge, text)
    }

    /// Pads a reservation that cannot be used: the last one in a segment, or one in a segment begun meanwhile.
    #[cold]
    fn give_back(&self, expected: &Segment, taken: Position, bytes: usize) {
        let offset = taken.offset() as usize;
        if taken.segment() == expected.number {
            expected.seal(offset);
            // There may be no room for another segment, and no record that would wake those who sleep at the end.
            return self.wake();
        }
        // It cannot have been recycled: that takes every byte of it to be published, and we have not published ours.
        let Some(segment) = self
            .log
            .segment_from(taken.segment())
            .filter(|found| found.number == taken.segment())
        else {
            return;
        };
        if offset + bytes <= segment.end {
            segment.write_padding(offset, bytes);
        } else {
            segment.seal(offset);
        }
    }

    /// Appends the notes that are missing and the record in one reservation, so that both stand in one segment.
    #[cold]
    fn append_with_notes(&self, payload: &[u8], notes: &[Note<'_>]) -> Result<Option<Position>, Error> {
        let Some(segment) = &self.segment else {
            return Ok(None);
        };
        if notes.iter().any(|note| note.slot.is_retired()) {
            return Err(retired());
        }
        let stamp = stamp(self.log.stamp, segment.number);
        let mut text = self.notes.borrow_mut();
        text.clear();
        let mut ends = Vec::with_capacity(notes.len());
        let missing: Vec<_> = notes.iter().filter(|note| !note.slot.stands_in(stamp)).collect();
        for note in &missing {
            (note.write)(&mut text);
            ends.push(text.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let parts = || {
            starts
                .clone()
                .zip(&ends)
                .map(|(start, end)| text.get(start..*end).unwrap_or_default())
        };
        let bytes = parts().map(|part| frame_bytes(part.len())).sum::<usize>() + frame_bytes(payload.len());
        let copies = parts().map(|part| copy_bytes(part.len())).sum::<usize>();
        if bytes > self.log.room_bytes() || segment.keeps_copies() && copies > self.log.copies_room_bytes() {
            // It would not fit the next segment either, and the next.
            return Err(self.refusal(payload.len() + text.len()));
        }
        let Some(copies) = segment.reserve_copies(copies) else {
            self.log.turn_away_from(segment.number);
            return Ok(None);
        };
        let Reserved::At(offset) = self.reserve(segment, bytes) else {
            return Ok(None);
        };
        let offset = write_notes(segment, offset, copies, parts());
        missing.iter().for_each(|note| note.slot.stands_now_in(stamp));
        let end = segment.write(offset, Kind::Data, payload);
        self.tally.add_one();
        self.wake();
        Ok(Some(segment.position(end)))
    }

    /// Goes to the segment where the tail is, which may have to be begun first.
    #[cold]
    fn follow_tail(&mut self) -> Result<(), Error> {
        let tail = Position::from_u64(self.log.hot.tail.load(Ordering::SeqCst));
        if self.log.is_sealed(tail) {
            self.log.roll(tail.segment())?;
        }
        let tail = self.log.tail();
        // The tail may have moved on and the segment be gone: the next look finds it.
        self.segment = self
            .log
            .segment_from(tail.segment())
            .filter(|segment| segment.number == tail.segment());
        Ok(())
    }

    #[inline]
    fn wake(&self) {
        // Pairs with the `fetch_or` in `Bell::wait`; the reservation before it was sequentially consistent.
        #[cfg(loom)]
        hydra_os::atomic::fence(Ordering::SeqCst);
        if self.log.hot.parked.load(Ordering::SeqCst) != 0 {
            self.log.bell.ring(&self.log.hot);
        }
    }
}

/// Writes notes, after their copies: a note that a record can need has both. Returns the offset past them.
fn write_notes<'a>(
    segment: &Segment,
    offset: usize,
    copies: usize,
    notes: impl Iterator<Item = &'a [u8]> + Clone,
) -> usize {
    if segment.keeps_copies() {
        let (mut at, mut offset) = (copies, offset);
        for note in notes.clone() {
            at = segment.write_copy(at, offset, note);
            offset += frame_bytes(note.len());
        }
    }
    notes.fold(offset, |offset, note| segment.write(offset, Kind::Note, note))
}

/// The most that is reserved by an unconditional addition. Threads that add while the segment is full push the tail
/// past its end; so many that these pushes reach the next segment's number would have to be half a million at a time.
const ADDED_BYTES_MAX: usize = 4096;
/// In the place of a stamp: no journal has so many segments.
const RETIRED: u64 = u64::MAX;

pub(crate) fn retired() -> Error {
    Error::new(ErrorKind::Retired, "appending a record whose note has been retired")
}

#[inline]
fn stamp(journal: u32, segment: u32) -> u64 {
    u64::from(journal) << 32 | u64::from(segment)
}

#[cfg(all(test, not(any(loom, sim))))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use crate::{Batch, DamageKind, Journal, Kind, Options, Read, Reader};

    use super::*;

    fn data_of(reader: &mut Reader) -> (Vec<Vec<u8>>, Vec<DamageKind>, Read) {
        let (mut batch, mut data, mut damage) = (Batch::default(), Vec::new(), Vec::new());
        loop {
            let read = reader.read(&mut batch, 1 << 16);
            if read != Read::Some {
                return (data, damage, read);
            }
            let frames = batch.frames().iter().filter(|frame| frame.kind == Kind::Data);
            data.extend(frames.map(|frame| batch.payload(frame).to_vec()));
            damage.extend(batch.damage().iter().map(|damage| damage.kind));
        }
    }

    /// A head waits at what a producer has reserved and not filled. Who only wants to know what there is finds all that
    /// stands behind it, in this segment and in later ones, and has nobody believe that it has been filled.
    #[test]
    fn behind_what_is_not_filled() {
        let options = Options {
            segment_bytes: crate::SEGMENT_BYTES_MIN,
            ..Options::default()
        };
        let journal = Journal::create(options).unwrap();
        let head = journal.cursor("head").unwrap();
        let mut writer = journal.writer();
        let mut written = Vec::new();
        let mut append = |writer: &mut Writer, number: u64| {
            let record = number.to_le_bytes().repeat(100);
            writer.append(&record, &[]).unwrap();
            written.push(record);
        };
        append(&mut writer, 0);
        let segment = Arc::clone(writer.segment.as_ref().unwrap());
        let Reserved::At(offset) = writer.reserve(&segment, frame_bytes(5)) else {
            unreachable!("there is room")
        };
        let mut number = 1;
        while journal.tail().segment() == segment.number {
            append(&mut writer, number);
            number += 1;
        }
        let (seen, _, read) = data_of(&mut head.reader());
        assert_eq!((seen.len(), read), (1, Read::Pending));
        let (seen, damage, read) = data_of(&mut head.reader().past_holes());
        assert!(seen == written && read == Read::Empty(journal.tail()));
        assert_eq!(damage, [DamageKind::Hole]);
        assert!(!segment.is_settled());
        segment.write(offset, Kind::Data, b"later");
        let (seen, damage, _) = data_of(&mut head.reader());
        assert_eq!((seen.len(), damage.len()), (written.len() + 1, 0));
    }
}
