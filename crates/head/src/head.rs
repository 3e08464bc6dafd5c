//! A head as its owner holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use hydra_journal::{Adopted, Cursor, Journal, Position};
use hydra_os::atomic::thread::{self, Thread};
use hydra_os::atomic::{Condvar, Mutex, MutexGuard};
use hydra_os::clock::Deadline;
use hydra_record::Level;

use crate::dropping::Dropping;
use crate::error::Error;
use crate::filter::Filter;
use crate::metrics::{Counts, Metrics, Rejection};
use crate::pending::Pending;
use crate::spec::{Overflow, Spec};
use crate::worker::Worker;

/// The worker of one destination. Dropping the handle stops it where it is; what is left stays in the journal.
#[derive(Debug)]
pub struct Head {
    name: String,
    cursor: Cursor,
    filter: Filter,
    overflow: Overflow,
    guaranteed: Option<Level>,
    control: Arc<Control>,
}

/// What the handle and the worker share.
#[derive(Debug, Default)]
pub(crate) struct Control {
    order: AtomicU8,
    /// The position where its work ends, 0 for nowhere.
    until: AtomicU64,
    /// Another head goes on with its cursor when it has ended.
    handed_over: AtomicBool,
    /// These and the drops go on with the destination when another head takes over.
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) dropping: Arc<Dropping>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    thread: Option<Thread>,
    recovered: bool,
    ended: bool,
    /// Its work is done and its cursor is no more.
    removed: bool,
    /// What dead processes left for it.
    backlog: Vec<Cursor>,
    /// The head whose end its worker waits for.
    before: Option<Arc<Control>>,
}

/// How often an account is begun anew because the head was faster.
const ACCOUNTS_MAX: u32 = 10;

const ORDER_RUN: u8 = 0;
const ORDER_STOP: u8 = 1;

impl Head {
    /// Starts the worker. It first delivers what `adopted` journals hold for it, then follows `journal`.
    ///
    /// # Errors
    /// When the journal takes no more cursors, a head of that name is alive, or no thread can be started.
    pub fn start(spec: Spec, journal: &Journal, adopted: &[Adopted]) -> Result<Head, Error> {
        let cursor = journal.cursor(&spec.name).map_err(Error::Cursor)?;
        let backlog = adopted
            .iter()
            .filter_map(|journal| journal.cursor(&spec.name).transpose());
        let backlog = backlog.collect::<Result<_, _>>().map_err(Error::Cursor)?;
        Head::begin(spec, cursor, backlog, Arc::default(), None)
    }

    /// Starts a worker that takes this one's place, with other options and perhaps another sink: it goes on with the
    /// cursor, the counters and the backlog as soon as this one has ended. See [`Head::stop`] for that, and first
    /// [`Head::keep`] if it has been retired.
    ///
    /// # Errors
    /// When no thread can be started; this one is as it was.
    pub fn succeed(&self, spec: Spec) -> Result<Head, Error> {
        let control = Control {
            metrics: Arc::clone(&self.control.metrics),
            dropping: Arc::clone(&self.control.dropping),
            ..Control::default()
        };
        let backlog = if self.is_recovered() {
            Vec::new()
        } else {
            self.control.lock().backlog.clone()
        };
        // Its sink may be another one, whose syncs do not cover what this one has written.
        self.control.handed_over.store(true, Ordering::Release);
        let before = Some(Arc::clone(&self.control));
        Head::begin(spec, self.cursor.clone(), backlog, Arc::new(control), before)
    }

    fn begin(
        spec: Spec,
        cursor: Cursor,
        backlog: Vec<Cursor>,
        control: Arc<Control>,
        before: Option<Arc<Control>>,
    ) -> Result<Head, Error> {
        let filter = Filter::new(spec.route.clone(), spec.level).named(&spec.name);
        let head = Head {
            name: spec.name.clone(),
            cursor: cursor.clone(),
            filter,
            overflow: spec.overflow,
            guaranteed: spec.guaranteed,
            control: Arc::clone(&control),
        };
        head.control.set(|state| {
            state.backlog.clone_from(&backlog);
            state.before.clone_from(&before);
        });
        let title = format!("hydra-head-{}", spec.number);
        let worker = Worker::new(spec, cursor, backlog, Arc::clone(&control));
        let started = hydra_os::thread::spawn(&title, move || {
            control.set(|state| state.thread = Some(thread::current()));
            let worker = match before {
                Some(before) => take_over(worker, &before, &control),
                None => Some(worker),
            };
            worker.into_iter().for_each(Worker::run);
            control.set(|state| state.ended = true);
        });
        started.map_err(|error| Error::Thread(title, error))?;
        Ok(head)
    }

