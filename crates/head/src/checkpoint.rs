//! When a destination is synced to its device.

use hydra_journal::Cursor;

use crate::worker::Worker;

impl Worker {
    /// Syncs the destination if that is due, or if records that were promised to survive a power loss wait for it.
    pub(crate) fn checkpoint(&mut self, cursor: &Cursor) {
        if !cursor.checkpoint_wanted() && !self.sync_due.is_some_and(|due| due.is_over()) {
            return;
        }
        if self.sync_once() {
            cursor.checkpointed();
        } else {
            // Not at once again: the device has to recover first.
            self.control.pause(self.retry.next_wait());
        }
    }

    pub(crate) fn sync_once(&mut self) -> bool {
        match self.sink.sync() {
            Ok(()) => {
                self.sync_due = None;
                self.cursor.checkpointed();
                true
            }
            Err(error) => {
                self.control.metrics.failed(&error);
                false
            }
        }
    }
}
