//! The running logger behind all handles: journal, heads, layers.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::Duration;

use hydra_head::{Head, Overflow as HeadOverflow, Rejection};
use hydra_journal::{Adopted, Journal, Position};
use hydra_os::atomic::Mutex;
use hydra_os::thread::JoinHandle;
use hydra_record::Level;

use crate::config::{LoggingConfig, Wanted};
use crate::emergency::Emergency;
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::layer::{LayerId, LayerState, Layers, Takers};
use crate::outlet::{List, Outlet, Outlets};
use crate::pass::Pass;
use crate::receipt::Receipt;
use crate::shutdown::Ending;
use crate::site::Site;
use crate::suppress;
use crate::suppress::watch::Watch;
use crate::timepiece::Timepiece;
use crate::waiting::WaitingRoom;

/// A gate that no level passes: the logger is shut down. A call looks at its layer all the same, and the journal
/// refuses what it logs.
const CLOSED: u8 = u8::MAX;

/// One running logger. Handles are references to it; the last one to go shuts it down.
#[derive(Debug)]
pub(crate) struct Core {
    /// Tells it from the process's other loggers.
    pub(crate) id: u64,
    pub(crate) journal: Journal,
    pub(crate) frame_max: usize,
    pub(crate) outlets: Arc<Outlets>,
    pub(crate) layers: Layers,
    /// Held by who changes the configuration.
    pub(crate) reloading: Mutex<()>,
    /// The least level that any layer takes: what a disabled call looks at.
    gate: AtomicU8,
    closed: AtomicBool,
    pub(crate) counters: Counters,
    /// Where its calls take the time from.
    pub(crate) clock: Timepiece,
    /// The thread that tells what layers hold back.
    pub(crate) watch: Watch,
    /// The end of the fallback chain.
    pub(crate) emergency: Emergency,
    /// The way in for the macros of other crates.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) bridges: crate::bridge::Bridges,
    /// How far shutting down has got.
    pub(crate) ending: Arc<Ending>,
    /// The process it was made in: a forked child has nothing of it but a copy of the memory.
    pub(crate) process: u32,
    /// Async records that wait for room in the journal.
    pub(crate) waiting: WaitingRoom,
    /// The journals of dead processes that are not delivered yet, or of which something stays.
    pub(crate) adopted: Arc<Mutex<Vec<Adopted>>>,
    /// What went wrong with journals of dead processes.
    pub(crate) problems: Arc<Mutex<Vec<String>>>,
    /// The thread that removes dead processes' journals once they are delivered.
    pub(crate) recovery: Mutex<Option<JoinHandle<()>>>,
}

/// What became of calls that did not reach the journal.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) after_close: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) no_destination: AtomicU64,
    /// Steps of the fallback chain that took a record while the logger ran, or that had been taken in before its end.
    pub(crate) fell_back: AtomicU64,
    /// Of these, the destinations themselves, and their fallbacks.
    pub(crate) direct: AtomicU64,
    pub(crate) to_fallback: AtomicU64,
    /// What layers held back.
    pub(crate) suppressed: suppress::Counts,
    /// The records that told it.
    pub(crate) summaries: AtomicU64,
    /// Why the journal did not take the last record that it did not take.
    error: Mutex<Option<Error>>,
}

