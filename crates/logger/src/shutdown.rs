//! The end of a logger: everything accepted is delivered, or left in the journal for the next start.

use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError, Weak};
use std::time::Duration;

use hydra_format::ClockFace;
use hydra_head::Counts;
use hydra_os::atomic::{Condvar, Mutex, MutexGuard, thread};
use hydra_os::clock::Deadline;
use hydra_os::process;
use hydra_record::{Level, Value};

use crate::assemble::plan;
use crate::config::OnTimeout;
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::outlet::{Balance, Outlet};
use crate::receipt::block_until;
use crate::suppress::Suppressed;

/// How long a head that was told to stop may take to end the write it is at.
const LAST_WRITE: Duration = Duration::from_millis(200);
/// How long the list of loggers is asked for: in a forked child its lock may be held by a thread that is not there.
const LIST_WAIT: Duration = Duration::from_secs(1);

/// What became of the records, destination by destination and in all.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig};
/// use std::time::Duration;
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// log.info("API", "started");
/// let report = log.shutdown(Duration::from_secs(5))?;
/// assert_eq!((report.accepted, report.delivered, report.left_in_journal), (1, 1, 0));
/// assert_eq!(report.balances[0].total(), 1);
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Records accepted by this logger.
    pub accepted: u64,
    /// Deliveries: a record that went to two destinations counts twice.
    pub delivered: u64,
    /// Deliveries that are still to be made and wait in the journal's files for the next start.
    pub left_in_journal: u64,
    /// Deliveries of what dead processes left that are still to be made.
    pub left_in_journals_of_the_dead: u64,
    /// Deliveries that went down the fallback chain instead.
    pub fell_back: u64,
    /// Records that a destination will never take, in the dead-letter file instead.
    pub dead_lettered: u64,
    /// Records that a chosen policy or a closed pipe dropped.
    pub dropped: u64,
    /// Records refused: for their size, because the journal could not take them, or from a signal's handler; each
    /// caller was told.
    pub refused: u64,
    /// Calls that came after the end.
    pub after_close: u64,
    /// Records that layers held back: `limit`, `site_limit`, `sample`, `dedup`.
    pub suppressed: Suppressed,
    /// Records, among the accepted, that told of those. So the calls whose level was on, and these, are those accepted,
    /// suppressed and refused, and those after the end.
    pub summaries: u64,
    /// Each destination, by the name of its cursor.
    pub destinations: Vec<(String, Counts)>,
    /// Where the records for each destination are.
    pub balances: Vec<Balance>,
}

/// How far the end of a logger has got.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    stage: Mutex<Stage>,
    moved: Condvar,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Running,
    /// Some thread is shutting the logger down.
    Ending,
    Ended(Report),
    /// The logger itself is gone as well.
    Gone,
}

impl Ending {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn set(&self, stage: Stage) {
        *self.lock() = stage;
        self.moved.notify_all();
    }

    /// Waits, at most until `end`, while another thread shuts the logger down.
    fn wait(&self, end: Deadline, goes_on: fn(&Stage) -> bool) -> MutexGuard<'_, Stage> {
        let waited = self
            .moved
            .wait_timeout_while(self.lock(), end.left(), |stage| goes_on(stage));
        waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }
}

/// Shuts `core` down, at most in `timeout`. Again, it returns the first report.
pub(crate) fn shutdown(core: &Core, timeout: Duration) -> Report {
    if core.is_foreign() {
        // A forked child: journal, files and the threads that deliver are its parent's.
        return Report::default();
    }
    shutdown_until(core, Deadline::after(timeout))
}

/// Likewise, at most until `end`; in the process that the logger belongs to.
fn shutdown_until(core: &Core, end: Deadline) -> Report {
    {
        let mut stage = core.ending.wait(end, |stage| matches!(stage, Stage::Ending));
        match &*stage {
            Stage::Running => *stage = Stage::Ending,
            Stage::Ended(report) => {
                let after_close = core.counters.after_close.load(Ordering::Relaxed);
                return Report {
                    after_close,
                    ..report.clone()
                };
            }
            // Another thread is at it, for longer than this one may wait.
            Stage::Ending | Stage::Gone => return so_far(core),
        }
    }
    let report = end_now(core, end);
    core.ending.set(Stage::Ended(report.clone()));
    report
}

/// What can be said of a logger whose shutdown goes on.
fn so_far(core: &Core) -> Report {
    let mut report = Report::default();
    sum_up(core, &mut report);
    report
}

