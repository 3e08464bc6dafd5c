//! What a process leaves at the file for whoever finds half a record there.
//!
//! A process may die in the middle of a write, and a living one may come to the file before the next start compares
//! what stands there (`resume.rs`). Once anything stands behind half a record nobody can remove it any more, so it must
//! go first. But only half a record of ours: a line that another program has begun in the file is not for us to cut. So
//! before each write an attribute of the file says from where to where the write goes. Who has the file's lock and
//! finds it longer than the beginning and shorter than the end has found the remains of a dead process's write: what is
//! whole of it stays, and the rest is cut off. The journal of the dead process still has all of these records, and
//! whoever delivers it finds the whole ones in the file, and only those.
//!
//! Which records are whole can be seen where each ends with one byte and has it nowhere else. One that has line breaks
//! within it is written by itself, and counts as whole when the write is.

use std::ffi::CStr;
use std::io;

use hydra_os::disk::{File, Mode};

use super::{Open, Writer};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::sink::Batch;

const NAME: &CStr = c"user.hydra.write";
/// The attribute: the start, the end, how what is there in between is cut, and its first bytes.
const BYTES: usize = 32;
/// The last word, when records end with the byte that is added to it.
const AFTER_LAST: u64 = 0x100;
/// The last word, when the write is one record.
const ALL: u64 = 0x200;
/// How many bytes are looked at together in search of the last whole record.
const LOOK_BYTES: u64 = 64 * 1024;

/// How many records are looked through together.
const TOGETHER: usize = 64;

/// What to cut when only part of a write is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    /// What stands behind the last byte of this value.
    AfterLast(u8),
    /// All of it.
    All,
}

/// Returns how many of the records may be written together, so that what is whole of them can be told after a death in
/// the middle, and how. Records that do not end with a control character come as they are: no end is seen in them.
pub(super) fn seams(batch: Batch<'_>) -> (usize, Option<Cut>) {
    let last = batch.record(0).and_then(<[u8]>::last).copied();
    let Some(end) = last.filter(u8::is_ascii_control) else {
        return (batch.len(), None);
    };
    let mut plain = 0;
    while plain < batch.len() {
        let group = batch.skip(plain).take(TOGETHER);
        let are_ended = group.records().all(|record| record.last() == Some(&end));
        if !are_ended || count(group.bytes, end) != group.len() {
            let is_plain = |record: &&[u8]| record.last() == Some(&end) && count(record, end) == 1;
            plain += group.records().take_while(is_plain).count();
            break;
        }
        plain += group.len();
    }
    match plain {
        0 => (1, Some(Cut::All)),
        plain => (plain, Some(Cut::AfterLast(end))),
    }
}

/// How often the byte occurs. Sums of single bytes are what the compiler makes wide instructions of.
fn count(bytes: &[u8], byte: u8) -> usize {
    let sum = |piece: &[u8]| piece.iter().map(|one| u8::from(*one == byte)).sum::<u8>();
    bytes
        .chunks(usize::from(u8::MAX))
        .map(|piece| usize::from(sum(piece)))
        .sum()
}

/// The last write to a file, as was said before it.
struct Announced {
    start: u64,
    end: u64,
    cut: Cut,
    /// A file that was emptied is told by these: what stands there now is not what was written.
    first: [u8; 8],
}

impl Open {
    /// Says that `bytes` are about to be written at `start`.
    pub(super) fn announce(&mut self, start: u64, bytes: &[u8], cut: Option<Cut>, metrics: &Metrics) {
        if let Some(cut) = cut {
            let mut first = [0; 8];
            first.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
            let end = start + bytes.len() as u64;
            self.set_announced(Announced { start, end, cut, first }, metrics);
        }
    }

    /// Says that no write is under way any more: it has failed, and nothing of it is there.
    pub(super) fn take_back(&mut self, metrics: &Metrics) {
        if let Some(last) = self.announced() {
            let end = last.start;
            self.set_announced(Announced { end, ..last }, metrics);
        }
    }

    /// Says that all that is there of a write that has failed must go, whole records too: they are written again.
    /// Returns whether that could be said.
    pub(super) fn give_up(&mut self, start: u64, metrics: &Metrics) -> bool {
        let Some(last) = self.announced().filter(|last| last.start == start) else {
            return false;
        };
        // Also if all of it is there.
        let end = last.end + 1;
        let cut = Cut::All;
        self.set_announced(Announced { end, cut, ..last }, metrics);
        !self.is_unmarkable
    }

    /// Tells whether a write is still given up: nobody has come to the file since and written there.
    pub(super) fn is_given_up(&self, start: u64, end: u64) -> bool {
        self.announced()
            .is_some_and(|last| last.start == start && last.cut == Cut::All && last.end > end)
    }

