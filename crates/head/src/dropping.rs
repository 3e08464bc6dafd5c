//! What a head gives up when the journal is full, and how that is told.
//!
//! Nothing is dropped silently: every record is counted, and a summary record goes to the destination in the place of
//! what it missed. Records at a guaranteed level are never given up; the head stops at the first of them.
//!
//! What the worker has in hand, read and not yet with its destination, is not given up either, but the journal may be
//! told that it is needed no more: then it is in the worker's memory alone. So nothing is given up while there is a
//! guaranteed record among it.

use std::sync::atomic::{AtomicU64, Ordering};

use hydra_journal::{Batch, Cursor, Kind, Position, Read, Reader};
use hydra_os::atomic::{Mutex, MutexGuard};
use hydra_record::{Dictionary, Encoder, Head, LayerNote, Level, Peek, Record, Scratch, Value};

use crate::filter::Filter;

/// Bytes of the journal that are looked through in one go.
const READ_BYTES: usize = 64 << 10;

/// The counts of a head's drops.
#[derive(Debug, Default)]
pub(crate) struct Dropping {
    total: AtomicU64,
    untold: Mutex<Option<Summary>>,
    /// Held while records are given up, so that none is counted twice.
    hand: Mutex<Hand>,
}

/// What the worker has in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hand {
    /// Up to here it has read.
    until: Position,
    /// How many of what it has read are for its destination, and have found no place yet.
    records: u64,
    /// Whether one of them must not be dropped.
    is_guaranteed: bool,
}

impl Hand {
    /// One record more, which must not be dropped if it is guaranteed.
    pub(crate) fn take(&mut self, is_guaranteed: bool) {
        self.records += 1;
        self.is_guaranteed |= is_guaranteed;
    }
}

/// Drops that the destination has not been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) records: u64,
    pub(crate) from_ns: i64,
    pub(crate) to_ns: i64,
}

impl Dropping {
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Lets the worker read, and `count` what of it is for its destination, without anything of it being given up
    /// meanwhile.
    pub(crate) fn read(
        &self,
        cursor: &Cursor,
        reader: &mut Reader,
        batch: &mut Batch,
        count: impl FnOnce(&Batch, &mut Hand),
    ) -> Read {
        let mut hand = self.hand();
        let needed = cursor.needed_from();
        // A reader begins at the start of a segment, for its notes, and passes over the records before its own.
        if needed > reader.position().max(reader.begins_at()) {
            *reader = cursor.reader_from(needed);
        }
        let read = reader.read(batch, READ_BYTES);
        *hand = Hand {
            until: reader.position(),
            ..Hand::default()
        };
        count(batch, &mut hand);
        read
    }

    /// So many of the records in hand have found a place.
    pub(crate) fn put_down(&self, records: usize) {
        let mut hand = self.hand();
        hand.records = hand.records.saturating_sub(records as u64);
    }

    /// The worker has ended, begins anew, or hangs: what it had in hand is read again, or counted as dropped if the
    /// journal no longer holds it.
    pub(crate) fn let_go(&self, cursor: &Cursor) {
        let hand = std::mem::take(&mut *self.hand());
        if cursor.needed_from() > cursor.delivered().reached() && cursor.needed_from() >= hand.until {
            let now = hydra_os::clock::wall_ns();
            self.add(hand.records, now, now);
        }
    }

    /// Counts drops between two times.
    pub(crate) fn add(&self, records: u64, from_ns: i64, to_ns: i64) {
        if records == 0 {
            return;
        }
        self.total.fetch_add(records, Ordering::Relaxed);
        let mut untold = self.untold.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let sum = untold.get_or_insert(Summary {
            records: 0,
            from_ns,
            to_ns,
        });
        sum.records += records;
        sum.from_ns = sum.from_ns.min(from_ns);
        sum.to_ns = sum.to_ns.max(to_ns);
    }

    /// Returns what the destination is to be told, once.
    pub(crate) fn take_untold(&self) -> Option<Summary> {
        self.untold
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take()
    }

    /// Puts back a summary that could not be delivered.
    pub(crate) fn put_back(&self, summary: Summary) {
        let mut untold = self.untold.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let sum = untold.get_or_insert(Summary { records: 0, ..summary });
        sum.records += summary.records;
        sum.from_ns = sum.from_ns.min(summary.from_ns);
        sum.to_ns = sum.to_ns.max(summary.to_ns);
    }

    /// Gives up the records of the segment that the head is in, up to the first guaranteed one.
    pub(crate) fn give_up_oldest(&self, cursor: &Cursor, filter: &Filter, guaranteed: Option<Level>) {
        let hand = self.hand();
        if hand.records > 0 && hand.is_guaranteed {
            return;
        }
        let from = cursor.needed_from().max(hand.until);
        let (mut reader, mut batch, mut notes) = (cursor.reader_from(from), Batch::default(), Dictionary::new());
        let mut filter = filter.clone();
        let (mut records, mut times) = (0, None);
        let mut end = from;
        'reading: while end.segment() == from.segment() && reader.read(&mut batch, READ_BYTES) == Read::Some {
            for frame in batch.frames() {
                let payload = batch.payload(frame);
                if frame.kind == Kind::Note {
                    notes.learn(payload);
                } else if frame.position >= from && filter.takes(payload, &notes) {
                    let Some(peek) = Peek::read(payload) else { continue };
                    if guaranteed.is_some_and(|least| peek.level >= least.number()) {
                        break 'reading;
                    }
                    records += 1;
                    let (first, _) = times.unwrap_or((peek.time_ns, peek.time_ns));
                    times = Some((first, peek.time_ns));
                }
                end = end.max(frame.end);
            }
            end = end.max(reader.position());
        }
        if end > from {
            cursor.abandon(end);
        }
        if let Some((first, last)) = times {
            self.add(records, first, last);
        }
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Summary {
    /// Gives the summary, as a record of the layer `route`, to `take`.
    pub(crate) fn with_record(&self, route: &str, take: impl FnOnce(&Record<'_>)) {
        let (mut note, mut bytes, mut notes) = (Vec::new(), Scratch::new(), Dictionary::new());
        LayerNote::put(0, route, route, &mut note);
        notes.learn(&note);
        let time_ns = hydra_os::clock::wall_ns();
        let head = Head {
            time_ns,
            site: 0,
            thread: 0,
            layer: 0,
            level: Level::Warning,
        };
        let message = format!("{} records dropped because the journal was full", self.records);
        let mut encoder = Encoder::message(&mut bytes, head, &message, None);
        encoder.field("dropped", Value::U64(self.records));
        encoder.field("dropped_from_ns", Value::I64(self.from_ns));
        encoder.field("dropped_to_ns", Value::I64(self.to_ns));
        encoder.finish();
        if let Ok(record) = notes.decode(&bytes, 0) {
            take(&record);
        }
    }
}
