//! The loop of a head.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hydra_format::{ClockFace, Formatter};
use hydra_journal::{Batch, Cursor, DamageKind, Kind, Position, Read};
use hydra_os::atomic::thread;
use hydra_os::clock::Deadline;
use hydra_record::{Level, Peek};
use hydra_sink::{ErrorKind, Sink};

use crate::attempt::{attempt, text_of};
use crate::checkpoint::Unsynced;
use crate::dead_letter::DeadLetters;
use crate::deliver::{Rendered, acknowledge};
use crate::dropping::Hand;
use crate::fallback::Fallback;
use crate::filter::Filter;
use crate::head::Control;
use crate::metrics::add;
use crate::passage::{Passage, Purpose};
use crate::retry::Retry;
use crate::spec::{Overflow, Spec, SyncPolicy};

/// About how many bytes of the journal are read in one go.
pub(crate) const READ_BYTES: usize = 256 << 10;
/// How often a head that has nothing to do looks by itself, at first and later.
const POLL_FIRST: Duration = Duration::from_micros(50);
const POLL_LAST: Duration = Duration::from_millis(4);
/// How often in a row it looks for what a producer is just filling in before it rests between looks: one that is
/// stopped there, or bytes that were cut off, may keep it waiting.
const EAGER_LOOKS: u32 = 200;
/// With so many frames at a time, the next ones are looked for soon.
const MANY: usize = 512;
/// After this long without a record it sleeps until a producer wakes it.
const POLL_FOR: Duration = Duration::from_millis(20);
/// How long to wait before a dead process's segment that cannot be opened is tried again.
pub(crate) const REOPEN: Duration = Duration::from_millis(100);
/// Panics in a row, without anything delivered in between, after which a worker is given up. Those of a write or a
/// format do not count: they cost a record at most. What is not delivered stays in the journal.
const PANICS_MAX: u32 = 10;
/// How much longer than after a failed write a head may wait after a failed sync: each try costs a file.
const SYNC_PATIENCE: u32 = 30;
/// A sleep that nothing ends; only a bound, in case a wake-up were ever lost.
const PARK: Duration = Duration::from_secs(3600);

