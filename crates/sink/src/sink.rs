//! What every destination's pipe can do.

use std::sync::Arc;

use crate::error::Error;
use crate::mark::Mark;
use crate::metrics::Metrics;

/// Records to write, back to back, and where each ends.
///
/// The ends count from the first byte of some longer run of which `bytes` is the last part: so [`Batch::skip`] is free.
/// In a batch made whole the run is `bytes` itself, record `i` is `bytes[ends[i - 1]..ends[i]]`, and the last end is
/// `bytes.len()`. Ends never decrease.
///
/// # Examples
///
/// ```
/// use hydra_sink::Batch;
///
/// let batch = Batch { bytes: b"one\ntwo\nthree\n", ends: &[4, 8, 14] };
/// let rest = batch.skip(1);
/// assert_eq!(rest.len(), 2);
/// assert_eq!(rest.record(0), Some(&b"two\n"[..]));
/// assert_eq!(rest.take(1).bytes, b"two\n");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Batch<'a> {
    /// The records, back to back.
    pub bytes: &'a [u8],
    /// One end for each record; the last one is where `bytes` ends.
    pub ends: &'a [usize],
}

impl<'a> Batch<'a> {
    /// Returns how many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tells whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the record at `index`, counted from zero.
    #[must_use]
    pub fn record(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_sub(1).map_or(0, |before| self.end_of(before));
        (index < self.len()).then(|| self.bytes.get(start..self.end_of(index)).unwrap_or_default())
    }

    /// Iterates over the records.
    pub fn records(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let batch = *self;
        (0..batch.len()).filter_map(move |index| batch.record(index))
    }

    /// Returns the first `count` records; all of them when there are no more.
    #[must_use]
    pub fn take(&self, count: usize) -> Self {
        let end = count.min(self.len()).checked_sub(1).map_or(0, |last| self.end_of(last));
        Self {
            bytes: self.bytes.get(..end).unwrap_or(self.bytes),
            ends: self.ends.get(..count).unwrap_or(self.ends),
        }
    }

    /// Returns what follows the first `count` records.
    #[must_use]
    pub fn skip(&self, count: usize) -> Self {
        let start = count.min(self.len()).checked_sub(1).map_or(0, |last| self.end_of(last));
        Self {
            bytes: self.bytes.get(start..).unwrap_or_default(),
            ends: self.ends.get(count..).unwrap_or_default(),
        }
    }

    /// Returns how many leading records there are within the first `limit` bytes.
    #[must_use]
    pub fn fitting(&self, limit: u64) -> usize {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(self.base());
        self.ends.partition_point(|end| *end <= limit)
    }

    /// Where in `bytes` the record at `index` ends; there must be one.
    fn end_of(&self, index: usize) -> usize {
        self.ends.get(index).map_or(0, |end| end.saturating_sub(self.base()))
    }

    /// Where in the longer run `bytes` begins.
    fn base(&self) -> usize {
        self.ends.last().map_or(0, |last| last.saturating_sub(self.bytes.len()))
    }
}

/// What a begun write may take, and where it will land.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Begun {
    /// How many leading records of the batch the write may take; at least one, unless the batch is empty.
    pub records: usize,
    /// Where the first of them will stand.
    pub mark: Mark,
}

