//! Group commit: one sync of the journal for all who wait for one.
//!
//! A thread of its own syncs whatever has been published, for as long as somebody waits for more. Each sync starts the
//! next frame on a fresh page, so that no producer stores into a page that is being written. After a sync has failed
//! nothing later can prove that the pages are on the device (the kernel reports the error once), so the segment is
//! poisoned: only a copy of it counts as synced (see `poison`). While none can be made, everyone who waits gets the
//! error, and the next who asks causes another try.
//!
//! A sync needs no descriptor that is not open already: it must not fail because the process has used its up.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_os::atomic::{Condvar, Mutex, MutexGuard, thread};
use hydra_os::clock::Deadline;

use crate::audit::Trouble;
use crate::error::{Error, ErrorKind};
use crate::frame::FRAME_HEAD_BYTES;
use crate::journal::{Journal, Shared};
use crate::lock::{CURSORS, Home};
use crate::poison;
use crate::position::Position;
use crate::progress::Progress;
use crate::segment::{FRAMES_START, Segment};

const PAGE: usize = 4096;
/// How often one sync goes on with a copy of a segment, if syncing that fails too.
const RESCUES_MAX: u32 = 2;

/// What is to be synced and what is.
#[derive(Debug, Default)]
pub(crate) struct Sync {
    /// Everything before it is on the device.
    pub(crate) done: Progress,
    wanted: Mutex<Wanted>,
    call: Condvar,
    /// Where threads wait for the end of a round: those of even and of odd rounds apart, so that the end of one wakes
    /// nobody who waits for the next.
    ends: [Condvar; 2],
    /// Which of the next writes to the device fail.
    #[cfg(test)]
    pub(crate) script: Mutex<std::collections::VecDeque<bool>>,
}

#[derive(Debug, Default)]
struct Wanted {
    position: Position,
    /// The first position asked for since the last sync began.
    first: Option<Position>,
    /// Somebody has asked since the last sync began.
    due: bool,
    /// The number of the last sync that was begun, and up to where it goes; [`Position::END`] until that is known.
    round: u64,
    goal: Position,
    /// It has not ended.
    in_round: bool,
    closed: bool,
    running: bool,
}

