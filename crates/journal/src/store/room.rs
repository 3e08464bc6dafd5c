//! Room for what comes: spare segments, who waits for them, and the keeper who is asked for them.

use std::collections::VecDeque;
use std::time::Duration;

use hydra_os::atomic::{MutexGuard, Ordering};

use super::{Log, Spare, Store};
use crate::error::{Error, ErrorKind};

impl Log {
    /// Adds a cleared segment: there is room again.
    pub(crate) fn put_spare(&self, spare: Spare) {
        let mut store = self.store();
        store.spares.push_back(spare);
        store.full = None;
        drop(store);
        self.announce_room();
    }

    /// Returns how many spares there are, and how many segments in the log.
    pub(crate) fn spares_and_used(&self) -> (usize, usize) {
        let store = self.store();
        (store.spares.len(), store.segments.len())
    }

    /// Takes the spares past the first `kept`, if a large record waits for room.
    pub(crate) fn take_surplus(&self, kept: usize) -> VecDeque<Spare> {
        let mut store = self.store();
        if store.large_bytes == 0 || store.spares.len() <= kept {
            return VecDeque::new();
        }
        store.spares.split_off(kept)
    }

    /// Gives bytes of the quota back.
    pub(crate) fn give_back_bytes(&self, bytes: usize) {
        self.store().bytes -= bytes as u64;
        self.announce_room();
    }

    /// The error of a journal whose quota is used up.
    pub(crate) fn full(&self) -> Error {
        let text = format!(
            "the journal's quota of {} bytes is used up and a destination is behind",
            self.quota_bytes
        );
        Error::new(ErrorKind::Full, text)
    }

    /// Asks the keeper to look for something to recycle or to make.
    pub(crate) fn ask(&self, store: &mut Store) {
        if !store.asked {
            store.asked = true;
            self.work.notify_one();
        }
    }

    /// Tells everyone who waits that spares or hope have changed.
    pub(crate) fn announce_room(&self) {
        self.room.notify_all();
    }

    #[cfg(not(loom))]
    pub(super) fn wait_for_room<'s>(&self, store: MutexGuard<'s, Store>) -> MutexGuard<'s, Store> {
        self.room.wait(store).unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A model has no keeper that works by itself: no spare means full.
    #[cfg(loom)]
    pub(super) fn wait_for_room<'s>(&self, mut store: MutexGuard<'s, Store>) -> MutexGuard<'s, Store> {
        store.full = Some(Error::new(ErrorKind::Full, "no spare in the model"));
        store
    }

    /// Waits, at most `timeout`, for a journal that was full to have room.
    #[cfg(not(loom))]
    pub(crate) fn wait_until_room(&self, timeout: Duration) -> bool {
        let mut store = self.store();
        self.ask(&mut store);
        let full = |store: &mut Store| {
            if store.bytes + store.large_bytes <= self.quota_bytes {
                store.large_bytes = 0;
            }
            let is_full = store.full.is_some() && store.spares.is_empty();
            (is_full || store.large_bytes > 0) && !store.closed
        };
        let waited = self.room.wait_timeout_while(store, timeout, full);
        !waited.unwrap_or_else(|poisoned| poisoned.into_inner()).1.timed_out()
    }

    /// Notes whether the keeper is about to sleep until somebody calls it. It must look for records after that.
    #[cfg(not(loom))]
    pub(crate) fn set_dozing(&self, dozing: bool) {
        // Pairs with the load in `stir`: who has read a record that the keeper did not see sees that it dozes.
        self.dozing.store(dozing, Ordering::SeqCst);
    }

    /// Tells a keeper that sleeps that there are records, so that it looks after their files.
    #[cfg(not(loom))]
    pub(crate) fn stir(&self) {
        if self.dozing.load(Ordering::SeqCst) {
            self.ask(&mut self.store());
        }
    }

    /// The keeper waits here until it is asked, at most `timeout`.
    #[cfg(not(loom))]
    pub(crate) fn wait_for_work(&self, timeout: Duration) {
        let store = self.store();
        let idle = |store: &mut Store| !store.asked && !store.closed;
        let waited = self.work.wait_timeout_while(store, timeout, idle);
        waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0.asked = false;
    }
}