    /// Returns the name of its cursor.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the counters.
    pub fn counts(&self) -> Counts {
        Counts {
            dropped: self.control.dropping.total(),
            ..self.control.metrics.counts()
        }
    }

    /// Returns the counters, and how many records of the process's own journal are pending, both of one moment: each
    /// record that was meant for the destination then is in one of them, and in only one.
    ///
    /// Reads what is pending once, however busy the head is, unless the head overtakes it; after a few times it gives
    /// up, and what has been delivered meanwhile may be missing.
    pub fn account(&self) -> (Counts, u64) {
        for _ in 0..ACCOUNTS_MAX {
            let (counts, from) = self
                .control
                .metrics
                .at_one_moment(|| (self.counts(), self.needed_from()));
            if let Some(pending) = self.pending().count_from(from) {
                return (counts, pending);
            }
        }
        (self.counts(), self.pending().for_each(|_| {}))
    }

    /// Returns the position before which the destination has everything.
    pub fn delivered(&self) -> Position {
        self.cursor.delivered().reached()
    }

    /// Says whether the destination has everything before `position`; otherwise wakes `waker` when it has. An error
    /// means that it never will.
    pub fn poll_delivered(&self, position: Position, waker: &Waker) -> Option<Result<(), hydra_journal::Error>> {
        self.cursor.poll_delivered(position, waker)
    }

    /// Returns why the record before `position` is not with the destination, though that has everything before
    /// `position` that it will ever have. The last ten thousand are known.
    pub fn rejection(&self, position: Position) -> Option<Rejection> {
        self.control.metrics.rejection(position)
    }

    /// Takes back what [`Head::poll_delivered`] has noted.
    pub fn forget(&self, position: Position, waker: &Waker) {
        self.cursor.delivered().forget(position, waker);
    }

