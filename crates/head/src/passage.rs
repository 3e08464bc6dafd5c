//! One journal on its way through a head.

use hydra_journal::{Batch, Cursor, Reader};
use hydra_record::Dictionary;

pub(crate) struct Passage<'c> {
    pub(crate) cursor: &'c Cursor,
    pub(crate) reader: Reader,
    pub(crate) batch: Batch,
    pub(crate) notes: Dictionary,
    pub(crate) replaying: bool,
}

impl<'c> Passage<'c> {
    pub(crate) fn new(cursor: &'c Cursor, replaying: bool) -> Passage<'c> {
        Passage {
            cursor,
            reader: cursor.reader(),
            batch: Batch::default(),
            notes: Dictionary::new(),
            replaying,
        }
    }
}
