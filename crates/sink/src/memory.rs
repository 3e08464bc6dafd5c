//! Records go to memory: for tests of whatever stands before a sink.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hydra_os::atomic::{Condvar, Mutex, MutexGuard};
use hydra_os::clock::mono_ns;

use crate::error::{Error, ErrorKind};
use crate::mark::Mark;
use crate::metrics::Metrics;
use crate::sink::{Batch, Begun, Sink};

/// What memory sinks write to; clones are the same memory.
///
/// It outlives its sinks, so that a test can let one die and have another resume.
///
/// # Examples
///
/// ```
/// use hydra_sink::{Batch, ErrorKind, Memory, Sink};
///
/// let memory = Memory::new();
/// let mut sink = memory.sink();
/// memory.fail(1, std::io::ErrorKind::StorageFull);
/// let batch = Batch { bytes: b"one\n", ends: &[4] };
/// sink.begin(batch)?;
/// assert_eq!(sink.write(batch).unwrap_err().kind(), ErrorKind::Full);
/// sink.begin(batch)?;
/// sink.write(batch)?;
/// assert_eq!(memory.records(), [b"one\n"]);
/// # Ok::<(), hydra_sink::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    writes: u64,
    syncs: u64,
    failing: Option<(u64, io::ErrorKind)>,
    is_blocked: bool,
    /// So many writes may pass although it is blocked.
    permits: u64,
    /// Writes that have come past the block, whatever became of them.
    tried: u64,
    waiting: usize,
    is_begun: bool,
    records_max: Option<usize>,
    rejected: Vec<Vec<u8>>,
    panicking: Vec<Vec<u8>>,
    failing_syncs: u64,
    /// How many records the last sync that succeeded covers.
    synced: usize,
    lost: Vec<Vec<u8>>,
}

impl State {
    fn records(&self) -> Vec<Vec<u8>> {
        let batch = Batch {
            bytes: &self.bytes,
            ends: &self.ends,
        };
        batch.records().map(<[u8]>::to_vec).collect()
    }

    fn take(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }
}

/// Says whether the record holds one of the texts.
fn holds_any(record: &[u8], texts: &[Vec<u8>]) -> bool {
    texts
        .iter()
        .any(|text| record.windows(text.len()).any(|part| part == text))
}

impl Memory {
    /// Makes an empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a sink that writes here.
    #[must_use]
    pub fn sink(&self) -> MemorySink {
        MemorySink {
            memory: self.clone(),
            begun: false,
            resume_at: None,
        }
    }

    /// Returns everything written.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// Returns the records written, one by one.
    #[must_use]
    pub fn records(&self) -> Vec<Vec<u8>> {
        self.state().records()
    }

    /// Returns the records that a failed sync took away, in the order in which they had been written.
    #[must_use]
    pub fn lost(&self) -> Vec<Vec<u8>> {
        self.state().lost.clone()
    }

    /// Returns how many batches were written.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Returns how many syncs there were.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Lets the next `count` writes fail, with nothing written.
    pub fn fail(&self, count: u64, kind: io::ErrorKind) {
        self.state().failing = (count > 0).then_some((count, kind));
    }

    /// Lets every write fail for good ([`ErrorKind::Rejected`]) that has a record with `text`, which may not be empty,
    /// in it; nothing of it is written.
    pub fn reject(&self, text: impl Into<Vec<u8>>) {
        self.state().rejected.push(text.into());
    }

    /// Lets every write panic when it comes to a record with `text`, which may not be empty, in it; the records before
    /// it are written.
    pub fn panic_at(&self, text: impl Into<Vec<u8>>) {
        self.state().panicking.push(text.into());
    }

    /// Lets the next `count` syncs fail ([`ErrorKind::Untrusted`]) and take with them everything written since the last
    /// one that succeeded.
    pub fn fail_syncs(&self, count: u64) {
        self.state().failing_syncs = count;
    }

    /// Lets a begun write take at most so many records.
    pub fn limit_records(&self, count: usize) {
        self.state().records_max = Some(count.max(1));
    }

    /// Lets every write wait until [`Memory::unblock`]; those begun from now on take one record each.
    pub fn block(&self) {
        self.state().is_blocked = true;
    }

    /// Lets one record that [`Memory::block`] holds up through, and waits until it is written or has failed; `false`
    /// when none is held up.
    #[must_use]
    pub fn step(&self, timeout: Duration) -> bool {
        let mut state = self.state();
        if !state.is_blocked || state.waiting == 0 {
            return false;
        }
        state.permits += 1;
        let goal = state.tried + 1;
        drop(state);
        self.shared.changed.notify_all();
        self.wait(timeout, |state| state.tried >= goal)
    }

