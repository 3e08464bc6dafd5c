//! What happens to a segment that cannot be trusted any more: a copy takes its place.
//!
//! After a sync of a segment has failed, a later success proves nothing: the kernel reports an error once, and may have
//! dropped the pages. The segment is *poisoned*: nobody calls it synced again. What it holds is still in memory, so it
//! is copied from there to a new file, and only when that is on the device is anything called synced. Nobody sees a
//! difference: the copy has the same number and the same generation, and each frame at its old offset, so that
//! positions stay what they were and checksums pass.
//!
//! # On the disk
//! The copy is an ordinary segment file. Its header says that it was begun later, and of two files with one number
//! recovery takes the one begun later. So that it never finds half a copy, the number, which makes it a part of the
//! log, is written last:
//!
//! | | state | after a death here |
//! |-|-------|--------------------|
//! | 1 | the copy is a spare, on the device: a device that takes nothing new is found out | the poisoned file counts |
//! | 2 | the frames are in it, on the device | the poisoned file counts |
//! | 3 | the number is in it, on the device, and so is its name | the copy counts |
//! | 4 | the poisoned file's name ends in `.poisoned` | the copy counts |
//!
//! The poisoned file is kept as evidence until every head has what is in the segment; it does not count towards the
//! quota. While no copy can be made, records stay and are added where they are: they survive the death of the process,
//! those who ask for more get the error, and each sync tries again. So the journal recovers by itself when the device
//! does.
//!
//! # Files that are gone or cut short
//! The same is done for a segment whose file the keeper finds removed, moved away or cut short (see `audit`), through
//! the device only if the segment was synced. What was cut off is gone from memory too: the copy has the frames that
//! verify, what is missing is counted, and every reader, here and after a death, reports it as damage. A frame that a
//! producer publishes seconds after it reserved the space, into what has been cut off, is missing as well.

use std::sync::atomic::Ordering;

use hydra_os::atomic::Arc;
use hydra_os::disk;

use crate::audit::{self, Trouble};
use crate::error::{Error, ErrorKind};
use crate::frame::FRAME_HEAD_BYTES;
use crate::journal::Shared;
use crate::lock::Home;
use crate::place::Place;
use crate::position::Position;
use crate::read::step_over;
use crate::segment::{FRAMES_START, Mapping, Segment, TRAILER_BYTES};
use crate::sync::wait_until_published;

/// What a poisoned file's name ends in.
const POISONED: &str = "poisoned";
/// Bytes copied in one go.
const COPY_BYTES: usize = 64 << 10;

/// Puts a copy, which is on the device, in the place of a segment that could not be synced because of `cause`.
///
/// # Errors
/// `cause`, if it is the first such failure of the segment; else why there is no copy. The segment stays as it is.
pub(crate) fn rescue(shared: &Shared, segment: &Arc<Segment>, cause: Error) -> Result<(), Error> {
    if segment.is_replaced() {
        // By the keeper, meanwhile.
        return Ok(());
    }
    let metrics = &shared.log.metrics;
    let is_first = segment.poison();
    if is_first {
        metrics.segments_poisoned.fetch_add(1, Ordering::Relaxed);
    }
    try_rescue(shared, segment).map_err(|error| {
        metrics.rescues_failed.fetch_add(1, Ordering::Relaxed);
        if is_first { cause } else { error }
    })
}

fn try_rescue(shared: &Shared, segment: &Arc<Segment>) -> Result<(), Error> {
    audit::restore_home(shared)?;
    let trouble = Trouble::of(segment);
    let copy = Arc::new(shared.place.make_copy(segment, shared.id)?);
    let made = to_device(shared, &copy).and_then(|()| {
        // Only now: on a dead device every try would use up a segment.
        shared.log.turn_away_from(segment.number);
        wait_until_published(shared, segment, FRAMES_START, segment.end)?;
        fill(shared, segment, &copy, To::Device)
    });
    let made = made.inspect_err(|_| Place::discard(&copy))?;
    put_in_place(shared, segment, made, trouble);
    Ok(())
}

