//! The destinations at work: those of the configuration in force, and those that still drain after it has changed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Records that went down the fallback chain at the end, because the head had not delivered them in time.
    pub(crate) rescued: AtomicU64,
}

/// Where the records for one destination are: each is counted in exactly one of these.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig};
/// use std::time::Duration;
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// log.info("API", "started");
/// log.flush(Duration::from_secs(5))?;
/// let balance = &log.balance()[0];
/// assert_eq!((balance.total(), balance.delivered, balance.in_journal), (1, 1, 0));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balance {
    /// The name of the destination's cursor.
    pub destination: String,
    /// Those of this process that the destination took.
    pub delivered: u64,
    /// Those of this process that are in the journal.
    pub in_journal: u64,
    /// Those that the fallback took, or the emergency file, or standard error.
    pub fell_back: u64,
    /// Those that the destination will never take, in the dead-letter file.
    pub dead_lettered: u64,
    /// Those that a chosen policy, or a pipe that nobody reads, dropped.
    pub dropped: u64,
    /// Those that could not be read back from the journal.
    pub undecodable: u64,
    /// Those of dead processes that are still in their journals. They are no part of the total.
    pub in_journals_of_the_dead: u64,
}

impl Balance {
    /// Returns how many records there have been for the destination. After a start that found nothing of dead processes
    /// these are the calls whose layer and level lead to it and that were not refused.
    pub fn total(&self) -> u64 {
        self.delivered + self.in_journal + self.fell_back + self.dead_lettered + self.dropped + self.undecodable
    }

    fn of(outlet: &Outlet) -> Balance {
        let rescued = outlet.rescued.load(Ordering::Relaxed);
        let (counts, pending) = outlet.head.account();
        let of_the_dead = outlet.head.pending_of_the_dead().into_iter();
        Balance {
            // Those at the end went elsewhere, though they stand in the journal as well.
            in_journal: if rescued == 0 { pending } else { 0 },
            fell_back: counts.fell_back + rescued,
            in_journals_of_the_dead: of_the_dead.map(|pending| pending.for_each(|_| {})).sum(),
            ..Balance::of_counts(outlet.head.name(), &counts)
        }
    }

    fn of_counts(name: &str, counts: &Counts) -> Balance {
        Balance {
            destination: name.to_owned(),
            delivered: counts.delivered,
            fell_back: counts.fell_back,
            dead_lettered: counts.dead_lettered,
            dropped: counts.dropped + counts.discarded,
            undecodable: counts.undecodable,
            ..Balance::default()
        }
    }
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

    /// Returns where the records of each destination are, also of those that are gone.
    pub(crate) fn balances(&self) -> Vec<Balance> {
        let (all, mut gone) = {
            let mut sets = self.lock();
            sets.forget_gone();
            (Arc::clone(&sets.all), sets.gone.clone())
        };
        let mut balances: Vec<Balance> = Vec::new();
        for outlet in all.iter() {
            let mut balance = Balance::of(outlet);
            if let Some(counts) = gone.remove(outlet.head.name()) {
                let before = Balance::of_counts(outlet.head.name(), &counts);
                balance.delivered += before.delivered;
                balance.fell_back += before.fell_back;
                balance.dead_lettered += before.dead_lettered;
                balance.dropped += before.dropped;
                balance.undecodable += before.undecodable;
            }
            balances.push(balance);
        }
        balances.extend(gone.iter().map(|(name, counts)| Balance::of_counts(name, counts)));
        balances
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
            // Whatever is counted one day is forgotten here by nobody: a name that is missing does not compile.
            let Counts { $($name,)+ failing: _, busy_for: _, last_error } = before;
            $(now.$name += $name;)+
            now.last_error = now.last_error.take().or(last_error);
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
        dead_lettered,
        rewritten,
        undecodable,
        damaged,
        holes,
        panics
    );
}