    /// Lets writes go on.
    pub fn unblock(&self) {
        self.state().is_blocked = false;
        self.shared.changed.notify_all();
    }

    /// Waits until a write is held up by [`Memory::block`]; `false` when that has not happened in time.
    #[must_use]
    pub fn wait_until_held(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.waiting > 0)
    }

    /// Waits until so many records are written; `false` when they are not in time.
    #[must_use]
    pub fn wait_for_records(&self, count: usize, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.ends.len() >= count)
    }

    fn wait(&self, timeout: Duration, until: impl Fn(&State) -> bool) -> bool {
        let deadline = mono_ns().saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        let mut state = self.state();
        while !until(&state) {
            let left = Duration::from_nanos(deadline.saturating_sub(mono_ns()));
            if left.is_zero() {
                return false;
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink that keeps what it is given; made by [`Memory::sink`].
#[derive(Debug)]
pub struct MemorySink {
    memory: Memory,
    begun: bool,
    resume_at: Option<usize>,
}

impl MemorySink {
    fn fail(kind: ErrorKind, note: &str) -> Error {
        Error::without_source(kind, "write to", Path::new("memory"), note)
    }
}

impl Sink for MemorySink {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.abandon();
        self.resume_at = None;
        let mut state = self.memory.state();
        if state.is_begun {
            return Err(Self::fail(ErrorKind::Busy, "another sink has begun"));
        }
        state.is_begun = true;
        self.begun = true;
        // What is blocked is let through one by one.
        let records_max = if state.is_blocked { Some(1) } else { state.records_max };
        let records = batch.len().min(records_max.unwrap_or(usize::MAX));
        Ok(Begun {
            records,
            mark: Mark::in_memory(state.bytes.len() as u64),
        })
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        if !std::mem::take(&mut self.begun) {
            return Err(Self::fail(ErrorKind::Misuse, "nothing was begun"));
        }
        let shared = &self.memory.shared;
        let mut state = self.memory.state();
        state.waiting += 1;
        shared.changed.notify_all();
        state = shared
            .changed
            .wait_while(state, |state| state.is_blocked && state.permits == 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.permits = state.permits.saturating_sub(1);
        state.tried += 1;
        shared.changed.notify_all();
        state.is_begun = false;
        if let Some((left, kind)) = state.failing {
            state.failing = (left > 1).then_some((left - 1, kind));
            shared.metrics.writes_failed.count();
            return Err(Error::of_stream("write to", Path::new("memory"), kind.into()));
        }
        if batch.records().any(|record| holds_any(record, &state.rejected)) {
            shared.metrics.writes_failed.count();
            return Err(Self::fail(ErrorKind::Rejected, "a test wants it so"));
        }
        for record in batch.records() {
            if holds_any(record, &state.panicking) {
                drop(state);
                // Not `panic!`: that a test wants it so need not be printed.
                std::panic::resume_unwind(Box::new("a test wants the sink to panic"));
            }
            state.take(record);
        }
        state.writes += 1;
        shared.metrics.batches_written.count();
        shared.metrics.bytes_written.add(batch.bytes.len() as u64);
        shared.changed.notify_all();
        Ok(Mark::in_memory(state.bytes.len() as u64))
    }

    fn abandon(&mut self) {
        if std::mem::take(&mut self.begun) {
            self.memory.state().is_begun = false;
        }
    }

    fn sync(&mut self) -> Result<(), Error> {
        let mut state = self.memory.state();
        if state.failing_syncs > 0 {
            state.failing_syncs -= 1;
            self.memory.shared.metrics.syncs_failed.count();
            let kept = state.synced;
            let mut lost = state.records().split_off(kept);
            state.lost.append(&mut lost);
            state.ends.truncate(kept);
            let len = state.ends.last().copied().unwrap_or_default();
            state.bytes.truncate(len);
            return Err(Self::fail(ErrorKind::Untrusted, "a test wants it so"));
        }
        state.syncs += 1;
        state.synced = state.ends.len();
        Ok(())
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        self.resume_at = mark
            .is_in_memory()
            .then(|| usize::try_from(mark.offset()).unwrap_or(usize::MAX));
        Ok(())
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        let Some(at) = self.resume_at else { return Ok(0) };
        let state = self.memory.state();
        let there = state.bytes.get(at..).unwrap_or_default();
        let same = there
            .iter()
            .zip(batch.bytes)
            .take_while(|(one, other)| one == other)
            .count();
        let count = batch.fitting(same as u64);
        self.resume_at = (count == batch.len()).then(|| at + batch.bytes.len());
        Ok(count)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.abandon();
        Ok(())
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        Some(Arc::clone(&self.memory.shared.metrics))
    }
}

impl Drop for MemorySink {
    fn drop(&mut self) {
        self.abandon();
    }
}