pub(crate) struct Worker {
    number: u32,
    pub(crate) cursor: Cursor,
    pub(crate) backlog: Vec<Cursor>,
    pub(crate) control: Arc<Control>,
    pub(crate) formatter: Arc<dyn Formatter>,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) filter: Filter,
    pub(crate) face: ClockFace,
    pub(crate) retry: Retry,
    pub(crate) sync_retry: Retry,
    pub(crate) batch_bytes: usize,
    pub(crate) one_by_one: bool,
    pub(crate) sync: SyncPolicy,
    /// When what has been written must be synced.
    pub(crate) sync_due: Option<Deadline>,
    /// From where on, in each journal, the destination is not known to be synced.
    pub(crate) unsynced: Vec<Unsynced>,
    /// A sync has failed, and what lies there has yet to be written again.
    pub(crate) in_doubt: bool,
    pub(crate) replay: bool,
    overflow: Overflow,
    guaranteed: Option<Level>,
    /// Looks in a row at space that is reserved and not filled.
    looks: u32,
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
            unsynced: Vec::new(),
            in_doubt: false,
            number: spec.number,
            cursor,
            backlog,
            control,
            formatter: spec.formatter,
            sink: spec.sink,
            fallback: spec.fallback,
            dead_letters: DeadLetters::new(spec.name.clone(), spec.dead_letter),
            filter: Filter::new(spec.route, spec.level).named(&spec.name),
            face: ClockFace::new(hydra_os::clock::utc_offset_at),
            retry: spec.retry,
            sync_retry: spec.retry.with_longest(SYNC_PATIENCE),
            batch_bytes: spec.batch_bytes.max(1),
            one_by_one: spec.one_by_one,
            sync: spec.sync,
            sync_due: None,
            replay: spec.replay,
            overflow: spec.overflow,
            guaranteed: spec.guaranteed,
            looks: 0,
            rendered: Rendered::default(),
        }
    }

    /// Runs until told to stop. A panic is counted, and the worker begins again at its cursor.
    pub(crate) fn run(mut self) {
        let (mut panics, mut settled) = (0, 0);
        self.unsynced = self.begin_unsynced();
        while !self.control.is_stopped()
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work()))
        {
            let now = self.control.metrics.counts().settled();
            panics = if now == settled { panics + 1 } else { 1 };
            settled = now;
            let why = format!("the worker of a destination panicked: {}", text_of(&*panic));
            self.control.metrics.panicked(why.clone());
            self.rendered.clear();
            if panics >= PANICS_MAX {
                self.cursor.delivered().fail(&hydra_journal::Error::undelivered(why));
                return;
            }
            self.control.pause(self.retry.next_wait());
        }
        self.control.dropping.let_go(&self.cursor);
        // Whatever cannot be closed properly is closed by the system.
        let _ = attempt(&self.control.metrics, || self.sink.close());
    }

    fn work(&mut self) {
        self.sink.abandon();
        self.control.dropping.let_go(&self.cursor);
        // The one before may have been told to stop before it could write that again.
        self.in_doubt |= self.has_gone_back();
        if !self.reconcile_own() || !self.write_again() || !self.drain() {
            return;
        }
        self.control.set_recovered();
        self.filter.forget();
        self.follow();
        // Drops since the last record, of which nobody has been told.
        self.tell_drops();
        if self.sync_due.is_some() || self.cursor.checkpoint_wanted() || self.control.is_handed_over() {
            let synced = self.sync();
            // The one that comes next cannot sync what was written here, and the journal has promised some of that to
            // its callers.
            if !synced && self.control.is_handed_over() && self.cursor.owes_a_sync() {
                self.doubt();
            }
        }
    }

    /// Follows the process's own journal until told to stop.
    fn follow(&mut self) {
        let cursor = self.cursor.clone();
        let mut passage = Passage::new(&cursor, Purpose::Own);
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
                Round::More => {
                    polling = None;
                    // Where few come at a time, a look for each would cost those who log more than it is worth.
                    if passage.batch.frames().len() >= MANY {
                        wait = POLL_FIRST;
                    }
                }
                Round::Idle(tail) => {
                    let end = *polling.get_or_insert_with(|| Deadline::after(POLL_FOR));
                    if !end.is_over() {
                        thread::park_timeout(wait);
                        wait = (wait * 2).min(POLL_LAST);
                    } else if !self.tell_drops() {
                        return;
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
        if !self.tell_drops() || !self.sync_until_done() {
            return false;
        }
        // What dead processes left is with the destination, and synced.
        self.backlog.clear();
        self.unsynced = self.begin_unsynced();
        self.control.remove(cursor)
    }

    /// Reads, renders and delivers one batch.
    pub(crate) fn round(&mut self, passage: &mut Passage<'_>) -> Round {
        if self.control.is_stopped() {
            return Round::Stopped;
        }
        match self.read(passage) {
            Read::Some => self.looks = 0,
            Read::Pending => {
                self.looks = self.looks.saturating_add(1);
                match passage.purpose {
                    // A producer that is just filling its space.
                    Purpose::Own if self.looks <= EAGER_LOOKS => thread::yield_now(),
                    Purpose::Own => thread::park_timeout(POLL_LAST),
                    // A segment that the system refuses to open now.
                    _ => self.control.pause(REOPEN),
                }
                return Round::More;
            }
            Read::Empty(tail) => {
                self.checkpoint();
                return Round::Idle(tail);
            }
            Read::End => {
                acknowledge(passage.cursor, passage.reader.position());
                return Round::End;
            }
        }
        // Once more: what came after the stop is the successor's, which writes it as is configured now. Who
        // sees any of that sees the stop.
        if self.control.is_stopped() {
            return Round::Stopped;
        }
        if !self.tell_drops() {
            return Round::Stopped;
        }
        self.count_damage(&passage.batch);
        let batch = std::mem::take(&mut passage.batch);
        let delivered = self.handle(passage, &batch, None);
        passage.batch = batch;
        if passage.cursor.delivered().failure().is_some() {
            self.control.tell_settled();
        }
        self.checkpoint();
        if delivered { Round::More } else { Round::Stopped }
    }

    fn read(&mut self, passage: &mut Passage<'_>) -> Read {
        if self.overflow == Overflow::Block || passage.purpose != Purpose::Own {
            return passage.reader.read(&mut passage.batch, READ_BYTES);
        }
        let (filter, notes, guaranteed) = (&mut self.filter, &mut passage.notes, self.guaranteed);
        let count = |batch: &Batch, hand: &mut Hand| {
            for frame in batch.frames() {
                let payload = batch.payload(frame);
                if frame.kind == Kind::Note {
                    notes.learn(payload);
                } else if filter.takes(payload, notes) {
                    let level = Peek::read(payload).map_or(0, |peek| peek.level);
                    hand.take(guaranteed.is_some_and(|least| level >= least.number()));
                }
            }
        };
        let dropping = &self.control.dropping;
        dropping.read(passage.cursor, &mut passage.reader, &mut passage.batch, count)
    }

    /// Tells the destination, or the fallback while that serves, what it has missed. False when told to stop before it
    /// could.
    fn tell_drops(&mut self) -> bool {
        let Some(summary) = self.control.dropping.take_untold() else {
            return true;
        };
        let mut line = Vec::new();
        summary.with_record(self.filter.route(), |record| {
            self.formatter.write(record, &mut self.face, &mut line)
        });
        let batch = hydra_sink::Batch {
            bytes: &line,
            ends: &[line.len()],
        };
        loop {
            let metrics = &self.control.metrics;
            if let Some(fallback) = self.fallback.as_mut().filter(|fallback| fallback.serves()) {
                let mut told = None;
                summary.with_record(self.filter.route(), |record| {
                    told = Some(attempt(metrics, || fallback.write_one(record, &mut self.face)));
                });
                if told.is_none_or(|told| told.is_ok()) {
                    return true;
                }
                // Back to the destination.
                fallback.note_success();
            }
            let told = attempt(metrics, || self.sink.begin(batch).and_then(|_| self.sink.write(batch)));
            metrics.set_failing(told.is_err());
            let Err(failure) = told else { return true };
            if failure.is(ErrorKind::Untrusted) {
                self.doubt();
                self.write_again();
            } else if self.fallback.is_none() && (failure.is(ErrorKind::Closed) || failure.is(ErrorKind::Rejected)) {
                // Nobody is left to be told, or it will not be told.
                return true;
            } else if !self.fallback.as_mut().is_some_and(Fallback::note_failure) {
                self.control.pause(self.retry.next_wait());
            }
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
