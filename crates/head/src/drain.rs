//! What dead processes left comes first.

use hydra_journal::{Cursor, CursorState, Position, Read};
use hydra_sink::{Mark, Sink};

use crate::attempt::attempt;
use crate::fallback::Fallback;
use crate::metrics::add;
use crate::passage::{Passage, Purpose, Suspect};
use crate::worker::{READ_BYTES, REOPEN, Round, Worker};

impl Worker {
    /// Delivers what dead processes left, and syncs it: their journals are removed after this, and with them what was
    /// synced there. False when told to stop before the end.
    pub(crate) fn drain(&mut self) -> bool {
        let backlog = self.backlog.clone();
        // What dead processes were in the middle of writing is mended before anything is written behind it.
        let mut suspects = Vec::new();
        for cursor in &backlog {
            match self.reconcile(cursor) {
                Some(suspect) => suspects.push(suspect),
                None => return false,
            }
        }
        let caught_up = backlog
            .iter()
            .zip(suspects)
            .all(|(cursor, suspect)| self.catch_up(cursor, suspect));
        if !caught_up {
            return false;
        }
        backlog.is_empty() || self.sync_until_done()
    }

    /// Finds out which records a dead process was writing when it died, and how far it had got. Returns those that it
    /// may have died of; `None` when told to stop.
    fn reconcile(&mut self, cursor: &Cursor) -> Option<Suspect> {
        if !self.replay {
            return Some(Suspect::default());
        }
        let mark = Mark::from_bytes(&cursor.state().mark);
        let purpose = Purpose::Heritage(Suspect::default());
        self.settle_what_is_there(cursor, mark, purpose).then(|| Suspect {
            until: mark.note(),
            deaths: mark.attempts(),
        })
    }

    /// The head before this one, or this one before a panic, may have been stopped between a write and its sync: then
    /// the records are there, and have yet to be counted. False when told to stop.
    pub(crate) fn reconcile_own(&mut self) -> bool {
        let cursor = self.cursor.clone();
        let mark = Mark::from_bytes(&cursor.state().mark);
        mark.is_nowhere() || self.in_doubt || self.settle_what_is_there(&cursor, mark, Purpose::Again)
    }

    /// Moves a cursor behind those of the records at its mark that the sink holds, if that can be asked. False when
    /// told to stop.
    fn settle_what_is_there(&mut self, cursor: &Cursor, mark: Mark, purpose: Purpose) -> bool {
        let asked = self.insist(|sink| sink.resume(mark));
        let settled = asked.and_then(|()| self.settle_at(cursor, mark, purpose));
        settled.is_some() || !self.control.is_stopped()
    }

    fn settle_at(&mut self, cursor: &Cursor, mark: Mark, purpose: Purpose) -> Option<()> {
        if mark.is_nowhere() {
            return Some(());
        }
        self.filter.forget();
        let end = Position::from_u64(mark.note());
        let mut passage = Passage::new(cursor, purpose);
        let (mut position, mut before) = (cursor.state().position, 0);
        // What cannot be read now cannot be compared yet, and the mark stays.
        while self.read_on(&mut passage)? {
            let batch = std::mem::take(&mut passage.batch);
            self.render(&mut passage, &batch, end);
            let there = self.compare();
            let (rendered, frames) = (self.rendered.frames.len(), self.rendered.frames.clone());
            self.rendered.clear();
            let there = there?;
            if let Some(last) = there.checked_sub(1).and_then(|last| frames.get(last)) {
                before += there;
                position = last.end;
            }
            if there < rendered || passage.reader.position() >= end {
                break;
            }
            passage.batch = batch;
        }
        let metrics = &self.control.metrics;
        let counter = match purpose {
            Purpose::Heritage(_) => &metrics.delivered_before,
            Purpose::Own | Purpose::Again => &metrics.delivered,
        };
        // Both at once: a position further on would not go with the mark, should we die in between.
        metrics.settle(|| {
            cursor.save(&CursorState {
                position,
                mark: Mark::NOWHERE.to_bytes(),
            });
            add(counter, before);
        });
        Some(())
    }

    /// Reads on, however long the system refuses to open the next segment. False at the end of the journal, `None` when
    /// told to stop.
    pub(crate) fn read_on(&self, passage: &mut Passage<'_>) -> Option<bool> {
        while !self.control.is_stopped() {
            match passage.reader.read(&mut passage.batch, READ_BYTES) {
                Read::Some => return Some(true),
                Read::Pending => self.control.pause(REOPEN),
                Read::Empty(_) | Read::End => return Some(false),
            }
        }
        None
    }

    /// Asks the sink how many of the rendered records it holds already. `None` when told to stop.
    fn compare(&mut self) -> Option<usize> {
        let rendered = std::mem::take(&mut self.rendered);
        let there = self.insist(|sink| sink.already(rendered.batch()));
        self.rendered = rendered;
        there
    }

    /// Tries until it succeeds; `None` when told to stop before, or when the fallback serves by then.
    fn insist<T>(&mut self, mut work: impl FnMut(&mut dyn Sink) -> Result<T, hydra_sink::Error>) -> Option<T> {
        loop {
            if let Ok(done) = attempt(&self.control.metrics, || work(&mut *self.sink)) {
                self.control.metrics.set_failing(false);
                return Some(done);
            }
            self.control.metrics.set_failing(true);
            // While the fallback serves, nothing waits for the answer.
            if self.fallback.as_mut().is_some_and(Fallback::note_failure) || self.control.is_stopped() {
                return None;
            }
            self.control.pause(self.retry.next_wait());
        }
    }

    /// Delivers what one dead process left. False when told to stop before the end.
    fn catch_up(&mut self, cursor: &Cursor, suspect: Suspect) -> bool {
        self.filter.forget();
        let mut passage = Passage::new(cursor, Purpose::Heritage(suspect));
        loop {
            match self.round(&mut passage) {
                Round::End => return true,
                Round::Stopped => return false,
                Round::More | Round::Idle(_) => {}
            }
        }
    }
}
