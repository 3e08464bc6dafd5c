//! The loop of a head.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hydra_format::{ClockFace, Formatter};
use hydra_journal::{Batch, Cursor, DamageKind, Kind, Position, Read};
use hydra_os::atomic::thread;
use hydra_os::clock::Deadline;
use hydra_sink::Sink;

use crate::deliver::{Delivery, Rendered, acknowledge};
use crate::fallback::Fallback;
use crate::filter::Filter;
use crate::head::{Control, Overflow, Spec, SyncPolicy};
use crate::metrics::add;
use crate::passage::Passage;
use crate::retry::Retry;

/// About how many bytes of the journal are read in one go.
pub(crate) const READ_BYTES: usize = 64 << 10;
/// How often a head that has nothing to do looks by itself, at first and later.
const POLL_FIRST: Duration = Duration::from_micros(50);
const POLL_LAST: Duration = Duration::from_millis(1);
/// After this long without a record it sleeps until a producer wakes it.
const POLL_FOR: Duration = Duration::from_millis(20);
/// How long to wait before a dead process's segment that cannot be opened is tried again.
const REOPEN: Duration = Duration::from_millis(100);
/// Panics after which a worker is given up; what it has not delivered stays in the journal.
const PANICS_MAX: u32 = 10;
/// A sleep that nothing ends; only a bound, in case a wake-up were ever lost.
const PARK: Duration = Duration::from_secs(3600);

pub(crate) struct Worker {
    pub(crate) number: u32,
    pub(crate) cursor: Cursor,
    backlog: Vec<Cursor>,
    pub(crate) control: Arc<Control>,
    formatter: Arc<dyn Formatter>,
    pub(crate) sink: Box<dyn Sink>,
    fallback: Option<Fallback>,
    pub(crate) filter: Filter,
    face: ClockFace,
    pub(crate) retry: Retry,
    batch_bytes: usize,
    one_by_one: bool,
    pub(crate) sync: SyncPolicy,
    /// When what has been written must be synced.
    pub(crate) sync_due: Option<Deadline>,
    pub(crate) replay: bool,
    overflow: Overflow,
    pub(crate) rendered: Rendered,
}

/// How far reading got in one round.
pub(crate) enum Round {
    More,
    Idle(Position),
    End,
    Stopped,
}

impl Worker {
    pub(crate) fn new(spec: Spec, cursor: Cursor, backlog: Vec<Cursor>, control: Arc<Control>) -> Worker {
        Worker {
            number: spec.number,
            cursor,
            backlog,
            control,
            formatter: spec.formatter,
            sink: spec.sink,
            fallback: spec.fallback,
            filter: Filter::new(spec.route, spec.level).named(&spec.name),
            face: ClockFace::new(hydra_os::clock::utc_offset_at),
            retry: spec.retry,
            batch_bytes: spec.batch_bytes.max(1),
            one_by_one: spec.one_by_one,
            sync: spec.sync,
            sync_due: None,
            replay: spec.replay,
            overflow: spec.overflow,
            rendered: Rendered::default(),
        }
    }

    /// Runs until told to stop. A panic of the format or the sink is counted, and the worker begins again at its
    /// cursor.
    pub(crate) fn run(mut self) {
        let mut panics = 0;
        while !self.control.is_stopped()
            && let Err(_panic) = catch_unwind(AssertUnwindSafe(|| self.work()))
        {
            self.control.metrics.panicked();
            self.rendered.clear();
            panics += 1;
            if panics >= PANICS_MAX {
                let why = format!("the worker of a destination panicked {panics} times");
                self.cursor.delivered().fail(&hydra_journal::Error::undelivered(why));
                return;
            }
            self.control.pause(self.retry.next_wait());
        }
        // Whatever cannot be closed properly is closed by the system.
        let _ = self.sink.close();
    }

    fn work(&mut self) {
        self.sink.abandon();
        // What dead processes were in the middle of writing is mended before anything is written behind it.
        let backlog = self.backlog.clone();
        if !backlog.iter().all(|cursor| self.reconcile(cursor)) || !backlog.iter().all(|cursor| self.catch_up(cursor)) {
            return;
        }
        // The journals of the dead are removed after this, and with them what was synced there.
        if !backlog.is_empty() && self.insist(|sink| sink.sync()).is_none() {
            return;
        }
        self.control.set_recovered();
        self.filter.forget();
        self.follow();
        if self.sync_due.is_some() || self.cursor.checkpoint_wanted() {
            self.sync_once();
        }
    }

    /// Follows the process's own journal until told to stop.
    fn follow(&mut self) {
        let cursor = self.cursor.clone();
        let mut passage = Passage::new(&cursor, false);
        let (mut wait, mut polling) = (POLL_FIRST, None);
        while !self.control.is_stopped() {
            // Looked at first: what is before it has been appended by then.
            let until = self.control.until();
            let round = self.round(&mut passage);
            if let Some(until) = until {
                let is_behind = matches!(round, Round::Idle(_)) || passage.reader.position() >= until;
                if is_behind && matches!(round, Round::Idle(_) | Round::More) && self.leave(&cursor) {
                    return;
                }
            }
            match round {
                Round::More => (wait, polling) = (POLL_FIRST, None),
                Round::Idle(tail) => {
                    let end = *polling.get_or_insert_with(|| Deadline::after(POLL_FOR));
                    if !end.is_over() {
                        thread::park_timeout(wait);
                        wait = (wait * 2).min(POLL_LAST);
                    } else {
                        cursor.park(self.number, tail, self.sync_due.map_or(PARK, |due| due.left()));
                        (wait, polling) = (POLL_FIRST, None);
                    }
                }
                Round::End | Round::Stopped => return,
            }
        }
    }

