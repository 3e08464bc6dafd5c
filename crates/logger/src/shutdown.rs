//! The end of a logger: everything accepted is delivered, or left in the journal for the next start.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hydra_head::Counts;
use hydra_os::clock::Deadline;
use hydra_record::{Level, Value};

use crate::config::OnTimeout;
use crate::core::{Core, Outlet};
use crate::emergency;
use crate::error::{Error, ErrorKind};
use crate::receipt::block_until;

/// How long a head that was told to stop may take to end the write it is at.
const LAST_WRITE: Duration = Duration::from_millis(200);

/// What became of the records, destination by destination and in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Records accepted by this logger.
    pub accepted: u64,
    /// Deliveries: a record that went to two destinations counts twice.
    pub delivered: u64,
    /// Deliveries that are still to be made and wait in the journal's files for the next start.
    pub left_in_journal: u64,
    /// Deliveries that went down the fallback chain instead.
    pub fell_back: u64,
    /// Records that a chosen policy or a closed pipe dropped.
    pub dropped: u64,
    /// Calls that came after the end.
    pub after_close: u64,
    /// Each destination, by the name of its cursor.
    pub destinations: Vec<(String, Counts)>,
}

/// Shuts `core` down, at most in `timeout`. Again, it returns the first report.
pub(crate) fn shutdown(core: &Core, timeout: Duration) -> Report {
    let mut slot = core.report.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(report) = &*slot {
        return report.clone();
    }
    let end = Deadline::after(timeout);
    core.close_gate();
    core.waiting.wait_empty(end);
    // From here on nothing is accepted, so this is what has to be delivered.
    let tail = core.journal.seal();
    core.nudge();
    let drained = block_until(timeout, |waker| core.poll_all_delivered(tail, waker));
    let mut report = Report { accepted: core.journal.records(), ..Report::default() };
    core.outlets.iter().for_each(|outlet| outlet.head.stop());
    for outlet in core.outlets.iter() {
        outlet.head.join(end.left().max(LAST_WRITE));
        if !matches!(drained, Some(Ok(()))) {
            rescue(core, outlet, &mut report);
        }
        add(&mut report, outlet);
    }
    if let Some(recovery) = core.recovery.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
        && core.outlets.iter().all(|outlet| outlet.head.join(Duration::ZERO))
    {
        // It ends with the heads; a panic in it has been printed.
        let _ = recovery.join();
    }
    core.journal.close();
    report.after_close = core.counters.after_close.load(Ordering::Relaxed);
    *slot = Some(report.clone());
    report
}

/// Deals with what a destination did not take in time.
fn rescue(core: &Core, outlet: &Outlet, report: &mut Report) {
    let to_stderr = !core.journal.is_file_backed() && core.config.on_timeout == OnTimeout::SyncWrite;
    let pending = outlet.head.pending();
    if to_stderr {
        let written = pending.for_each(emergency::write);
        core.counters.fell_back.fetch_add(written, Ordering::Relaxed);
        report.fell_back += written;
    } else {
        report.left_in_journal += pending.for_each(|_| {});
    }
}

fn add(report: &mut Report, outlet: &Outlet) {
    let counts = outlet.head.counts();
    report.delivered += counts.delivered;
    report.fell_back += counts.fell_back;
    report.dropped += counts.dropped + counts.discarded;
    report.destinations.push((outlet.head.name().to_owned(), counts));
}

/// Waits until everything accepted so far is delivered.
pub(crate) fn flush(core: &Core, timeout: Duration) -> Result<(), Error> {
    let tail = core.journal.tail();
    core.nudge();
    block_until(timeout, |waker| core.poll_all_delivered(tail, waker)).unwrap_or_else(|| {
        let behind = core.outlets.iter().filter(|outlet| outlet.head.delivered() < tail);
        let told = behind.map(|outlet| match outlet.head.counts().last_error {
            Some(error) => format!("{} ({error})", outlet.head.name()),
            None => outlet.head.name().to_owned(),
        });
        let cause = format!("after {} s still waiting for {}", timeout.as_secs_f32(), told.collect::<Vec<_>>().join(", "));
        Err(Error::new(ErrorKind::Timeout, "flush").because(cause))
    })
}

impl Drop for Core {
    fn drop(&mut self) {
        shutdown(self, self.config.shutdown_timeout);
    }
}

/// Has the logger drained when the process exits without shutting it down.
pub(crate) fn register(core: &Arc<Core>) -> Result<(), Error> {
    let mut loggers = crate::global::LOGGERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    loggers.retain(|other| other.strong_count() > 0);
    loggers.push(Arc::downgrade(core));
    hydra_os::exit::at_exit(drain_all).map_err(|error| Error::new(ErrorKind::Journal, "register the exit hook").from_source(error))
}

fn drain_all() {
    let loggers: Vec<Weak<Core>> =
        std::mem::take(&mut *crate::global::LOGGERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    for core in loggers.iter().filter_map(Weak::upgrade) {
        shutdown(&core, core.config.shutdown_timeout);
    }
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
    let fields = [("panic.location", Value::Str(&place)), ("panic.thread", Value::Str(&thread))];
    if let Some(pass) = core.open_named(Level::Critical, crate::layer::DEFAULT, true) {
        let message = format!("panicked at {place}: {text}");
        // The receipt has been waited for: under `panic = "abort"` this is the last that happens.
        pass.message(&message, &fields, std::panic::Location::caller());
    }
}