/// Puts a copy in the place of a segment whose file is gone or cut short, in which nobody reserves space any more. It
/// is on the device if the segment was, or was to be.
///
/// # Errors
/// Why there is no copy. The segment stays as it is.
pub(crate) fn replace(shared: &Shared, segment: &Arc<Segment>, trouble: Trouble) -> Result<(), Error> {
    let is_synced = shared.sync.wanted() > Position::new(segment.number, 0);
    let to = if is_synced { To::Device } else { To::System };
    let copy = Arc::new(shared.place.make_copy(segment, shared.id)?);
    let made = fill(shared, segment, &copy, to).inspect_err(|_| Place::discard(&copy))?;
    put_in_place(shared, segment, made, Some(trouble));
    Ok(())
}

/// How far a copy gets before it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    System,
    Device,
}

/// Copies the frames and makes them a segment.
fn fill(shared: &Shared, segment: &Segment, copy: &Arc<Mapping>, to: To) -> Result<Segment, Error> {
    let sync = || {
        if to == To::Device {
            to_device(shared, copy)
        } else {
            Ok(())
        }
    };
    let mut bytes = vec![0; COPY_BYTES];
    let end = segment.mapping.map.len() - TRAILER_BYTES;
    for at in (FRAMES_START..end).step_by(COPY_BYTES) {
        bytes.resize(COPY_BYTES.min(end - at), 0);
        segment.mapping.map.copy_out(at, &mut bytes);
        copy.map.copy_in(at, &bytes);
    }
    if segment.is_retired() {
        let text = "copying a segment of the journal that nobody needs any more";
        return Err(Error::new(ErrorKind::Closed, text));
    }
    sync()?;
    let mut made = Segment::begin(
        Arc::clone(copy),
        segment.generation,
        segment.number,
        segment.copies_pages(),
    );
    made.mend_notes();
    sync()?;
    made.settle();
    // What was copied is what is verified.
    let (mut offset, mut scratch, mut damage) = (FRAMES_START, Vec::new(), Vec::new());
    while offset + FRAME_HEAD_BYTES <= made.end {
        let envelope = made.envelope(offset);
        match envelope.filter(|envelope| made.verify(offset, *envelope, &mut scratch)) {
            Some(envelope) => offset += envelope.total(),
            None => {
                let next = step_over(&made, offset, &mut scratch, &mut damage);
                made.lost.push(offset..next);
                offset = next;
            }
        }
    }
    Ok(made)
}

fn put_in_place(shared: &Shared, segment: &Arc<Segment>, mut made: Segment, trouble: Option<Trouble>) {
    let copy = Arc::clone(&made.mapping);
    let lost = lost_bytes(shared, &made);
    if trouble == Some(Trouble::Homeless) {
        // If it was moved away and comes back, its records must not be there twice.
        segment.mapping.end_life();
    } else if let Some((_, path)) = &segment.mapping.file {
        let kept = path.with_extension(POISONED);
        // If it keeps its name, the copy counts all the same.
        made.evidence = Some(disk::rename(path, &kept).map_or_else(|_| path.clone(), |()| kept));
    }
    let evidence = made.evidence.clone();
    if shared.log.replace(segment, made) {
        shared.log.metrics.segments_rescued.fetch_add(1, Ordering::Relaxed);
        shared.log.metrics.bytes_lost.fetch_add(lost, Ordering::Relaxed);
    } else {
        // Every head has had it meanwhile.
        evidence.into_iter().for_each(|path| _ = disk::remove_file(path));
        Place::discard(&copy);
    }
}

/// Counts what is missing from a copy and was not delivered.
fn lost_bytes(shared: &Shared, made: &Segment) -> u64 {
    let low = shared.cursors.lowest().unwrap_or(Position::END);
    let is_needed = |end: usize| made.position(end) > low;
    let lost = made.lost.iter().filter(|lost| is_needed(lost.end));
    lost.map(|lost| lost.len() as u64).sum()
}

/// Writes a copy to the device, with its name.
fn to_device(shared: &Shared, copy: &Mapping) -> Result<(), Error> {
    let Some((file, path)) = &copy.file else {
        return Ok(());
    };
    let sync_names = || shared.home.as_ref().map_or(Ok(()), Home::sync_names);
    let sync = || file.sync_data().and_then(|()| sync_names());
    let synced = shared.sync.attempt(sync);
    synced.map_err(|error| Error::io("syncing the copy of a segment of the journal", path, error))
}

#[cfg(test)]
mod tests;
