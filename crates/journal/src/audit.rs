//! The keeper's round: whether the journal's files are still there, and still what they were.
//!
//! Nobody should touch them, and somebody will: a directory is removed or moved, a file cut short. What a process has
//! mapped stays in its memory, so while it lives nothing is lost that was not cut off: the round makes the directory
//! anew, and has what every head still needs copied there (see `poison`). It is made several times a second while there
//! is anything to lose, and not at all at other times.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_os::atomic::Arc;
use hydra_os::disk;

use crate::error::Error;
use crate::journal::Shared;
use crate::place::Place;
use crate::poison;
use crate::segment::{Mapping, Segment};

/// How often the round is made.
pub(crate) const EVERY: Duration = Duration::from_millis(250);
/// Rounds after which bytes that are missing from a segment cut short are not expected to be published any more.
const ROUNDS_MAX: u32 = 8;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Bytes of it have gone: it was cut short, or written to by somebody else, or its device cannot read it.
    Cut,
    /// It has been removed or moved away.
    Homeless,
}

impl Trouble {
    /// Looks at a file; what the system does not tell is no trouble.
    pub(crate) fn of_file(mapping: &Mapping) -> Option<Trouble> {
        let (file, path) = mapping.file.as_ref()?;
        // Asked first: of a file system that has shut down nothing else can be known.
        if mapping.map.faults() > 0 {
            return Some(Trouble::Cut);
        }
        let info = file.info().ok()?;
        if info.len < mapping.map.len() as u64 {
            return Some(Trouble::Cut);
        }
        let found = disk::id_of(path).ok()?;
        Some(Trouble::Homeless).filter(|_| found != Some(info.id))
    }

    /// As [`Trouble::of_file`], of a segment in the log.
    pub(crate) fn of(segment: &Segment) -> Option<Trouble> {
        let trouble = Trouble::of_file(&segment.mapping).or_else(|| {
            let is_whole = segment.mapping.is_headed(segment.generation, segment.number);
            Some(Trouble::Cut).filter(|_| segment.mapping.file.is_some() && !is_whole)
        });
        // Its memory is somebody else's by now.
        trouble.filter(|_| !segment.is_retired())
    }
}

/// Makes the round.
pub(crate) fn round(shared: &Shared) {
    if shared.home.is_none() {
        return;
    }
    let metrics = &shared.log.metrics;
    let remade = restore_home(shared).and_then(|_| match shared.cursors.is_in_trouble() {
        true => shared.place.remake_cursors(&shared.cursors),
        false => Ok(()),
    });
    if remade.is_err() {
        // Everything stays in memory meanwhile.
        metrics.rescues_failed.fetch_add(1, Ordering::Relaxed);
        return;
    }
    drop_spares(shared);
    let segments: Vec<_> = shared.log.store().segments.values().map(Arc::clone).collect();
    for segment in segments {
        let trouble = Trouble::of(&segment);
        // The look has brought pages back, sixteen at a time.
        segment.release_pages_again();
        let Some(trouble) = trouble else { continue };
        // Whoever reserved space in it before fills that first.
        shared.log.turn_away_from(segment.number);
        let is_due = segment.is_settled() || trouble == Trouble::Cut && segment.count_look() >= ROUNDS_MAX;
        if is_due && poison::replace(shared, &segment, trouble).is_err() {
            metrics.rescues_failed.fetch_add(1, Ordering::Relaxed);
            // The others would fare no better; the next round goes on.
            return;
        }
    }
}

/// Makes the directory anew if it has gone. Returns whether it had.
pub(crate) fn restore_home(shared: &Shared) -> Result<bool, Error> {
    let Some(home) = &shared.home else { return Ok(false) };
    let is_remade = home.restore()?;
    let remade = &shared.log.metrics.homes_remade;
    remade.fetch_add(u64::from(is_remade), Ordering::Relaxed);
    Ok(is_remade)
}

/// Lets go of spares whose files have gone, so that the keeper makes new ones.
fn drop_spares(shared: &Shared) {
    let mut store = shared.log.store();
    let (good, bad): (Vec<_>, Vec<_>) = std::mem::take(&mut store.spares)
        .into_iter()
        .partition(|spare| Trouble::of_file(&spare.mapping).is_none());
    store.spares = good.into();
    store.bytes -= bad.iter().map(|spare| spare.mapping.map.len() as u64).sum::<u64>();
    drop(store);
    bad.iter().for_each(|spare| Place::discard(&spare.mapping));
}

/// Says whether nothing could be lost: every head has everything, and nobody waits for a sync.
pub(crate) fn is_at_rest(shared: &Shared) -> bool {
    let tail = shared.log.tail();
    let has_all = shared.cursors.lowest().is_none_or(|low| low >= tail);
    shared.home.is_none() || has_all && shared.sync.wanted() <= shared.sync.done.reached()
}