fn end_now(core: &Core, end: Deadline) -> Report {
    core.close_gate();
    core.waiting.wait_empty(end);
    // From here on nothing is accepted, so this is what has to be delivered.
    let tail = core.journal.seal();
    // Who still waits for room is refused now, and written to the emergency file or to standard error.
    core.waiting.wait_empty(Deadline::after(LAST_WRITE));
    core.nudge();
    let drained = block_until(end.left(), |waker| core.poll_all_delivered(tail, waker));
    // What dead processes left is delivered too, as far as there is time. No reload comes after the gate is closed.
    let outlets = core.outlets();
    for outlet in outlets.iter() {
        // One that gives its records up has said so at once, and may still be at it: nobody else is to take them.
        outlet.head.wait_settled(tail, end.left());
        outlet.head.wait_recovered(end.left());
    }
    let mut report = Report::default();
    // The journal's files go when everything is delivered, and what was synced in them must not go with them.
    core.journal.ask_checkpoint();
    outlets.iter().for_each(|outlet| outlet.head.stop());
    for outlet in outlets.iter() {
        outlet.head.join(end.left().max(LAST_WRITE));
        if !matches!(drained, Some(Ok(()))) {
            outlet.head.count_lost_in_hand();
            rescue(core, outlet);
        }
    }
    if let Some(recovery) = core
        .recovery
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .take()
        && outlets.iter().all(|outlet| outlet.head.join(Duration::ZERO))
    {
        // It ends with the heads; a panic in it has been printed.
        let _ = recovery.join();
    }
    core.journal.close();
    sum_up(core, &mut report);
    report
}

/// Adds what is counted for the logger as a whole and for its destinations.
fn sum_up(core: &Core, report: &mut Report) {
    report.destinations = core.outlets.counts();
    report.balances = core.outlets.balances();
    for balance in &report.balances {
        report.delivered += balance.delivered;
        report.left_in_journal += balance.in_journal;
        report.left_in_journals_of_the_dead += balance.in_journals_of_the_dead;
        report.fell_back += balance.fell_back;
        report.dead_lettered += balance.dead_lettered;
        report.dropped += balance.dropped;
    }
    report.accepted = core.journal.records();
    report.fell_back += core.counters.fell_back.load(Ordering::Relaxed);
    report.suppressed = core.counters.suppressed.now();
    report.summaries = core.counters.summaries.load(Ordering::Relaxed);
    report.refused = core.counters.refused.load(Ordering::Relaxed);
    report.after_close = core.counters.after_close.load(Ordering::Relaxed);
}

/// Deals with what a destination did not take in time.
///
/// It is not written to the destination itself: whoever hangs in it may yet go on, and would write it a second time.
fn rescue(core: &Core, outlet: &Outlet) {
    let config = core.config();
    if core.journal.is_file_backed() || config.on_timeout != OnTimeout::SyncWrite {
        return;
    }
    // One that cannot be opened is as good as none.
    let mut fallback = plan::fallback(&config, &outlet.setup.destination, &[]).ok().flatten();
    let mut face = ClockFace::new(hydra_os::clock::utc_offset_at);
    let rescued = outlet.head.pending().for_each(|record| {
        if fallback
            .as_mut()
            .is_none_or(|fallback| fallback.write_one(record, &mut face).is_err())
        {
            core.emergency.write(&config, record);
        }
    });
    core.emergency.sync();
    outlet.rescued.store(rescued, Ordering::Relaxed);
}

/// Waits until everything accepted so far is delivered.
pub(crate) fn flush(core: &Core, timeout: Duration) -> Result<(), Error> {
    if core.is_foreign() {
        let error = Error::new(ErrorKind::Closed, "flush");
        return Err(error.because("the logger belongs to the process that this one was forked from"));
    }
    let end = Deadline::after(timeout);
    // Async records that wait for room have been accepted too.
    core.waiting.wait_served(end);
    let tail = if core.is_closed() {
        core.journal.seal()
    } else {
        core.journal.tail()
    };
    core.nudge();
    block_until(end.left(), |waker| core.poll_all_delivered(tail, waker)).unwrap_or_else(|| {
        let outlets = core.outlets();
        let behind = outlets.iter().filter(|outlet| outlet.head.delivered() < tail);
        let told = behind.map(|outlet| match outlet.head.counts().last_error {
            Some(error) => format!("{} ({error})", outlet.head.name()),
            None => outlet.head.name().to_owned(),
        });
        let cause = format!(
            "after {} s still waiting for {}",
            timeout.as_secs_f32(),
            told.collect::<Vec<_>>().join(", ")
        );
        Err(Error::new(ErrorKind::Timeout, "flush").because(cause))
    })
}

