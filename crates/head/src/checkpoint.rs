//! A destination is synced to its device; what a failed sync has put into doubt is written again.
//!
//! A failed sync says that anything written since the last successful one may be lost, and no later sync will say so
//! again. So the cursors go back to where they stood at the last success, at once, and everything from there on is read
//! from the journal and written once more, to the file that takes the failed one's place. The journal still has those
//! records wherever survival of a power loss was promised: its keeper asks the cursors how far the destination is
//! synced before it recycles a segment with such records. Other records are written again as far as they are still
//! there, which may include some that were given up meanwhile to make room.
//!
//! Of a dead process's journal it is not known how far the destination was synced: all that it holds is in doubt until
//! the first sync has succeeded.

use hydra_journal::{Cursor, CursorState, Position};
use hydra_sink::{ErrorKind, Mark};

use crate::attempt::attempt;
use crate::deliver::acknowledge;
use crate::passage::{Passage, Purpose};
use crate::worker::Worker;

/// From where on it is not known that the destination is synced.
#[derive(Debug)]
pub(crate) struct Unsynced {
    pub(crate) cursor: Cursor,
    pub(crate) from: Position,
}

impl Worker {
    /// Syncs the destination if that is due, or if records that were promised to survive a power loss wait for it.
    pub(crate) fn checkpoint(&mut self) {
        if self.cursor.checkpoint_wanted() || self.sync_due.is_some_and(|due| due.is_over()) {
            self.sync();
        }
    }

    /// Syncs the destination and its fallback. Says whether everything delivered is on a device; if not, it has waited
    /// a while and, unless told to stop, has written again what the failure had put into doubt.
    pub(crate) fn sync(&mut self) -> bool {
        if !self.write_again() {
            return false;
        }
        let metrics = &self.control.metrics;
        let mut synced = attempt(metrics, || self.sink.sync());
        if let Some(fallback) = self.fallback.as_mut().filter(|_| synced.is_ok()) {
            synced = attempt(metrics, || fallback.sync());
        }
        let Err(failure) = synced else {
            metrics.set_sync_failing(false);
            self.sync_retry.reset();
            self.sync_due = None;
            self.note_synced();
            return true;
        };
        metrics.set_sync_failing(true);
        if failure.is(ErrorKind::Untrusted) {
            self.doubt();
            // What cannot be now, because the head is told to stop, the next process does.
            self.write_again();
        } else {
            self.control.pause(self.retry.next_wait());
        }
        false
    }

    /// A sync has succeeded: nothing before the cursors is in doubt any more.
    pub(crate) fn note_synced(&mut self) {
        for unsynced in &mut self.unsynced {
            unsynced.from = unsynced.cursor.state().position;
        }
        if !self.has_gone_back() {
            self.cursor.checkpointed();
        }
    }

    /// Syncs until it succeeds. False when told to stop before.
    pub(crate) fn sync_until_done(&mut self) -> bool {
        while !self.sync() {
            if self.control.is_stopped() {
                return false;
            }
        }
        true
    }

    /// What is not known to be synced when the head begins.
    pub(crate) fn begin_unsynced(&self) -> Vec<Unsynced> {
        let heritage = self.backlog.iter().filter(|_| self.replay);
        let heritage = heritage.map(|cursor| (cursor, Position::START));
        let own = [(&self.cursor, self.cursor.state().position)];
        let all = heritage.chain(own).map(|(cursor, from)| Unsynced {
            cursor: cursor.clone(),
            from,
        });
        all.collect()
    }

    /// Says whether a cursor stands before where it has been.
    pub(crate) fn has_gone_back(&self) -> bool {
        let mut cursors = self.unsynced.iter().map(|unsynced| &unsynced.cursor);
        cursors.any(|cursor| cursor.state().position < cursor.delivered().reached())
    }

    /// Nothing written since the last successful sync is trusted any more. The cursors say so before anything else
    /// happens: should the process die now, the next one writes those records again.
    pub(crate) fn doubt(&mut self) {
        self.in_doubt = true;
        for Unsynced { cursor, from } in &self.unsynced {
            cursor.save(&CursorState {
                position: cursor.state().position.min(*from),
                mark: Mark::NOWHERE.to_bytes(),
            });
        }
    }

    /// Writes again what is in doubt. False when told to stop before the end of it.
    pub(crate) fn write_again(&mut self) -> bool {
        while self.in_doubt {
            // The device has to recover first.
            self.control.pause(self.sync_retry.next_wait());
            let rendered = std::mem::take(&mut self.rendered);
            self.in_doubt = false;
            let cursors: Vec<Cursor> = self.unsynced.iter().map(|unsynced| unsynced.cursor.clone()).collect();
            let done = cursors.iter().all(|cursor| self.write_one_again(cursor));
            self.rendered = rendered;
            self.filter.forget();
            if self.control.is_stopped() && !done {
                self.in_doubt = true;
                return false;
            }
        }
        true
    }

    /// Writes what lies between a cursor that has gone back and where it had got to before.
    fn write_one_again(&mut self, cursor: &Cursor) -> bool {
        let end = cursor.delivered().reached();
        if cursor.state().position >= end {
            return true;
        }
        self.filter.forget();
        let mut passage = Passage::new(cursor, Purpose::Again);
        while passage.reader.position() < end {
            match self.read_on(&mut passage) {
                Some(true) => {}
                Some(false) => break,
                None => return false,
            }
            let batch = std::mem::take(&mut passage.batch);
            let delivered = self.handle(&mut passage, &batch, Some(end));
            passage.batch = batch;
            if !delivered {
                return false;
            }
        }
        // What no record stands in, such as padding, is behind us as well: a cursor that stays back is never synced.
        acknowledge(cursor, end);
        true
    }
}
