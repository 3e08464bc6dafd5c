//! The keeper: gives segments that every head is past a new life, and makes new ones ahead of need.
//!
//! It works when the tail moves into a new segment, when a head leaves one, and when a producer finds no room;
//! otherwise it sleeps. Memory that has been used is many times cheaper than new memory, so it waits a little for heads
//! to leave a segment before it makes one (`patience`).
//!
//! A head's cursor lies in mapped memory before the head moves on, so it survives the process before anything it covers
//! is reclaimed; where records were synced, the destinations and the cursors are synced first as well.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_os::atomic::Arc;
use hydra_os::clock::Deadline;
use hydra_os::disk::{self, Pieces};

use crate::audit::{self, Trouble};
use crate::error::Error;
use crate::journal::Shared;
use crate::patience::Patience;
use crate::place::Place;
use crate::position::Position;
use crate::segment::{Mapping, Segment};
use crate::store::Spare;

/// Cleared segments kept ready.
pub(crate) const SPARES_WANTED: usize = 2;
/// Used segments are kept for their next life up to so many and, past [`SPARES_WANTED`], up to so many bytes: enough
/// for a head that now falls behind and then catches up. With the newest segments, whose memory is kept at hand, there
/// are as many.
const POOL_SEGMENTS: usize = 16;
const POOL_BYTES: usize = 16 << 20;
/// How long the keeper sleeps when nobody calls it.
const IDLE: Duration = Duration::from_secs(3600);
/// How often it looks again while the journal is full: the disk may have room again.
const RETRY: Duration = Duration::from_millis(20);

/// Runs until the journal is closed.
pub(crate) fn run(shared: &Shared) {
    let _end = CloseOnPanic(shared);
    let mut patience = Patience::new();
    let mut round_due = Deadline::after(audit::EVERY);
    loop {
        let (full, closed) = {
            let store = shared.log.store();
            (store.full.is_some(), store.closed)
        };
        if closed {
            return;
        }
        shared.log.set_dozing(true);
        let wait = match full {
            true => RETRY,
            false if audit::is_at_rest(shared) => IDLE,
            false => round_due.left(),
        };
        let wait = patience.left().map_or(wait, |left| left.min(wait));
        if wait != IDLE {
            shared.log.set_dozing(false);
        }
        shared.log.wait_for_work(wait);
        shared.log.set_dozing(false);
        if round_due.is_over() {
            audit::round(shared);
            round_due = Deadline::after(audit::EVERY);
        }
        keep(shared, &mut patience);
    }
}

/// Without the keeper nobody would ever get room again: an end is better than waiting for it.
struct CloseOnPanic<'a>(&'a Shared);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.log.close();
        }
    }
}

