//! Where records of the async handle wait while the journal is full.
//!
//! A sync caller waits for room itself. An async call must not block its executor, so its record is handed to a thread
//! that appends as soon as there is room, in the order of the calls; the receipt resolves then. The records are the
//! engine's from the call on: a receipt that is dropped loses nothing. The room is bounded: past [`WAITING_MAX`]
//! records a call blocks after all, for code that never awaits would otherwise fill the memory.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use hydra_journal::Position;
use hydra_os::atomic::{Condvar, Mutex, MutexGuard};
use hydra_os::clock::Deadline;
use hydra_record::Level;

use crate::core::Core;
use crate::error::Error;
use crate::local::Voice;
use crate::pass::Pass;
use crate::site::Site;

/// The most records that wait at a time.
pub const WAITING_MAX: usize = 10_000;

/// The records that wait.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    /// Somebody waits: who comes after must queue, or it would overtake.
    busy: AtomicBool,
    queue: Mutex<Queue>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    records: VecDeque<Waiting>,
    working: bool,
    /// How many have ever come in, and how many of them have been served.
    entered: u64,
    served: u64,
}

/// A record that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) bytes: Vec<u8>,
    pub(crate) site: Option<(&'static Site, u32)>,
    pub(crate) layer: u16,
    pub(crate) level: Level,
    pub(crate) thread: u32,
    pub(crate) thread_name: String,
    ticket: Arc<Ticket>,
}

impl Waiting {
    /// Makes one that nobody asks about.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn unasked(layer: u16, level: Level, (thread, thread_name): (u32, String), bytes: Vec<u8>) -> Waiting {
        Waiting {
            bytes,
            site: None,
            layer,
            level,
            thread,
            thread_name,
            ticket: Arc::default(),
        }
    }
}

/// Where a record that waited has got to, and its layer's number; nowhere, if nobody wants it any more because another
/// configuration is in force.
pub(crate) type Arrival = Option<(Position, u16)>;

/// What the receipt of a waiting record looks at.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Mutex<Called>);

#[derive(Debug, Default)]
struct Called {
    result: Option<Result<Arrival, Error>>,
    waker: Option<Waker>,
}

impl Ticket {
    /// Returns what became of the record; otherwise wakes `waker` when that is known.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<Arrival, Error>> {
        let mut called = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &called.result {
            Some(result) => Poll::Ready(result.clone()),
            None => {
                called.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    fn call(&self, result: Result<Arrival, Error>) {
        let waker = {
            let mut called = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            called.result = Some(result);
            called.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl WaitingRoom {
    /// Says whether records wait.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        // Pairs with the store in `enter`; a caller's own earlier record is always seen, which is all that order needs.
        self.busy.load(Ordering::Acquire)
    }

    /// Takes a record in; `None`, with the record given back, when nobody can be found to look after it.
    pub(crate) fn enter(
        &self,
        core: &Arc<Core>,
        pass: &Pass<'_>,
        voice: &Voice,
        record: Taken<'_>,
    ) -> Option<Arc<Ticket>> {
        let ticket = Arc::new(Ticket::default());
        let mut queue = self.lock();
        while queue.records.len() >= WAITING_MAX {
            queue = self.left.wait(queue).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        if !queue.working {
            let core = Arc::clone(core);
            hydra_os::thread::spawn("hydra-waiting", move || core.waiting.serve(&core)).ok()?;
            queue.working = true;
        }
        self.busy.store(true, Ordering::Release);
        queue.entered += 1;
        queue.records.push_back(Waiting {
            bytes: record.bytes.to_vec(),
            site: record.site,
            layer: pass.layer.id,
            level: pass.level,
            thread: voice.thread,
            thread_name: record.thread_name.to_owned(),
            ticket: Arc::clone(&ticket),
        });
        Some(ticket)
    }

    /// Appends what waits, one by one, until nothing does.
    fn serve(&self, core: &Arc<Core>) {
        let mut queue = self.lock();
        while let Some(mut record) = queue.records.pop_front() {
            drop(queue);
            self.left.notify_all();
            let result = Pass::append_waiting(core, &mut record);
            // The waker is the executor's code: should it panic, the others still want to be served.
            let _ = catch_unwind(AssertUnwindSafe(|| record.ticket.call(result)));
            queue = self.lock();
            queue.served += 1;
        }
        queue.working = false;
        self.busy.store(false, Ordering::Release);
        drop(queue);
        self.left.notify_all();
    }

    /// Waits, at most until `end`, for all those to be served who are here now.
    pub(crate) fn wait_served(&self, end: Deadline) {
        let queue = self.lock();
        let goal = queue.entered;
        let waits = |queue: &mut Queue| queue.served < goal;
        drop(self.left.wait_timeout_while(queue, end.left(), waits));
    }

    /// Waits, at most until `end`, for everybody to be served.
    pub(crate) fn wait_empty(&self, end: Deadline) {
        let mut queue = self.lock();
        while queue.working {
            let left = end.left().min(Duration::from_millis(100));
            if left.is_zero() {
                return;
            }
            queue = self
                .left
                .wait_timeout(queue, left)
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// An encoded record that the journal had no room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken<'r> {
    pub(crate) bytes: &'r [u8],
    pub(crate) site: Option<(&'static Site, u32)>,
    pub(crate) thread_name: &'r str,
}
