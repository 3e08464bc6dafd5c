//! What a layer holds back so that it cannot flood: rate limits, sampling, de-duplication.
//!
//! A layer with none of it has no [`Suppressor`], and its calls come past here without a look. What is held back is
//! counted at once, in the logger's counters, and told in band: a summary record of the layer's own, at the highest
//! level that was held back, so that every destination that misses something is told. The thread in [`watch`] logs it
//! when the window of what held them back ends, at the latest at the end of the logger.
//!
//! What a caller runs here is atomics alone: a signal's handler may log while its thread is at it, and a forked child
//! finds no lock held by a thread that it does not have.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use hydra_record::{Level, Value};

use crate::config::Suppression;
use crate::core::Core;
use crate::guarantee::Guarantee;
use crate::layer::LayerState;
use crate::pass;

mod dedup;
mod limit;
mod sample;
pub(crate) mod watch;

pub(crate) use dedup::Fingerprint;
use dedup::Recent;
use limit::{Sites, Window};
use sample::Sampler;

/// How long after the first record that sampling holds back the summary is due.
const SAMPLED_SUMMARY_MS: u64 = 60_000;
/// When a summary that the journal did not take is tried again.
const AGAIN_MS: u64 = 1_000;

/// Records that a logger was given and held back, by the reason.
///
/// # Examples
/// ```
/// use hydra_logger::testing::{Capture, TestLog};
/// use hydra_logger::{Level, LogLayer, LoggingConfig, Rate, info};
///
/// let capture = Capture::new();
/// let layer = LogLayer::new(Level::Info).destination(capture.destination()).limit(Rate::per_minute(1));
/// let log = TestLog::with_config(LoggingConfig::builder().layer("DEFAULT", layer).build()?);
/// for _ in 0..3 {
///     info!(log, "again");
/// }
/// let suppressed = log.health().suppressed;
/// assert_eq!((suppressed.over_limit, suppressed.total()), (2, 2));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suppressed {
    /// Those over a layer's `limit` or `site_limit`.
    pub over_limit: u64,
    /// Those that sampling left out.
    pub not_sampled: u64,
    /// Those that were the same as one just taken.
    pub repeated: u64,
}

impl Suppressed {
    /// Returns how many there are in all.
    pub fn total(&self) -> u64 {
        self.over_limit + self.not_sampled + self.repeated
    }
}

/// The same as [`Suppressed`], while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; 3]);

impl Counts {
    fn add(&self, reason: Reason, records: u64) {
        if let Some(count) = self.0.get(reason as usize) {
            count.fetch_add(records, Ordering::Relaxed);
        }
    }

    pub(crate) fn now(&self) -> Suppressed {
        self.each(|count| count.load(Ordering::Relaxed))
    }

    fn take(&self) -> Suppressed {
        self.each(|count| count.swap(0, Ordering::Relaxed))
    }

    fn each(&self, ask: impl Fn(&AtomicU64) -> u64) -> Suppressed {
        let [over_limit, not_sampled, repeated] = &self.0;
        Suppressed {
            over_limit: ask(over_limit),
            not_sampled: ask(not_sampled),
            repeated: ask(repeated),
        }
    }
}

/// Why a record is held back; the number is its place in [`Counts`].
#[derive(Clone, Copy, Debug)]
enum Reason {
    OverLimit,
    NotSampled,
    Repeated,
}

/// What stands between one configured layer and a flood.
#[derive(Debug)]
pub(crate) struct Suppressor {
    pub(crate) rules: Suppression,
    /// The configured layer.
    pub(crate) route: String,
    limit: Option<Window>,
    sites: Option<Sites>,
    sampler: Option<Sampler>,
    recent: Option<Recent>,
    untold: Counts,
    /// The highest level among the untold.
    level: AtomicU8,
    /// When the untold are to be told; 0 while there are none.
    due_ms: AtomicU64,
}

impl Suppressor {
    pub(crate) fn new(route: &str, rules: Suppression) -> Suppressor {
        Suppressor {
            limit: rules.limit.map(|_| Window::default()),
            sites: rules.site_limit.map(|_| Sites::new()),
            sampler: rules.sample.map(Sampler::new),
            recent: rules.dedup.map(|_| Recent::new()),
            untold: Counts::default(),
            level: AtomicU8::new(0),
            due_ms: AtomicU64::new(0),
            route: route.to_owned(),
            rules,
        }
    }

    /// Says whether a call from `place` is held back, before anything of its record is made.
    #[cold]
    pub(crate) fn holds_back(&self, core: &Core, layer: &LayerState, level: Level, place: u64) -> bool {
        let now_ms = core.clock.mono_ms();
        if self.spares(core, layer, level) {
            return false;
        }
        let held = match self.sampler.as_ref().is_some_and(|sampler| !sampler.takes()) {
            true => Some((Reason::NotSampled, now_ms + SAMPLED_SUMMARY_MS)),
            false => self.over_limit(now_ms, place).map(|end_ms| (Reason::OverLimit, end_ms)),
        };
        if let Some((reason, due_ms)) = held {
            self.count(core, reason, level, due_ms);
        }
        held.is_some()
    }

