//! What each thread of each life meant to log, and what it was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hydra_logger::{Level, Report};

use crate::payload::Id;

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its level.
    pub level: Level,
    /// The receipt said that the guarantee is reached.
    pub accepted: bool,
    /// It said that nobody wants the record, or that it was dropped.
    pub unwanted: bool,
}

/// A thread of a life.
pub type Whose = (u64, u64);

#[derive(Debug, Default)]
struct Notes {
    /// By life and thread; the first call is number 1.
    calls: BTreeMap<Whose, Vec<Call>>,
    /// What shutdowns reported, by life.
    reports: Vec<(u64, Report)>,
    /// What was refused or went wrong in the open: told to the caller, and no loss.
    told: Vec<String>,
    /// What must not be.
    troubles: Vec<String>,
}

/// The tape of a round. It is outside the simulation, and survives everything.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Notes>>);

impl Tape {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a call is about to be made.
    pub fn intend(&self, id: Id, level: Level) {
        let call = Call {
            level,
            accepted: false,
            unwanted: false,
        };
        self.notes().calls.entry((id.life, id.thread)).or_default().push(call);
    }

    /// Notes that it was accepted.
    pub fn accept(&self, id: Id) {
        self.change(id, |call| call.accepted = true);
    }

    /// Notes that nobody wanted it.
    pub fn pass_over(&self, id: Id) {
        self.change(id, |call| call.unwanted = true);
    }

    fn change(&self, id: Id, change: impl FnOnce(&mut Call)) {
        let mut notes = self.notes();
        let calls = notes.calls.entry((id.life, id.thread)).or_default();
        calls.get_mut(id.number as usize - 1).map(change);
    }

    /// Notes what somebody was told.
    pub fn tell(&self, what: String) {
        self.notes().told.push(what);
    }

    /// Notes what must not be.
    pub fn complain(&self, what: String) {
        self.notes().troubles.push(what);
    }

    /// Notes what a shutdown reported.
    pub fn report(&self, life: u64, report: Report) {
        self.notes().reports.push((life, report));
    }

    /// Returns all calls.
    pub fn calls(&self) -> BTreeMap<Whose, Vec<Call>> {
        self.notes().calls.clone()
    }

    /// Returns the reports, by life.
    pub fn reports(&self) -> Vec<(u64, Report)> {
        self.notes().reports.clone()
    }

    /// Returns what was told.
    pub fn told(&self) -> Vec<String> {
        self.notes().told.clone()
    }

    /// Returns what must not be.
    pub fn troubles(&self) -> Vec<String> {
        self.notes().troubles.clone()
    }
}
