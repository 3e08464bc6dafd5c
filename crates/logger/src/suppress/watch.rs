//! The thread that tells what was held back when no further record comes to do it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hydra_os::atomic::thread::{self, Thread};

use crate::config::LoggingConfig;
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::timepiece::Timepiece;

/// The thread, as those know it who hold records back; there is none while no layer does.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    thread: OnceLock<Thread>,
    signal: Arc<Signal>,
}

/// What the thread looks at. It holds the logger only to tell something: if it held it to look, the program's last
/// handle could go without being the last, and would not drain.
#[derive(Debug, Default)]
struct Signal {
    /// When there is something to tell, 0 for never.
    due_ms: AtomicU64,
    ended: AtomicBool,
}

impl Watch {
    /// Has the thread tell what there is at that time.
    pub(crate) fn wake_at(&self, due_ms: u64) {
        self.signal.note(due_ms);
        self.wake();
    }

    fn end(&self) {
        self.signal.ended.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Signal {
    fn note(&self, due_ms: u64) {
        let sooner = |before| (before == 0 || due_ms < before).then_some(due_ms);
        // It stays where it is sooner already.
        let _ = self.due_ms.fetch_update(Ordering::AcqRel, Ordering::Acquire, sooner);
    }
}

/// Starts the thread of `core`, if `config` gives it something to do and it does not run yet.
pub(crate) fn start(core: &Arc<Core>, config: &LoggingConfig) -> Result<(), Error> {
    let is_wanted = config.layers.values().any(|layer| layer.suppression.is_on());
    if !is_wanted || !core.clock.runs() || core.watch.thread.get().is_some() {
        return Ok(());
    }
    let (weak, signal) = (Arc::downgrade(core), Arc::clone(&core.watch.signal));
    let spawned = hydra_os::thread::spawn("hydra-suppress", move || watch(&weak, &signal));
    let handle = spawned.map_err(|error| Error::new(ErrorKind::Journal, "start a thread").from_source(error))?;
    // Of two that start one at a time only: at the start, and under the lock of reloads.
    let _ = core.watch.thread.set(handle.thread().clone());
    Ok(())
}

/// Tells what is due until the logger ends.
fn watch(core: &Weak<Core>, signal: &Signal) {
    while !signal.ended.load(Ordering::Acquire) {
        let (due_ms, now_ms) = (signal.due_ms.load(Ordering::Acquire), Timepiece::Machine.mono_ms());
        match due_ms.checked_sub(now_ms) {
            _ if due_ms == 0 => thread::park(),
            Some(left_ms) if left_ms > 0 => thread::park_timeout(Duration::from_millis(left_ms)),
            _ => {
                signal.due_ms.swap(0, Ordering::AcqRel);
                let Some(core) = core.upgrade() else { return };
                if let Some(wait) = tell_due(&core) {
                    signal.note(now_ms + wait.as_millis() as u64);
                }
            }
        }
    }
}

/// Tells what is due, and returns how long it is until there is more.
pub(crate) fn tell_due(core: &Core) -> Option<Duration> {
    let now_ms = core.clock.mono_ms();
    let suppressors = core.layers.suppressors();
    let due = suppressors
        .iter()
        .filter(|one| one.due_ms().is_some_and(|due_ms| now_ms >= due_ms));
    due.for_each(|one| one.tell(core));
    let due_ms = suppressors.iter().filter_map(|one| one.due_ms()).min()?;
    Some(Duration::from_millis(due_ms.saturating_sub(now_ms).max(1)))
}

/// Tells everything: the logger ends.
pub(crate) fn tell_all(core: &Core) {
    core.layers.suppressors().iter().for_each(|one| one.tell(core));
    core.watch.end();
}
