//! Locks and condition variables that pass the baton on.
//!
//! A lock knows which life its holder belongs to: one whose process is dead holds it no more, as the statics of a real
//! process go with it. Nothing is ever poisoned: code above goes on after a panic anyway.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{LockResult, TryLockError, TryLockResult};
use std::time::Duration;

use super::world::{self, On};

/// A lock, as [`std::sync::Mutex`].
pub struct Mutex<T: ?Sized> {
    /// Life and thread of the holder; 0 for none.
    holder: AtomicU64,
    data: UnsafeCell<T>,
}

// SAFETY: the data is reached through a guard alone, and `holder` lets one guard exist at a time.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above; a shared reference to the lock gives one thread at a time the data.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

/// Access to what a [`Mutex`] protects, given back on drop.
#[must_use]
pub struct MutexGuard<'a, T: ?Sized> {
    lock: &'a Mutex<T>,
    /// A guard stays on its thread, as the standard library's does.
    stays: PhantomData<*const ()>,
}

// SAFETY: it lends the data as a reference does.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T> Mutex<T> {
    /// Makes a lock around `data`.
    pub const fn new(data: T) -> Self {
        Self {
            holder: AtomicU64::new(0),
            data: UnsafeCell::new(data),
        }
    }

    /// Takes the data out.
    ///
    /// # Errors
    /// None: see the module.
    pub fn into_inner(self) -> LockResult<T> {
        Ok(self.data.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock, waiting for it if need be.
    ///
    /// # Errors
    /// None: see the module.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        world::step();
        while !self.take() {
            world::wait(On::Lock(self.address()), None);
        }
        Ok(self.guard())
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is not.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        world::step();
        if self.take() {
            Ok(self.guard())
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// Returns the data, which nobody else can reach.
    ///
    /// # Errors
    /// None: see the module.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        Ok(self.data.get_mut())
    }

    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            lock: self,
            stays: PhantomData,
        }
    }

    fn address(&self) -> usize {
        (&raw const self.holder).addr()
    }

    /// Threads outside the simulation run while no life does, so they never find it held by one.
    fn take(&self) -> bool {
        let holder = self.holder.load(SeqCst);
        let is_free = holder == 0 || holder >> 32 != u64::from(world::life());
        let mine = u64::from(world::life()) << 32 | u64::from(world::me().max(1));
        is_free && self.holder.compare_exchange(holder, mine, SeqCst, SeqCst).is_ok()
    }

    fn give_up(&self) {
        self.holder.store(0, SeqCst);
        if world::me() != 0 {
            world::wake(On::Lock(self.address()), false);
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// A lock that many may read at a time, as [`std::sync::RwLock`]. Here readers take turns too: whoever holds it while
/// it asks for it again finds out at once, and not only when a writer waits in between.
#[derive(Debug, Default)]
pub struct RwLock<T: ?Sized>(Mutex<T>);

/// Access to read what a [`RwLock`] protects.
pub type RwLockReadGuard<'a, T> = MutexGuard<'a, T>;
/// Access to change what a [`RwLock`] protects.
pub type RwLockWriteGuard<'a, T> = MutexGuard<'a, T>;

impl<T> RwLock<T> {
    /// Makes a lock around `data`.
    pub const fn new(data: T) -> Self {
        Self(Mutex::new(data))
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Takes the lock to read.
    ///
    /// # Errors
    /// None: see the module.
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.0.lock()
    }

    /// Takes the lock to change the data.
    ///
    /// # Errors
    /// None: see the module.
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.0.lock()
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one of its lock, so nobody changes the data while it is borrowed.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard itself is borrowed exclusively.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.give_up();
        world::step();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Whether a wait ended because its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Says so.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

/// A condition variable, as [`std::sync::Condvar`].
#[derive(Debug)]
pub struct Condvar {
    /// It is known by its address, so it must have one of its own.
    _place: u8,
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl Condvar {
    /// Makes one that nobody waits for.
    #[must_use]
    pub const fn new() -> Self {
        Self { _place: 0 }
    }

    fn on(&self) -> On {
        On::Call((&raw const self._place).addr())
    }

    /// Gives the lock up until called.
    ///
    /// # Errors
    /// None, as with locks.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        Ok(self.sleep(guard, None).0)
    }

    /// As [`Condvar::wait`], again and again while `goes_on` says so.
    ///
    /// # Errors
    /// None, as with locks.
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut goes_on: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while goes_on(&mut guard) {
            guard = self.sleep(guard, None).0;
        }
        Ok(guard)
    }

    /// As [`Condvar::wait`], for `timeout` at most.
    ///
    /// # Errors
    /// None, as with locks.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (guard, is_over) = self.sleep(guard, Some(until(timeout)));
        Ok((guard, WaitTimeoutResult(is_over)))
    }

    /// As [`Condvar::wait_while`], for `timeout` at most.
    ///
    /// # Errors
    /// None, as with locks.
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut goes_on: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let until = until(timeout);
        while goes_on(&mut guard) {
            if world::now_ns() >= until {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.sleep(guard, Some(until)).0;
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// Calls one of those who wait.
    pub fn notify_one(&self) {
        world::wake(self.on(), true);
        world::step();
    }

    /// Calls all who wait.
    pub fn notify_all(&self) {
        world::wake(self.on(), false);
        world::step();
    }

    fn sleep<'a, T>(&self, guard: MutexGuard<'a, T>, until: Option<u64>) -> (MutexGuard<'a, T>, bool) {
        world::step();
        let lock = guard.lock;
        std::mem::forget(guard);
        // Nobody else runs between the two, so no call is missed.
        lock.give_up();
        let is_over = world::wait(self.on(), until);
        let guard = match lock.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        };
        (guard, is_over)
    }
}

/// The moment that is `timeout` from now.
pub(super) fn until(timeout: Duration) -> u64 {
    world::now_ns().saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX))
}
