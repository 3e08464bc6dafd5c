//! The thread that tells what was held back when no further record comes to do it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hydra_os::atomic::thread::{self, Thread};

use crate::config::LoggingConfig;
use crate::core::Core;
use crate::error::{Error, ErrorKind};

/// Where the thread can be woken; there is none while no layer holds anything back.
#[derive(Debug, Default)]
pub(crate) struct Watch(OnceLock<Thread>);

impl Watch {
    /// Has the thread look when something is to be told.
    pub(crate) fn wake(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}

/// Starts the thread of `core`, if `config` gives it something to do and it does not run yet.
pub(crate) fn start(core: &Arc<Core>, config: &LoggingConfig) -> Result<(), Error> {
    let is_wanted = config.layers.values().any(|layer| layer.suppression.is_on());
    if !is_wanted || !core.clock.runs() || core.watch.0.get().is_some() {
        return Ok(());
    }
    let weak = Arc::downgrade(core);
    let spawned = hydra_os::thread::spawn("hydra-suppress", move || watch(&weak));
    let handle = spawned.map_err(|error| Error::new(ErrorKind::Journal, "start a thread").from_source(error))?;
    // Of two that start one at a time only: at the start, and under the lock of reloads.
    let _ = core.watch.0.set(handle.thread().clone());
    Ok(())
}

/// Tells what is due until the logger ends.
fn watch(core: &Weak<Core>) {
    loop {
        let Some(strong) = core.upgrade() else { return };
        if strong.is_closed() {
            return;
        }
        let wait = tell_due(&strong);
        drop(strong);
        match wait {
            Some(wait) => thread::park_timeout(wait),
            None => thread::park(),
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
    core.watch.wake();
}
