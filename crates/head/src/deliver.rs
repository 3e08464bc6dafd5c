//! Rendered records go to the sink, and the cursor keeps up.

use std::sync::atomic::{AtomicU64, Ordering};

use hydra_format::ClockFace;
use hydra_journal::{Batch as Frames, Cursor, CursorState, Frame, Position};
use hydra_record::Dictionary;
use hydra_sink::{Batch, Begun, Error, ErrorKind, Mark, Sink};

use crate::attempt::{Failure, attempt};
use crate::dead_letter::{DeadLetters, Letter};
use crate::fallback::Fallback;
use crate::head::Control;
use crate::metrics::{Rejection, add};
use crate::passage::Purpose;
use crate::retry::Retry;
use crate::sieve::Sieve;

/// Records rendered and not yet delivered.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<usize>,
    pub(crate) frames: Vec<Frame>,
}

impl Rendered {
    /// Notes that the bytes up to here are the record in `frame`.
    pub(crate) fn finish_record(&mut self, frame: &Frame) {
        self.ends.push(self.bytes.len());
        self.frames.push(frame.clone());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch {
            bytes: &self.bytes,
            ends: &self.ends,
        }
    }

    /// Forgets what was begun after the last whole record.
    pub(crate) fn cut(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or_default());
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.frames.clear();
    }
}

/// After so many deaths in the writing of one record it is not tried again, if there is a place for dead letters.
const DEATHS_MAX: u32 = 5;

/// A cursor on its way through a journal, with the sink its records go to.
pub(crate) struct Delivery<'w> {
    pub(crate) sink: &'w mut dyn Sink,
    pub(crate) fallback: Option<&'w mut Fallback>,
    pub(crate) dead_letters: &'w mut DeadLetters,
    pub(crate) cursor: &'w Cursor,
    pub(crate) control: &'w Control,
    pub(crate) retry: &'w mut Retry,
    /// What the records are decoded with, should they have to be rendered again.
    pub(crate) source: &'w Frames,
    pub(crate) notes: &'w Dictionary,
    pub(crate) face: &'w mut ClockFace,
    pub(crate) purpose: Purpose,
    pub(crate) one_by_one: bool,
    pub(crate) sync_writes: bool,
    pub(crate) sieve: Sieve,
    /// Whether a write has been synced: then all before it is synced too.
    pub(crate) synced: bool,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it has found a place.
    Done,
    /// The head was told to stop.
    Stopped,
    /// A failed sync has put into doubt what was written since the last one.
    Doubt,
}

/// Why no record has found a place this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hitch {
    /// It is to be tried again.
    Retry,
    /// See [`Outcome::Doubt`].
    Doubt,
}

