//! The loop of a head.

use std::sync::Arc;
use std::time::Duration;

use hydra_format::{ClockFace, Formatter};
use hydra_journal::{Batch, Cursor, CursorState, DamageKind, Kind, Position, Read, Reader};
use hydra_os::clock::Deadline;
use hydra_record::Dictionary;
use hydra_sink::{Mark, Sink};

use crate::deliver::{Delivery, Rendered};
use crate::fallback::Fallback;
use crate::filter::Filter;
use crate::head::{Control, Overflow, Spec, SyncPolicy};
use crate::metrics::add;
use crate::retry::Retry;

/// About how many bytes of the journal are read in one go.
const READ_BYTES: usize = 64 << 10;
/// How often a head that has nothing to do looks by itself, at first and later.
const POLL_FIRST: Duration = Duration::from_micros(50);
const POLL_LAST: Duration = Duration::from_millis(1);
/// After this long without a record it sleeps until a producer wakes it.
const POLL_FOR: Duration = Duration::from_millis(20);
/// How long to wait before a dead process's segment that cannot be opened is tried again.
const REOPEN: Duration = Duration::from_millis(100);
/// A sleep that nothing ends; only a bound, in case a wake-up were ever lost.
const PARK: Duration = Duration::from_secs(3600);

pub(crate) struct Worker {
    number: u32,
    cursor: Cursor,
    backlog: Vec<Cursor>,
    control: Arc<Control>,
    formatter: Arc<dyn Formatter>,
    sink: Box<dyn Sink>,
    fallback: Option<Fallback>,
    filter: Filter,
    face: ClockFace,
    retry: Retry,
    batch_bytes: usize,
    one_by_one: bool,
    sync: SyncPolicy,
    /// When what has been written must be synced.
    sync_due: Option<Deadline>,
    replay: bool,
    overflow: Overflow,
    rendered: Rendered,
}

/// How far reading got in one round.
enum Round {
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
            filter: Filter::new(spec.route, spec.level),
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

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn run(mut self) {
        for cursor in std::mem::take(&mut self.backlog) {
            if !self.catch_up(&cursor) {
                return;
            }
        }
        self.control.set_recovered();
        self.filter.forget();
        self.follow();
        // Whatever cannot be closed properly is closed by the system.
        let _ = self.sink.close();
    }

    /// Delivers what a dead process left. False when told to stop before the end.
    fn catch_up(&mut self, cursor: &Cursor) -> bool {
        self.filter.forget();
        let resuming = match self.resume(cursor) {
            Some(resuming) => resuming,
            None => return false,
        };
        let mut passage = Passage::new(cursor, true, resuming);
        loop {
            match self.round(&mut passage) {
                Round::End => return true,
                Round::Stopped => return false,
                Round::More | Round::Idle(_) => {}
            }
        }
    }

    /// Tells the sink where the dead process was about to write. `None` when told to stop.
    fn resume(&mut self, cursor: &Cursor) -> Option<bool> {
        let mark = Mark::from_bytes(&cursor.state().mark);
        if mark.is_nowhere() || !self.replay {
            return Some(false);
        }
        while let Err(error) = self.sink.resume(mark) {
            self.control.metrics.failed(&error);
            self.control.pause(self.retry.next_wait());
            if self.control.is_stopped() {
                return None;
            }
        }
        Some(true)
    }

    /// Follows the process's own journal until told to stop.
    fn follow(&mut self) {
        let cursor = self.cursor.clone();
        let mut passage = Passage::new(&cursor, false, false);
        let (mut wait, mut polling) = (POLL_FIRST, None);
        while !self.control.is_stopped() {
            match self.round(&mut passage) {
                Round::More => (wait, polling) = (POLL_FIRST, None),
                Round::Idle(tail) => {
                    let end = *polling.get_or_insert_with(|| Deadline::after(POLL_FOR));
                    if !end.is_over() {
                        std::thread::park_timeout(wait);
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

    /// Reads, renders and delivers one batch.
    fn round(&mut self, passage: &mut Passage<'_>) -> Round {
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
                    false => std::thread::yield_now(),
                }
                return Round::More;
            }
            Read::Empty(tail) => {
                self.checkpoint(passage.cursor);
                return Round::Idle(tail);
            }
            Read::End => {
                self.acknowledge(passage, passage.reader.position());
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
        for frame in batch.frames() {
            let payload = batch.payload(frame);
            if frame.kind == Kind::Note {
                passage.notes.learn(payload);
                continue;
            }
            if !self.filter.takes(payload, &passage.notes) {
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
            if self.rendered.bytes.len() >= self.batch_bytes && !self.deliver(passage, batch, frame.end) {
                return false;
            }
        }
        self.deliver(passage, batch, passage.reader.position())
    }

    fn deliver(&mut self, passage: &mut Passage<'_>, batch: &Batch, end: Position) -> bool {
        if self.rendered.is_empty() {
            self.acknowledge(passage, end);
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
            resuming: passage.resuming,
            one_by_one: self.one_by_one,
            sync_writes: self.sync == SyncPolicy::EveryWrite,
        };
        let delivered = delivery.deliver(&mut self.rendered, end);
        passage.resuming = delivery.resuming;
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
                Err(error) => self.control.metrics.failed(&error),
            }
            self.control.pause(self.retry.next_wait());
            if self.control.is_stopped() {
                self.control.dropping.put_back(summary);
                return false;
            }
        }
    }

    fn acknowledge(&self, passage: &Passage<'_>, end: Position) {
        let state = passage.cursor.state();
        if state.position < end {
            passage.cursor.save(&CursorState { position: end, ..state });
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

    /// Syncs the destination if that is due, or if records that were promised to survive a power loss wait for it.
    fn checkpoint(&mut self, cursor: &Cursor) {
        if !cursor.checkpoint_wanted() && !self.sync_due.is_some_and(|due| due.is_over()) {
            return;
        }
        match self.sink.sync() {
            Ok(()) => {
                self.sync_due = None;
                cursor.checkpointed();
            }
            Err(error) => self.control.metrics.failed(&error),
        }
    }
}

/// One journal on its way through a head.
struct Passage<'c> {
    cursor: &'c Cursor,
    reader: Reader,
    batch: Batch,
    notes: Dictionary,
    replaying: bool,
    resuming: bool,
}

impl<'c> Passage<'c> {
    fn new(cursor: &'c Cursor, replaying: bool, resuming: bool) -> Passage<'c> {
        let (reader, batch, notes) = (cursor.reader(), Batch::default(), Dictionary::new());
        Passage {
            cursor,
            reader,
            batch,
            notes,
            replaying,
            resuming,
        }
    }
}