    /// Says whether a record is the same as one that was taken a moment ago; otherwise gives what undoes the note that
    /// it is taken now.
    #[cold]
    pub(crate) fn is_repeated(
        &self,
        core: &Core,
        layer: &LayerState,
        level: Level,
        bytes: &[u8],
    ) -> Result<Option<Fingerprint>, Repeated> {
        let (Some(recent), Some(span)) = (&self.recent, self.rules.dedup) else {
            return Ok(None);
        };
        if self.spares(core, layer, level) {
            return Ok(None);
        }
        let now_ms = core.clock.mono_ms();
        let span_ms = span.as_millis() as u64;
        let print = recent.fingerprint(bytes);
        match recent.seen_at(print, now_ms, span_ms) {
            Some(first_ms) => {
                self.count(core, Reason::Repeated, level, first_ms + span_ms);
                Err(Repeated)
            }
            None => Ok(Some(print)),
        }
    }

    /// A record with that fingerprint was not taken after all.
    pub(crate) fn forget(&self, print: Fingerprint) {
        if let Some(recent) = &self.recent {
            recent.forget(print);
        }
    }

    /// Guaranteed records are for somebody who waits for them: they pass, unless the layer says otherwise. After the
    /// end nobody could tell any more what was held back, so nothing is.
    fn spares(&self, core: &Core, layer: &LayerState, level: Level) -> bool {
        let is_guaranteed = layer.wanted(level).guarantee >= Guarantee::Synced;
        is_guaranteed && !self.rules.guaranteed || core.is_closed()
    }

    fn over_limit(&self, now_ms: u64, place: u64) -> Option<u64> {
        // The place first: what it holds back shall not use up what the layer has for other places.
        let by_place = match (&self.sites, self.rules.site_limit) {
            (Some(sites), Some(rate)) => sites.window(place).take(rate, now_ms),
            _ => Ok(()),
        };
        let by_layer = |()| match (&self.limit, self.rules.limit) {
            (Some(window), Some(rate)) => window.take(rate, now_ms),
            _ => Ok(()),
        };
        by_place.and_then(by_layer).err()
    }

    fn count(&self, core: &Core, reason: Reason, level: Level, due_ms: u64) {
        core.counters.suppressed.add(reason, 1);
        self.untold.add(reason, 1);
        if self.is_due_sooner(level, due_ms) {
            core.watch.wake_at(due_ms);
        }
    }

    /// Notes that there is something to tell at `due_ms`. Says whether that is sooner than anything before.
    fn is_due_sooner(&self, level: Level, due_ms: u64) -> bool {
        self.level.fetch_max(level.number(), Ordering::Relaxed);
        // Pairs with the swap in `tell`: who sees the time sees what has been counted.
        let sooner = |due| (due == 0 || due_ms < due).then_some(due_ms);
        let noted = self.due_ms.fetch_update(Ordering::Release, Ordering::Relaxed, sooner);
        noted.is_ok()
    }

    /// Returns when there is something to tell.
    fn due_ms(&self) -> Option<u64> {
        Some(self.due_ms.load(Ordering::Relaxed)).filter(|due| *due > 0)
    }

    /// Logs how many records have been held back since this was told last.
    fn tell(&self, core: &Core) {
        // Whoever counts after this sets the time again.
        if self.due_ms.swap(0, Ordering::Acquire) == 0 {
            return;
        }
        let untold = self.untold.take();
        let level = Level::from_number(self.level.swap(0, Ordering::Relaxed)).unwrap_or(Level::Info);
        let layer = core.layers.named(&self.route);
        let Some(layer) = layer.filter(|layer| untold.total() > 0 && layer.takes(level) && !layer.is_empty()) else {
            return;
        };
        match pass::append_own(core, layer, level, &text(&untold), &fields(&untold)) {
            Ok(_) => _ = core.counters.summaries.fetch_add(1, Ordering::Relaxed),
            // The journal is full, or ends: who tells it must not wait for room.
            Err(_) => {
                self.untold.add(Reason::OverLimit, untold.over_limit);
                self.untold.add(Reason::NotSampled, untold.not_sampled);
                self.untold.add(Reason::Repeated, untold.repeated);
                self.is_due_sooner(level, core.clock.mono_ms() + AGAIN_MS);
            }
        }
    }
}

/// The record is the same as one just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeated;

fn text(untold: &Suppressed) -> String {
    let reasons = [
        (untold.over_limit, "over the limit"),
        (untold.not_sampled, "not sampled"),
        (untold.repeated, "repeated"),
    ];
    let told = reasons.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, reason)| format!("{count} {reason}")).collect();
    format!("{} records suppressed: {}", untold.total(), told.join(", "))
}

fn fields(untold: &Suppressed) -> [(&'static str, Value<'static>); 4] {
    [
        ("suppressed", Value::U64(untold.total())),
        ("suppressed_over_limit", Value::U64(untold.over_limit)),
        ("suppressed_not_sampled", Value::U64(untold.not_sampled)),
        ("suppressed_repeated", Value::U64(untold.repeated)),
    ]
}
