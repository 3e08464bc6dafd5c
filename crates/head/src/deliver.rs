//! Rendered records go to the sink, and the cursor keeps up.

use std::sync::atomic::Ordering;

use hydra_format::ClockFace;
use hydra_journal::{Batch as Frames, Cursor, CursorState, Frame, Position};
use hydra_record::Dictionary;
use hydra_sink::{Batch, Error, ErrorKind, Mark, Sink};

use crate::fallback::Fallback;
use crate::head::Control;
use crate::metrics::add;
use crate::retry::Retry;

/// Records rendered and not yet delivered.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<usize>,
    pub(crate) frames: Vec<Frame>,
}

impl Rendered {
    /// Notes that the bytes up to here are the record in `frame`.
    pub(crate) fn finish_record(&mut self, frame: &Frame) {
        self.ends.push(self.bytes.len());
        self.frames.push(frame.clone());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.frames.clear();
    }
}

/// A cursor on its way through a journal, with the sink its records go to.
pub(crate) struct Delivery<'w> {
    pub(crate) sink: &'w mut dyn Sink,
    pub(crate) fallback: Option<&'w mut Fallback>,
    pub(crate) cursor: &'w Cursor,
    pub(crate) control: &'w Control,
    pub(crate) retry: &'w mut Retry,
    /// What the records are decoded with, should they have to be rendered again.
    pub(crate) source: &'w Frames,
    pub(crate) notes: &'w Dictionary,
    pub(crate) face: &'w mut ClockFace,
    /// The records come from a dead process.
    pub(crate) replaying: bool,
    pub(crate) one_by_one: bool,
    pub(crate) sync_writes: bool,
}

impl Delivery<'_> {
    /// Delivers all of `rendered` and moves the cursor to `end`. Tries until it succeeds or the head is told to stop;
    /// says whether it succeeded. The cursor is behind what has been delivered at every moment, and ahead of nothing
    /// else.
    pub(crate) fn deliver(&mut self, rendered: &mut Rendered, end: Position) -> bool {
        let mut done = 0;
        self.control.dropping.take_up(rendered.ends.len());
        while done < rendered.ends.len() {
            let batch = Batch {
                bytes: &rendered.bytes,
                ends: &rendered.ends,
            }
            .skip(done);
            let frames = rendered.frames.get(done..).unwrap_or_default();
            match self.deliver_or_fall_back(batch, frames) {
                Some(records) => done += records,
                None if self.control.is_stopped() => return false,
                None => {}
            }
        }
        rendered.clear();
        acknowledge(self.cursor, end);
        true
    }

    /// Returns how many leading records have found a place, or `None` after a failure and a pause.
    fn deliver_or_fall_back(&mut self, batch: Batch<'_>, frames: &[Frame]) -> Option<usize> {
        if self.fallback.as_ref().is_some_and(|fallback| fallback.serves()) {
            return self.fall_back(frames);
        }
        let error = match self.deliver_some(batch, frames) {
            Ok(records) => {
                self.control.metrics.failing.store(false, Ordering::Relaxed);
                self.retry.reset();
                if let Some(fallback) = &mut self.fallback {
                    fallback.note_success();
                }
                return Some(records);
            }
            Err(error) => error,
        };
        self.control.metrics.failed(&error);
        if let Some(fallback) = &mut self.fallback {
            fallback.note_failure();
            if fallback.serves() {
                return self.fall_back(frames);
            }
        } else if error.kind() == ErrorKind::Closed {
            self.give_up(&error, frames);
            return Some(batch.len());
        }
        self.control.pause(self.retry.next_wait());
        None
    }

    fn fall_back(&mut self, frames: &[Frame]) -> Option<usize> {
        let fallback = self.fallback.as_mut()?;
        match fallback.write(frames, self.source, self.notes, self.face) {
            Ok(()) => {
                add(&self.control.metrics.fell_back, frames.len());
                self.advance(frames, frames.len());
                Some(frames.len())
            }
            Err(error) => {
                // Back to the destination, and from there here again: what fits neither stays in the journal.
                self.control.metrics.failed(&error);
                fallback.note_success();
                self.control.pause(self.retry.next_wait());
                None
            }
        }
    }

    /// Nobody will ever read it there, and keeping it would only fill the journal: the records are dropped and counted,
    /// and those who wait for their delivery are told.
    fn give_up(&self, error: &Error, frames: &[Frame]) {
        self.cursor
            .delivered()
            .fail(&hydra_journal::Error::undelivered(error.to_string()));
        add(&self.control.metrics.discarded, frames.len());
        self.control.dropping.put_down(frames.len());
        if let Some(last) = frames.last() {
            self.cursor.abandon(last.end);
        }
    }

    fn deliver_some(&mut self, batch: Batch<'_>, frames: &[Frame]) -> Result<usize, Error> {
        let metrics = &self.control.metrics;
        let batch = if self.one_by_one { batch.take(1) } else { batch };
        let begun = self.sink.begin(batch)?;
        // Before the write: if we die in it, this is where the next process looks, and for how much.
        let last = begun.records.checked_sub(1).and_then(|last| frames.get(last));
        let mark = begun
            .mark
            .with_note(last.map_or(0, |frame| frame.end.to_u64()))
            .to_bytes();
        self.cursor.save(&CursorState {
            mark,
            ..self.cursor.state()
        });
        let taken = batch.take(begun.records);
        self.sink.write(taken)?;
        metrics.writes.fetch_add(1, Ordering::Relaxed);
        add(&metrics.bytes, taken.bytes.len());
        let counter = if self.replaying {
            &metrics.recovered
        } else {
            &metrics.delivered
        };
        add(counter, taken.len());
        if self.sync_writes {
            self.sync();
        }
        self.advance(frames, taken.len());
        Ok(taken.len())
    }

    /// Syncs what has just been written. A failure must not bring the records a second time: they stand in the file.
    fn sync(&mut self) {
        while let Err(error) = self.sink.sync() {
            self.control.metrics.failed(&error);
            self.control.pause(self.retry.next_wait());
            if self.control.is_stopped() {
                return;
            }
        }
    }

    /// Moves the cursor behind the first `records`. No write is begun any more, and the mark says so.
    fn advance(&self, frames: &[Frame], records: usize) {
        let Some(last) = records.checked_sub(1).and_then(|last| frames.get(last)) else {
            return;
        };
        self.control.dropping.put_down(records);
        self.cursor.save(&CursorState {
            position: last.end,
            mark: Mark::NOWHERE.to_bytes(),
        });
    }
}

/// Moves the cursor to `end`, if it is not there yet. One that has given records up says so for ever, and stays behind.
pub(crate) fn acknowledge(cursor: &Cursor, end: Position) {
    let state = cursor.state();
    if cursor.delivered().failure().is_some() {
        cursor.abandon(end);
    } else if state.position < end {
        cursor.save(&CursorState { position: end, ..state });
    }
}