impl Delivery<'_> {
    /// Delivers `rendered` from the record with the index `done` on, keeps that up to date, and moves the cursor to
    /// `end` when it has everything. The cursor is behind what has been delivered at every moment, and ahead of nothing
    /// else.
    pub(crate) fn deliver(&mut self, rendered: &Rendered, done: &mut usize, end: Position) -> Outcome {
        while *done < rendered.ends.len() {
            let frames = rendered.frames.get(*done..).unwrap_or_default();
            match self.deliver_or_fall_back(rendered.batch().skip(*done), frames) {
                Ok(records) => *done += records,
                Err(Hitch::Doubt) => return Outcome::Doubt,
                Err(Hitch::Retry) if self.control.is_stopped() => return Outcome::Stopped,
                Err(Hitch::Retry) => {}
            }
        }
        acknowledge(self.cursor, end);
        Outcome::Done
    }

    /// Returns how many leading records have found a place, or, after a failure and a pause, what has come of it.
    fn deliver_or_fall_back(&mut self, batch: Batch<'_>, frames: &[Frame]) -> Result<usize, Hitch> {
        if self.fallback.as_ref().is_some_and(|fallback| fallback.serves()) {
            return self.fall_back(frames);
        }
        if let Some(reason) = self.death_sentence(frames) {
            return self.put_away(frames, &reason);
        }
        let limit = if self.one_by_one || self.deaths_at(frames) > 0 {
            1
        } else {
            self.sieve.limit(batch.len())
        };
        let failure = match self.deliver_some(batch.take(limit), frames) {
            Ok(records) => {
                self.control.metrics.set_failing(false);
                self.retry.reset();
                if let Some(fallback) = &mut self.fallback {
                    fallback.note_success();
                }
                self.sieve.passed(records);
                return Ok(records);
            }
            Err(failure) => failure,
        };
        if failure.is(ErrorKind::Rejected) || failure.is_panic() && self.sieve.is_panic_final() {
            if self.sieve.stopped_at_one() {
                return self.put_away(frames, &failure.reason);
            }
            return Err(Hitch::Retry);
        }
        self.control.metrics.set_failing(true);
        if self.fallback.is_none() && failure.is(ErrorKind::Closed) {
            self.give_up(&failure.reason, frames);
            return Ok(frames.len());
        }
        let serves = self.fallback.as_mut().is_some_and(|fallback| fallback.note_failure());
        if failure.is(ErrorKind::Untrusted) {
            return Err(Hitch::Doubt);
        }
        if serves {
            return self.fall_back(frames);
        }
        self.control.pause(self.retry.next_wait());
        Err(Hitch::Retry)
    }

    fn fall_back(&mut self, frames: &[Frame]) -> Result<usize, Hitch> {
        let Some(fallback) = self.fallback.as_mut() else {
            return Err(Hitch::Retry);
        };
        let mut done = 0;
        let mut written = attempt(&self.control.metrics, || {
            fallback.write(frames, self.source, self.notes, self.face, &mut done)
        });
        // Where every write is synced, so is each at the fallback.
        if done > 0 && self.sync_writes {
            let sync = |it: &mut Self| it.fallback.as_mut().map_or(Ok(()), |fallback| fallback.sync());
            if let Err(failure) = self.sync(sync) {
                (written, done) = (Err(failure), 0);
            }
        }
        self.settle(&self.control.metrics.fell_back, frames, done);
        let Err(failure) = written else { return Ok(done) };
        if failure.is(ErrorKind::Untrusted) {
            return Err(Hitch::Doubt);
        }
        // Back to the destination, and from there here again: what fits neither stays in the journal.
        if let Some(fallback) = &mut self.fallback {
            fallback.note_success();
        }
        self.control.pause(self.retry.next_wait());
        if done > 0 { Ok(done) } else { Err(Hitch::Retry) }
    }

    /// The first record is one that the destination will never take: it becomes a dead letter, or the fallback's, or is
    /// given up.
    pub(crate) fn put_away(&mut self, frames: &[Frame], reason: &str) -> Result<usize, Hitch> {
        let Some(frame) = frames.first() else { return Ok(0) };
        let metrics = &self.control.metrics;
        let counter = if self.dead_letters.are_kept() {
            let letter = Letter {
                position: frame.position.to_u64(),
                payload: self.source.payload(frame),
                notes: self.notes,
                reason,
            };
            if attempt(metrics, || self.dead_letters.write(&letter)).is_err() {
                // Nothing goes on here before it is written.
                metrics.set_failing(true);
                self.control.pause(self.retry.next_wait());
                return Err(Hitch::Retry);
            }
            self.tell_who_waits(frame, reason, true);
            &metrics.dead_lettered
        } else if self.fallback.is_some() {
            self.fall_back(frames.get(..1).unwrap_or_default())?;
            self.sieve.reset();
            return Ok(1);
        } else {
            self.tell_who_waits(frame, reason, false);
            &metrics.discarded
        };
        metrics.tell(reason.to_owned());
        // It was the record's fault.
        metrics.set_failing(false);
        self.sieve.reset();
        self.settle(counter, frames, 1);
        Ok(1)
    }

    fn tell_who_waits(&self, frame: &Frame, reason: &str, is_dead_letter: bool) {
        if self.purpose != Purpose::Own {
            return;
        }
        let reason = reason.to_owned();
        self.control
            .metrics
            .reject(frame.end, Rejection { reason, is_dead_letter });
    }

    /// Nobody will ever read it there, and keeping it would only fill the journal: the records are dropped and counted,
    /// and those who wait for their delivery are told.
    fn give_up(&self, reason: &str, frames: &[Frame]) {
        self.cursor
            .delivered()
            .fail(&hydra_journal::Error::undelivered(reason.to_owned()));
        self.control.metrics.settle(|| {
            self.count(&self.control.metrics.discarded, frames.len());
            self.put_down(frames.len());
            if let Some(last) = frames.last() {
                self.cursor.abandon(last.end);
            }
        });
    }

    fn deliver_some(&mut self, batch: Batch<'_>, frames: &[Frame]) -> Result<usize, Failure> {
        let control = self.control;
        self.sieve.tries(batch.len());
        let begun =
            attempt(&control.metrics, || self.sink.begin(batch)).inspect_err(|failure| self.recover(failure))?;
        self.sieve.tries(begun.records);
        let deaths = self.deaths_at(frames);
        // Before the write: if we die in it, this is where the next process looks, and for how much.
        self.mark(begun, frames, deaths + 1);
        let mut taken = batch.take(begun.records);
        if let Err(failure) = attempt(&control.metrics, || self.sink.write(taken)) {
            // This attempt was not a deadly one.
            self.mark(begun, frames, 0);
            taken = taken.take(self.written_before_the_panic(&failure, begun, taken));
            if taken.is_empty() {
                return Err(failure);
            }
        }
        control.metrics.writes.fetch_add(1, Ordering::Relaxed);
        if self.sync_writes
            && let Err(failure) = self.sync(|it| it.sink.sync())
        {
            self.mark(begun, frames, 0);
            return Err(failure);
        }
        Ok(self.delivered(frames, taken))
    }

    fn delivered(&self, frames: &[Frame], taken: Batch<'_>) -> usize {
        let metrics = &self.control.metrics;
        add(&metrics.bytes, taken.bytes.len());
        let counter = match self.purpose {
            Purpose::Heritage(_) => &metrics.recovered,
            Purpose::Own | Purpose::Again => &metrics.delivered,
        };
        self.settle(counter, frames, taken.len());
        taken.len()
    }

    /// Notes where the begun write will land, how far in the journal it goes, and which attempt it is.
    fn mark(&self, begun: Begun, frames: &[Frame], attempts: u32) {
        let last = begun.records.checked_sub(1).and_then(|last| frames.get(last));
        let mark = begun.mark.with_note(last.map_or(0, |frame| frame.end.to_u64()));
        self.cursor.save(&CursorState {
            mark: mark.with_attempts(attempts).to_bytes(),
            ..self.cursor.state()
        });
    }

    /// A sink that has panicked may have begun something, and is to be in order again.
    fn recover(&mut self, failure: &Failure) {
        if failure.is_panic() {
            // Should this panic too, it was counted, and the next try will tell.
            let _ = attempt(&self.control.metrics, || {
                self.sink.abandon();
                Ok(())
            });
        }
    }

    /// How many records a write had written when it panicked, where the sink can tell.
    fn written_before_the_panic(&mut self, failure: &Failure, begun: Begun, taken: Batch<'_>) -> usize {
        if !failure.is_panic() {
            return 0;
        }
        self.recover(failure);
        let there = attempt(&self.control.metrics, || {
            self.sink.resume(begun.mark)?;
            self.sink.already(taken)
        });
        there.unwrap_or(0)
    }

    /// Syncs what has just been written. It has not been delivered before this succeeds.
    fn sync(&mut self, sync: impl Fn(&mut Self) -> Result<(), Error>) -> Result<(), Failure> {
        let control = self.control;
        loop {
            let failure = match attempt(&control.metrics, || sync(self)) {
                Ok(()) => {
                    self.synced = true;
                    return Ok(());
                }
                Err(failure) => failure,
            };
            // What cannot be trusted is written again elsewhere. Otherwise the records stand where they should, which
            // the mark still says, and must not come there a second time.
            if failure.is(ErrorKind::Untrusted) || self.control.is_stopped() {
                return Err(failure);
            }
            self.control.metrics.set_failing(true);
            self.control.pause(self.retry.next_wait());
        }
    }

    /// In how many processes' deaths the first record has had a part.
    fn deaths_at(&self, frames: &[Frame]) -> u32 {
        match (self.purpose, frames.first()) {
            (Purpose::Heritage(suspect), Some(frame)) if frame.position.to_u64() < suspect.until => suspect.deaths,
            _ => 0,
        }
    }

    /// Says why the first record is not even tried again, if too many processes have died in writing it alone.
    fn death_sentence(&self, frames: &[Frame]) -> Option<String> {
        let (Purpose::Heritage(suspect), Some(frame)) = (self.purpose, frames.first()) else {
            return None;
        };
        let alone = frame.end.to_u64() == suspect.until;
        (alone && suspect.deaths >= DEATHS_MAX && self.dead_letters.are_kept())
            .then(|| format!("{} processes died while the destination was taking it", suspect.deaths))
    }

    /// Counts records whose fate is decided; those that are only written again were counted the first time.
    fn count(&self, counter: &AtomicU64, records: usize) {
        let again = self.purpose == Purpose::Again;
        add(
            if again {
                &self.control.metrics.rewritten
            } else {
                counter
            },
            records,
        );
    }

    /// The fate of the first `records` is decided: counts them, and moves the cursor behind them.
    fn settle(&self, counter: &AtomicU64, frames: &[Frame], records: usize) {
        self.control.metrics.settle(|| {
            self.count(counter, records);
            self.advance(frames, records);
        });
    }

    /// Moves the cursor behind the first `records`. No write is begun any more, and the mark says so.
    fn advance(&self, frames: &[Frame], records: usize) {
        let Some(last) = records.checked_sub(1).and_then(|last| frames.get(last)) else {
            return;
        };
        self.put_down(records);
        self.cursor.save(&CursorState {
            position: last.end,
            mark: Mark::NOWHERE.to_bytes(),
        });
    }

    fn put_down(&self, records: usize) {
        if self.purpose == Purpose::Own {
            self.control.dropping.put_down(records);
        }
    }
}

/// Moves the cursor to `end`, if it is not there yet. One that has given records up says so for ever, and stays behind.
pub(crate) fn acknowledge(cursor: &Cursor, end: Position) {
    let state = cursor.state();
    if cursor.delivered().failure().is_some() {
        cursor.abandon(end);
    } else if state.position < end {
        cursor.save(&CursorState { position: end, ..state });
    }
}