    /// Waits, at most `timeout`, until everything that dead processes left has been delivered, or the worker has ended
    /// without: see [`Head::is_recovered`]. Says whether one of the two is so.
    pub fn wait_recovered(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.recovered || state.ended)
    }

    /// Waits, at most `timeout`, until each record before `position` has found its place or has been given up, or the
    /// worker has ended. Says whether one of the two is so. A head that gives records up tells those who wait for their
    /// delivery at once, and only then goes through what is left.
    pub fn wait_settled(&self, position: Position, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.ended || self.cursor.needed_from() >= position)
    }

    /// Returns what the destination has not taken yet, to be read once the worker has ended.
    pub fn pending(&self) -> Pending {
        Pending {
            cursor: self.cursor.clone(),
            filter: self.filter.clone(),
        }
    }

    /// Returns what dead processes left for the destination and it has not taken yet; nothing once it has all of it.
    pub fn pending_of_the_dead(&self) -> Vec<Pending> {
        if self.is_recovered() {
            return Vec::new();
        }
        let pending = |cursor: &Cursor| Pending {
            cursor: cursor.clone(),
            filter: self.filter.clone(),
        };
        self.control.lock().backlog.iter().map(pending).collect()
    }

    /// Returns what gives way when the journal is full because of this head.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Returns the position from which on the head needs the journal.
    pub fn needed_from(&self) -> Position {
        self.cursor.needed_from()
    }

    /// Gives up this head's oldest records, as far as the end of the segment where they begin, or up to one that is
    /// guaranteed. They are counted, and a summary is delivered in their place.
    pub fn drop_oldest(&self) {
        self.control
            .dropping
            .give_up_oldest(&self.cursor, &self.filter, self.guaranteed);
        self.nudge();
    }

    /// Counts a record that was not accepted for this head; a summary is delivered in its place.
    pub fn drop_newest(&self, time_ns: i64) {
        self.control.dropping.add(1, time_ns, time_ns);
    }

    /// Counts as dropped what the worker, which has ended or hangs, has in hand and the journal no longer holds.
    pub fn count_lost_in_hand(&self) {
        self.control.dropping.let_go(&self.cursor);
    }

    /// Says whether everything that dead processes left is delivered, and synced where the destination can be.
    pub fn is_recovered(&self) -> bool {
        self.control.lock().recovered
    }

    /// Tells the worker to stop after the write it is at. What it has not delivered stays in the journal.
    pub fn stop(&self) {
        self.control.order.store(ORDER_STOP, Ordering::Release);
        self.nudge();
        let before = self.control.lock().before.clone();
        if let Some(before) = before {
            before.set(|_| {});
        }
    }

    /// Tells the worker that its work ends: it delivers what is before `until`, syncs its destination, removes its
    /// cursor and ends. Nothing at or behind `until` may be for it.
    pub fn retire(&self, until: Position) {
        self.control.until.store(until.to_u64().max(1), Ordering::Release);
        self.nudge();
    }

    /// Takes [`Head::retire`] back. False if it is too late: the cursor is no more.
    pub fn keep(&self) -> bool {
        let state = self.control.lock();
        if !state.removed {
            self.control.until.store(0, Ordering::Release);
        }
        !state.removed
    }

    /// Says whether a retired head has done its work, and let go of its destination.
    pub fn is_removed(&self) -> bool {
        let state = self.control.lock();
        state.removed && state.ended
    }

    /// Has the worker look for something to do now.
    pub fn nudge(&self) {
        if let Some(thread) = &self.control.lock().thread {
            thread.unpark();
        }
    }

    /// Waits, at most `timeout`, for the worker to end. Says whether it has: one that hangs in its destination has not.
    pub fn join(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.ended)
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let state = self.control.lock();
        let waited = self
            .control
            .changed
            .wait_timeout_while(state, timeout, |state| !done(state));
        done(&waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0)
    }
}

/// Waits for the head before to end. `None` if this one is told to stop first: it lets go of its destination, which the
/// one before may need, and ends after it all the same, for whoever comes next must not meet that one.
fn take_over(worker: Worker, before: &Control, control: &Control) -> Option<Worker> {
    before.wait_until(|state| state.ended || control.is_stopped());
    let worker = Some(worker).filter(|_| !control.is_stopped());
    before.wait_until(|state| state.ended);
    control.set(|state| state.before = None);
    if worker.is_some() {
        // They are this one's alone, and those who come after it.
        before.lock().backlog.clear();
    }
    worker
}

impl Drop for Head {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Control {
    pub(crate) fn is_stopped(&self) -> bool {
        self.order.load(Ordering::Acquire) != ORDER_RUN
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        self.handed_over.load(Ordering::Acquire)
    }

    /// Returns the position where the head's work ends, if it does.
    pub(crate) fn until(&self) -> Option<Position> {
        match self.until.load(Ordering::Acquire) {
            0 => None,
            until => Some(Position::from_u64(until)),
        }
    }

    /// Removes the cursor of a head whose work is done, unless it has been told otherwise meanwhile.
    pub(crate) fn remove(&self, cursor: &Cursor) -> bool {
        let mut state = self.lock();
        if self.is_stopped() || self.until().is_none() {
            return false;
        }
        cursor.remove();
        state.removed = true;
        // They can be another head's from now on.
        state.backlog.clear();
        true
    }

    fn wait_until(&self, done: impl Fn(&State) -> bool) {
        let waited = self.changed.wait_while(self.lock(), |state| !done(state));
        drop(waited);
    }

    pub(crate) fn set_recovered(&self) {
        self.set(|state| state.recovered = true);
    }

    /// Sleeps until `wait` is over or the head is told to stop.
    pub(crate) fn pause(&self, wait: Duration) {
        let end = Deadline::after(wait);
        while !self.is_stopped() && !end.is_over() {
            thread::park_timeout(end.left());
        }
    }

    /// Has those look who wait for the head to settle: those who wait for a delivery have been told that it failed.
    pub(crate) fn tell_settled(&self) {
        self.set(|_| {});
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
