//! The destinations at work: those of the configuration in force, and those that still drain after it has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use hydra_head::{Counts, Head};
use hydra_os::atomic::{Mutex, MutexGuard};
use hydra_record::Level;

use crate::config::{Color, LogDestination};

/// One destination at work.
#[derive(Debug)]
pub(crate) struct Outlet {
    /// What the notes of layers call it.
    pub(crate) key: u64,
    /// Tells its head from the other heads that are alive.
    pub(crate) number: u32,
    pub(crate) setup: Setup,
    pub(crate) head: Head,
}

/// All that a head and its sink are made from. As long as this is the same, a reload leaves the head alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    /// Without what does not concern the head: who takes which levels stands in the layers' notes.
    pub(crate) destination: LogDestination,
    pub(crate) overflow: hydra_head::Overflow,
    pub(crate) guaranteed: Option<Level>,
    /// The texts that plain text is made with.
    pub(crate) texts: [Option<String>; 4],
    pub(crate) colors: BTreeMap<Level, Color>,
}

/// A list of destinations as it was at some moment.
pub(crate) type List = Arc<Vec<Arc<Outlet>>>;

/// All destinations of a logger.
#[derive(Debug, Default)]
pub(crate) struct Outlets(Mutex<Sets>);

/// What the lock protects.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// In the order of the configuration in force.
    pub(crate) current: Vec<Arc<Outlet>>,
    /// Those that an earlier configuration had, while they have something to deliver.
    pub(crate) draining: Vec<Arc<Outlet>>,
    /// What those have done that are gone.
    gone: BTreeMap<String, Counts>,
    /// Both lists in one, as long as they stay the same.
    all: List,
}

impl Outlets {
    pub(crate) fn new(current: Vec<Arc<Outlet>>) -> Outlets {
        let outlets = Outlets::default();
        outlets.lock().set(current, Vec::new());
        outlets
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Sets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all that are at work now.
    pub(crate) fn all(&self) -> List {
        let mut sets = self.lock();
        sets.forget_gone();
        Arc::clone(&sets.all)
    }

    /// Returns what each destination has done, also those that are gone.
    pub(crate) fn counts(&self) -> Vec<(String, Counts)> {
        let mut sets = self.lock();
        sets.forget_gone();
        let mut gone = sets.gone.clone();
        let mut counts = Vec::new();
        for outlet in sets.all.iter() {
            let mut count = outlet.head.counts();
            if let Some(before) = gone.remove(outlet.head.name()) {
                add(&mut count, before);
            }
            counts.push((outlet.head.name().to_owned(), count));
        }
        counts.extend(gone);
        counts
    }
}

impl Sets {
    /// Puts other lists in force.
    pub(crate) fn set(&mut self, current: Vec<Arc<Outlet>>, draining: Vec<Arc<Outlet>>) {
        self.all = Arc::new(current.iter().chain(&draining).cloned().collect());
        (self.current, self.draining) = (current, draining);
    }

    /// Takes those off the list that have done their work.
    pub(crate) fn forget_gone(&mut self) {
        if !self.draining.iter().any(|outlet| outlet.head.is_removed()) {
            return;
        }
        let draining = std::mem::take(&mut self.draining);
        let (gone, draining) = draining.into_iter().partition(|outlet| outlet.head.is_removed());
        for outlet in <Vec<Arc<Outlet>>>::into_iter(gone) {
            let counts = self.gone.entry(outlet.head.name().to_owned()).or_default();
            add(counts, outlet.head.counts());
        }
        let current = std::mem::take(&mut self.current);
        self.set(current, draining);
    }

    /// Returns the smallest number that no head has.
    pub(crate) fn free_numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let taken: Vec<u32> = self.all.iter().map(|outlet| outlet.number).collect();
        (0..).filter(move |number| !taken.contains(number))
    }
}

/// Adds what an earlier head of a destination did to what the present one has done.
fn add(now: &mut Counts, before: Counts) {
    macro_rules! sum {
        ($($name:ident),+) => {
            $(now.$name += before.$name;)+
        };
    }
    sum!(
        delivered,
        recovered,
        delivered_before,
        skipped,
        bytes,
        writes,
        failures,
        fell_back,
        dropped,
        discarded,
        undecodable,
        damaged,
        holes,
        panics
    );
    now.last_error = now.last_error.take().or(before.last_error);
}