impl Wanted {
    /// Returns the number of the sync that `position`, which was asked for, is to wait for.
    fn round_of(&self, position: Position) -> u64 {
        match self.in_round && position <= self.goal {
            true => self.round,
            false => self.round + 1,
        }
    }
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
        if position > self.done.reached() {
            wanted.first = Some(wanted.first.map_or(position, |first| first.min(position)));
            // Whoever is told of a failure from here on is told of one of a sync that began later.
            self.done.try_again();
            if !std::mem::replace(&mut wanted.due, true) {
                self.call.notify_one();
            }
        }
        !std::mem::replace(&mut wanted.running, true)
    }

    /// Returns true when the thread is to be started though nobody has asked yet.
    pub(crate) fn begin(&self) -> bool {
        !std::mem::replace(&mut self.lock().running, true)
    }

    /// The thread could not be started: who has asked meanwhile is told, and the next who asks tries again.
    pub(crate) fn not_running(&self, error: &Error) {
        let asked = {
            let mut wanted = self.lock();
            wanted.running = false;
            wanted.position
        };
        self.done.fail_before(asked, error);
        self.wake_all();
    }

    /// Gives up: nothing that is not on the device will be.
    pub(crate) fn fail(&self, error: &Error) {
        self.done.fail(error);
        self.wake_all();
    }

    fn wake_all(&self) {
        // Whoever has looked before that is asleep by now.
        drop(self.lock());
        self.ends.iter().for_each(Condvar::notify_all);
    }

    /// Waits until everything before `position` is on the device, which was asked for, or will not be, or was not at
    /// the last try; `None` when the time is over.
    fn wait_for(&self, position: Position, end: &Deadline) -> Option<Result<(), Error>> {
        let mut wanted = self.lock();
        loop {
            if let Some(result) = self.done.look(position) {
                return Some(result);
            }
            if end.is_over() {
                return None;
            }
            let ends = self.ends_of(wanted.round_of(position));
            let waited = ends.wait_timeout(wanted, end.left());
            wanted = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn set_goal(&self, goal: Position) {
        self.lock().goal = goal;
    }

    /// What the round came to can be seen: wakes those who wait for that.
    fn end_round(&self) {
        let round = {
            let mut wanted = self.lock();
            wanted.in_round = false;
            wanted.round
        };
        self.ends_of(round).notify_all();
    }

    /// Returns where those wait who wait for the end of that round.
    fn ends_of(&self, round: u64) -> &Condvar {
        let [even, odd] = &self.ends;
        if round.is_multiple_of(2) { even } else { odd }
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.call.notify_all();
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for something to do, and returns the first position asked for; `None` at the end.
    fn wait(&self) -> Option<Position> {
        let idle = |wanted: &mut Wanted| !wanted.closed && !wanted.due;
        let mut wanted = self
            .call
            .wait_while(self.lock(), idle)
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let due = std::mem::take(&mut wanted.due);
        let first = wanted.first.take().filter(|_| due)?;
        wanted.round += 1;
        wanted.goal = Position::END;
        wanted.in_round = true;
        Some(first)
    }

    /// Keeps the first position asked for, of a sync that failed, for the next.
    fn keep_first(&self, first: Position) {
        let mut wanted = self.lock();
        wanted.first = Some(wanted.first.map_or(first, |later| later.min(first)));
    }

    /// Does what writes a file to the device; in this crate's own tests it fails when they say so.
    pub(crate) fn attempt(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        #[cfg(test)]
        if self
            .script
            .lock()
            .is_ok_and(|mut script| script.pop_front() == Some(true))
        {
            // EIO.
            return Err(io::Error::from_raw_os_error(5));
        }
        write()
    }
}

impl Journal {
    /// Waits until the journal is on the device up to `position`, for which [`Journal::sync_to`] has asked; `None` when
    /// that takes longer than `timeout`.
    ///
    /// As [`Progress::poll`] of [`Journal::synced`], and cheaper where many threads wait: one call to the system wakes
    /// them all.
    pub fn wait_until_synced(&self, position: Position, timeout: Duration) -> Option<Result<(), Error>> {
        self.shared().sync.wait_for(position, &Deadline::after(timeout))
    }
}

/// Runs until the journal is closed and nothing more is asked for.
pub(crate) fn run(shared: &Shared) {
    while let Some(first) = shared.sync.wait() {
        let goal = shared.log.fence(PAGE);
        shared.sync.set_goal(goal);
        match sync_to(shared, goal).and_then(|()| wait_until_durable(shared, first)) {
            Ok(()) => {
                shared.log.metrics.syncs.fetch_add(1, Ordering::Relaxed);
                shared.sync.done.advance(goal);
            }
            Err(error) => {
                shared.log.metrics.syncs_failed.fetch_add(1, Ordering::Relaxed);
                shared.sync.keep_first(first);
                shared.sync.done.fail_before(goal, &error);
            }
        }
        shared.sync.end_round();
    }
}

fn sync_to(shared: &Shared, goal: Position) -> Result<(), Error> {
    let named = shared.cursors.sync_names();
    named.map_err(|error| Error::io("syncing the cursors of the journal", CURSORS.as_ref(), error))?;
    let from = shared.sync.done.reached();
    let (mut number, mut rescues) = (from.segment(), 0);
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
        wait_until_published(shared, &segment, start, end)?;
        if segment.is_replaced() {
            continue;
        }
        match sync_segment(shared, &segment, start, end) {
            Err(error) if !segment.is_retired() => {
                rescues += 1;
                if rescues > RESCUES_MAX {
                    return Err(error);
                }
                // From here on the copy stands in the log: it is looked at next.
                poison::rescue(shared, &segment, error)?;
            }
            _ => (number, rescues) = (segment.number + 1, 0),
        }
    }
    Ok(())
}

/// Waits for producers that have reserved space and are just filling it.
pub(crate) fn wait_until_published(shared: &Shared, segment: &Segment, start: usize, end: usize) -> Result<(), Error> {
    if !segment.lost.is_empty() {
        // A copy, made of what was published.
        return Ok(());
    }
    let mut offset = start.max(FRAMES_START);
    let mut patience = Patience::default();
    while offset + FRAME_HEAD_BYTES <= end {
        match segment.envelope(offset) {
            Some(envelope) => offset += envelope.total(),
            // Every head has everything in it, and its memory is somebody else's now.
            None if segment.is_retired() => break,
            // As much of it as there is stands in a copy.
            None if segment.is_replaced() => break,
            None => patience.wait(shared)?,
        }
    }
    Ok(())
}

/// Records whose segment was recycled before their sync was asked for are with their destinations: waits until those
/// are synced themselves.
fn wait_until_durable(shared: &Shared, first: Position) -> Result<(), Error> {
    let oldest = shared.log.segment_from(0).map_or(0, |segment| segment.number);
    if first.segment() >= oldest {
        return Ok(());
    }
    let mut patience = Patience::default();
    let all = Position::new(oldest, 0);
    while shared.cursors.lowest_durable(all) < all && first > shared.sync.done.reached() {
        shared.log.bell.ring_all();
        patience.wait(shared)?;
    }
    Ok(())
}

/// How often a wait has been repeated: without end while the journal lives, for about a second once it is closed.
#[derive(Default)]
struct Patience {
    waits: u32,
    waits_closed: u32,
}

impl Patience {
    fn wait(&mut self, shared: &Shared) -> Result<(), Error> {
        self.waits += 1;
        if self.waits < 100 {
            thread::yield_now();
            return Ok(());
        }
        if shared.sync.is_closed() {
            self.waits_closed += 1;
            if self.waits_closed > 10_000 {
                return Err(Error::new(
                    ErrorKind::Closed,
                    "syncing a journal that was closed meanwhile",
                ));
            }
        }
        thread::park_timeout(Duration::from_micros(100));
        Ok(())
    }
}

fn sync_segment(shared: &Shared, segment: &Segment, start: usize, end: usize) -> Result<(), Error> {
    let Some((_, path)) = &segment.mapping.file else {
        return Ok(());
    };
    if segment.is_poisoned() {
        let text = "syncing a segment of the journal of which an earlier sync has failed";
        return Err(Error::at(ErrorKind::Io, text, path));
    }
    let wrap = |error| Error::io("syncing the journal", path, error);
    let attempt = |write: &dyn Fn() -> io::Result<()>| shared.sync.attempt(write).map_err(wrap);
    let mut start = start;
    if start <= FRAMES_START {
        // The first sync of a segment: what is no frame must be on the device too, and the file's name.
        attempt(&|| segment.mapping.sync_around(segment.end))?;
        attempt(&|| shared.home.as_ref().map_or(Ok(()), Home::sync_names))?;
        start = 0;
    }
    attempt(&|| segment.mapping.map.sync(start, end - start))?;
    // A file without its name, or without some of its bytes, can be synced as well, and would be of no use.
    match Trouble::of_file(&segment.mapping).filter(|_| !segment.is_retired()) {
        None => Ok(()),
        Some(trouble) => {
            let what = match trouble {
                Trouble::Cut => "a segment of the journal that was cut short",
                Trouble::Homeless => "a segment of the journal that was removed or moved away",
            };
            Err(Error::at(ErrorKind::Io, format!("syncing {what}"), path))
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Whoever asks while the thread that syncs is being started, in vain, is told so, and does not wait for it.
    #[test]
    fn all_are_told_that_there_is_no_thread() {
        let sync = Sync::default();
        let (one, other) = (Position::new(1, 4_096), Position::new(1, 8_192));
        assert!(sync.ask(one), "the thread is to be started");
        assert!(!sync.ask(other), "somebody is at it");
        sync.not_running(&Error::new(ErrorKind::Io, "starting a thread"));
        for position in [one, other] {
            assert!(matches!(sync.done.poll(position, Waker::noop()), Some(Err(_))));
        }
        assert!(sync.ask(other), "the next one tries again");
        assert!(sync.done.poll(other, Waker::noop()).is_none());
    }
}
