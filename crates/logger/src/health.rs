//! How a logger is doing.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_head::Counts;

use crate::core::Core;
use crate::suppress::Suppressed;

/// A logger's counters at one moment.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig};
/// use std::time::Duration;
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// log.info("API", "started");
/// log.flush(Duration::from_secs(5))?;
/// let health = log.health();
/// assert!(health.is_healthy() && health.degraded().is_empty());
/// assert_eq!((health.accepted, health.destinations[0].1.delivered), (1, 1));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether it accepts records.
    pub accepting: bool,
    /// Records accepted.
    pub accepted: u64,
    /// Records refused: for their size, because the journal could not take them, or from a signal's handler; each
    /// caller was told. Those that the journal could not take went down the fallback chain.
    pub refused: u64,
    /// Calls after the end that some destination would have wanted. Each caller was told; the records are among
    /// `emergencies`.
    pub after_close: u64,
    /// Of what the journal refused, the records that calls gave to a destination themselves: one for each destination.
    pub direct_writes: u64,
    /// Likewise those that they gave to a destination's fallback.
    pub fallback_writes: u64,
    /// Why the journal did not take the last record that it did not take.
    pub journal_error: Option<String>,
    /// Calls that named a layer the configuration does not have.
    pub unknown_layer: u64,
    /// Records of layers without a destination.
    pub no_destination: u64,
    /// Records that layers held back: `limit`, `site_limit`, `sample`, `dedup`.
    pub suppressed: Suppressed,
    /// Records, among the accepted, that told of those.
    pub summaries: u64,
    /// Bytes that the journal's segments take.
    pub journal_bytes: u64,
    /// Times a caller found the journal full.
    pub journal_full: u64,
    /// Segments of the journal that were not trusted any more because a sync failed.
    pub segments_poisoned: u64,
    /// Segments whose records were copied to a new file, because the old one was poisoned, gone or cut short.
    pub segments_rescued: u64,
    /// Times the journal's directory had been removed or moved away, and was made anew.
    pub journal_remade: u64,
    /// Bytes of records that were cut off the journal's files before they were delivered.
    pub journal_bytes_lost: u64,
    /// Syncs of the journal that failed, whose records could not be saved by a copy either: who waited was told.
    pub syncs_failed: u64,
    /// Whether the journal has no room now.
    pub is_journal_full: bool,
    /// Records at the end of the fallback chain: in the emergency file, or on standard error.
    pub emergencies: u64,
    /// Why the last of them is on standard error and not in the file, if there is one.
    pub emergency_error: Option<String>,
    /// Records at the end of the chain that not even standard error took.
    pub lost: u64,
    /// Each destination, by the name of its cursor.
    pub destinations: Vec<(String, Counts)>,
    /// What went wrong with journals that dead processes left.
    pub problems: Vec<String>,
}

impl Health {
    pub(crate) fn of(core: &Core) -> Health {
        let metrics = core.journal.metrics();
        Health {
            accepting: !core.is_closed(),
            accepted: core.journal.records(),
            refused: core.counters.refused.load(Ordering::Relaxed),
            after_close: core.counters.after_close.load(Ordering::Relaxed),
            direct_writes: core.counters.direct.load(Ordering::Relaxed),
            fallback_writes: core.counters.to_fallback.load(Ordering::Relaxed),
            journal_error: core.counters.error().map(|error| error.to_string()),
            unknown_layer: core.layers.unknown.load(Ordering::Relaxed),
            no_destination: core.counters.no_destination.load(Ordering::Relaxed),
            suppressed: core.counters.suppressed.now(),
            summaries: core.counters.summaries.load(Ordering::Relaxed),
            journal_bytes: core.journal.bytes(),
            journal_full: metrics.full.load(Ordering::Relaxed),
            segments_poisoned: metrics.segments_poisoned.load(Ordering::Relaxed),
            segments_rescued: metrics.segments_rescued.load(Ordering::Relaxed),
            journal_remade: metrics.homes_remade.load(Ordering::Relaxed),
            journal_bytes_lost: metrics.bytes_lost.load(Ordering::Relaxed),
            syncs_failed: metrics.syncs_failed.load(Ordering::Relaxed),
            is_journal_full: core.journal.is_full(),
            emergencies: core.emergency.records(),
            emergency_error: core.emergency.error(),
            lost: core.emergency.lost(),
            destinations: core.outlets.counts(),
            problems: core
                .problems
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone(),
        }
    }

    /// Says whether nothing is wrong: it accepts, and there is no reason to call it degraded.
    pub fn is_healthy(&self) -> bool {
        self.accepting && self.degraded().is_empty()
    }

