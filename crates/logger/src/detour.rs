//! The ways of a record that the journal does not take.
//!
//! A record that cannot be appended is not lost: on the thread that has it in hand it goes, for each destination that
//! wants it, to the first of these that takes it:
//!
//! 1. the destination itself, if it has everything that came before and works: the order of its records stays, and so
//!    do the marks of its head, for both take turns at the file;
//! 2. the destination's configured `fallback`;
//! 3. the emergency file, once for all destinations that are left;
//! 4. standard error.
//!
//! After the end only the last two are left: the destinations have been closed, and the report has been written. The
//! receipt is an error all the same, for no guarantee was given: it says where the record is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_format::ClockFace;
use hydra_head::Fallback;
use hydra_record::{Level, Record};

use crate::assemble::plan;
use crate::config::LoggingConfig;
use crate::core::Core;
use crate::error::{Error, FallbackStep};
use crate::guarantee::Guarantee;
use crate::layer::LayerState;
use crate::outlet::Outlet;
use crate::receipt::block_until;

/// How long a record waits at most for its destination to have everything that came before it.
const CATCH_UP: Duration = Duration::from_millis(200);

/// A record that the journal does not take.
pub(crate) struct Stray<'r> {
    pub(crate) layer: &'r LayerState,
    pub(crate) level: Level,
    pub(crate) record: &'r Record<'r>,
}

impl Core {
    /// Takes a record down the fallback chain; returns `error` with where that has led to.
    #[cold]
    pub(crate) fn detour(&self, stray: &Stray<'_>, error: Error) -> Error {
        let config = self.config();
        let syncs = stray.layer.wanted(stray.level).guarantee >= Guarantee::Synced;
        let is_over = self.is_closed();
        let mut face = ClockFace::new(hydra_os::clock::utc_offset_at);
        let (mut worst, mut served, mut is_left) = (FallbackStep::Direct, 0, false);
        for outlet in self.takers(stray.layer, stray.level).filter(|_| !is_over) {
            match self.serve(&config, &outlet, stray.record, &mut face, syncs) {
                Some(step) => (worst, served) = (worst.max(step), served + 1),
                None => is_left = true,
            }
        }
        if is_left || served == 0 {
            worst = self.emergency.write(&config, stray.record);
            served += 1;
            if syncs {
                self.emergency.sync();
            }
        }
        if !is_over {
            self.counters.fell_back.fetch_add(served, Ordering::Relaxed);
        }
        self.counters.keep(&error);
        error.ended_at_step(worst)
    }

    /// Gives a record to a destination, or to its fallback; says which has taken it.
    fn serve(
        &self,
        config: &LoggingConfig,
        outlet: &Outlet,
        record: &Record<'_>,
        face: &mut ClockFace,
        syncs: bool,
    ) -> Option<FallbackStep> {
        let destination = &outlet.setup.destination;
        if self.has_caught_up(outlet) && write(|| plan::direct(config, destination), record, face, syncs) {
            self.counters.direct.fetch_add(1, Ordering::Relaxed);
            return Some(FallbackStep::Direct);
        }
        if write(|| plan::fallback(config, destination, &[]).ok()?, record, face, syncs) {
            self.counters.to_fallback.fetch_add(1, Ordering::Relaxed);
            return Some(FallbackStep::Fallback);
        }
        None
    }

    /// Says whether a destination works and has everything that is before it in the journal.
    fn has_caught_up(&self, outlet: &Outlet) -> bool {
        let head = &outlet.head;
        let counts = head.counts();
        if counts.failing || counts.busy_for.is_some_and(|busy| busy > CATCH_UP) || !head.is_recovered() {
            return false;
        }
        let tail = self.journal.tail();
        head.nudge();
        let has_all = block_until(CATCH_UP, |waker| head.poll_delivered(tail, waker));
        matches!(has_all, Some(Ok(())))
    }
}

/// Writes one record, and syncs it if asked to. Whatever goes wrong with it, here or in a format, leads to the next
/// step.
fn write(open: impl FnOnce() -> Option<Fallback>, record: &Record<'_>, face: &mut ClockFace, syncs: bool) -> bool {
    let written = catch_unwind(AssertUnwindSafe(|| {
        let mut place = open()?;
        place.write_one(record, face).ok()?;
        // It stands there, synced or not: once more would be twice.
        let _ = syncs.then(|| place.sync());
        Some(())
    }));
    matches!(written, Ok(Some(())))
}
