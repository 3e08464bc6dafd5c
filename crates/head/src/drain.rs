//! What dead processes left comes first.

use hydra_journal::{Cursor, CursorState, Position, Read};
use hydra_sink::{Mark, Sink};

use crate::metrics::add;
use crate::passage::Passage;
use crate::worker::{READ_BYTES, Round, Worker};

impl Worker {
    /// Finds out which records a dead process was writing when it died, and how far it had got. False when told to
    /// stop.
    pub(crate) fn reconcile(&mut self, cursor: &Cursor) -> bool {
        let mark = Mark::from_bytes(&cursor.state().mark);
        if mark.is_nowhere() || !self.replay {
            return true;
        }
        self.filter.forget();
        if self.insist(|sink| sink.resume(mark)).is_none() {
            return false;
        }
        let end = Position::from_u64(mark.note());
        let mut passage = Passage::new(cursor, true);
        while passage.reader.read(&mut passage.batch, READ_BYTES) == Read::Some {
            let batch = std::mem::take(&mut passage.batch);
            self.render(&mut passage, &batch, Some(end));
            let there = self.compare();
            let (rendered, frames) = (self.rendered.frames.len(), self.rendered.frames.clone());
            self.rendered.clear();
            let Some(there) = there else { return false };
            if let Some(last) = there.checked_sub(1).and_then(|last| frames.get(last)) {
                add(&self.control.metrics.delivered_before, there);
                cursor.save(&CursorState {
                    position: last.end,
                    ..cursor.state()
                });
            }
            if there < rendered || passage.reader.position() >= end {
                break;
            }
            passage.batch = batch;
        }
        cursor.save(&CursorState {
            mark: Mark::NOWHERE.to_bytes(),
            ..cursor.state()
        });
        true
    }

    /// Asks the sink how many of the rendered records it holds already. `None` when told to stop.
    fn compare(&mut self) -> Option<usize> {
        let rendered = std::mem::take(&mut self.rendered);
        let there = self.insist(|sink| {
            sink.already(hydra_sink::Batch {
                bytes: &rendered.bytes,
                ends: &rendered.ends,
            })
        });
        self.rendered = rendered;
        there
    }

    /// Tries until it succeeds; `None` when told to stop before.
    pub(crate) fn insist<T>(
        &mut self,
        mut work: impl FnMut(&mut dyn Sink) -> Result<T, hydra_sink::Error>,
    ) -> Option<T> {
        loop {
            match work(&mut *self.sink) {
                Ok(done) => return Some(done),
                Err(error) => self.control.metrics.failed(&error),
            }
            self.control.pause(self.retry.next_wait());
            if self.control.is_stopped() {
                return None;
            }
        }
    }

    /// Delivers what a dead process left. False when told to stop before the end.
    pub(crate) fn catch_up(&mut self, cursor: &Cursor) -> bool {
        self.filter.forget();
        let mut passage = Passage::new(cursor, true);
        loop {
            match self.round(&mut passage) {
                Round::End => return true,
                Round::Stopped => return false,
                Round::More | Round::Idle(_) => {}
            }
        }
    }
}