/// A place that takes records.
///
/// A batch is written in two steps, so that the caller can make the mark durable in between:
/// [`begin`](Sink::begin), then [`write`](Sink::write) with as many records as `begin` allows, or
/// [`abandon`](Sink::abandon). When either step fails, the caller tries the same records again, from `begin` on, or
/// gives them to someone else.
///
/// After a crash the caller says by [`resume`](Sink::resume) which mark it kept last, and asks by
/// [`already`](Sink::already) how many of the records it is about to write again are there, before it begins.
///
/// # Examples
///
/// ```
/// use hydra_sink::{Batch, Memory, Sink};
///
/// let memory = Memory::new();
/// let mut sink = memory.sink();
/// let batch = Batch { bytes: b"one\ntwo\n", ends: &[4, 8] };
/// let begun = sink.begin(batch)?;
/// sink.write(batch.take(begun.records))?;
/// assert_eq!(memory.bytes(), b"one\ntwo\n");
///
/// // The process died before it could note that it had written. What was written is known again:
/// let mut sink = memory.sink();
/// sink.resume(begun.mark)?;
/// assert_eq!(sink.already(batch)?, 2);
/// # Ok::<(), hydra_sink::Error>(())
/// ```
pub trait Sink: Send {
    /// Gets ready to write the first records of `batch`: opens, reopens, rotates and locks as the place needs it.
    ///
    /// On success the sink is locked against other writers of the same place until [`write`](Sink::write) returns or
    /// [`abandon`](Sink::abandon) is called. Beginning again without either abandons what was begun. A pending
    /// [`resume`](Sink::resume) ends.
    ///
    /// # Errors
    ///
    /// What keeps the place from taking records now; nothing is locked then. As after a failed [`sync`](Sink::sync),
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) says once that what was written since the last successful
    /// sync has to be written again, when somebody else's sync of the place has failed.
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error>;

    /// Writes all of `batch`, and returns the mark after it.
    ///
    /// The batch must be the one given to [`begin`](Sink::begin), or its first records, but no more than `begin`
    /// allowed.
    ///
    /// # Errors
    ///
    /// What went wrong. As far as the place lets it nothing of the batch stands there then, and the batch can be
    /// written again. [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) when nothing was begun.
    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error>;

    /// Gives up what was begun; nothing happens when nothing was.
    fn abandon(&mut self);

    /// Waits until everything written is on the device, where there is one: then it survives a loss of power.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when what was written since the last success may be lost,
    /// also when a later call succeeds: the caller has to write it again. Every user of the place is told of that once.
    /// Other kinds mean that it is not yet on the device, and that calling again is the thing to do.
    fn sync(&mut self) -> Result<(), Error>;

    /// Takes note of the mark that was kept last, by a process that has died: what stands at and after it may already
    /// be ours. Also with [`Mark::NOWHERE`] it says that there was such a process, whose writes may not be synced.
    ///
    /// # Errors
    ///
    /// When the place cannot be looked at now. The caller must not write before this has succeeded, or records may be
    /// doubled.
    fn resume(&mut self, mark: Mark) -> Result<(), Error>;

    /// Returns how many leading records of `batch` the place holds already, byte for byte.
    ///
    /// The first record asked about after [`resume`](Sink::resume) is the one that was to stand at the mark; later
    /// batches go on from there. An answer below the batch's length ends the comparison: what the place holds of the
    /// next record, if its writing was cut short, is removed, and the caller writes from that record on. Without a
    /// pending `resume` it is 0.
    ///
    /// # Errors
    ///
    /// When the place cannot be read, or the torn record not be removed. Asking again then is fine.
    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error>;

    /// Gives up locks, descriptors and background work, without syncing. Beginning again opens again.
    ///
    /// # Errors
    ///
    /// What was left undone; the sink is closed all the same.
    fn close(&mut self) -> Result<(), Error>;

    /// Returns the sink's counters, if it counts.
    fn metrics(&self) -> Option<Arc<Metrics>> {
        None
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        (**self).begin(batch)
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        (**self).write(batch)
    }

    fn abandon(&mut self) {
        (**self).abandon();
    }

    fn sync(&mut self) -> Result<(), Error> {
        (**self).sync()
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        (**self).resume(mark)
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        (**self).already(batch)
    }

    fn close(&mut self) -> Result<(), Error> {
        (**self).close()
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        (**self).metrics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taking and skipping, in any order, keep each record's bytes.
    #[test]
    fn take_and_skip() {
        let whole = Batch {
            bytes: b"abbccc",
            ends: &[1, 3, 3, 6],
        };
        assert_eq!(whole.records().collect::<Vec<_>>(), [&b"a"[..], b"bb", b"", b"ccc"]);
        for skipped in 0..=5 {
            for taken in 0..=5 {
                let expected: Vec<_> = whole.records().skip(skipped).take(taken).collect();
                assert_eq!(whole.skip(skipped).take(taken).records().collect::<Vec<_>>(), expected);
                let expected: Vec<_> = whole.records().take(taken).skip(skipped).collect();
                assert_eq!(whole.take(taken).skip(skipped).records().collect::<Vec<_>>(), expected);
            }
        }
        assert_eq!(whole.skip(1).fitting(2), 2);
        assert_eq!(whole.skip(1).fitting(1), 0);
        assert_eq!(whole.fitting(u64::MAX), 4);
        assert_eq!(whole.record(4), None);
        assert!(whole.take(0).is_empty() && whole.skip(4).is_empty());
    }
}