    /// Ends a retired head: what it took is synced before the journal may forget it. False when told otherwise.
    fn leave(&mut self, cursor: &Cursor) -> bool {
        self.tell_drops() && self.insist(|sink| sink.sync()).is_some() && self.control.remove(cursor)
    }

    /// Reads, renders and delivers one batch.
    pub(crate) fn round(&mut self, passage: &mut Passage<'_>) -> Round {
        if self.control.is_stopped() {
            return Round::Stopped;
        }
        match self.read(passage) {
            Read::Some => {}
            Read::Pending => {
                match passage.replaying {
                    // A segment that the system refuses to open now.
                    true => self.control.pause(REOPEN),
                    // A producer that is just filling its space.
                    false => thread::yield_now(),
                }
                return Round::More;
            }
            Read::Empty(tail) => {
                self.checkpoint(passage.cursor);
                return Round::Idle(tail);
            }
            Read::End => {
                acknowledge(passage.cursor, passage.reader.position());
                return Round::End;
            }
        }
        if !self.tell_drops() {
            return Round::Stopped;
        }
        self.count_damage(&passage.batch);
        let batch = std::mem::take(&mut passage.batch);
        let delivered = self.handle(passage, &batch);
        passage.batch = batch;
        self.checkpoint(passage.cursor);
        if delivered { Round::More } else { Round::Stopped }
    }

    fn read(&self, passage: &mut Passage<'_>) -> Read {
        if self.overflow == Overflow::Block || passage.replaying {
            return passage.reader.read(&mut passage.batch, READ_BYTES);
        }
        self.control
            .dropping
            .read(passage.cursor, &mut passage.reader, &mut passage.batch)
    }

    /// Renders the batch's records and delivers them, whenever there are enough of them and at the end.
    fn handle(&mut self, passage: &mut Passage<'_>, batch: &Batch) -> bool {
        let mut from = 0;
        while let Some(next) = self.render_from(passage, batch, from, None) {
            let Some(end) = batch.frames().get(next - 1).map(|frame| frame.end) else {
                break;
            };
            if !self.deliver(passage, batch, end) {
                return false;
            }
            from = next;
        }
        self.deliver(passage, batch, passage.reader.position())
    }

    /// Renders the batch's records, up to `end` if there is one.
    pub(crate) fn render(&mut self, passage: &mut Passage<'_>, batch: &Batch, end: Option<Position>) {
        let mut from = 0;
        while let Some(next) = self.render_from(passage, batch, from, end) {
            from = next;
        }
    }

    /// Renders records from the frame with that index on; returns the index after the one with which there are enough
    /// for a write, or `None` at the end of the batch.
    fn render_from(
        &mut self,
        passage: &mut Passage<'_>,
        batch: &Batch,
        from: usize,
        end: Option<Position>,
    ) -> Option<usize> {
        for (index, frame) in batch.frames().iter().enumerate().skip(from) {
            let payload = batch.payload(frame);
            if frame.kind == Kind::Note {
                passage.notes.learn(payload);
                continue;
            }
            if end.is_some_and(|end| frame.position >= end) || !self.filter.takes(payload, &passage.notes) {
                continue;
            }
            if passage.replaying && !self.replay {
                add(&self.control.metrics.skipped, 1);
                continue;
            }
            match passage.notes.decode(payload, frame.position.to_u64()) {
                Ok(record) => {
                    self.formatter.write(&record, &mut self.face, &mut self.rendered.bytes);
                    self.rendered.finish_record(frame);
                }
                Err(_) => add(&self.control.metrics.undecodable, 1),
            }
            if self.rendered.bytes.len() >= self.batch_bytes {
                return Some(index + 1);
            }
        }
        None
    }

    fn deliver(&mut self, passage: &mut Passage<'_>, batch: &Batch, end: Position) -> bool {
        if self.rendered.is_empty() {
            acknowledge(passage.cursor, end);
            return true;
        }
        let mut delivery = Delivery {
            sink: &mut *self.sink,
            fallback: self.fallback.as_mut(),
            cursor: passage.cursor,
            control: &self.control,
            retry: &mut self.retry,
            source: batch,
            notes: &passage.notes,
            face: &mut self.face,
            replaying: passage.replaying,
            one_by_one: self.one_by_one,
            sync_writes: self.sync == SyncPolicy::EveryWrite,
        };
        let delivered = delivery.deliver(&mut self.rendered, end);
        if let SyncPolicy::Within(wait) = self.sync {
            self.sync_due.get_or_insert_with(|| Deadline::after(wait));
        }
        delivered
    }

    /// Tells the destination what it has missed. False when told to stop before it could.
    fn tell_drops(&mut self) -> bool {
        let Some(summary) = self.control.dropping.take_untold() else {
            return true;
        };
        let mut line = Vec::new();
        summary.with_record(self.filter.route(), |record| {
            self.formatter.write(record, &mut self.face, &mut line)
        });
        let ends = [line.len()];
        loop {
            let batch = hydra_sink::Batch {
                bytes: &line,
                ends: &ends,
            };
            let told = self.sink.begin(batch).and_then(|_| self.sink.write(batch));
            match told {
                Ok(_) => return true,
                // Nobody is left to be told.
                Err(error) if error.kind() == hydra_sink::ErrorKind::Closed => return true,
                Err(error) => self.control.metrics.failed(&error),
            }
            self.control.pause(self.retry.next_wait());
            if self.control.is_stopped() {
                self.control.dropping.put_back(summary);
                return false;
            }
        }
    }

    fn count_damage(&self, batch: &Batch) {
        for damage in batch.damage() {
            let metrics = &self.control.metrics;
            add(
                if damage.kind == DamageKind::Hole {
                    &metrics.holes
                } else {
                    &metrics.damaged
                },
                1,
            );
        }
    }
}