    /// Returns everything that is wrong, and what has gone wrong since the start and is not made good.
    pub fn degraded(&self) -> Vec<Degraded> {
        let mut reasons = Vec::new();
        let mut say = |is_so: bool, reason: Degraded| {
            if is_so {
                reasons.push(reason);
            }
        };
        say(self.is_journal_full, Degraded::JournalFull);
        say(self.syncs_failed > 0, Degraded::SyncFailed(self.syncs_failed));
        say(self.journal_bytes_lost > 0, Degraded::Lost(self.journal_bytes_lost));
        say(self.refused > 0, Degraded::Refused(self.refused));
        say(self.emergencies > 0, Degraded::Emergency(self.emergencies));
        say(self.lost > 0, Degraded::LostRecords(self.lost));
        for (name, counts) in &self.destinations {
            let name = || name.clone();
            let error = counts.last_error.clone().unwrap_or_default();
            say(counts.failing, Degraded::Failing(name(), error));
            let is_stuck = counts.busy_for.is_some_and(|busy| busy >= STUCK_AFTER);
            say(is_stuck, Degraded::Stuck(name(), counts.busy_for.unwrap_or_default()));
            say(
                counts.failing && counts.fell_back > 0,
                Degraded::FallbackServes(name(), counts.fell_back),
            );
            say(
                counts.dead_lettered > 0,
                Degraded::DeadLetters(name(), counts.dead_lettered),
            );
            say(counts.panics > 0, Degraded::Panicked(name(), counts.panics));
        }
        reasons.extend(self.problems.iter().cloned().map(Degraded::JournalOfTheDead));
        reasons
    }
}

/// A destination that is so long at one write or sync is called stuck.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// A reason why a logger is not healthy; destinations by the name of their cursor.
///
/// # Examples
/// ```
/// use hydra_logger::{Degraded, HydraLogger, LoggingConfig};
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// for trouble in log.health().degraded() {
///     match trouble {
///         Degraded::JournalFull => eprintln!("callers wait"),
///         other => eprintln!("{other}"),
///     }
/// }
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Degraded {
    /// The journal has no room now: callers wait, or records are dropped as configured.
    JournalFull,
    /// So many syncs of the journal failed whose records could not be saved by a copy; who waited was told.
    SyncFailed(u64),
    /// So many bytes of records were cut off the journal's files before they were delivered.
    Lost(u64),
    /// So many records were refused; each caller was told.
    Refused(u64),
    /// So many records are in the emergency file or on standard error.
    Emergency(u64),
    /// So many records were taken by nothing, not even by standard error.
    LostRecords(u64),
    /// The destination does not work now; with the last error.
    Failing(String, String),
    /// The destination has been at one write or sync for so long.
    Stuck(String, Duration),
    /// The destination's fallback has taken so many records, and serves now.
    FallbackServes(String, u64),
    /// So many records that the destination will never take are in the dead-letter file.
    DeadLetters(String, u64),
    /// The destination or its format has panicked so often; what it was at was tried again.
    Panicked(String, u64),
    /// Something is wrong with a journal that a dead process left; it stays where it is.
    JournalOfTheDead(String),
}

impl fmt::Display for Degraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Degraded::JournalFull => f.write_str("the journal is full"),
            Degraded::SyncFailed(count) => write!(f, "{count} syncs of the journal failed"),
            Degraded::Lost(bytes) => write!(f, "{bytes} bytes of records were cut off the journal's files"),
            Degraded::Refused(count) => write!(f, "{count} records were refused"),
            Degraded::Emergency(count) => {
                write!(f, "{count} records went to the emergency file or to standard error")
            }
            Degraded::LostRecords(count) => write!(f, "{count} records were lost: nothing took them"),
            Degraded::Failing(name, error) => write!(f, "the destination `{name}` does not work: {error}"),
            Degraded::Stuck(name, time) => {
                write!(
                    f,
                    "the destination `{name}` has been at one write for {} s",
                    time.as_secs()
                )
            }
            Degraded::FallbackServes(name, count) => {
                write!(f, "the fallback of `{name}` serves, and has taken {count} records")
            }
            Degraded::DeadLetters(name, count) => {
                write!(
                    f,
                    "{count} records that `{name}` will never take are in the dead-letter file"
                )
            }
            Degraded::Panicked(name, count) => write!(f, "the destination `{name}` panicked {count} times"),
            Degraded::JournalOfTheDead(problem) => f.write_str(problem),
        }
    }
}
