//! What a head has not delivered.

use hydra_journal::{Batch, Cursor, Kind, Position, Read};
use hydra_record::{Dictionary, Record};

use crate::filter::Filter;

/// The records behind a head's cursor.
#[derive(Debug)]
pub struct Pending {
    pub(crate) cursor: Cursor,
    pub(crate) filter: Filter,
}

impl Pending {
    /// Gives each record, in order, to `take`; returns how many there are.
    pub fn for_each(self, take: impl FnMut(&Record<'_>)) -> u64 {
        let from = self.cursor.needed_from();
        self.walk(from, take, |_| true).unwrap_or_default()
    }

    /// Counts the records from a position on; `None` if the head was faster, so that the journal may have recycled what
    /// was to be counted.
    pub(crate) fn count_from(self, from: Position) -> Option<u64> {
        let cursor = self.cursor.clone();
        // A segment is recycled when every head has left it.
        self.walk(from, |_| {}, |segment| cursor.needed_from().segment() <= segment)
    }

    /// Goes on as long as what was read in a segment `is_sound`; `None` when it was not.
    fn walk(
        mut self,
        from: Position,
        mut take: impl FnMut(&Record<'_>),
        is_sound: impl Fn(u32) -> bool,
    ) -> Option<u64> {
        // What a thread has begun to log and not ended hides nothing that is accepted behind it.
        let mut reader = self.cursor.reader_from(from).past_holes();
        let (mut batch, mut notes) = (Batch::default(), Dictionary::new());
        let mut count = 0;
        loop {
            let segment = reader.position().segment();
            let read = reader.read(&mut batch, 64 << 10);
            if !is_sound(segment) {
                return None;
            }
            if read != Read::Some {
                return Some(count);
            }
            for frame in batch.frames() {
                let payload = batch.payload(frame);
                if frame.kind == Kind::Note {
                    notes.learn(payload);
                } else if self.filter.takes(payload, &notes)
                    && let Ok(record) = notes.decode(payload, frame.position.to_u64())
                {
                    take(&record);
                    count += 1;
                }
            }
        }
    }
}
