//! What a head gives up when the journal is full, and how that is told.
//!
//! Nothing is dropped silently: every record is counted, and a summary record goes to the destination in the place of
//! what it missed. Records at a guaranteed level are never given up; the head stops at the first of them.

use std::sync::atomic::{AtomicU64, Ordering};

use hydra_journal::{Batch, Cursor, Kind, Position, Read, Reader};
use hydra_os::atomic::Mutex;
use hydra_record::{Dictionary, Encoder, Head, LayerNote, Level, Peek, Record, Value};

use crate::filter::Filter;

/// Bytes of the journal that are looked through in one go.
const READ_BYTES: usize = 64 << 10;

/// The counts of a head's drops.
#[derive(Debug, Default)]
pub(crate) struct Dropping {
    total: AtomicU64,
    /// Up to here the worker has taken records in hand: it will deliver them, so they are not given up.
    in_hand: AtomicU64,
    /// How many of these have found no place yet.
    in_hand_records: AtomicU64,
    untold: Mutex<Option<Summary>>,
    /// Held while records are given up, so that none is counted twice.
    turn: Mutex<()>,
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

    /// Lets the worker read without anything of what it reads being given up meanwhile.
    pub(crate) fn read(&self, cursor: &Cursor, reader: &mut Reader, batch: &mut Batch) -> Read {
        let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let needed = cursor.needed_from();
        if needed > reader.position() {
            *reader = cursor.reader_from(needed);
        }
        let read = reader.read(batch, READ_BYTES);
        // Read under the same turn by `give_up_oldest`.
        self.in_hand.store(reader.position().to_u64(), Ordering::Relaxed);
        read
    }

    /// The worker has read so many records for its destination.
    pub(crate) fn take_up(&self, records: usize) {
        self.in_hand_records.store(records as u64, Ordering::Relaxed);
    }

    /// So many of them have found a place.
    pub(crate) fn put_down(&self, records: usize) {
        // Nobody else changes it while the worker works.
        let left = self.in_hand_records.load(Ordering::Relaxed);
        self.in_hand_records
            .store(left.saturating_sub(records as u64), Ordering::Relaxed);
    }

    /// Counts what the worker, which has ended or hangs, has in hand and the journal no longer holds.
    pub(crate) fn lose_what_is_in_hand(&self, cursor: &Cursor) {
        let in_hand = Position::from_u64(self.in_hand.load(Ordering::Relaxed));
        if cursor.needed_from() > cursor.delivered().reached() && cursor.needed_from() >= in_hand {
            self.total
                .fetch_add(self.in_hand_records.swap(0, Ordering::Relaxed), Ordering::Relaxed);
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
        let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let in_hand = Position::from_u64(self.in_hand.load(Ordering::Relaxed));
        let from = cursor.needed_from().max(in_hand);
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
}

impl Summary {
    /// Gives the summary, as a record of the layer `route`, to `take`.
    pub(crate) fn with_record(&self, route: &str, take: impl FnOnce(&Record<'_>)) {
        let (mut note, mut bytes, mut notes) = (Vec::new(), Vec::new(), Dictionary::new());
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