    fn set_announced(&mut self, write: Announced, metrics: &Metrics) {
        let how = match write.cut {
            Cut::AfterLast(byte) => AFTER_LAST + u64::from(byte),
            Cut::All => ALL,
        };
        let words = [write.start, write.end, how, u64::from_le_bytes(write.first)];
        let mut value = [0; BYTES];
        for (to, word) in value.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        // Without it all is well as long as nobody dies.
        if !self.is_unmarkable && self.file.set_attribute(NAME, &value).is_err() {
            self.is_unmarkable = true;
            metrics.writes_unannounced.count();
        }
    }

    fn announced(&self) -> Option<Announced> {
        let mut value = [0; BYTES];
        if self.file.attribute(NAME, &mut value).ok()? != BYTES {
            return None;
        }
        let [start, end, how, first] = *value.as_chunks().0 else {
            return None;
        };
        let cut = match u64::from_le_bytes(how) {
            ALL => Cut::All,
            how => Cut::AfterLast(u8::try_from(how.checked_sub(AFTER_LAST)?).ok()?),
        };
        let (start, end) = (u64::from_le_bytes(start), u64::from_le_bytes(end));
        Some(Announced { start, end, cut, first })
    }
}

impl Writer {
    /// Cuts off what a process that died in a write has left of a record, and returns where the file of length `len`
    /// ends then.
    pub(super) fn cut_remains(&self, len: u64) -> Result<u64, Error> {
        // Without locks the write may be going on.
        let Some(open) = self.open.as_ref().filter(|open| !open.is_unlockable) else {
            return Ok(len);
        };
        let Some(write) = open.announced().filter(|write| write.start < len && len < write.end) else {
            return Ok(len);
        };
        let done = File::open(&self.path, Mode::Read).and_then(|reader| {
            let whole = whole_end(&reader, &write, len)?;
            if whole < len {
                open.file.truncate(whole)?;
                self.metrics.torn_records_removed.count();
            }
            Ok(whole)
        });
        match done {
            // Who may only add to the file, or not read it, leaves it as it is.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(len),
            other => other.map_err(|error| Error::new("remove a torn record from", &self.path, error)),
        }
    }
}

/// Where the last whole record of the write ends in the file of length `len`; there, if it is not this write.
fn whole_end(file: &File, write: &Announced, len: u64) -> io::Result<u64> {
    let mut first = [0; 8];
    let count = file.read_at(&mut first, write.start)?;
    if first.get(..count) != write.first.get(..count) {
        return Ok(len);
    }
    match write.cut {
        Cut::All => Ok(write.start),
        Cut::AfterLast(byte) => behind_last(file, write.start, len, byte),
    }
}

/// The position behind the last such byte in the file between `start` and `end`; `start` without one.
fn behind_last(file: &File, start: u64, end: u64, byte: u8) -> io::Result<u64> {
    let (mut piece, mut before) = (Vec::new(), end);
    while before > start {
        let from = before.saturating_sub(LOOK_BYTES).max(start);
        piece.resize((before - from) as usize, 0);
        let count = file.read_at(&mut piece, from)?;
        if let Some(last) = piece.iter().take(count).rposition(|one| *one == byte) {
            return Ok(from + last as u64 + 1);
        }
        before = from;
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seams_of(records: &[&str]) -> (usize, Option<Cut>) {
        let ends: Vec<usize> = records
            .iter()
            .scan(0, |end, record| {
                *end += record.len();
                Some(*end)
            })
            .collect();
        seams(Batch {
            bytes: records.concat().as_bytes(),
            ends: &ends,
        })
    }

    /// Records are written together only as far as the whole ones can be told from the one that was cut.
    #[test]
    fn told_apart() {
        let lines = Some(Cut::AfterLast(b'\n'));
        assert_eq!(seams_of(&["one\n", "two\n"]), (2, lines));
        assert_eq!(seams_of(&["one\n", "a\nb\n", "two\n"]), (1, lines));
        assert_eq!(seams_of(&["a\nb\n", "two\n"]), (1, Some(Cut::All)));
        assert_eq!(seams_of(&["one\n", "two\n", "three", "\n\n"]), (2, lines));
        assert_eq!(seams_of(&["one\0", "a\nb\0"]), (2, Some(Cut::AfterLast(0))));
        assert_eq!(seams_of(&["one", "two\n"]), (2, None));
        assert_eq!(seams_of(&[]), (0, None));
        let mut many = vec!["one\n"; 3 * TOGETHER];
        assert_eq!(seams_of(&many), (3 * TOGETHER, lines));
        many[TOGETHER + 7] = "a\nb\n";
        assert_eq!(seams_of(&many), (TOGETHER + 7, lines));
        let long = format!("{}\n", "\n".repeat(700));
        assert_eq!((count(long.as_bytes(), b'\n'), count(b"", 0)), (701, 0));
        assert_eq!(seams_of(&[&long]), (1, Some(Cut::All)));
    }
}
