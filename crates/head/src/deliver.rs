//! Rendered records go to the sink, and the cursor keeps up.

use std::sync::atomic::Ordering;

use hydra_journal::{Cursor, CursorState, Position};
use hydra_sink::{Batch, ErrorKind, Mark, Sink};

use crate::head::Control;
use crate::metrics::add;
use crate::retry::Retry;

/// Records rendered and not yet delivered.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    ends: Vec<usize>,
    positions: Vec<Position>,
}

impl Rendered {
    /// Notes that the bytes up to here are one record, after which the cursor stands at `end`.
    pub(crate) fn finish_record(&mut self, end: Position) {
        self.ends.push(self.bytes.len());
        self.positions.push(end);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.positions.clear();
    }
}

/// A cursor on its way through a journal, with the sink its records go to.
pub(crate) struct Delivery<'w> {
    pub(crate) sink: &'w mut dyn Sink,
    pub(crate) cursor: &'w Cursor,
    pub(crate) control: &'w Control,
    pub(crate) retry: &'w mut Retry,
    /// The records come from a dead process.
    pub(crate) replaying: bool,
    /// What stands behind the cursor's mark may be these very records.
    pub(crate) resuming: bool,
    pub(crate) one_by_one: bool,
    pub(crate) sync_writes: bool,
}

impl Delivery<'_> {
    /// Delivers all of `rendered` and moves the cursor to `end`. Tries until it succeeds or the head is told to stop; says
    /// whether it succeeded. The cursor is behind what has been delivered at every moment, and ahead of nothing else.
    pub(crate) fn deliver(&mut self, rendered: &mut Rendered, end: Position) -> bool {
        let mut done = 0;
        while done < rendered.ends.len() {
            let batch = Batch {
                bytes: &rendered.bytes,
                ends: &rendered.ends,
            }
            .skip(done);
            match self.deliver_some(batch, rendered.positions.get(done..).unwrap_or_default()) {
                Ok(records) => {
                    self.retry.reset();
                    done += records;
                }
                Err(error) if error.kind() == ErrorKind::Closed => {
                    self.control.metrics.failed(&error);
                    add(&self.control.metrics.discarded, batch.len());
                    done += batch.len();
                }
                Err(error) => {
                    self.control.metrics.failed(&error);
                    self.control.pause(self.retry.next_wait());
                    if self.control.is_stopped() {
                        return false;
                    }
                }
            }
        }
        rendered.clear();
        let state = self.cursor.state();
        if state.position < end {
            self.cursor.save(&CursorState { position: end, ..state });
        }
        true
    }

    fn deliver_some(&mut self, batch: Batch<'_>, positions: &[Position]) -> Result<usize, hydra_sink::Error> {
        let metrics = &self.control.metrics;
        if self.resuming {
            let there = self.sink.already(batch)?;
            self.resuming = there == batch.len();
            if there > 0 {
                add(&metrics.delivered_before, there);
                self.advance(positions, there, None);
                return Ok(there);
            }
        }
        let batch = if self.one_by_one { batch.take(1) } else { batch };
        let begun = self.sink.begin(batch)?;
        let state = self.cursor.state();
        if state.mark != begun.mark.to_bytes() {
            // Before the write: if we die in it, this is where the next process looks.
            self.cursor.save(&CursorState {
                mark: begun.mark.to_bytes(),
                ..state
            });
        }
        let taken = batch.take(begun.records);
        let mark = self.sink.write(taken)?;
        metrics.writes.fetch_add(1, Ordering::Relaxed);
        add(&metrics.bytes, taken.bytes.len());
        let counter = if self.replaying {
            &metrics.recovered
        } else {
            &metrics.delivered
        };
        add(counter, taken.len());
        if self.sync_writes {
            // A failure here must not bring the records a second time: they stand in the file.
            while let Err(error) = self.sink.sync() {
                metrics.failed(&error);
                self.control.pause(self.retry.next_wait());
                if self.control.is_stopped() {
                    break;
                }
            }
        }
        self.advance(positions, taken.len(), Some(mark));
        Ok(taken.len())
    }

    fn advance(&self, positions: &[Position], records: usize, mark: Option<Mark>) {
        let Some(position) = records.checked_sub(1).and_then(|last| positions.get(last)) else {
            return;
        };
        let mark = mark.map_or_else(|| self.cursor.state().mark, |mark| mark.to_bytes());
        self.cursor.save(&CursorState {
            position: *position,
            mark,
        });
    }
}