impl Drop for Core {
    fn drop(&mut self) {
        if self.is_foreign() {
            // The thread is the parent's: there is nothing here to detach from.
            let recovery = self.recovery.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
            std::mem::forget(recovery.take());
            return;
        }
        shutdown(self, self.config().shutdown_timeout);
        self.ending.set(Stage::Gone);
    }
}

/// A logger that is drained when the process exits.
#[derive(Debug)]
pub(crate) struct Registered {
    core: Weak<Core>,
    /// Outlives the logger: the last handle may be just going, on another thread, with records still to be delivered.
    ending: Arc<Ending>,
    timeout: Duration,
    process: u32,
}

/// Has the logger drained when the process exits without shutting it down.
pub(crate) fn register(core: &Arc<Core>) -> Result<(), Error> {
    let hook = |error: std::io::Error| Error::new(ErrorKind::Journal, "register the exit hook").from_source(error);
    let mut loggers = loggers().ok_or_else(|| hook(std::io::ErrorKind::WouldBlock.into()))?;
    loggers.retain(|other| other.process == core.process && !matches!(*other.ending.lock(), Stage::Gone));
    loggers.push(Registered {
        core: Arc::downgrade(core),
        ending: Arc::clone(&core.ending),
        timeout: core.config().shutdown_timeout,
        process: core.process,
    });
    hydra_os::exit::at_exit(drain_all).map_err(hook)
}

fn loggers() -> Option<MutexGuard<'static, Vec<Registered>>> {
    let end = Deadline::after(LIST_WAIT);
    while !end.is_over() {
        match crate::global::LOGGERS.try_lock() {
            Ok(loggers) => return Some(loggers),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
    None
}

pub(crate) fn drain_all() {
    let Some(mut list) = loggers() else { return };
    let loggers = std::mem::take(&mut *list);
    drop(list);
    let own = process::id();
    let own = loggers.into_iter().filter(|logger| logger.process == own);
    // Heads deliver on threads of their own, all at the same time: each logger's time begins now. Nothing comes in
    // anywhere from here on, so one whose turn comes when its time is over has had all of it for what it has.
    let mut ends: Vec<_> = own
        .map(|logger| (Deadline::after(logger.timeout), logger.core.upgrade(), logger))
        .collect();
    for core in ends.iter().filter_map(|(_, core, _)| core.as_ref()) {
        core.close_gate();
        core.nudge();
    }
    ends.sort_by_key(|(_, _, logger)| logger.timeout);
    for (end, core, logger) in ends {
        match core {
            Some(core) => _ = shutdown_until(&core, end),
            None => drop(logger.ending.wait(end, |stage| !matches!(stage, Stage::Gone))),
        }
    }
}

/// Has SIGTERM and SIGINT drain every logger of the process, and then end it as they do.
#[cfg(all(feature = "signals", not(sim)))]
pub(crate) fn drain_on_signals() -> Result<(), Error> {
    use hydra_os::signals::{Signals, end_by};

    let start = || {
        let refused = |error| Error::new(ErrorKind::Unsupported, "drain on signals").from_source(error);
        let signals = Signals::take().map_err(refused)?;
        let work = move || {
            // Where nothing can be waited for any more, the second signal ends the process as ever.
            if let Ok(signal) = signals.wait() {
                drain_all();
                end_by(signal)
            }
        };
        hydra_os::thread::spawn("hydra-signals", work)
            .map_err(refused)
            .map(drop)
    };
    crate::global::SIGNALS.get_or_init(start).clone()
}

/// Has panics recorded before whatever hook there is now is called.
pub(crate) fn hook_panics(core: &Arc<Core>) {
    let core = Arc::downgrade(core);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(core) = core.upgrade() {
            record_panic(&core, panic);
        }
        before(panic);
    }));
}

fn record_panic(core: &Arc<Core>, panic: &std::panic::PanicHookInfo<'_>) {
    let text = panic.payload_as_str().unwrap_or("a panic whose payload is no text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = hydra_os::thread::current_name();
    let fields = [
        ("panic.location", Value::Str(&place)),
        ("panic.thread", Value::Str(&thread)),
    ];
    // A thread of ours must not wait for what it is to do itself.
    let waits = !thread.starts_with("hydra-");
    if let Some(pass) = core.open_named(Level::Critical, crate::layer::DEFAULT, waits) {
        let message = format!("panicked at {place}: {text}");
        // The receipt has been waited for: under `panic = "abort"` this is the last that happens.
        drop(pass.fields(&message, &fields));
    }
}
