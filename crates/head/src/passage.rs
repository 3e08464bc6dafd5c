//! One journal on its way through a head.

use hydra_journal::{Batch, Cursor, Reader};
use hydra_record::Dictionary;

#[derive(Debug)]
pub(crate) struct Passage<'c> {
    pub(crate) cursor: &'c Cursor,
    pub(crate) reader: Reader,
    pub(crate) batch: Batch,
    pub(crate) notes: Dictionary,
    pub(crate) purpose: Purpose,
}

/// Why a journal is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is the process's own.
    Own,
    /// A dead process has left it.
    Heritage(Suspect),
    /// A failed sync has put into doubt what was delivered from it.
    Again,
}

/// Records in the writing of which processes have died: those before a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) until: u64,
    pub(crate) deaths: u32,
}

impl<'c> Passage<'c> {
    pub(crate) fn new(cursor: &'c Cursor, purpose: Purpose) -> Passage<'c> {
        Passage {
            cursor,
            reader: cursor.reader(),
            batch: Batch::default(),
            notes: Dictionary::new(),
            purpose,
        }
    }
}