/// Recycles what can be, and makes what is missing once there is no patience left.
pub(crate) fn keep(shared: &Shared, patience: &mut Patience) {
    shared.cursors.note_reached(shared.log.tail());
    loop {
        // Each time: what is made may be taken at once, and heads and producers go on meanwhile.
        for segment in shared.log.retire_before(lowest_needed(shared).segment()) {
            let can_be_spared = patience.reward();
            recycle(shared, &segment, can_be_spared);
        }
        release_memory(shared);
        drop_surplus(shared);
        let (spares, used) = shared.log.spares_and_used();
        if spares < SPARES_WANTED && used > 1 && patience.holds(spares) {
            return;
        }
        let full = match make_one(shared) {
            Some(Ok(spare)) => {
                shared.log.put_spare(spare);
                continue;
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        let mut store = shared.log.store();
        store.full = full.filter(|_| store.spares.is_empty());
        drop(store);
        shared.log.announce_room();
        return;
    }
}

/// Lets go of the memory of segments that only a head far behind needs: they are in their files. What is kept at hand
/// and the spares are a pool's worth together.
fn release_memory(shared: &Shared) {
    let old: Vec<_> = {
        let store = shared.log.store();
        let kept = pool(shared.segment_bytes).saturating_sub(store.spares.len());
        let newest_first = store.segments.values().rev();
        newest_first.skip(kept.max(SPARES_WANTED)).map(Arc::clone).collect()
    };
    old.iter().for_each(|segment| segment.release_pages_once());
}

/// How many segments of that size make up the pool.
fn pool(segment_bytes: usize) -> usize {
    (POOL_BYTES / segment_bytes).clamp(SPARES_WANTED, POOL_SEGMENTS)
}

/// Gives room to a large record that waits for it.
fn drop_surplus(shared: &Shared) {
    for spare in shared.log.take_surplus(SPARES_WANTED) {
        Place::discard(&spare.mapping);
        shared.log.give_back_bytes(spare.mapping.map.len());
    }
}

/// The first position that somebody still needs.
fn lowest_needed(shared: &Shared) -> Position {
    let tail = shared.log.tail();
    let mut low = shared.cursors.lowest().unwrap_or(tail).min(tail);
    let wanted = shared.sync.wanted();
    if wanted > shared.sync.done.reached() && shared.sync.done.failure().is_none() {
        low = low.min(shared.sync.done.reached());
    }
    let first = shared.log.store().segments.keys().next().copied().unwrap_or_default();
    if wanted.segment() >= first && low.segment() > first {
        // Synced records are leaving: until the files that took them are synced too, a power cut could take them from
        // both.
        low = low.min(shared.cursors.lowest_durable(low));
        shared.log.bell.ring_all();
        if shared.cursors.sync().is_err() {
            // The records are with destinations that were synced: old cursors on the device mean repeating some of
            // them.
            shared.log.metrics.syncs_failed.fetch_add(1, Ordering::Relaxed);
        }
    }
    low
}

/// Makes a spare of a segment that every head is past, or lets it go: if it is unfit, if there are enough, or if it can
/// be spared and a head is so far behind that memory is released.
fn recycle(shared: &Shared, segment: &Segment, can_be_spared: bool) {
    put_evidence_away(shared, segment);
    let ordinary = segment.mapping.map.len() == shared.segment_bytes && segment.end == shared.log.segment_end;
    let (spares, used) = shared.log.spares_and_used();
    let pool = pool(shared.segment_bytes);
    let wanted = spares < pool && !(can_be_spared && spares + used >= pool);
    let is_sound = !segment.is_poisoned() && Trouble::of_file(&segment.mapping).is_none();
    let is_fit = segment.mapping.pieces == Pieces::Pages || !has_syncs(shared);
    if ordinary && wanted && is_sound && is_fit {
        let generation = Place::renew(&segment.mapping, shared.id, shared.log.copies_pages);
        shared.log.metrics.segments_recycled.fetch_add(1, Ordering::Relaxed);
        let mapping = Arc::clone(&segment.mapping);
        shared.log.put_spare(Spare { mapping, generation });
    } else {
        Place::discard(&segment.mapping);
        shared.log.give_back_bytes(segment.mapping.map.len());
    }
}

/// Removes the file whose place a segment took, or keeps it elsewhere if some of its bytes were lost.
fn put_evidence_away(shared: &Shared, segment: &Segment) {
    let (Some(path), Some(home)) = (&segment.evidence, &shared.home) else {
        return;
    };
    // A failure leaves a file behind that the directory's removal takes along.
    if segment.lost.is_empty() {
        let _ = disk::remove_file(path);
    } else {
        let _ = home.keep(path);
    }
}

/// Keeps the damaged files of a journal that is about to be removed.
pub(crate) fn keep_evidence(shared: &Shared) {
    let segments: Vec<_> = shared.log.store().segments.values().map(Arc::clone).collect();
    let segments = segments.iter().filter(|segment| !segment.lost.is_empty());
    segments.for_each(|segment| put_evidence_away(shared, segment));
}

/// Makes one spare if one is wanted; `None` if none is.
fn make_one(shared: &Shared) -> Option<Result<Spare, Error>> {
    let bytes = shared.segment_bytes;
    {
        let mut store = shared.log.store();
        if store.spares.len() >= SPARES_WANTED || store.closed {
            return None;
        }
        if store.bytes + bytes as u64 > shared.quota_bytes {
            return Some(Err(shared.log.full()));
        }
        store.bytes += bytes as u64;
    }
    let made = make_segment(shared, bytes, shared.log.copies_pages);
    if made.is_err() {
        shared.log.give_back_bytes(bytes);
    }
    Some(made.map(|(mapping, generation)| Spare {
        mapping: Arc::new(mapping),
        generation,
    }))
}

/// Says whether syncs have been asked for: then a sync must cost those who append nothing, see [`Pieces::Pages`].
fn has_syncs(shared: &Shared) -> bool {
    shared.sync.wanted() > Position::START
}

/// Makes a cleared segment, with its generation.
pub(crate) fn make_segment(shared: &Shared, bytes: usize, copies_pages: usize) -> Result<(Mapping, u64), Error> {
    let pieces = match has_syncs(shared) {
        true => Pieces::Pages,
        false => Pieces::Large,
    };
    let make = || shared.place.make(bytes, shared.id, copies_pages, pieces);
    make().or_else(|error| match audit::restore_home(shared) {
        // The directory had gone, and nobody had noticed yet.
        Ok(true) => make(),
        _ => Err(error),
    })
}