impl Counters {
    /// Keeps why a record went down the fallback chain.
    pub(crate) fn keep(&self, error: &Error) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
    }

    /// Returns the last reason.
    pub(crate) fn error(&self) -> Option<Error> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Core {
    pub(crate) fn new(
        config: LoggingConfig,
        takers: Takers,
        journal: Journal,
        outlets: Vec<Arc<Outlet>>,
        adopted: Vec<Adopted>,
        problems: Arc<Mutex<Vec<String>>>,
        clock: Timepiece,
    ) -> Core {
        #[cfg(any(feature = "log", feature = "tracing"))]
        let bridges = crate::bridge::Bridges::new(&config);
        let layers = Layers::new(Arc::new(config), takers);
        Core {
            id: hydra_os::random::u64(),
            frame_max: journal.frame_max(),
            gate: AtomicU8::new(layers.lowest_gate()),
            layers,
            journal,
            outlets: Arc::new(Outlets::new(outlets)),
            reloading: Mutex::new(()),
            closed: AtomicBool::new(false),
            counters: Counters::default(),
            clock,
            watch: Watch::default(),
            emergency: Emergency::default(),
            #[cfg(any(feature = "log", feature = "tracing"))]
            bridges,
            ending: Arc::default(),
            process: hydra_os::process::id(),
            waiting: WaitingRoom::default(),
            adopted: Arc::new(Mutex::new(adopted)),
            problems,
            recovery: Mutex::new(None),
        }
    }

    /// Returns the configuration in force.
    pub(crate) fn config(&self) -> Arc<LoggingConfig> {
        self.layers.config()
    }

    /// Returns the destinations that are at work now.
    pub(crate) fn outlets(&self) -> List {
        self.outlets.all()
    }

    /// Opens the way for a call, if its level is enabled. Costs one relaxed load when it is not.
    #[inline]
    pub(crate) fn open<'a>(
        self: &'a Arc<Core>,
        level: Level,
        site: &Site,
        layer: Option<&str>,
        waits: bool,
    ) -> Option<Pass<'a>> {
        // Nothing is published through the gate: a call that sees an old value is a call made a moment earlier.
        let gate = self.gate.load(Ordering::Relaxed);
        if level.number() < gate && gate != CLOSED {
            return None;
        }
        let layer = site.layer(self, layer.unwrap_or(crate::layer::DEFAULT))?;
        self.pass(level, layer, waits)
    }

    /// Opens the way for a call whose layer is known.
    #[inline]
    pub(crate) fn open_layer<'a>(self: &'a Arc<Core>, level: Level, layer: &LayerId, waits: bool) -> Option<Pass<'a>> {
        let gate = self.gate.load(Ordering::Relaxed);
        if level.number() < gate && gate != CLOSED {
            return None;
        }
        self.pass(level, layer.find(&self.layers)?, waits)
    }

    /// Opens the way for a call that names its layer and has no site.
    #[inline]
    pub(crate) fn open_named<'a>(self: &'a Arc<Core>, level: Level, layer: &str, waits: bool) -> Option<Pass<'a>> {
        let gate = self.gate.load(Ordering::Relaxed);
        if level.number() < gate && gate != CLOSED {
            return None;
        }
        self.pass(level, self.layers.find(layer)?, waits)
    }

    /// Opens the way for a call of another crate's macro, whose layer `find` looks up.
    #[cfg(any(feature = "log", feature = "tracing"))]
    #[inline]
    pub(crate) fn open_found<'a>(
        self: &'a Arc<Core>,
        level: Level,
        find: impl FnOnce() -> Option<&'a LayerState>,
        waits: bool,
    ) -> Option<Pass<'a>> {
        let gate = self.gate.load(Ordering::Relaxed);
        if level.number() < gate && gate != CLOSED {
            return None;
        }
        self.pass(level, find()?, waits)
    }

    #[inline]
    pub(crate) fn pass<'a>(self: &'a Arc<Core>, level: Level, layer: &'a LayerState, waits: bool) -> Option<Pass<'a>> {
        if !layer.takes(level) {
            return None;
        }
        Some(Pass {
            core: self,
            layer,
            level,
            waits,
        })
    }

    /// Says whether any destination of any layer takes records of that level.
    #[inline]
    pub(crate) fn is_enabled(&self, level: Level) -> bool {
        level.number() >= self.gate.load(Ordering::Relaxed)
    }

    /// Says whether a call of that level has to look further: a call after the end has, for its record goes down the
    /// fallback chain.
    #[cfg(feature = "tracing")]
    pub(crate) fn is_looked_at(&self, level: Level) -> bool {
        let gate = self.gate.load(Ordering::Relaxed);
        level.number() >= gate || gate == CLOSED
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Says whether this process is a forked child of the one that made the logger.
    pub(crate) fn is_foreign(&self) -> bool {
        self.process != hydra_os::process::id()
    }

    /// Lets no further call through.
    pub(crate) fn close_gate(&self) {
        self.closed.store(true, Ordering::Release);
        self.gate.store(CLOSED, Ordering::Relaxed);
        suppress::watch::tell_all(self);
    }

    /// Lets calls through from another level on, unless the gate has been closed.
    pub(crate) fn set_gate(&self, level: u8) {
        let step = |gate| if gate == CLOSED { None } else { Some(level) };
        let _ = self.gate.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
    }

    /// Counts a record for a layer without destinations.
    #[cold]
    pub(crate) fn discard(&self) -> Receipt {
        self.counters.no_destination.fetch_add(1, Ordering::Relaxed);
        Receipt::disabled()
    }

    /// Counts a record that was not accepted.
    pub(crate) fn count_refused(&self, error: &Error) {
        let counter = if error.kind() == ErrorKind::Closed {
            &self.counters.after_close
        } else {
            &self.counters.refused
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a record of a signal's handler that interrupted a call of the same thread, and tells the handler. Nothing
    /// is allocated.
    #[cold]
    pub(crate) fn refuse_nested(&self) -> Receipt {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        Receipt::nested()
    }

    /// Sees to it that the record at `position` gets what it is promised.
    #[cold]
    pub(crate) fn ask_for(&self, wanted: Wanted, position: Position) -> Result<(), Error> {
        match wanted.guarantee {
            Guarantee::Queued | Guarantee::Journaled => Ok(()),
            Guarantee::Synced => self.sync_to(position),
            Guarantee::Delivered => {
                self.nudge();
                if wanted.synced { self.sync_to(position) } else { Ok(()) }
            }
        }
    }

    fn sync_to(&self, position: Position) -> Result<(), Error> {
        let asked = self.journal.sync_to(position);
        asked.map_err(|error| Error::new(ErrorKind::Journal, "sync a record").from_source(error))
    }

    /// Says whether the journal is on the device up to `position`; otherwise wakes `waker` when it is.
    pub(crate) fn poll_synced(&self, position: Position, waker: &Waker) -> Option<Result<(), Error>> {
        let synced = self.journal.synced().poll(position, waker)?;
        Some(synced.map_err(|error| Error::new(ErrorKind::Journal, "sync a record").from_source(error)))
    }

    /// Waits as [`Core::poll_synced`] would have it; `None` when that takes longer than `timeout`.
    pub(crate) fn wait_until_synced(&self, position: Position, timeout: Duration) -> Option<Result<(), Error>> {
        let synced = self.journal.wait_until_synced(position, timeout)?;
        Some(synced.map_err(|error| Error::new(ErrorKind::Journal, "sync a record").from_source(error)))
    }

    /// The journal is full: has the heads that may drop give up their oldest records, if they are the ones that hold it
    /// up.
    #[cold]
    pub(crate) fn make_room(&self) {
        if !self.journal.is_full() {
            return;
        }
        let outlets = self.outlets();
        let segments = outlets.iter().map(|outlet| outlet.head.needed_from().segment());
        let oldest = segments.min().unwrap_or_default();
        for outlet in outlets.iter() {
            let behind = outlet.head.needed_from().segment() == oldest;
            if behind && outlet.head.overflow() != HeadOverflow::Block {
                outlet.head.drop_oldest();
            }
        }
    }

    /// Drops a record that the journal has no room for, if all its destinations want that of the newest ones.
    #[cold]
    pub(crate) fn drop_newest(&self, layer: &LayerState, level: Level) -> bool {
        let takers: Vec<_> = self.takers(layer, level).collect();
        let droppable = layer.wanted(level).guarantee < Guarantee::Synced;
        if !droppable
            || !self.journal.is_full()
            || !takers
                .iter()
                .all(|outlet| outlet.head.overflow() == HeadOverflow::DropNewest)
        {
            return false;
        }
        let now = hydra_os::clock::wall_ns();
        takers.iter().for_each(|outlet| outlet.head.drop_newest(now));
        true
    }

    /// Returns the destinations that a record is for. One that is gone has had everything that was for it.
    pub(crate) fn takers(&self, layer: &LayerState, level: Level) -> impl Iterator<Item = Arc<Outlet>> {
        let outlets = self.outlets();
        let find = move |key| outlets.iter().find(|outlet| outlet.key == key).map(Arc::clone);
        layer.takers(level).filter_map(find)
    }

    /// Has every head look for something to do now.
    pub(crate) fn nudge(&self) {
        self.outlets().iter().for_each(|outlet| outlet.head.nudge());
    }

    /// Says whether every destination that takes such a record has everything before `position`.
    pub(crate) fn poll_delivered(
        &self,
        position: Position,
        layer: u16,
        level: Level,
        waker: &Waker,
    ) -> Option<Result<(), Error>> {
        let takers: Vec<_> = self
            .layers
            .get(layer)
            .into_iter()
            .flat_map(|layer| self.takers(layer, level))
            .collect();
        let delivered = poll_all(takers.iter().map(|outlet| &outlet.head), position, waker);
        if !matches!(delivered, Some(Ok(()))) {
            return delivered;
        }
        // The heads have done with it. Whether each destination has it is another matter.
        let rejected = |outlet: &Arc<Outlet>| Some((Arc::clone(outlet), outlet.head.rejection(position)?));
        Some(match takers.iter().find_map(rejected) {
            Some((outlet, rejection)) => Err(undelivered(&outlet.head, rejection)),
            None => Ok(()),
        })
    }

    /// Keeps `waker` no longer in mind: nobody waits for the record at `position` any more.
    pub(crate) fn forget(&self, position: Position, layer: u16, level: Level, waker: &Waker) {
        self.journal.synced().forget(position, waker);
        for outlet in self
            .layers
            .get(layer)
            .into_iter()
            .flat_map(|layer| self.takers(layer, level))
        {
            outlet.head.forget(position, waker);
        }
    }

    /// Says whether every destination has everything before `position`.
    pub(crate) fn poll_all_delivered(&self, position: Position, waker: &Waker) -> Option<Result<(), Error>> {
        poll_all(self.outlets().iter().map(|outlet| &outlet.head), position, waker)
    }
}

/// The error of a record that a destination will never take.
fn undelivered(head: &Head, Rejection { reason, is_dead_letter }: Rejection) -> Error {
    let advice = if is_dead_letter {
        "the dead-letter file has the record"
    } else {
        "the record was discarded: there is no dead-letter file without a journal directory"
    };
    let error = Error::new(ErrorKind::Destination, "deliver a record").at(head.name());
    error.because(reason).advise(advice)
}

fn poll_all<'h>(heads: impl Iterator<Item = &'h Head>, position: Position, waker: &Waker) -> Option<Result<(), Error>> {
    let (mut waiting, mut failed) = (false, None);
    for head in heads {
        match head.poll_delivered(position, waker) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                let error = Error::new(ErrorKind::Destination, "deliver a record")
                    .at(head.name())
                    .from_source(error);
                failed = Some(Err(error));
            }
            None => waiting = true,
        }
    }
    if waiting { None } else { failed.or(Some(Ok(()))) }
}
