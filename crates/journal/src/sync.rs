//! Group commit: one sync of the journal for all who wait for one.
//!
//! A thread of its own syncs whatever has been published, for as long as somebody waits for more. Each sync starts the next
//! frame on a fresh page, so that no producer stores into a page that is being written. After a sync has failed nothing
//! later can prove that the pages are on the device (the kernel reports the error once), so the journal calls nothing
//! synced from then on.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use hydra_os::disk;

use crate::error::Error;
use crate::frame::FRAME_HEAD_BYTES;
use crate::journal::Shared;
use crate::position::Position;
use crate::progress::Progress;
use crate::segment::{FRAMES_START, Segment};

const PAGE: usize = 4096;

/// What is to be synced and what is.
#[derive(Debug, Default)]
pub(crate) struct Sync {
    /// Everything before it is on the device.
    pub(crate) done: Progress,
    wanted: Mutex<Wanted>,
    call: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    position: Position,
    closed: bool,
    running: bool,
}

impl Sync {
    /// Returns the position up to which syncs have been asked for.
    pub(crate) fn wanted(&self) -> Position {
        self.lock().position
    }

    /// Asks for everything before `position`. Returns true when the thread that does it must be started.
    pub(crate) fn ask(&self, position: Position) -> bool {
        let mut wanted = self.lock();
        wanted.position = wanted.position.max(position);
        self.call.notify_one();
        !std::mem::replace(&mut wanted.running, true)
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.call.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for something to do; false at the end.
    fn wait(&self) -> bool {
        let idle = |wanted: &mut Wanted| !wanted.closed && wanted.position <= self.done.reached();
        let wanted = self
            .call
            .wait_while(self.lock(), idle)
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        wanted.position > self.done.reached()
    }
}

/// Runs until the journal is closed and nothing more is asked for, or a sync fails.
pub(crate) fn run(shared: &Shared) {
    while shared.sync.wait() {
        let goal = shared.log.fence(PAGE);
        match sync_to(shared, goal) {
            Ok(()) => {
                shared.log.metrics.syncs.fetch_add(1, Ordering::Relaxed);
                shared.sync.done.advance(goal);
            }
            Err(error) => {
                shared.log.metrics.syncs_failed.fetch_add(1, Ordering::Relaxed);
                shared.sync.done.fail(&error);
                return;
            }
        }
    }
}

fn sync_to(shared: &Shared, goal: Position) -> Result<(), Error> {
    let from = shared.sync.done.reached();
    let mut number = from.segment();
    // A segment that is gone is with its destinations, and they were synced before it went.
    while let Some(segment) = shared
        .log
        .segment_from(number)
        .filter(|segment| segment.number <= goal.segment())
    {
        let start = if segment.number == from.segment() {
            from.offset() as usize
        } else {
            FRAMES_START
        };
        let end = if segment.number == goal.segment() {
            goal.offset() as usize
        } else {
            segment.end
        };
        wait_until_published(&segment, start, end);
        sync_segment(&segment, start, end)?;
        number = segment.number + 1;
    }
    Ok(())
}

/// Waits for producers that have reserved space and are just filling it.
fn wait_until_published(segment: &Segment, start: usize, end: usize) {
    let mut offset = start.max(FRAMES_START);
    let mut waits = 0u32;
    while offset + FRAME_HEAD_BYTES <= end {
        match segment.envelope(offset) {
            Some(envelope) => offset += envelope.total(),
            None if waits < 100 => {
                waits += 1;
                std::thread::yield_now();
            }
            None => std::thread::park_timeout(Duration::from_micros(100)),
        }
    }
}

fn sync_segment(segment: &Segment, start: usize, end: usize) -> Result<(), Error> {
    let Some((file, path)) = &segment.mapping.file else {
        return Ok(());
    };
    let wrap = |error| Error::io("syncing the journal", path, error);
    if start <= FRAMES_START {
        // The first sync of a segment: the file's size and blocks and its name must be on the device too.
        file.sync_data().map_err(wrap)?;
        disk::sync_dir(path.parent().unwrap_or(Path::new("."))).map_err(wrap)?;
    }
    segment.mapping.map.sync(start, end - start).map_err(wrap)
}
