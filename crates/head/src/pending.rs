//! What a head has not delivered.

use hydra_journal::{Batch, Cursor, Kind, Read};
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
    pub fn for_each(mut self, mut take: impl FnMut(&Record<'_>)) -> u64 {
        let (mut reader, mut batch, mut notes) = (
            self.cursor.reader_from(self.cursor.needed_from()),
            Batch::default(),
            Dictionary::new(),
        );
        let mut count = 0;
        while reader.read(&mut batch, 64 << 10) == Read::Some {
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
        count
    }
}
