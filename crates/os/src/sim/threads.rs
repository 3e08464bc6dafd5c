//! Threads that wait for the baton.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::locks::until;
use super::world::{self, On};

thread_local! {
    /// Made before any other value of the thread, so dropped after all of them: only then is the thread at its end.
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        world::finish();
    }
}

/// A thread, to be woken.
#[derive(Clone, Debug)]
pub struct Thread {
    id: u32,
}

/// Which thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadId(u32);

impl Thread {
    /// Returns which it is.
    #[must_use]
    pub fn id(&self) -> ThreadId {
        ThreadId(self.id)
    }

    /// Wakes it if it is parked; else its next park returns at once.
    pub fn unpark(&self) {
        if world::me() != 0 {
            world::unpark(self.id);
        }
    }
}

/// A thread, to be waited for.
#[derive(Debug)]
pub struct JoinHandle<T> {
    thread: Thread,
    result: Arc<Mutex<Option<std::thread::Result<T>>>>,
}

impl<T> JoinHandle<T> {
    /// Returns the thread.
    #[must_use]
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Says whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        world::step();
        world::is_done(self.thread.id)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The payload of its panic.
    pub fn join(self) -> std::thread::Result<T> {
        world::step();
        while !world::is_done(self.thread.id) {
            world::wait(On::Thread(self.thread.id), None);
        }
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.unwrap_or_else(|| Err(Box::new("the thread's process is dead")))
    }
}

/// Returns the calling thread.
#[must_use]
pub fn current() -> Thread {
    Thread { id: world::me() }
}

/// Sleeps until unparked.
pub fn park() {
    world::park(None);
}

/// Sleeps until unparked, for `timeout` at most.
pub fn park_timeout(timeout: Duration) {
    world::park(Some(until(timeout)));
}

/// Lets another thread go on.
pub fn yield_now() {
    world::yield_baton();
}

/// Starts a thread.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when the plan says so.
pub fn spawn_thread<T, F>(name: &str, stack_bytes: usize, f: F) -> io::Result<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    world::step();
    if world::roll(|plan| plan.faults.spawn) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let result = Arc::new(Mutex::new(None));
    let put = Arc::clone(&result);
    let builder = std::thread::Builder::new()
        .name(name.replace('\0', " "))
        .stack_size(stack_bytes);
    let (id, slot) = world::enter(name);
    builder.spawn(move || {
        world::begin(id, &slot);
        LAST.with(|last| *last.borrow_mut() = Some(Last));
        let ended = catch_unwind(AssertUnwindSafe(f));
        *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
    })?;
    world::step();
    Ok(JoinHandle {
        thread: Thread { id },
        result,
    })
}
